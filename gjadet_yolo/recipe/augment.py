"""The ``augment:`` block of a model YAML: how training images are chosen and changed (``data/augment/``)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from gjadet_yolo.messages import is_number, shown
from gjadet_yolo.recipe.block import read_block


@dataclass(frozen=True)
class AugmentConfig:
    """What the training does to its images beside the host's own augmentation; every key is optional.

    Attributes:
        repeat: Threshold t of repeat-factor sampling (``repeat.py``): classes in fewer than this share of the
            images are seen more often, up to 10 times as often; 0 is off.
        paste: Probability that an image gets an object pasted in (``paste.py``), of a class drawn with one over
            the root of its number of instances, and no object more than 10 times per epoch in the mean; 0 is off.
        tiles: Probability that a tile of a mosaic is changed on its own (``tile_mosaic.py``); 0 is off.
    """

    repeat: float = 0.0
    paste: float = 0.0
    tiles: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (is_number(value) and 0 <= value <= 1):
                raise ValueError(f"augment: {field.name} is {shown(value)}, allowed: 0 to 1.")

    @classmethod
    def from_yaml(cls, block: dict[str, Any] | None) -> AugmentConfig:
        """Read the block.

        Args:
            block: The ``augment:`` block, or None where the YAML has none.

        Raises:
            ValueError: Not a mapping, unknown key, or a value that is not allowed; with the closest match.
        """
        return cls(**read_block(cls, "augment", block, "repeat: 0.1"))
