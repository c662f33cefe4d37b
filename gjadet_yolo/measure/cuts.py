"""Cuts in a video: places where one shot ends and another begins, behind which no marker can be followed.

Frames are compared as thumbnails by their correlation, which brightness and contrast do not change. A cut is a drop
that stays: after a flash, an airbag or a damaged frame the picture looks again as before. What is a drop is judged
against the frames before it, because fast motion close to the camera changes much from frame to frame too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import cv2
import numpy as np

THUMBNAIL_PX = (32, 32)
LEAST, DROP = 0.6, 8.0  # correlation across a cut, at most; change there against the usual one, at least
AROUND, USUAL = 3, 15  # frames on both sides that are compared, and frames that tell what is usual


class UntilCut:
    """Frames up to the first cut; as an iterator it runs ``AROUND`` frames behind its source.

    Attributes:
        cut: Index of the first frame behind the cut, which is not given any more; None where there was none.
    """

    def __init__(self, frames: Iterable[np.ndarray]) -> None:
        self.frames = frames
        self.cut: int | None = None

    def __iter__(self) -> Iterator[np.ndarray]:
        self.cut = None
        waiting: deque[tuple[np.ndarray, np.ndarray]] = deque()
        before: deque[np.ndarray] = deque(maxlen=AROUND)
        changes: deque[float] = deque([0.01], maxlen=USUAL)
        given = 0
        for image in self.frames:
            waiting.append((image, thumbnail(image)))
            if len(waiting) < AROUND:
                continue
            if len(before) == AROUND and is_cut(before, [small for _, small in waiting], float(np.median(changes))):
                self.cut = given
                return
            image, small = waiting.popleft()
            if before:
                changes.append(1 - likeness(before[-1], small))
            before.append(small)
            given += 1
            yield image
        # too close to the end to be told from a flash: a shot of two frames holds no motion worth measuring
        yield from (image for image, _ in waiting)


def is_cut(before: Sequence[np.ndarray], behind: Sequence[np.ndarray], usual: float) -> bool:
    """Whether a shot ends between two runs of thumbnails.

    Args:
        usual: 1 minus the correlation of neighbours, as it was so far.
    """
    if 1 - likeness(before[-1], behind[0]) < DROP * usual:
        return False
    across = max(likeness(one, other) for one in before for other in behind)
    within = min(likeness(one, other) for run in (before, behind) for one, other in pairwise(run))
    return across < LEAST and across < within


def thumbnail(image: np.ndarray) -> np.ndarray:
    """Small picture of unit length and mean 0, (1024,) float32; zeros where the frame is of one colour."""
    small = cv2.resize(image, THUMBNAIL_PX, interpolation=cv2.INTER_AREA).astype(np.float32)
    flat = (small.mean(2) if small.ndim == 3 else small).ravel()
    flat -= flat.mean()
    length = float(np.linalg.norm(flat))
    return flat / length if length > 1e-3 else np.zeros_like(flat)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of two thumbnails, -1 to 1; 1 if both are of one colour."""
    if not one.any() and not other.any():
        return 1.0
    return float(one @ other)
