"""How much the markers of a body scatter about its motion, in the video and about each frame, and which leave it."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d

MEDIAN_2 = 2 * np.log(2)  # median of chi-squared with two degrees of freedom
LEAST_TOLD, WINDOW = 4, 11  # markers of a frame whose residuals tell how large errors are, and frames to look at
LEFT_SHARE, LEFT_SAMPLES = 0.9, 5  # a marker has left if so many of its samples to the end are outliers, at least 5
TINY = 1e-300


def spread(residual: np.ndarray, weights: np.ndarray) -> float:
    """Residuals (T, K) in standard deviations: their robust RMS per axis, corrected for what the fit has taken away."""
    use = weights > 0
    samples = 2 * int(use.sum())
    free = samples - 3 * int(use.any(1).sum()) - 2 * int(use.any(0).sum())
    if free < 4:  # nothing is left to judge by
        return 1.0
    squared = np.abs(residual[use]) ** 2 * weights[use]
    return float(np.sqrt(np.median(squared) / MEDIAN_2 * samples / free))


def spread_around(residual: np.ndarray, weights: np.ndarray, overall: float) -> np.ndarray:
    """As :func:`spread`, about each frame, (T,): errors of markers in motion are larger than of those at rest.

    ``overall`` is taken where a frame shows too few markers to tell.
    """
    use = weights > 0
    count = use.sum(1)
    told = count >= LEAST_TOLD
    squared = np.where(use, np.abs(np.where(use, residual, 0)) ** 2 * weights, np.nan)[told]
    free = 2 * count[told] - 3  # pose; the layout takes little, as all frames share it
    about = np.zeros(len(use))
    about[told] = np.nanmedian(squared, 1) / MEDIAN_2 * 2 * count[told] / free
    share = uniform_filter1d(told.astype(float), WINDOW, mode="nearest")
    mean = uniform_filter1d(about, WINDOW, mode="nearest") / np.maximum(share, TINY)
    return np.where(share > 0.5, np.sqrt(mean), overall)


def departures(far: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Frame in which each marker leaves for good, (K,) int, -1 for none.

    Args:
        far: Samples that are off, (T, K) bool.
        seen: Samples there are, (T, K) bool.
    """
    off, count = (np.cumsum(part[::-1], 0)[::-1] for part in (far & seen, seen))
    gone = far & seen & (off >= LEFT_SHARE * count) & (count >= LEFT_SAMPLES)
    return np.where(gone.any(0), gone.argmax(0), -1)
