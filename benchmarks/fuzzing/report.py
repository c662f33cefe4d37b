"""The table of a run, and lists of its failures."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Sequence
from pathlib import Path

from fuzzing.case import CRASH, FAILURES, HANG, LOSS, RAW, REFUSED, SUCCEEDED, UNCLEAR, Result

COLUMNS = {
    "succeeded": (SUCCEEDED,),
    "refused with a clear error": (REFUSED,),
    "raw tracebacks": (RAW, CRASH),
    "unclear errors": (UNCLEAR,),
    "hangs": (HANG,),
    "losses": (LOSS,),
}
LINES = 3  # of a message, in the list of failures


def failures(results: Sequence[Result]) -> list[Result]:
    """Results that are no success and no clear refusal."""
    return [result for result in results if result.outcome in FAILURES]


def table(results: Sequence[Result], readers: Sequence[str]) -> str:
    """Markdown table: a row per reader that had a case, and one for all of them."""
    lines = [["reader", "cases", *COLUMNS, "median ms"]]
    lines.append(["---"] + ["---:"] * (len(lines[0]) - 1))
    for reader in readers:
        own = [result for result in results if result.reader == reader]
        if own:
            lines.append(row(reader, own))
    if results:
        lines.append(row("all", results))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def row(name: str, results: Sequence[Result]) -> list[str]:
    """Cells of one reader."""
    counts = [sum(result.outcome in outcomes for result in results) for outcomes in COLUMNS.values()]
    median = statistics.median(result.seconds for result in results) * 1e3
    return [name, f"{len(results):,}", *(f"{count:,}" for count in counts), f"{median:.1f}"]


def write_failures(results: Sequence[Result], file: Path) -> None:
    """CSV of failures: case, reader, what, exception, first lines of the message, place, and the input in words."""
    with file.open("w", newline="", encoding="utf-8", errors="backslashreplace") as stream:
        writer = csv.writer(stream)
        writer.writerow(["case", "reader", "failure", "exception", "message", "frame", "input"])
        for result in failures(results):
            message = "\n".join(result.message.strip().splitlines()[:LINES])[:600]
            writer.writerow(
                [result.number, result.reader, result.outcome, result.error, message, result.frame, result.story[:600]]
            )


def groups(results: Sequence[Result]) -> str:
    """Markdown list of distinct failures, most frequent first, each with its case of the shortest description."""
    found: dict[tuple[str, ...], list[Result]] = {}
    for result in failures(results):
        found.setdefault((result.reader, result.outcome, result.error, result.frame), []).append(result)
    lines = []
    for (reader, outcome, error, frame), same in sorted(found.items(), key=lambda item: (item[0][0], -len(item[1]))):
        first = min(same, key=lambda result: len(result.story))
        message = " ".join(first.message.split())[:240]
        lines.append(f"- {reader}: {outcome}, {error or 'no exception'} at `{frame}`, {len(same)} times")
        lines.append(f"  - case {first.number}: {first.story[:300]!r}\n  - {message!r}")
    return "\n".join(lines) + "\n"
