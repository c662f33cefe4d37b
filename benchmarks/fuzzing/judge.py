"""Runs one case, and judges what came of it."""

from __future__ import annotations

import os
import re
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from fuzzing.case import FAILURES, LOSS, RAW, REFUSED, SUCCEEDED, UNCLEAR, Case, Draw, Lost, Registry, Result, rng_of
from fuzzing.keep import contents, losses

KNOWN = (ValueError, OSError, RuntimeError)
"""What a reader may raise; the command line turns these into ``Error: ...``."""
NEVER = (RecursionError, NotImplementedError)  # RuntimeErrors of Python's own
LONGEST = 6000  # characters of a message; values of cases have up to 5,000
OWN = "gjadet_yolo"


def run_case(
    registry: Registry, seed: int, number: int, ground: Path, tell: Callable[[str, str], None] = lambda *_: None
) -> Result:
    """Make a case and run it.

    Args:
        registry: Readers.
        seed: Of the whole run.
        number: Of the case; with the seed it says everything about it.
        ground: Empty folder for everything the case touches.
        tell: Told the reader and what was done to its input, before the call.
    """
    rng = rng_of(seed, number)
    reader = registry.reader_of(rng)
    folder = ground / "home" / "user" / "project"  # room above it for cases that write to '../..'
    folder.mkdir(parents=True)
    (ground / "home" / "photo.txt").write_text("the only copy\n", encoding="utf-8")
    os.chdir(folder)
    case = registry.readers[reader][1](Draw(rng, folder))
    story = "; ".join(case.story)
    tell(reader, story)
    before, start = contents(ground), time.perf_counter()
    error: BaseException | None = None
    try:
        case.call()
    except BaseException as raised:  # whatever it is, it is the result
        error = raised
    seconds = time.perf_counter() - start
    os.chdir(ground)
    outcome, message = judge(error, case)
    lost = losses(before, contents(ground), replaced_by(case, outcome, ground))
    if lost:
        outcome, message = LOSS, f"gone or changed: {', '.join(lost[:5])}; {message}"
    name = type(error).__name__ if error else ""
    trace = "".join(traceback.format_exception(error))[-LONGEST:] if error and outcome in FAILURES else ""
    return Result(number, reader, outcome, name, message[:LONGEST], last_frame(error), story, seconds, trace)


def judge(error: BaseException | None, case: Case) -> tuple[str, str]:
    """Outcome and message.

    Args:
        error: What the call raised, or None.
        case: The case, for the words that a message may hold.
    """
    if error is None:
        return SUCCEEDED, ""
    message = f"{error}"
    if isinstance(error, Lost):
        return LOSS, message
    typed = isinstance(error, TypeError) and any(re.search(rf"\b{name}\b", message) for name in case.arguments)
    if not (isinstance(error, KNOWN) or typed) or isinstance(error, NEVER):
        return RAW, message
    faults = {
        "empty": not message.strip(),
        f"longer than {LONGEST} characters": len(message) > LONGEST,
        "more than one paragraph": "\n\n" in message.strip(),
        "names neither file, key nor value": bool(case.names) and not any(name in message for name in case.names),
    }
    found = [fault for fault, present in faults.items() if present]
    return (UNCLEAR, f"({', '.join(found)}) {message}") if found else (REFUSED, message)


def replaced_by(case: Case, outcome: str, ground: Path) -> str | None:
    """The folder that this outcome may have replaced, relative to the ground."""
    if case.replaces is None or outcome != SUCCEEDED:
        return None
    return str(case.replaces.relative_to(ground))


def last_frame(error: BaseException | None) -> str:
    """Last line of this package that the traceback names; of any package where there is none."""
    frames = traceback.extract_tb(error.__traceback__) if error else []
    own = [frame for frame in frames if OWN in Path(frame.filename).parts] or list(frames)[-1:]
    return f"{Path(own[-1].filename).name}:{own[-1].lineno} {own[-1].name}" if own else ""
