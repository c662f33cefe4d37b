"""What tracking asks of a detector and a localiser, and its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gjadet_yolo.measure.tracks import Located

Detector = Callable[[np.ndarray], np.ndarray]
"""From an image to boxes (K, 6): x1, y1, x2, y2, score, class."""


class Templates(Protocol):
    """K markers as they looked when they were learned.

    There may be more members. ``pool`` and ``index`` (K,): others that were learned by the same localiser can be looked
    for in one call of ``pool.locate``, which takes ``len(pool)`` guesses. ``kind`` names what each is, see ``Tracks``.
    ``settled()`` tells after the last frame by how much all positions of each marker have to be moved, in px of the
    frame in which it was learned, (K, 2), and the standard deviation of that, (K, 2).
    """

    def locate(self, grey: np.ndarray, guess_px: np.ndarray, shape: np.ndarray | None) -> Located:
        """Find the markers in a frame (H, W) float32 near guesses (K, 2); those with a NaN guess are left out.

        ``shape`` (K, 2, 2) maps each marker's surroundings as they were learned to how they look now.
        """
        ...


class Localiser(Protocol):
    def learn(self, grey: np.ndarray, boxes_xyxy: np.ndarray) -> Templates:
        """Learn K markers from a frame (H, W) float32 and their boxes (K, 4)."""
        ...


@dataclass(frozen=True)
class TrackSettings:
    """How markers are followed.

    Attributes:
        every: Frames from one detection to the next where all is well; 1 detects in every frame.
        confidence: Least score of a detection that may begin a track.
        score: Least correlation of a measured sample with what the marker looked like.
        marker_class: Class of the markers; None takes detections of every class.
        confirm: Detections from which a track counts; 1 for places that a person states.

    Raises:
        ValueError: A value is out of its range.
    """

    every: int = 10
    confidence: float = 0.25
    score: float = 0.6
    marker_class: int | None = 0
    confirm: int = 2

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"every is {self.every}; allowed: 1 (detect in each frame) or more.")
        for name in ("confidence", "score"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; allowed: 0 to 1.")
