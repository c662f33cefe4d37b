"""What error messages have in common: the closest match, and numbers with their range."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from difflib import get_close_matches


def suggestion(word: str, options: list[str] | tuple[str, ...]) -> str:
    """End of an error message: the closest match, if there is one, and all options; empty where there are none."""
    close = get_close_matches(word, options, n=1, cutoff=0.5)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return f"{hint} Allowed: {', '.join(options)}." if options else ""


def is_number(value: object) -> bool:
    """Whether a YAML value is a finite number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def check_ranges(config: object, name: str, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Refuse numbers outside of their range.

    Args:
        config: Dataclass of the block; None stands for a value that is not set.
        name: Name of the block.
        ranges: Lowest and highest value by field.

    Raises:
        ValueError: Names key, value and range.
    """
    for key, (low, high) in ranges.items():
        value = getattr(config, key)
        if value is not None and not (is_number(value) and low <= value <= high):
            raise ValueError(f"{name}: {key} is {value!r}, allowed: numbers from {low:g} to {high:g}.")
