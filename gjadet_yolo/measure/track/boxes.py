"""Detections as tracking uses them: markers only, each once, whole ones apart from those that the border cuts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

SAME = 0.4  # centres nearer than this share of the smaller size are of one marker
NEAR = 0.6  # detections nearer than this to a track begin no track of their own
BORDER_PX = 1.5  # a box that ends so near to the border may be cut by it
ALIKE_REACH, WHOLE = 3.0, 0.93  # marker sizes within which markers are of one size, and the least share of it


@dataclass(frozen=True)
class Found:
    """Detected markers: boxes (K, 4) in px, and their scores (K,)."""

    boxes: np.ndarray
    scores: np.ndarray

    @property
    def centre(self) -> np.ndarray:
        """(K, 2)."""
        return (self.boxes[:, :2] + self.boxes[:, 2:]) / 2

    @property
    def size(self) -> np.ndarray:
        """Width and height, (K, 2)."""
        return self.boxes[:, 2:] - self.boxes[:, :2]

    def __getitem__(self, which: np.ndarray) -> Found:
        return Found(self.boxes[which], self.scores[which])


def clean(detections: np.ndarray, marker_class: int | None) -> Found:
    """Markers among detections (K, 6), best first, without those that repeat a better one.

    Raises:
        ValueError: The array is not (K, 6).
    """
    rows = np.asarray(detections, float)
    if rows.ndim != 2 or rows.shape[1] != 6:
        raise ValueError(f"the detector gave an array of shape {rows.shape}; expected (K, 6): xyxy, score, class.")
    keep = np.isfinite(rows).all(1) & (rows[:, 2:4] > rows[:, :2]).all(1)
    if marker_class is not None:
        keep &= rows[:, 5] == marker_class
    rows = rows[keep]
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    found = Found(rows[:, :4], rows[:, 4])
    size = found.size.mean(1)
    close = cdist(found.centre, found.centre) < SAME * np.minimum(size[:, None], size[None])
    return found[~np.tril(close, -1).any(1)]


def whole(found: Found, shape: tuple[int, ...]) -> np.ndarray:
    """Which markers the border of an image (H, W) does not cut, (K,) bool.

    A box that ends at the border is of a whole marker if it is as large as that of the nearest marker within.
    """
    height, width = shape[:2]
    low, high = found.boxes[:, :2] > BORDER_PX, found.boxes[:, 2:] < (width - BORDER_PX, height - BORDER_PX)
    within = (low & high).all(1)
    edge = np.nonzero(~within)[0]
    if not within.any() or not len(edge):
        return within
    away, nearest = cKDTree(found.centre[within]).query(found.centre[edge])
    size, like = found.size[edge], found.size[within][nearest]
    within[edge] = (away < ALIKE_REACH * like.max(1)) & (size > WHOLE * like).all(1)
    return within


def match(position_px: np.ndarray, size_px: np.ndarray, found: Found) -> tuple[np.ndarray, np.ndarray]:
    """Detection of each track, (N,) int, -1 for none, and which detections are far from every track, (K,) bool.

    Args:
        position_px: Tracks, (N, 2); NaN matches nothing.
        size_px: Mean of width and height, (N,).
    """
    matched = np.full(len(position_px), -1)
    if not len(position_px) or not len(found.boxes):
        return matched, np.ones(len(found.boxes), bool)
    # each in units of the smaller of the two, so a large box does not swallow the small markers in it
    unit = np.minimum(size_px[:, None], found.size.mean(1)[None])
    away = np.nan_to_num(cdist(position_px, found.centre) / unit, nan=np.inf)
    tracks, detections = linear_sum_assignment(np.minimum(away, 10 * SAME))
    good = away[tracks, detections] < SAME
    matched[tracks[good]] = detections[good]
    return matched, away.min(0) > NEAR
