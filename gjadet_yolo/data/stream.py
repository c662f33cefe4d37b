"""JSON lists written item by item, with the bytes that ``json.dumps`` gives for the whole."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TextIO


def write_list(stream: TextIO, items: Iterable[Any]) -> None:
    """Write a JSON list without holding its items or its text in memory."""
    separator = ""
    stream.write("[")
    for item in items:
        stream.write(separator + json.dumps(item))
        separator = ", "
    stream.write("]")
