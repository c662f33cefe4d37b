"""What a case is: an input made from a seed, the call that reads it, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SUCCEEDED, REFUSED = "succeeded", "refused"
RAW, UNCLEAR, HANG, CRASH, LOSS = "raw traceback", "unclear error", "hang", "crash", "loss"
FAILURES = (RAW, UNCLEAR, HANG, CRASH, LOSS)


class Refused(ValueError):
    """A command line ended with status 1 and ``Error: ...``; the text is what follows."""


class Misbehaved(AssertionError):
    """A command line ended in another way than with status 0, or with status 1 and an error in words."""


class Lost(AssertionError):
    """What was written holds less than what was read."""


def rng_of(seed: int, number: int) -> np.random.Generator:
    """Source of all randomness of a case."""
    return np.random.default_rng([seed, number])


@dataclass
class Draw:
    """What a case is made from.

    Attributes:
        rng: Source of all randomness of the case.
        folder: Empty folder for its files; the call runs with it as the current folder.
    """

    rng: np.random.Generator
    folder: Path

    def chance(self, share: float) -> bool:
        """True in this share of the cases."""
        return bool(self.rng.random() < share)

    def pick(self, options: list | tuple) -> object:
        """One of the options."""
        return options[int(self.rng.integers(len(options)))]


@dataclass
class Case:
    """One input and the call that reads it.

    Attributes:
        call: Reads the input.
        names: Words of which the message of a refusal must hold one: files, keys or values of the input.
        story: What was done to a valid input, in words.
        replaces: Result of an earlier run, which a success may replace.
        arguments: Of a function called from Python; a ``TypeError`` that names one of them is a refusal too.
    """

    call: Callable[[], object]
    names: tuple[str, ...] = ()
    story: list[str] = field(default_factory=list)
    replaces: Path | None = None
    arguments: tuple[str, ...] = ()


Reader = Callable[[Draw], Case]


@dataclass(frozen=True)
class Registry:
    """Readers and how often each is drawn.

    Attributes:
        readers: Share and maker of cases by name.
        warm: Called once in every worker before its first case, for slow imports; takes a folder to keep files in.
    """

    readers: dict[str, tuple[float, Reader]]
    warm: Callable[[Path], None] = lambda folder: None

    def reader_of(self, rng: np.random.Generator) -> str:
        """Draw a reader."""
        shares = np.array([share for share, _ in self.readers.values()])
        return list(self.readers)[int(rng.choice(len(shares), p=shares / shares.sum()))]


@dataclass(frozen=True)
class Result:
    """What came of a case.

    Attributes:
        number: Of the case.
        reader: Its name.
        outcome: ``succeeded``, ``refused`` or one of ``FAILURES``.
        error: Class of the exception.
        message: Its text, or what was lost.
        frame: Last line of this package that a traceback names.
        story: What was done to a valid input.
        seconds: How long the call took.
        trace: Traceback of a failure, or the stacks of a process that hung or crashed.
    """

    number: int
    reader: str
    outcome: str
    error: str = ""
    message: str = ""
    frame: str = ""
    story: str = ""
    seconds: float = 0.0
    trace: str = ""
