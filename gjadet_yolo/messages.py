"""What error messages have in common: values made short, the closest match, and numbers with their range."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from difflib import get_close_matches
from reprlib import Repr

MOST_DIGITS_BITS = 128  # integers beyond it are not printed; Python refuses to from 4,300 digits on


class Shortening(Repr):
    """``repr`` that looks at a few entries and levels only, because a YAML can hold itself, or 10^9 aliases."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother = 4, 60, 60
        self.maxlist = self.maxtuple = self.maxset = self.maxdict = 8

    def repr_int(self, x: int, level: int) -> str:
        return "a number of very many digits" if is_huge(x) else repr(x)


SHORTENING = Shortening()


def shown(value: object, limit: int = 120) -> str:
    """A user's value as a message shows it: its ``repr``, shortened to ``limit`` characters; works for every value."""
    return cut(SHORTENING.repr(value), limit)


def bare(value: object, limit: int = 120) -> str:
    """As :func:`shown`, but a text without quotation marks."""
    return cut(value, limit) if isinstance(value, str) else shown(value, limit)


def cut(text: str, limit: int) -> str:
    """A text with its end left out where it is too long."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def is_name(value: object) -> bool:
    """Whether a YAML value can name a class: a text, or something else that is printed in one line."""
    return not (value is None or isinstance(value, (dict, list, set, tuple)) or is_huge(value))


def is_huge(value: object) -> bool:
    """Whether a value is an integer that is too long to be printed."""
    return isinstance(value, int) and value.bit_length() > MOST_DIGITS_BITS


def suggestion(word: object, options: list[str] | tuple[str, ...]) -> str:
    """Ready-made end of an error message: the closest match where there is one, and everything that is allowed.

    Empty where nothing is.
    """
    close = get_close_matches(word, options, n=1, cutoff=0.5) if isinstance(word, str) else []
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
            raise ValueError(f"{name}: {key} is {shown(value)}, allowed: numbers from {low:g} to {high:g}.")
