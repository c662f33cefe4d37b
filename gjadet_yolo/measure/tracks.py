"""Markers in the frames of a video: where each is, how sure that is, and whether it was seen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np


class Status(IntEnum):
    """What stands behind a sample. A predicted one fills a gap for drawing and search; no curve rests on it."""

    MISSING = 0
    PREDICTED = 1
    MEASURED = 2


@dataclass(frozen=True)
class Located:
    """Markers in one frame, N of them.

    Attributes:
        position_px: (N, 2); the top left pixel spans 0 to 1. NaN where nothing was found.
        sigma_px: Standard deviation of each coordinate, (N, 2).
        disagreement_px: Distance between two independent estimates, (N,); NaN where there is one only.
        score: Correlation with what the marker looked like before, -1 to 1, (N,).
        shape: Affine map of what the marker looked like when it was first seen to what it looks like now, (N, 2, 2).
        absolute_px: Place by a model of the marker alone, bound to no other frame, (N, 2); NaN where it has none.
    """

    position_px: np.ndarray
    sigma_px: np.ndarray
    disagreement_px: np.ndarray
    score: np.ndarray
    shape: np.ndarray | None = None
    absolute_px: np.ndarray | None = None


@dataclass(frozen=True)
class Tracks:
    """Markers over time: N markers in T frames.

    Attributes:
        time_s: Middle of each exposure, (T,).
        position_px: (T, N, 2); NaN where missing.
        sigma_px: (T, N, 2); NaN where missing.
        status: Of type :class:`Status`, (T, N) uint8.
        disagreement_px: As in :class:`Located`, (T, N).
        size_px: Width and height of each marker when first seen, (N, 2).
        kind: ``square``, ``quadrant``, ``dot`` or ``patch``, N of them.
        common_px: Standard deviation of what all positions of a marker share, (N, 2): it is part of where the marker
            is, but not of how far it went. None where the localiser does not tell.
    """

    time_s: np.ndarray
    position_px: np.ndarray
    sigma_px: np.ndarray
    status: np.ndarray
    disagreement_px: np.ndarray
    size_px: np.ndarray
    kind: tuple[str, ...]
    common_px: np.ndarray | None = None

    def only(self, keep: np.ndarray) -> Tracks:
        """Some of the markers, (N,) bool."""
        return Tracks(
            self.time_s,
            *(one[:, keep] for one in (self.position_px, self.sigma_px, self.status, self.disagreement_px)),
            self.size_px[keep],
            tuple(kind for kind, kept in zip(self.kind, keep, strict=True) if kept),
            None if self.common_px is None else self.common_px[keep],
        )

    @property
    def measured(self) -> np.ndarray:
        """(T, N) bool."""
        return self.status == Status.MEASURED
