"""Which filter, as typed: ``cfc60``, ``cfc180:iso``, ``100hz``, ``spline``, ``kalman``, ``auto`` or ``none``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gjadet_yolo.measure.cfc import LowPass
from gjadet_yolo.measure.propagate import Linear, Unfiltered
from gjadet_yolo.messages import shown, suggestion

FITTED = ("spline", "kalman", "auto")
EXAMPLES = ("cfc60", "cfc60:iso", "cfc180", "cfc180:iso", "cfc600", "cfc1000", "100hz", *FITTED, "none")
CLASSES = (60, 180, 600, 1000)


@dataclass(frozen=True)
class Filter:
    """What turns positions into curves.

    Attributes:
        kind: ``cfc``, ``hz``, ``spline``, ``kalman``, ``auto`` or ``none``.
        value: Channel frequency class, or cut-off in Hz where the finished filter passes 1 / sqrt(2); 0 else.
        form: ``j211`` or ``iso``: coefficients of a class, and how a curve goes on beyond its ends.
    """

    kind: str
    value: float = 0.0
    form: str = "j211"

    @classmethod
    def parse(cls, text: str) -> Filter:
        """Read a filter as typed; case and blanks do not matter.

        Raises:
            ValueError: Not a filter; names the closest match.
        """
        word = "".join(text.lower().split()) if isinstance(text, str) else ""
        if word in (*FITTED, "none"):
            return cls(word)
        match = re.fullmatch(r"cfc(\d+)(?::(j211|iso))?", word)
        if match and int(match[1]) in CLASSES:
            return cls("cfc", float(match[1]), match[2] or "j211")
        match = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)hz", word)
        if match and float(match[1]) > 0:
            return cls("hz", float(match[1]))
        raise ValueError(
            f"filter is {shown(text)}.{suggestion(word, EXAMPLES)} A cut-off is any number of Hz: the frequency at "
            f"which the finished filter passes 0.71 of an amplitude (-3 dB)."
        )

    def __str__(self) -> str:
        if self.kind == "cfc":
            return f"cfc{self.value:g}" + (":iso" if self.form == "iso" else "")
        return f"{self.value:g}hz" if self.kind == "hz" else self.kind

    def linear(self, fps: float) -> Linear | None:
        """The filter at a frame rate; None where it is fitted to each curve.

        Raises:
            ValueError: The frame rate cannot carry it.
        """
        if self.kind == "cfc":
            return LowPass.of_class(self.value, fps, self.form)
        if self.kind == "hz":
            return LowPass.of_cutoff(self.value, fps, "mirror" if self.form == "iso" else "fit")
        return Unfiltered(fps) if self.kind == "none" else None
