"""Adaptive module of GJADet: spatial, scale and task attention in a row.

Source: repository GJADet-crash-pytorch (MIT), ``create_models/v8_blocks.py`` and its framework figure. The scale and
task attentions go back to the dynamic head (arXiv 2106.08322), the task attention to dynamic ReLU (arXiv 2003.10027).
Outputs after one, two and three stages agree with the release to 1e-6 (``tests/golden/adaptive_module.npz``).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn
from torch.nn.functional import hardsigmoid, relu

from gjadet_yolo.messages import shown, suggestion
from gjadet_yolo.nn.gates import PART_BYTES, ChannelPool, Gate, LargerLine
from gjadet_yolo.nn.row import MANY, Plan, Row


class SpatialAttention(nn.Module):
    """Weights each position by a convolution over the channel mean and maximum; kernel size 7 (released) or 3."""

    def __init__(self, kernel_size: int = 7) -> None:
        super().__init__()
        if kernel_size not in (3, 7):
            raise ValueError(f"kernel_size of the spatial attention is {kernel_size}, allowed: 3, 7.")
        self.conv = nn.Conv2d(2, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, x: torch.Tensor, overwrite: bool = False) -> torch.Tensor:
        """Map (B, C, H, W) to (B, C, H, W); ``overwrite`` may use the input's memory."""
        gate = self.gate(x)
        return x.mul_(gate) if overwrite else x * gate

    def gate(self, x: torch.Tensor) -> torch.Tensor:
        """Weight of each position, (B, 1, H, W)."""
        pooled = torch.cat((x.mean(1, keepdim=True), x.amax(1, keepdim=True)), 1)  # (B, 2, H, W)
        return self.conv(pooled).sigmoid()


class ScaleAttention(nn.Module):
    """Weights each level as a whole: one number per image from the global average of C channels."""

    def __init__(self, c1: int) -> None:
        super().__init__()
        # Linear on pooled vectors computes the same as the reference's 1x1 convolution on a 1x1 map.
        self.gate = nn.Sequential(nn.Linear(c1, 1), nn.ReLU(), nn.Hardsigmoid())

    def forward(self, x: torch.Tensor, overwrite: bool = False) -> torch.Tensor:
        gate = self.weigh(x.mean((2, 3)))[..., None, None]  # (B, 1, 1, 1)
        return x.mul_(gate) if overwrite else x * gate

    def weigh(self, mean: torch.Tensor) -> torch.Tensor:
        """Gate (B, 1) of global averages (B, C)."""
        # Not self.gate: loading a checkpoint, the host sets all its activations in place, and ReLU loses its gradient.
        return hardsigmoid(relu(self.gate[0](mean)))


class TaskAttention(nn.Module):
    """Dynamic ReLU: the larger of two linear functions per channel, their coefficients from the global average.

    It costs 5 C² / reduction parameters for C channels; the published reduction is 4.
    """

    def __init__(self, c1: int, reduction: int = 4) -> None:
        super().__init__()
        if not 1 <= reduction <= c1:
            raise ValueError(f"reduction of the task attention is {reduction}, allowed: 1 to {c1} (its channels).")
        hidden = c1 // reduction
        self.coefficients = nn.Sequential(nn.Linear(c1, hidden), nn.ReLU(), nn.Linear(hidden, 4 * c1), nn.Hardsigmoid())

    def forward(self, x: torch.Tensor, overwrite: bool = False) -> torch.Tensor:
        # a broadcast addcmul would be one call, but runs five times longer on the CPU than mul and add
        lines = self.lines(x.mean((2, 3)))
        if not overwrite:
            return torch.maximum((x * lines[0]).add_(lines[1]), (x * lines[2]).add_(lines[3]))
        return larger_line_(x, lines)

    def lines(self, mean: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Slope and offset of the first line and the second, (B, C, 1, 1) each, of global averages (B, C)."""
        coefficients = self.coefficients(mean) - 0.5  # (B, 4 * C)
        a1, b1, a2, b2 = coefficients[..., None, None].chunk(4, 1)
        # slopes 2*a + 1 and 2*a; the release halves the result, here folded into the coefficients (max is homogeneous)
        return a1 + 0.5, b1 / 2, a2, b2 / 2


class AdaptiveModule(nn.Module):
    """The attentions named in ``order``, one after the other; shape and channels stay.

    YAML row: ``[-1, 1, AdaptiveModule, []]`` for the full chain, ``[-1, 1, AdaptiveModule, [[spatial, scale]]]`` for a
    subset or another order, then ``kernel_size`` (7 or 3) and ``reduction``. Several inputs, as in
    ``[[-1, 6], 1, AdaptiveModule, []]``, are concatenated first, so that it takes the place of a Concat row.

    Args:
        c1: Channels.
        order: Any of ``spatial``, ``scale``, ``task``, each at most once, in the order of application.

    Raises:
        ValueError: Empty order, unknown or repeated attention, impossible kernel size or reduction.
    """

    # In the place of Concat, layer numbers and with them all parameter names stay the host's: its checkpoints load.
    inputs: ClassVar[range] = range(1, MANY.stop)
    attentions: ClassVar[tuple[str, ...]] = ("spatial", "scale", "task")

    def __init__(
        self, c1: int, order: Sequence[str] = ("spatial", "scale", "task"), kernel_size: int = 7, reduction: int = 4
    ) -> None:
        super().__init__()
        # The default is the chain of the paper's figure; the released code switches on spatial and scale only.
        if isinstance(order, str) or not isinstance(order, Sequence) or not order:
            raise ValueError(
                f"order of AdaptiveModule is {shown(order)}, expected a list such as [spatial, scale, task]; "
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
        args = (sum(row.channels), *row.args)
        # A dry build without memory: faulty arguments are found here, where the parser can name the row.
        with torch.device("meta"):
            cls(*args)
        return Plan(args, sum(row.channels), row.repeats)

    def forward(self, x: torch.Tensor | Sequence[torch.Tensor]) -> torch.Tensor:
        """Map (B, C, H, W), or several (B, C_i, H, W) with C in all, to (B, C, H, W)."""
        joined = not isinstance(x, torch.Tensor)
        if joined:
            x = torch.cat(tuple(x), 1)
        # recorded graphs hold neither gradients by hand nor work in place
        recorded = torch.jit.is_tracing() or torch.compiler.is_compiling()
        # A joined tensor is the module's own, so that even the first stage may overwrite it.
        own = joined and not (torch.is_grad_enabled() or recorded)
        if not recorded and tuple(self.stages._modules) == self.attentions:
            if torch.is_grad_enabled():
                return self._chain(x)
            if own and x.is_contiguous():
                return self._chain_(x)
        for index, stage in enumerate(self.stages):
            x = stage(x, overwrite=not (torch.is_grad_enabled() or recorded) and (own or index > 0))
        return x

    def _chain(self, x: torch.Tensor) -> torch.Tensor:
        """The published chain for training, its gradients by hand; (B, C, H, W) to (B, C, H, W)."""
        y, mean = Gate.apply(x, self.stages.spatial.conv(ChannelPool.apply(x)).sigmoid())
        return LargerLine.apply(y, *self._scaled_lines(mean))

    def _chain_(self, x: torch.Tensor) -> torch.Tensor:
        """The published chain for prediction in the input's memory; (B, C, H, W), contiguous, to the same."""
        gate = self.stages.spatial.gate(x)
        # the mean of the gated tensor as a product of matrices, which reads the tensor once and writes nothing
        mean = torch.bmm(x.flatten(2), gate.flatten(2).mT).squeeze(2) / gate[0].numel()
        return larger_line_(x, self._scaled_lines(mean), gate)

    def _scaled_lines(self, mean: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Slopes and offsets (B, C, 1, 1) of both lines, the scale gate in the slopes, of gated means (B, C)."""
        # one number per image: in the slopes it costs nothing, on the tensor a pass over it
        scale = self.stages.scale.weigh(mean)  # (B, 1)
        slope1, offset1, slope2, offset2 = self.stages.task.lines(mean * scale)
        scale = scale[..., None, None]
        return slope1 * scale, offset1, slope2 * scale, offset2


def larger_line_(x: torch.Tensor, lines: Sequence[torch.Tensor], gate: torch.Tensor | None = None) -> torch.Tensor:
    """The larger of two lines of each channel, after a gate (B, 1, H, W) where there is one, in the memory of x."""
    parts = max(1, -(-x.nbytes // PART_BYTES)) if x.device.type == "cpu" else 1
    for part, slope1, offset1, slope2, offset2 in zip(*(t.chunk(parts, 1) for t in (x, *lines)), strict=True):
        if gate is not None:
            part.mul_(gate)
        first = (part * slope1).add_(offset1)
        torch.maximum(first, part.mul_(slope2).add_(offset2), out=part)
    return x
