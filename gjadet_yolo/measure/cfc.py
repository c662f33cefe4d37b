"""Channel frequency class filters: four poles without phase, by SAE J211-1 (Appendix C) and ISO 6487 (Annex A).

Both are a two-pole Butterworth low-pass by the bilinear transform, run forwards and then backwards. They differ in the
design frequency, 2.0775 CFC or 1.25 / 0.6 CFC in Hz, and in what they do at the ends of a record:

- ISO 6487 adds points mirrored through the end point, ``2 x[0] - x[i]``: 0.01 s of them, at least 100 and at most
  N - 1.
- J211 asks for a record that goes on for 10 ms outside of what is of interest. A marker comes into view when it does,
  so its curve is continued at the constant acceleration fitted to its last two periods of the cut-off. Mirroring would
  say that the acceleration at each end is zero.

A cut-off in Hz gives the same filter by the frequency at which the finished one, after both runs, passes 1 / sqrt(2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy.signal import lfilter, lfilter_zi

DESIGN_PER_CFC = {"j211": 2.0775, "iso": 1.25 / 0.6}
"""Design frequency of one run in Hz, per unit of CFC."""
FRAMES_PER_CFC = 10  # both standards: sample at ten times the class at least
FRAMES_PER_CUTOFF = 6  # the same limit by cut-off: CFC 60 passes 100 Hz and asks for 600 samples a second
LEAST_PART_OF_RATE = 1000
# two runs pass 1 / (1 + r^4) of an amplitude at r times the design frequency, warped; this r gives 1 / sqrt(2)
CUTOFF_PER_DESIGN = (math.sqrt(2) - 1) ** 0.25
NEGLIGIBLE = 1e-8  # part of the largest weight below which a sample counts as forgotten


@dataclass(frozen=True)
class LowPass:
    """Two-pole Butterworth low-pass to be run forwards and backwards at one frame rate.

    Attributes:
        warped: ``tan(pi f / fps)`` of the design frequency f, called wa in the standards.
        fps: Samples per second.
        ends: ``fit`` or ``mirror``: how a curve goes on beyond its ends.
    """

    warped: float
    fps: float
    ends: str = "fit"

    @classmethod
    def of_class(cls, cfc: float, fps: float, form: str = "j211") -> LowPass:
        """Filter of a channel frequency class.

        Raises:
            ValueError: The frame rate is below ten times the class.
        """
        if not (cfc > 0 and fps >= FRAMES_PER_CFC * cfc):
            most = fps / FRAMES_PER_CUTOFF
            step = 10.0 ** (math.floor(math.log10(most)) - 2)
            example = math.floor(most / step) * step  # three digits, rounded down: it has to be allowed itself
            raise ValueError(
                f"filter=cfc{cfc:g} needs at least fps={FRAMES_PER_CFC * cfc:g}, this video has fps={fps:g}. Allowed: "
                f"channel frequency classes up to {fps / FRAMES_PER_CFC:g}, or a cut-off up to {most:.4g} Hz, e.g. "
                f"filter={example:.3g}hz."
            )
        return cls(math.tan(math.pi * DESIGN_PER_CFC[form] * cfc / fps), fps, "mirror" if form == "iso" else "fit")

    @classmethod
    def of_cutoff(cls, cutoff_hz: float, fps: float, ends: str = "fit") -> LowPass:
        """Filter whose finished form, after both runs, passes 1 / sqrt(2) of an amplitude at ``cutoff_hz``.

        Raises:
            ValueError: The cut-off is out of what the frame rate carries.
        """
        low, high = fps / LEAST_PART_OF_RATE, fps / FRAMES_PER_CUTOFF
        if not low <= cutoff_hz <= high * (1 + 1e-12):
            raise ValueError(
                f"filter={cutoff_hz:g}hz is a cut-off of {cutoff_hz:g} Hz, allowed at {fps:g} frames/s: {low:g} to "
                f"{high:.4g} Hz."
            )
        return cls(math.tan(math.pi * cutoff_hz / fps) / CUTOFF_PER_DESIGN, fps, ends)

    @property
    def coefficients(self) -> tuple[np.ndarray, np.ndarray]:
        """Numerator (a0, a1, a2) and denominator (1, -b1, -b2), the letters being those of the standards."""
        wa = self.warped
        d = 1 + math.sqrt(2) * wa + wa**2
        a0, b1, b2 = wa**2 / d, -2 * (wa**2 - 1) / d, (-1 + math.sqrt(2) * wa - wa**2) / d
        return np.array([a0, 2 * a0, a0]), np.array([1.0, -b1, -b2])

    @property
    def cutoff_hz(self) -> float:
        """Where the finished filter passes 1 / sqrt(2) (-3 dB)."""
        return self.fps / math.pi * math.atan(self.warped * CUTOFF_PER_DESIGN)

    @cached_property
    def memory(self) -> int:
        """Frames after which a sample no longer counts, and its first and second differences neither."""
        numerator, denominator = self.coefficients
        pole = np.abs(np.roots(denominator)).max()
        length = int(4 * math.log(NEGLIGIBLE) / math.log(pole)) + 8
        pulse = np.zeros(2 * length + 1)
        pulse[length] = 1
        weights = lfilter(numerator, denominator, lfilter(numerator, denominator, pulse)[::-1])[length:]
        # second differences weigh the slow part of a pulse least, so they set how far it counts
        curved = np.abs(np.diff(weights, 2))
        return int(np.flatnonzero(curved > NEGLIGIBLE * curved.max())[-1]) + 4

    @property
    def fitted_frames(self) -> int:
        """Length of an end's fit: two periods of the cut-off."""
        return max(5, math.ceil(2 * self.fps / self.cutoff_hz))

    def gain(self, frequency_hz: np.ndarray | float) -> np.ndarray:
        """Amplitude that the finished filter passes of a steady sine, 0 to 1."""
        return 1 / (1 + (np.tan(np.pi * np.asarray(frequency_hz) / self.fps) / self.warped) ** 4)

    def extended(self, values: np.ndarray, by: int) -> np.ndarray:
        """Values (n, C) with ``by`` more at each end, (n + 2 by, C)."""
        if self.ends == "mirror":
            return mirrored(values, by)
        weights = continuation(min(self.fitted_frames, len(values)), by)
        fitted = weights.shape[1]
        return np.concatenate([weights[::-1] @ values[:fitted][::-1], values, weights @ values[-fitted:]])

    def apply(self, values: np.ndarray, margin: int = 0) -> np.ndarray:
        """Filter curves, (n, C) to (n + 2 margin, C); the margin is what the filter makes of the added ends."""
        by = self.added_frames(len(values)) if self.ends == "mirror" else self.memory
        by = max(by, margin)
        numerator, denominator = self.coefficients
        steady = lfilter_zi(numerator, denominator)[:, None]
        passed = self.extended(values, by)
        for _ in range(2):  # forwards, then what comes out backwards
            passed = lfilter(numerator, denominator, passed, axis=0, zi=steady * passed[:1])[0][::-1]
        return passed[by - margin : len(passed) - (by - margin)]

    def added_frames(self, count: int) -> int:
        """Points that ISO 6487 adds at each end of ``count``."""
        return min(max(math.floor(0.01 * self.fps + 0.5), 100), count - 1)


def mirrored(values: np.ndarray, by: int) -> np.ndarray:
    """Values (n, C) with ``by`` added at each end, mirrored through the end point; short curves swing to and fro."""
    last = len(values) - 1
    if last == 0:
        return np.repeat(values, 2 * by + 1, axis=0)
    at = np.arange(-by, last + 1 + by)
    turns, place = np.divmod(at, 2 * last)
    folded = np.where(place > last, 2 * last - place, place)
    ends = values[-1] - values[0]
    # each reflection through an end adds twice what lies between the ends
    base = np.where(place > last, 2.0, 0.0)[:, None] * values[-1] + 2 * turns[:, None] * ends
    return base + np.where(place > last, -1.0, 1.0)[:, None] * values[folded]


@lru_cache(maxsize=64)
def continuation(fitted: int, by: int) -> np.ndarray:
    """Weights (by, fitted) that continue a curve by the parabola through its last ``fitted`` samples."""
    degree = min(2, fitted - 1)
    at = np.arange(1 - fitted, 1) / fitted
    beyond = np.arange(1, by + 1) / fitted
    return np.vander(beyond, degree + 1) @ np.linalg.pinv(np.vander(at, degree + 1))


def cfc_filter(values: np.ndarray, cfc: float, fps: float, form: str = "j211") -> np.ndarray:
    """Filter curves by a channel frequency class.

    Args:
        values: Equally spaced samples without gaps, (n,) or (n, C).
        cfc: Channel frequency class, as in 60.
        fps: Samples per second.
        form: ``j211`` or ``iso``; coefficients and ends differ.

    Returns:
        Same shape.

    Raises:
        ValueError: The class is out of what the rate carries.
    """
    values = np.asarray(values, float)
    return LowPass.of_class(cfc, fps, form).apply(values.reshape(len(values), -1)).reshape(values.shape)
