"""Progress on the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import Any


def progress(items: Iterable[Any], text: str) -> Iterator[Any]:
    """Yield the items and show how far it is, at most five times a second, on standard error.

    Args:
        items: What to go through; its length is shown where it has one.
        text: What is being done.
    """
    total = f"/{len(items)}" if isinstance(items, Sized) else ""
    live, shown, count = sys.stderr.isatty(), 0.0, 0
    for count, item in enumerate(items, 1):
        if live and time.monotonic() - shown > 0.2:
            shown = time.monotonic()
            print(f"\r{text}: {count}{total}", end="", file=sys.stderr, flush=True)
        yield item
    print(f"{chr(13) if live else ''}{text}: {count}{total}", file=sys.stderr)
