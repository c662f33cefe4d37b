"""The ``augment:`` block of a model YAML: how training images are chosen and changed (``data/augment/``)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from gjadet_yolo.messages import is_number, shown
from gjadet_yolo.recipe.block import read_block


@dataclass(frozen=True)
class AugmentConfig:
    """What the training does to its images beside the host's own augmentation; every key is optional, and 0 is off.

    Attributes:
        repeat: Threshold t of repeat-factor sampling (``repeat.py``), a share of the images.
        paste: Probability that an image gets an object pasted in (``paste.py``).
        tiles: Probability that a tile of a mosaic is changed on its own (``tile_mosaic.py``).
    """

    # Classes in a smaller share are seen more often, but at most 10 times: beyond that the training learns the image
    # and not the class.
    repeat: float = 0.0
    # Classes are drawn with one over the root of their number: one over the number would hand nearly all to the rarest.
    paste: float = 0.0
    tiles: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (is_number(value) and 0 <= value <= 1):
                raise ValueError(f"augment: {field.name} is {shown(value)}, allowed: 0 to 1.")

    @classmethod
    def from_yaml(cls, block: dict[str, Any] | None) -> AugmentConfig:
        return cls(**read_block(cls, "augment", block, "repeat: 0.1"))
