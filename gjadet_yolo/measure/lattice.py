"""A check of places by the grid of a strip: a square lies midway between its neighbours on opposite sides.

A marker that was half hidden when it was learned keeps a place that is off for the whole video, and neither its pixels
nor its motion show it. Its neighbours do. The check moves nothing; it widens the deviation of what all positions of the
marker share.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy.spatial import cKDTree

REACH = 1.7  # sides of a square within which its neighbours lie, diagonal ones too
STRAIGHT = 0.9  # cosine from which two neighbours lie on opposite sides
ALIKE = 2.0  # most ratio of their distances
EXCESS = 2.0  # deviations from which a departure is no chance
SHARE = np.sqrt(1.5)  # deviation of a place against the middle of two others, all alike


def departures(place_px: np.ndarray, side_px: np.ndarray) -> np.ndarray:
    """How far squares lie from the middle of two neighbours, (N, 2); NaN without two on opposite sides.

    Of several pairs the one that agrees best counts, so that one neighbour that is off does not accuse the others.

    Args:
        place_px: (N, 2); NaN where a marker is not seen or is no square.
        side_px: (N,).
    """
    found = np.full(place_px.shape, np.nan)
    seen = np.flatnonzero(np.isfinite(place_px).all(1))
    if len(seen) < 3:
        return found
    tree = cKDTree(place_px[seen])
    for number, near in zip(seen, tree.query_ball_point(place_px[seen], REACH * side_px[seen]), strict=True):
        others = seen[near]
        arms = place_px[others[others != number]] - place_px[number]
        lengths = np.hypot(*arms.T)
        for one, two in combinations(np.flatnonzero(lengths > 0), 2):
            opposite = -(arms[one] @ arms[two]) / (lengths[one] * lengths[two]) > STRAIGHT
            alike = max(lengths[one], lengths[two]) < ALIKE * min(lengths[one], lengths[two])
            middle = -(arms[one] + arms[two]) / 2
            if opposite and alike and not np.hypot(*middle) >= np.hypot(*found[number]):  # NaN is larger than all
                found[number] = middle
    return found


def widened(common_px: np.ndarray, departure_px: np.ndarray) -> np.ndarray:
    """Deviations (N, 2) of what a marker's positions share, no smaller than its departure from the grid says."""
    apart = np.abs(np.nan_to_num(departure_px)) / SHARE
    return np.where(apart > EXCESS * common_px, apart, common_px)
