"""Neck of SSPNet: one attention map per level says where its objects are, and gates what levels pass to each other.

Source: SSPNet, arXiv 2107.01548, and repository SSPNet (Apache-2.0, mmdetection). With the reference's weights, outputs
and maps agree to 1e-5 (``tests/golden/sspnet_neck.npz``). The names are the paper's: context attention module (CAM),
scale enhancement (SEM), scale selection (SSM). The attention loss is in ``losses/attention_map.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn
from torch.nn.functional import interpolate, relu

from gjadet_yolo.nn.auxiliary import give
from gjadet_yolo.nn.levels import check_order
from gjadet_yolo.nn.row import MANY, Plan, Row

DILATIONS = (2, 5)  # of the two 3 x 3 views, as published


class ContextPyramid(nn.Module):
    """Atrous spatial pyramid (ASPP): four views of the context, a quarter of the c channels each."""

    def __init__(self, c: int) -> None:
        super().__init__()
        part = c // 4
        dilated = (nn.Conv2d(c, part, 3, padding=rate, dilation=rate) for rate in DILATIONS)
        self.views = nn.ModuleList((nn.Conv2d(c, part, 1), *dilated, nn.Conv2d(c, part, 1)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        near = [relu(view(x)) for view in self.views[:-1]]
        whole = relu(self.views[-1](x.mean((2, 3), keepdim=True))).expand(-1, -1, *x.shape[2:])
        return torch.cat((*near, whole), 1)


class ContextAttention(nn.Module):
    """Context attention module: attention maps of all levels from all levels, of c channels each."""

    def __init__(self, c: int, levels: int) -> None:
        super().__init__()
        self.join = nn.Conv2d(levels * c, c, 3, padding=1)
        self.context = ContextPyramid(c)
        self.mix = nn.Sequential(nn.Conv2d(c, c, 3, padding=1), nn.BatchNorm2d(c), nn.ReLU())
        # The finest level gets its own convolution too, of stride 1: F_0 = conv3x3(F) in the paper.
        self.down = nn.ModuleList(nn.Conv2d(c, c, 3, 2 if index else 1, 1) for index in range(levels))
        self.map = nn.ModuleList(nn.Conv2d(c, 1, 3, padding=1) for _ in range(levels))

    def forward(self, levels: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Map levels (B, C, H_i, W_i), fine to coarse, to logits of their attention maps, (B, 1, H_i, W_i)."""
        size = levels[0].shape[2:]
        joined = torch.cat([levels[0], *(interpolate(level, size, mode="nearest") for level in levels[1:])], 1)
        x = self.mix(self.context(self.join(joined)))
        logits = []
        for down, to_map in zip(self.down, self.map, strict=True):
            x = down(x)
            # Logits, not the paper's sigmoid: the loss takes its cross entropy from them, also in half precision.
            logits.append(to_map(x))
        return logits


class SSPNeck(nn.Module):
    """Scale selection pyramid: context attention, scale enhancement and scale selection on levels from fine to coarse.

    YAML row: ``[[2, 4, 6, 9], 1, SSPNeck, [256]]``; ``Level`` rows pick one output each, of 256 channels times the
    scale's width. ``[256, 2]`` gives the two finest outputs only. Attention maps, logits (B, 1, H_i, W_i) per level, go
    to the loss and to pictures (``nn/auxiliary.py``).

    Args:
        c1: Channels of each level.
        c2: Channels inside and of each output, a multiple of 4.
        outputs: Number of outputs, from the finest; None for all levels.
    """

    inputs: ClassVar[range] = MANY
    gives: ClassVar[tuple[str, ...]] = ("attention",)

    def __init__(self, c1: Sequence[int], c2: int, outputs: int | None = None) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(c, c2, 1) for c in c1)
        self.cam = ContextAttention(c2, len(c1))
        # Levels without an output still send maps and features to the finer ones, but have no output convolution, which
        # without a ``Level`` row would never be trained.
        self.out = nn.ModuleList(nn.Conv2d(c2, c2, 3, padding=1) for _ in c1[:outputs])

    @classmethod
    def plan(cls, row: Row) -> Plan:
        """Channels are scaled as those of the host's rows.

        Raises:
            ValueError: No number of channels, a number of outputs that there are not, or repeats.
        """
        count = len(row.channels)
        if len(row.args) not in (1, 2) or not all(type(arg) is int and arg >= 1 for arg in row.args):
            raise ValueError(
                f"its arguments are {list(row.args)}, expected the number of channels, e.g. [256], and if need be of "
                f"outputs, e.g. [256, {count - 1}]."
            )
        if row.repeats != 1:
            raise ValueError(f"it is repeated {row.repeats} times, allowed: 1.")
        if len(row.args) == 2 and row.args[1] > count:
            raise ValueError(f"it has {row.args[1]} outputs of {count} levels, allowed: 1 to {count}.")
        c2 = row.scaled(row.args[0])
        return Plan.of_levels((row.channels, c2, *row.args[1:]), [c2] * (row.args[1] if row.args[1:] else count))

    def forward(self, x: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Map levels (B, C_i, H_i, W_i) to levels (B, c2, H_i, W_i), of which the finest are given out."""
        check_order(self, x)
        levels = [lateral(level) for lateral, level in zip(self.lateral, x, strict=True)]
        attention = self.cam(levels)
        give("attention", attention)
        maps = [logits.sigmoid() for logits in attention]
        enhanced = [(1 + gate) * level for gate, level in zip(maps, levels, strict=True)]  # SEM: C'_l
        selected = enhanced[-1:]
        # SSM, from coarse to fine: P_{l-1} = C'_{l-1} + [A_{l-1} * Up(A_l)] * Up(P_l), so only what both maps call an
        # object passes on.
        for index in range(len(levels) - 2, -1, -1):
            size = levels[index].shape[2:]
            gate = maps[index] * interpolate(maps[index + 1], size, mode="nearest")
            selected.insert(0, enhanced[index] + gate * interpolate(selected[0], size, mode="nearest"))
        given = zip(self.out, maps, selected, strict=False)  # as many as there are convolutions
        return [(1 + gate) * out(level) for out, gate, level in given]
