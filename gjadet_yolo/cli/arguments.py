"""Argument types that several verbs share."""

from __future__ import annotations

import argparse
from typing import Any


def truth(text: str) -> bool:
    """``true`` or ``false`` in the spellings that ``yolo`` users type."""
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in words:
        raise argparse.ArgumentTypeError(f"'{text}' is not true or false")
    return words[text.lower()]


def positive(text: str) -> int:
    """A whole number of 1 or more."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 1 or more")
    return int(text)


def add_flag(parser: Any, name: str, text: str) -> None:
    """Add a switch usable as ``name=true`` and ``--name``."""
    parser.add_argument(f"--{name}", type=truth, nargs="?", const=True, default=False, metavar="BOOL", help=text)
