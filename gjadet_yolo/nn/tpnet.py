"""Two-pronged neck after TPNet: meaning goes to the finer, detail to the coarser level, in every layer of the neck.

Source: "Single-Shot Two-Pronged Detector with Rectified IoU Loss", ACM MM 2020, arXiv 2008.03511. It was published
without code, and the neck's details are not available here: this is a reconstruction from its idea, not the published
network. Ours are the number of layers, the channels and the operators. It costs at most 1.15 times the GFLOPs of the
host's PAFPN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn
from torch.nn.functional import interpolate
from ultralytics.nn.modules import C2f, Conv, DWConv

from gjadet_yolo.messages import shown
from gjadet_yolo.nn.levels import check_order
from gjadet_yolo.nn.row import MANY, Plan, Row

# Hidden channels of the fusing blocks: with two layers the neck has about the GFLOPs of the host's PAFPN.
HIDDEN = 7 / 16


class ProngLayer(nn.Module):
    """One exchange between neighbouring levels of c channels in both directions; fusing blocks have n bottlenecks."""

    def __init__(self, c: Sequence[int], n: int) -> None:
        super().__init__()
        last = len(c) - 1
        self.backward_prong = nn.ModuleList(Conv(c[i + 1], c[i], 1) for i in range(last))
        self.forward_prong = nn.ModuleList(DWConv(c[i], c[i + 1], 3, 2) for i in range(last))
        self.fuse = nn.ModuleList(C2f(own, own, n, e=HIDDEN) for own in c)

    def forward(self, levels: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        # In a PAFPN detail starts its way up only after all meaning has come down; here both prongs of a layer read the
        # same features.
        out = []
        for index, (x, fuse) in enumerate(zip(levels, self.fuse, strict=True)):
            if index < len(levels) - 1:
                meaning = self.backward_prong[index](levels[index + 1])
                # nearest, as the host's own necks do it, and of any size: levels may be odd
                x = x + interpolate(meaning, x.shape[2:], mode="nearest")
            if index:
                x = x + self.forward_prong[index - 1](levels[index - 1])
            out.append(fuse(x))
        return out


class TPNeck(nn.Module):
    """Two-pronged neck on levels from fine to coarse, each half as wide and high as the one before.

    YAML row: ``[[4, 6, 9], 3, TPNeck, [[256, 512, 1024], 2]]``: channels of the outputs, and the number of layers; the
    repeats, scaled by depth, are the bottlenecks of the fusing blocks. ``Level`` rows pick one output each.
    """

    inputs: ClassVar[range] = MANY

    def __init__(self, c1: Sequence[int], c2: Sequence[int], layers: int = 2, n: int = 1) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(Conv(a, b, 1) for a, b in zip(c1, c2, strict=True))
        self.layers = nn.Sequential(*(ProngLayer(c2, n) for _ in range(layers)))

    @classmethod
    def plan(cls, row: Row) -> Plan:
        channels, layers = (*row.args, 2)[:2] if row.args else ((), 2)
        if not isinstance(channels, (list, tuple)) or len(channels) != len(row.channels):
            raise ValueError(
                f"channels are {shown(channels)}, expected one number for each of the {len(row.channels)} levels."
            )
        if not isinstance(layers, int) or layers < 1:
            raise ValueError(f"layers are {shown(layers)}, allowed: whole numbers of 1 and more.")
        c2 = [row.scaled(c) for c in channels]
        return Plan.of_levels((row.channels, c2, layers, row.repeats), c2)

    def forward(self, x: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Map levels (B, C_i, H_i, W_i) to levels (B, c2_i, H_i, W_i)."""
        check_order(self, x)
        return self.layers([lateral(level) for lateral, level in zip(self.lateral, x, strict=True)])
