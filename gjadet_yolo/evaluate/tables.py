"""Tables as text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def number(value: float, digits: int) -> str:
    """A figure of a table; ``-`` for nan."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown table, with a line break at its end."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
