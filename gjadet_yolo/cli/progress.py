"""Progress on the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import Any


def progress(items: Iterable[Any], text: str) -> Iterator[Any]:
    """Yield the items and show how far it is on standard error: five times a second on a terminal, else every 10 s.

    Args:
        items: What to go through; its length is shown where it has one.
        text: What is being done.
    """
    total = f"/{len(items)}" if isinstance(items, Sized) else ""
    live, shown, count = sys.stderr.isatty(), time.monotonic(), 0
    for count, item in enumerate(items, 1):
        if time.monotonic() - shown > (0.2 if live else 10):
            shown = time.monotonic()
            start, end = ("\r", "") if live else ("", "\n")
            print(f"{start}{text}: {count}{total}", end=end, file=sys.stderr, flush=True)
        yield item
    print(f"{chr(13) if live else ''}{text}: {count}{total}", file=sys.stderr)
