"""Gradients of the adaptive module's parts by hand, where automatic ones cost a CPU several times the forward pass.

Automatic differentiation of ``amax`` and ``maximum`` compares tensors into booleans and selects by them, which CPUs do
at a fraction of the speed of arithmetic, and keeps each intermediate result. The functions here keep the input only,
work the masks out again, and use no booleans. Their results and gradients are those of the plain formulas
(``tests/nn/test_gates.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.autograd.function import once_differentiable

# A fresh tensor of some MB costs the CPU many times the arithmetic on it, because its memory comes from the operating
# system page by page; parts of this size come from the allocator's own pool and stay in the cache.
PART_BYTES = 1 << 20
PLANE = (2, 3)


class ChannelPool(torch.autograd.Function):
    """Mean and maximum over the channels, (B, C, H, W) to (B, 2, H, W); equal maxima share their gradient."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        most = x.amax(1, keepdim=True)
        ctx.save_for_backward(x, most)
        return torch.cat((x.sum(1, keepdim=True, dtype=wide(x)).div_(x.shape[1]).to(x.dtype), most), 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        x, most = ctx.saved_tensors
        mean, peak = grad.chunk(2, 1)
        to_x = torch.empty_like(x)
        for part in parts(x):
            at_peak = step(x[part] - most[part])  # of 0 and 1
            share = peak[part] / at_peak.sum(1, keepdim=True)
            torch.add(at_peak.mul_(share), mean[part], alpha=1 / x.shape[1], out=to_x[part])
        return to_x


class Gate(torch.autograd.Function):
    """Input (B, C, H, W) times a gate per position, (B, 1, H, W), and the mean of that over the plane, (B, C)."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, gate: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        ctx.save_for_backward(x, gate)
        y = x * gate
        return y, y.sum(PLANE, dtype=wide(y)).div_(x.shape[2] * x.shape[3]).to(y.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor, grad_mean: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x, gate = ctx.saved_tensors
        to_x, to_gate = torch.empty_like(x), torch.empty_like(gate)
        spread = (grad_mean / (x.shape[2] * x.shape[3])).to(grad.dtype)[..., None, None]
        for part in parts(x):
            full = grad[part] + spread[part]
            to_gate[part] = (full * x[part]).sum(1, keepdim=True, dtype=wide(x))
            torch.mul(full, gate[part], out=to_x[part])
        return to_x, to_gate


class LargerLine(torch.autograd.Function):
    """The larger of two linear functions of each channel: (B, C, H, W), and (B, C, 1, 1) four times, to (B, C, H, W).

    The gradient of ``slope2 * x + offset2 + relu(difference)`` is the same, and its mask that of a ReLU, for which
    there is a fast kernel.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        slope1: torch.Tensor,
        offset1: torch.Tensor,
        slope2: torch.Tensor,
        offset2: torch.Tensor,
    ) -> torch.Tensor:
        ctx.save_for_backward(x, slope1, offset1, slope2, offset2)
        y = torch.empty_like(x)
        for part in parts(x):
            first = (x[part] * slope1[part]).add_(offset1[part])
            torch.maximum(first, (x[part] * slope2[part]).add_(offset2[part]), out=y[part])
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x, slope1, offset1, slope2, offset2 = ctx.saved_tensors
        slope, offset = slope1 - slope2, offset1 - offset2
        to_x, sums = torch.empty_like(x), torch.empty((4, *slope.shape), dtype=wide(x), device=x.device)
        for part in parts(x):
            difference = (x[part] * slope[part]).add_(offset[part])
            first = torch.ops.aten.threshold_backward(grad[part], difference, 0)  # where the first line is larger
            for index, product in enumerate((first * x[part], first, grad[part] * x[part], grad[part])):
                sums[index][part] = product.sum(PLANE, keepdim=True, dtype=wide(x))
            torch.add(first.mul_(slope[part]), grad[part] * slope2[part], out=to_x[part])
        sums[2:] -= sums[:2]
        return to_x, *sums.to(slope1.dtype)


def parts(x: torch.Tensor) -> Iterator[slice]:
    """Slices of a batch (B, ...) of at most ``PART_BYTES`` on a CPU, or one of all elsewhere."""
    whole = x.device.type != "cpu"
    size = len(x) if whole else max(1, PART_BYTES * len(x) // max(x.nbytes, 1))
    return (slice(start, start + size) for start in range(0, len(x), size or 1))


def step(x: torch.Tensor) -> torch.Tensor:
    """1 where x is 0, in its type; for x of 0 or less."""
    one = torch.ones((), dtype=x.dtype, device=x.device).expand_as(x)
    return torch.ops.aten.threshold_backward(one, x, -torch.finfo(x.dtype).tiny)


def wide(x: torch.Tensor) -> torch.dtype:
    """Type of a sum: one in float16 can overflow. In bf16 it cannot, and is five times as fast as one into float32."""
    return torch.float32 if x.dtype == torch.float16 else x.dtype
