"""Readers that go wrong on purpose; a module of its own, because every worker imports it and nothing heavy."""

from __future__ import annotations

import os
import time

from fuzzing.case import CRASH, HANG, LOSS, RAW, REFUSED, SUCCEEDED, UNCLEAR, Case, Draw, Registry


def refuse(text: str) -> None:
    """Refuse an input as readers do."""
    raise ValueError(text)


def planted(draw: Draw) -> Case:
    """One of every kind of outcome, by chance."""
    (draw.folder / "mine.txt").write_text("the only copy", encoding="utf-8")
    calls = {
        "fine": lambda: None,
        "clear": lambda: refuse("a.json: entry 3 has no 'id'."),
        "unclear": lambda: refuse("embedded null byte"),
        "raw": lambda: {}["id"],
        "hang": lambda: time.sleep(60),
        "crash": lambda: os._exit(9),
        "loss": lambda: (draw.folder / "mine.txt").unlink(),
    }
    kind = str(draw.pick(list(calls)))
    return Case(calls[kind], ("a.json",), [kind])


PLANTED = Registry({"planted": (1.0, planted)})
FAULTY = Registry({"faulty": (1.0, lambda draw: Case(lambda: None, (), [str(1 // 0)]))})
EXPECTED = {
    "fine": SUCCEEDED,
    "clear": REFUSED,
    "unclear": UNCLEAR,
    "raw": RAW,
    "hang": HANG,
    "crash": CRASH,
    "loss": LOSS,
}
