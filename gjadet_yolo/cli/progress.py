"""Progress on standard error, with rate and remaining time."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import Any

from tqdm import tqdm

LINE_S = 10.0  # between lines where there is no terminal, e.g. in the log of a cluster
LINE = "{desc}: {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}]"


def progress(items: Iterable[Any], text: str) -> Iterator[Any]:
    """Yield the items and show progress: a bar on a terminal, else a line every 10 s and at the end.

    Args:
        items: The remaining time is shown if they have a length.
        text: Name of the work.
    """
    total = len(items) if isinstance(items, Sized) else None
    if sys.stderr.isatty():
        yield from tqdm(items, text, total, mininterval=0.2, dynamic_ncols=True)
        return
    begin = shown = time.monotonic()
    count = 0

    def line() -> None:
        bar = LINE if total is not None else "{desc}: {n_fmt} [{elapsed}, {rate_fmt}]"
        said = tqdm.format_meter(count, total, time.monotonic() - begin, prefix=text, bar_format=bar)
        print(said, file=sys.stderr, flush=True)

    for item in items:
        if time.monotonic() - shown > LINE_S:
            shown = time.monotonic()
            line()
        yield item
        count += 1
    line()
