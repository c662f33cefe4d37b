"""Mixed precision on CPUs: forward passes of a training in bfloat16, everything else in float32.

The host trains CPUs in float32, because its mixed precision is that of GPUs. Processors with bfloat16 units
(AVX512-BF16 or AMX) run the convolutions of a training step about twice as fast; docs/benchmarks.md has the figures.
The loss, BatchNorm statistics, weights, gradients of weights and the validation stay in float32: a box coordinate of
600 px in bfloat16 is off by up to 2 px, so predictions do not use it.
"""

from __future__ import annotations

from typing import Any

import torch

UNITS = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")  # of torch.cpu; releases before 2.5 lack some


def has_bf16_units() -> bool:
    """Whether this processor computes in bfloat16; an emulation would be slower than float32."""
    return any(getattr(torch.cpu, name, bool)() for name in UNITS)


def cpu_bf16(amp: bool | str) -> tuple[bool, str]:
    """Whether a training on the CPU runs its forward passes in bfloat16, and the line that says why not.

    Args:
        amp: The host's training argument: a bool, or ``bf16``, ``fp16``, ``fp32``.

    Raises:
        ValueError: ``amp=bf16``, and the processor has no units for it.
    """
    if amp in (False, "fp32"):
        return False, ""
    if amp == "fp16":
        return False, "AMP: amp=fp16 is for GPUs, this CPU trains in float32. amp=True or bf16 train in bfloat16"
    if has_bf16_units():
        return True, ""
    if amp == "bf16":
        raise ValueError(
            "amp=bf16: this processor has no bfloat16 units (AVX512-BF16 or AMX), so that it would be slower than "
            "float32. Say amp=False, or leave it out."
        )
    return False, "AMP: this processor has no bfloat16 units, so it trains in float32"


def to_float32(value: Any) -> Any:
    """Floating-point tensors inside mappings, lists and tuples, and what else is there, with float32 for the former."""
    if isinstance(value, torch.Tensor):
        return value.float() if value.is_floating_point() else value
    if isinstance(value, dict):
        return {key: to_float32(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(to_float32(one) for one in value)
    return value
