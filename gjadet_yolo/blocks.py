"""Reading of the blocks of a model YAML (``loss:``, ``augment:``, ``schedule:``) into their dataclasses."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

from gjadet_yolo.locate import suggestion


def read_block(config: type, name: str, block: dict[str, Any] | None, example: str) -> dict[str, Any]:
    """Settings of a block.

    Args:
        config: Dataclass whose fields are the block's keys.
        name: Name of the block.
        block: The block, or None where the YAML has none.
        example: Keys and values for the error message.

    Raises:
        ValueError: Not a mapping, or an unknown key; with the closest match.
    """
    if block is not None and not isinstance(block, dict):
        raise ValueError(f"{name}: is {block!r}, expected keys and values such as '{example}'.")
    names = [field.name for field in fields(config)]
    for key in block or {}:
        if key not in names:
            raise ValueError(f"{name}: has an unknown key '{key}'.{suggestion(str(key), names)}")
    return dict(block or {})


def is_number(value: object) -> bool:
    """Whether a YAML value is a finite number; true and false are none, nor are integers beyond what a float holds."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
