"""Contextual transformer blocks of CCSPNet: CoT attention, its bottleneck, and the CSP block of the neck.

Sources: CoT, arXiv 2107.12292; CCSPNet-Joint, arXiv 2309.06902, and its repository (GPL-3.0). With the reference's
weights, attention and block agree to 1e-5 (``tests/golden/cot.npz``). As in the release, attention is a softmax over
all positions, and the maps of the nine places of the kernel are averaged first.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn
from torch.nn.functional import conv2d
from ultralytics.nn.modules import Conv

from gjadet_yolo.nn.row import Plan, Row

GROUPS = 4  # of the static context's convolution, as published


class CoT(nn.Module):
    """Contextual transformer attention on c channels, a multiple of 4.

    Args:
        c: Channels in and out.
        kernel: Side of the static context in positions, odd.
    """

    def __init__(self, c: int, kernel: int = 3) -> None:
        super().__init__()
        self.kernel = kernel
        self.keys = Conv(c, c, kernel, g=GROUPS, act=nn.ReLU())
        self.values = Conv(c, c, 1, act=False)
        self.hidden = Conv(2 * c, c // 2, 1, act=nn.ReLU())
        self.maps = nn.Conv2d(c // 2, kernel * kernel * c, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, c, H, W) to the same shape."""
        keys = self.keys(x)  # K1, the static context
        hidden = self.hidden(torch.cat((keys, x), 1))
        # The mean over the places of the kernel is linear, so it is taken of the weights: the same numbers with a ninth
        # of the memory and arithmetic.
        places, c = self.kernel**2, x.shape[1]
        weight = self.maps.weight.view(c, places, -1, 1, 1).mean(1)
        attention = conv2d(hidden, weight, self.maps.bias.view(c, places).mean(1))  # (B, c, H, W)
        share = attention.flatten(2).softmax(2).view_as(attention)
        return keys + (share * self.values(x)).to(keys.dtype)


class CoTBottleneck(nn.Module):
    """Two 1x1 convolutions around CoT attention, on c channels, each with a way around it."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.before = Conv(c, c, 1)
        self.attention = CoT(c)
        self.after = Conv(c, c, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.attention(self.before(x) + x)
        return self.after(y) + y + x


class C3CoT(nn.Module):
    """The host's C3 with CoT bottlenecks: ``[-1, 3, C3CoT, [512]]``; the repeats, scaled by depth, are bottlenecks.

    Args:
        c1, c2: Channels in and out.
        n: Number of bottlenecks.
        e: Inner channels as a share of ``c2``.
    """

    inputs: ClassVar[range] = range(1, 2)

    def __init__(self, c1: int, c2: int, n: int = 1, e: float = 0.5) -> None:
        super().__init__()
        c = int(c2 * e)
        self.cv1 = Conv(c1, c, 1)
        self.cv2 = Conv(c1, c, 1)
        self.cv3 = Conv(2 * c, c2, 1)
        self.m = nn.Sequential(*(CoTBottleneck(c) for _ in range(n)))

    @classmethod
    def plan(cls, row: Row) -> Plan:
        if len(row.args) != 1 or type(row.args[0]) is not int or row.args[0] < 1:
            raise ValueError(f"its arguments are {list(row.args)}, expected the number of channels, e.g. [512].")
        c2 = row.scaled(row.args[0])
        return Plan((row.channels[0], c2, row.repeats), c2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, c1, H, W) to (B, c2, H, W)."""
        return self.cv3(torch.cat((self.m(self.cv1(x)), self.cv2(x)), 1))
