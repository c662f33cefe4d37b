"""Argument types that several verbs share."""

from __future__ import annotations

import argparse
from typing import Any


def truth(text: str) -> bool:
    """``true`` or ``false`` in the spellings that ``yolo`` users type."""
    # no bool(text), for which "false" is true; 1 and 0 because yolo takes them
    words = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    if text.lower() not in words:
        raise argparse.ArgumentTypeError(f"'{text}' is not true or false")
    return words[text.lower()]


def positive(text: str) -> int:
    """A whole number of 1 or more."""
    if not text.isdigit() or int(text) < 1:  # int() alone would take -1 and 1_000
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 1 or more")
    return int(text)


def natural(text: str) -> int:
    """A whole number of 0 or more."""
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 0 or more")
    return int(text)


def pair(text: str) -> tuple[float, float]:
    """Two numbers with a comma between them."""
    try:  # unpacking raises ValueError too, for one number or three
        first, second = map(float, text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not two numbers with a comma between them") from None
    return first, second


def add_flag(parser: Any, name: str, text: str) -> None:
    """Add a switch usable as ``name=true`` and ``--name``."""
    # not store_true, which takes no value
    parser.add_argument(f"--{name}", type=truth, nargs="?", const=True, default=False, metavar="BOOL", help=text)
