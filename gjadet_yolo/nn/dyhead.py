"""Dynamic head: attention over levels, positions and channels on the outputs of a feature pyramid.

Source: Dynamic Head, CVPR 2021, arXiv 2106.08322. Per level, modulated deformable convolutions (DCNv2) of the finer
level (stride 2), the level itself and the coarser one are each weighted by the scale attention, averaged, and passed
through the task attention. Offsets and masks come from the level itself. What differs: the coarser level is resized
before its convolution and not after it, and the task attention is the one of the adaptive module, which halves its
output.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn
from torch.nn.functional import conv2d, grid_sample, interpolate
from torchvision.ops import DeformConv2d, deform_conv2d
from ultralytics.nn.modules import Conv

from gjadet_yolo.nn.adaptive import ScaleAttention, TaskAttention
from gjadet_yolo.nn.export_limit import ExportLimit
from gjadet_yolo.nn.levels import check_order
from gjadet_yolo.nn.row import MANY, Plan, Row

POINTS = 9  # of a 3 x 3 kernel
GROUPS = 16  # of the group normalisation, as in the paper's code


def sampled_conv(
    x: torch.Tensor, offset: torch.Tensor, mask: torch.Tensor, weight: torch.Tensor, stride: int
) -> torch.Tensor:
    """Deformable 3 x 3 convolution with padding 1 in operators that every export format has.

    Args:
        x: (B, C, H, W).
        offset: (B, 18, H', W') in px of x: for each point of the kernel, row by row, its y and its x.
        mask: (B, 9, H', W'), factor of each point.
        weight: (O, C, 3, 3).
        stride: Of the kernel, so that H' = ceil(H / stride).
    """
    rows, columns = (torch.arange(side, dtype=x.dtype, device=x.device) * stride for side in offset.shape[2:])
    # torchvision's order of offsets: points of the kernel row by row, y before x
    taps = torch.arange(-1, 2, dtype=x.dtype, device=x.device)
    y = offset[:, 0::2] + taps.repeat_interleave(3).view(1, POINTS, 1, 1) + rows.view(1, 1, -1, 1)
    x_px = offset[:, 1::2] + taps.repeat(3).view(1, POINTS, 1, 1) + columns
    # grid_sample counts from -1 to 1 between the outer borders of the border pixels; (B, 9, H', W', 2)
    grid = torch.stack(((2 * x_px + 1) / x.shape[3] - 1, (2 * y + 1) / x.shape[2] - 1), 4)
    points = grid_sample(x, grid.flatten(1, 2), mode="bilinear", padding_mode="zeros", align_corners=False)
    points = points.unflatten(2, (POINTS, -1)) * mask[:, None]  # (B, C, 9, H', W')
    return conv2d(points.flatten(1, 2), weight.flatten(1)[..., None, None])


def deformed_conv(
    x: torch.Tensor, offset: torch.Tensor, mask: torch.Tensor, weight: torch.Tensor, stride: int
) -> torch.Tensor:
    """As :func:`sampled_conv`, by torchvision's operator."""
    offset = offset.nan_to_num(0.0)  # the CPU operator reads outside its memory at nan
    return deform_conv2d(x, offset, weight, None, (stride, stride), (1, 1), (1, 1), mask)


class ModulatedConv(nn.Module):
    """Deformable 3 x 3 convolution with given offsets and masks, then group normalisation."""

    def __init__(self, c: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = DeformConv2d(c, c, 3, stride, padding=1, bias=False)
        # gcd, because scaled widths need not be multiples of the paper's 16 groups.
        self.norm = nn.GroupNorm(math.gcd(c, GROUPS), c)

    def forward(self, x: torch.Tensor, offset: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Map (B, C, H, W) to the size of offset (B, 18, H', W') and mask (B, 9, H', W')."""
        wide = torch.float32 if x.dtype == torch.bfloat16 else x.dtype  # torchvision has no bfloat16 on the CPU
        # ONNX Runtime and OpenVINO do not take torchvision's operator, which is the faster one elsewhere.
        exporting = torch.jit.is_tracing() or torch.compiler.is_compiling()
        conv = sampled_conv if exporting else deformed_conv
        y = conv(x.to(wide), offset.to(wide), mask.to(wide), self.conv.weight.to(wide), self.conv.stride[0])
        return self.norm(y.to(x.dtype))


class DyHeadBlock(nn.Module):
    """One round of the three attentions over all levels of c channels."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.offset = nn.Conv2d(c, 3 * POINTS, 3, padding=1)
        nn.init.zeros_(self.offset.weight)  # starts as a plain convolution
        nn.init.zeros_(self.offset.bias)
        self.finer, self.own, self.coarser = ModulatedConv(c, 2), ModulatedConv(c), ModulatedConv(c)
        self.scale = ScaleAttention(c)
        self.task = TaskAttention(c)

    def forward(self, levels: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Map levels (B, C, H_i, W_i), fine to coarse, to levels of the same shapes."""
        out = []
        for index, x in enumerate(levels):
            offset, mask = self.offset(x).split((2 * POINTS, POINTS), 1)
            mask = mask.sigmoid()
            parts = [self.own(x, offset, mask)]
            if index > 0:
                parts.append(self.finer(levels[index - 1], offset, mask))
            if index < len(levels) - 1:
                # before the convolution, so that the offsets mean the same positions (see the module's text)
                above = interpolate(levels[index + 1], x.shape[2:], mode="bilinear", align_corners=False)
                parts.append(self.coarser(above, offset, mask))
            out.append(self.task(sum(self.scale(part) for part in parts) / len(parts)))
        return out


class DyHead(nn.Module):
    """Blocks of the dynamic head on several levels; ``Level`` rows pick one output each.

    YAML row: ``[[15, 12, 9], 2, DyHead, [256]]``, fine to coarse, each level half as wide and high as the one before;
    every output has 256 channels times the scale's width.
    """

    inputs: ClassVar[range] = MANY
    export_limits: ClassVar[tuple[ExportLimit, ...]] = (
        ExportLimit(
            "samples its levels bilinearly, which ONNX knows from opset 16 on",
            "Leave opset out, or use format=torchscript or format=openvino.",
            below_opset=16,
        ),
    )

    def __init__(self, c1: Sequence[int], c2: int, n: int = 1) -> None:
        super().__init__()
        self.reduce = nn.ModuleList(Conv(c, c2, 1) for c in c1)
        self.blocks = nn.Sequential(*(DyHeadBlock(c2) for _ in range(n)))

    @classmethod
    def plan(cls, row: Row) -> Plan:
        if len(row.args) != 1 or not isinstance(row.args[0], int) or row.args[0] < 1:
            raise ValueError(f"its arguments are {list(row.args)}, expected the number of channels, e.g. [256].")
        c2 = row.scaled(row.args[0])
        return Plan.of_levels((row.channels, c2, row.repeats), [c2] * len(row.channels))

    def forward(self, x: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Map levels (B, C_i, H_i, W_i) to levels (B, c2, H_i, W_i)."""
        check_order(self, x)
        return self.blocks([reduce(level) for reduce, level in zip(self.reduce, x, strict=True)])
