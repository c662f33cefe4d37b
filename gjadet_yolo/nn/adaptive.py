"""Adaptive module of GJADet: spatial, scale and task attention in a row.

Source: repository GJADet-crash-pytorch (MIT), ``create_models/v8_blocks.py`` and its framework figure. The scale and
task attentions go back to the dynamic head (arXiv 2106.08322), the task attention to dynamic ReLU (arXiv 2003.10027).
The released code switches on spatial and scale attention only; the figure shows all three, which is the default here.
Outputs after one, two and three stages agree with the release to 1e-6 (``tests/golden/adaptive_module.npz``).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn

from gjadet_yolo.locate import suggestion
from gjadet_yolo.nn.row import Plan, Row


class SpatialAttention(nn.Module):
    """Weights each position by a convolution over the channel mean and maximum.

    Args:
        kernel_size: 7 (released) or 3.
    """

    def __init__(self, kernel_size: int = 7) -> None:
        super().__init__()
        if kernel_size not in (3, 7):
            raise ValueError(f"kernel_size of the spatial attention is {kernel_size}, allowed: 3, 7.")
        self.conv = nn.Conv2d(2, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, x: torch.Tensor, overwrite: bool = False) -> torch.Tensor:
        """Map (B, C, H, W) to (B, C, H, W); ``overwrite`` may use the input's memory."""
        pooled = torch.cat((x.mean(1, keepdim=True), x.amax(1, keepdim=True)), 1)  # (B, 2, H, W)
        gate = self.conv(pooled).sigmoid()
        return x.mul_(gate) if overwrite else x * gate


class ScaleAttention(nn.Module):
    """Weights each level as a whole: one number per image from the global average.

    Args:
        c1: Channels C.
    """

    def __init__(self, c1: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c1, 1, 1), nn.ReLU(), nn.Hardsigmoid())

    def forward(self, x: torch.Tensor, overwrite: bool = False) -> torch.Tensor:
        """Map (B, C, H, W) to (B, C, H, W); ``overwrite`` may use the input's memory."""
        gate = self.gate(x)
        return x.mul_(gate) if overwrite else x * gate


class TaskAttention(nn.Module):
    """Dynamic ReLU: the larger of two linear functions per channel, their coefficients from the global average.

    It costs 1.25 C² parameters at the published reduction of 4, and 5 C² / reduction in general.

    Args:
        c1: Channels C.
        reduction: Divides C in the hidden layer; 4 is published.
    """

    def __init__(self, c1: int, reduction: int = 4) -> None:
        super().__init__()
        if not 1 <= reduction <= c1:
            raise ValueError(f"reduction of the task attention is {reduction}, allowed: 1 to {c1} (its channels).")
        hidden = c1 // reduction
        self.coefficients = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(c1, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, 4 * c1, 1), nn.Hardsigmoid()
        )

    def forward(self, x: torch.Tensor, overwrite: bool = False) -> torch.Tensor:
        """Map (B, C, H, W) to (B, C, H, W); ``overwrite`` may use the input's memory."""
        a1, b1, a2, b2 = (self.coefficients(x) - 0.5).chunk(4, 1)  # each (B, C, 1, 1)
        # slopes 2*a + 1 and 2*a; the release halves the result, here folded into the coefficients (max is homogeneous).
        # A broadcast addcmul would be one call, but runs five times longer on the CPU than these two.
        first = (x * (a1 + 0.5)).add_(b1 / 2)
        second = (x.mul_(a2) if overwrite else x * a2).add_(b2 / 2)
        return torch.maximum(first, second, out=first) if overwrite else torch.maximum(first, second)


class AdaptiveModule(nn.Module):
    """The attentions named in ``order``, one after the other; shape and channels stay.

    YAML row: ``[-1, 1, AdaptiveModule, []]`` for the full chain, ``[-1, 1, AdaptiveModule, [[spatial, scale]]]`` for a
    subset or another order, then ``kernel_size`` and ``reduction``. The order is a list inside the argument list.

    Args:
        c1: Channels.
        order: Any of ``spatial``, ``scale``, ``task``, each at most once, in the order of application.
        kernel_size: Of the spatial attention, 7 or 3.
        reduction: Of the task attention.

    Raises:
        ValueError: Empty order, unknown or repeated attention, impossible kernel size or reduction.
    """

    inputs: ClassVar[range] = range(1, 2)
    attentions: ClassVar[tuple[str, ...]] = ("spatial", "scale", "task")

    def __init__(
        self, c1: int, order: Sequence[str] = ("spatial", "scale", "task"), kernel_size: int = 7, reduction: int = 4
    ) -> None:
        super().__init__()
        if isinstance(order, str) or not isinstance(order, Sequence) or not order:
            raise ValueError(
                f"order of AdaptiveModule is {order!r}, expected a list such as [spatial, scale, task]; "
                f"in a YAML row it is a list of its own: [[spatial, scale]]."
            )
        for name in order:
            if name not in self.attentions:
                raise ValueError(f"order of AdaptiveModule names '{name}'.{suggestion(str(name), self.attentions)}")
        if len(set(order)) != len(order):
            raise ValueError(f"order of AdaptiveModule names an attention twice: {', '.join(order)}.")
        build = {
            "spatial": lambda: SpatialAttention(kernel_size),
            "scale": lambda: ScaleAttention(c1),
            "task": lambda: TaskAttention(c1, reduction),
        }
        self.stages = nn.Sequential(OrderedDict((name, build[name]()) for name in order))

    @classmethod
    def plan(cls, row: Row) -> Plan:
        """Channels come from the input and stay; the scale changes nothing."""
        return Plan((row.channels[0], *row.args), row.channels[0], row.repeats)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, C, H, W) to (B, C, H, W).

        Without gradients, stages behind the first reuse its memory: fresh large tensors cost more time than the
        arithmetic.
        """
        plain = torch.is_grad_enabled() or torch.jit.is_tracing() or torch.compiler.is_compiling()
        for index, stage in enumerate(self.stages):
            x = stage(x, overwrite=index > 0 and not plain)
        return x
