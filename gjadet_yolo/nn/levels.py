"""Rows with several outputs: backbones and necks return a list of levels, and a ``Level`` row picks one of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import torch
from torch import nn

from gjadet_yolo.nn.row import Plan, Row


def check_order(module: nn.Module, levels: Sequence[torch.Tensor]) -> None:
    """Refuse levels (B, C_i, H_i, W_i) that are not fine to coarse, each half as high as the one before (rounded up).

    Raises:
        ValueError: Wrong order or steps; names the row of the neck and the strides relative to the first level.
    """
    # Building a model, the host sends an image through it: a wrong YAML fails there, and graphs need no check.
    if torch.jit.is_tracing() or torch.compiler.is_compiling():
        return
    heights = [level.shape[2] for level in levels]
    if any(below != -(-above // 2) for above, below in pairwise(heights)):
        strides = ", ".join(f"{heights[0] / height:g}" for height in heights)
        row = f"Model YAML row {getattr(module, 'i', '?')} {type(module).__name__}, from {getattr(module, 'f', '?')}"
        raise ValueError(
            f"{row}: levels have strides {strides} (relative to the first), allowed: fine to coarse, each twice "
            f"the one before."
        )


class Level(nn.Module):
    """One output of a row that has several: ``[0, 1, Level, [2]]`` for the third of layer 0; negative from the last."""

    inputs: ClassVar[range] = range(1, 2)

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    @classmethod
    def plan(cls, row: Row) -> Plan:
        if not row.levels:
            raise ValueError("its input has one output only; name a row with several, such as TimmBackbone or DyHead.")
        if len(row.args) != 1 or not isinstance(row.args[0], int):
            raise ValueError(f"its arguments are {list(row.args)}, expected the number of an output, e.g. [0].")
        count = len(row.levels)
        if not -count <= row.args[0] < count:
            raise ValueError(
                f"there is no output {row.args[0]}; the input has {count}, allowed: {-count} to {count - 1}."
            )
        return Plan(row.args, row.levels[row.args[0]])

    def forward(self, x: Sequence[torch.Tensor]) -> torch.Tensor:
        return x[self.index]
