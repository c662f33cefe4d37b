"""Fuzz everything that reads what a user gives: no raw traceback, no hang, nothing lost. Exit status 1 if one is found.

    python benchmarks/fuzz.py [cases=5000] [seed=0] [out=fuzz] [workers=2] [limit=10] [first=0] [reader=COCO]
    python benchmarks/fuzz.py case=NUMBER [seed=0]          # one case again, with its traceback; its files are kept

Cases are numbered from ``first`` on; ``limit`` is the time of a case in s, ``reader`` takes those readers only whose
name holds the text. Writes ``fuzz.md`` (the table, and distinct failures) and ``failures.csv`` into ``out``.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from fuzzing.case import Result, rng_of
from fuzzing.report import failures, groups, table, write_failures
from fuzzing.run import READERS, Plan, registry, run

SETTINGS = {"cases": "5000", "first": "0", "case": "", "reader": "", "seed": "0", "out": "fuzz"}
SETTINGS |= {"workers": "2", "limit": "10", "readers": READERS}


class Progress:
    """Shows on standard error how far it is, every five seconds."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.failed = total, 0, 0
        self.start = self.shown = time.monotonic()

    def __call__(self, result: Result) -> None:
        self.done, self.failed, now = self.done + 1, self.failed + len(failures([result])), time.monotonic()
        if now - self.shown > 5 or self.done == self.total:
            self.shown = now
            state = f"{self.done}/{self.total}, {self.failed} failures, {now - self.start:.0f} s"
            print(state, file=sys.stderr, flush=True)


def again(settings: dict[str, str]) -> int:
    """Run one case and show everything about it; returns the exit status."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    number = int(settings["case"])
    plan = Plan(int(settings["seed"]), folder, settings["readers"], float(settings["limit"]), keep=True)
    result = run(plan, [number], 1)[0]
    print(f"case {number}, {result.reader}: {result.outcome} after {result.seconds:.2f} s\n{result.story}")
    print(f"{result.error}: {result.message}\n{result.trace}\nIts files: {folder / f'case-{number}'}")
    return 1 if failures([result]) else 0


def main(arguments: list[str]) -> int:
    """Run and report; returns the exit status.

    Raises:
        ValueError: An unknown argument.
    """
    given = dict(argument.split("=", 1) for argument in arguments)
    if set(given) - set(SETTINGS):
        raise ValueError(f"unknown: {', '.join(set(given) - set(SETTINGS))}. Allowed: {', '.join(SETTINGS)}.")
    settings = SETTINGS | given
    if settings["case"]:
        return again(settings)
    out, count, first = Path(settings["out"]), int(settings["cases"]), int(settings["first"])
    out.mkdir(parents=True, exist_ok=True)
    found, start = registry(settings["readers"]), time.monotonic()
    seed, cases = int(settings["seed"]), range(first, first + count)
    numbers = [
        number for number in cases if settings["reader"].lower() in found.reader_of(rng_of(seed, number)).lower()
    ]
    with tempfile.TemporaryDirectory(prefix="fuzz-", ignore_cleanup_errors=True) as folder:
        plan = Plan(seed, Path(folder), settings["readers"], float(settings["limit"]))
        results = run(plan, numbers, int(settings["workers"]), Progress(len(numbers)))
    text = table(results, list(found.readers))
    seconds = f"{time.monotonic() - start:.0f} s"
    text += f"\n{len(numbers):,} cases, seed {seed}, {settings['workers']} workers, {seconds}\n"
    (out / "fuzz.md").write_text(f"{text}\n{groups(results)}", encoding="utf-8", errors="backslashreplace")
    write_failures(results, out / "failures.csv")
    print(text)
    return 1 if failures(results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
