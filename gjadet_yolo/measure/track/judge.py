"""Which finds are of their marker: by likeness, by agreement, by place, and each marker by one track only."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from gjadet_yolo.measure.track.field import distance
from gjadet_yolo.measure.tracks import Located

OFF = 0.3  # in marker sizes: a find farther from its guess, or off its group's motion by more, is of something else
OVERLAP = 0.5  # in marker sizes: two tracks nearer than this follow the same marker
DISAGREE = 0.12  # in marker sizes: most that two estimates of one place may differ
PARTS = ("position_px", "sigma_px", "disagreement_px", "score")


def nowhere(count: int) -> Located:
    """Places of markers that were not found."""
    pair, single = np.full((count, 2), np.nan), np.full(count, np.nan)
    return Located(pair, pair.copy(), single, single.copy())


def merge(located: Located, other: Located, which: np.ndarray) -> None:
    """Take some places (n,) bool from another search."""
    for name in PARTS:
        getattr(located, name)[which] = getattr(other, name)[which]


def chosen(located: Located, which: np.ndarray) -> Located:
    """Places of some markers."""
    return Located(*(getattr(located, name)[which] for name in PARTS))


def joined(located: Located, other: Located) -> Located:
    """Places of these markers and of others after them."""
    return Located(*(np.concatenate((getattr(located, name), getattr(other, name))) for name in PARTS))


def passes(located: Located, guess: np.ndarray, size: np.ndarray, shape: tuple[int, ...], score: float) -> np.ndarray:
    """Which finds look like their marker, lie near their guess (n, 2) and wholly in the image (H, W), (n,) bool."""
    extent = size.mean(1)
    good = (located.score >= score) & (distance(located.position_px - guess) <= OFF * extent)
    good &= ~(located.disagreement_px > np.maximum(DISAGREE * extent, 0.5))  # NaN is no disagreement
    return good & np.isfinite(located.sigma_px).all(1) & inside(located.position_px, size, shape)


def inside(position: np.ndarray, size: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Which markers lie in an image (H, W) but for a sliver, (n,) bool."""
    half, limit = 0.45 * size, np.array([shape[1], shape[0]])
    return ((position - half >= 0) & (position + half <= limit)).all(1)


def near(position: np.ndarray, others: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Which positions (n, 2) have one of the others (m, 2) within their limit (n,), (n,) bool; NaN has none."""
    close, there = np.zeros(len(position), bool), np.isfinite(position).all(1)
    if len(others) and there.any():
        close[there] = cKDTree(others).query(position[there])[0] < limit[there]
    return close


def without_doubles(located: Located, good: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Good finds less the worse ones of those that lie on each other, (n,) bool."""
    places = np.nonzero(good)[0]
    if len(places) < 2:
        return good
    reach = OVERLAP * float(extent[places].max())
    pairs = cKDTree(located.position_px[places]).query_pairs(reach, output_type="ndarray")
    first, second = places[pairs].T if len(pairs) else np.zeros((2, 0), int)
    away = distance(located.position_px[first] - located.position_px[second])
    close = away < OVERLAP * np.minimum(extent[first], extent[second])
    worse = np.where(located.score[first] < located.score[second], first, second)[close]
    good = good.copy()
    good[worse] = False
    return good
