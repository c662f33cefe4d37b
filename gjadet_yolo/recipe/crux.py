"""The ``crux:`` block of a model YAML: where the backbone is cut, the mask, and what the features catch up with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from gjadet_yolo.messages import check_ranges, shown
from gjadet_yolo.recipe.block import read_block

LEVEL = re.compile(r"P[1-6]")

RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0.01, 1000),
    "threshold": (-100, 100),
    "weight": (0, 100_000),
    "stride": (1, 32),
    "reduce": (1, 8),
}
"""Numbers that each key may have."""


@dataclass(frozen=True)
class CruxConfig:
    """Cruxes and their training; the block's keys are these fields, and every one is optional.

    Attributes:
        shallow: Last layer of the shallow stage: its number, or ``P2`` for the last one of stride 4.
        medium: Last layer of the medium stage, at twice the stride.
        temperature: Steepness of the mask.
        threshold: Heat at which half of a pixel stays.
        stride: Side in px of a cell of the heat map; 1 as published.
        reduce: How much smaller a crux goes through the layers than its image, along each side; 1 as published.
        weight: Factor on the catch-up loss; 100 or 1 as published.
        favoured: Data YAML, folder or video of images that the detector likes. A data YAML's ``favoured:`` wins.
    """

    shallow: int | str = "P2"
    medium: int | str = "P3"
    temperature: float = 10.0
    threshold: float = 0.5
    stride: int = 4
    reduce: int = 1
    weight: float = 100.0
    favoured: str = ""

    def __post_init__(self) -> None:
        for key in ("shallow", "medium"):
            value = getattr(self, key)
            named = isinstance(value, str) and LEVEL.fullmatch(value)
            if not named and not (type(value) is int and value >= 0):
                raise ValueError(f"crux: {key} is {shown(value)}, allowed: layer numbers, and P1 to P6 for levels.")
        check_ranges(self, "crux", RANGES)
        for key in ("stride", "reduce"):
            if type(getattr(self, key)) is not int:
                raise ValueError(f"crux: {key} is {shown(getattr(self, key))}, allowed: whole numbers from 1 on.")
        if not isinstance(self.favoured, str):
            raise ValueError(f"crux: favoured is {shown(self.favoured)}, expected a data YAML, a folder or a video.")

    @classmethod
    def from_yaml(cls, block: dict[str, Any] | bool | None) -> CruxConfig | None:
        """Read the block; None where the YAML has none, or says ``crux: false``.

        Raises:
            ValueError: Not a mapping, unknown key, or a value that is not allowed; with the closest match.
        """
        if block is None or block is False:
            return None
        return cls(**read_block(cls, "crux", block, "shallow: P2"))
