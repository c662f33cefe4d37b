"""What squares of a strip say about each other: neighbours are of like size and share an edge.

A dark square on dark ground shows too few edges to tell its middle, and its own pixels may even mislead. Its neighbours
tell where the strip's rim runs and where the next row begins. Each square thus gets an expected place and frame with
variances, which enter its second fit beside its pixels. Rows that differ in length show as a large variance along the
strip, squares torn or turned as contradictions, and are then left to their own pixels.

Over-exposure and the tone curve make light squares look larger than dark ones; both keep their middles. So sizes are
compared after taking off what light ones are larger by, which neighbours of both colours tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEAR = 2.6  # sides: how far off squares are asked about their size
SHARED = 0.25  # sides: how well the middles of a common edge have to meet
SLACK_PX, SLACK_SHARE = 0.02, 0.003  # of px and of the half side: how well a strip is straight and evenly printed


@dataclass(frozen=True)
class Expected:
    """Middle x, y and frame xx, xy, yx, yy of K squares, and their variances, (K, 6) each; infinite: unknown."""

    value: np.ndarray
    variance: np.ndarray

    @classmethod
    def nothing(cls, count: int) -> Expected:
        return cls(np.zeros((count, 6)), np.full((count, 6), np.inf))

    def take(self, index: np.ndarray) -> Expected:
        return Expected(self.value[index], self.variance[index])


def upright(frame: np.ndarray) -> np.ndarray:
    """Frames (K, 2, 2) with columns swapped and turned so that the first points to the right, the second down."""
    swap = np.abs(frame[:, 0, 0]) < np.abs(frame[:, 0, 1])
    result = np.where(swap[:, None, None], frame[:, :, ::-1], frame)
    return result * np.stack((np.sign(result[:, 0, 0]), np.sign(result[:, 1, 1])), -1)[:, None, :]


def expect(middle: np.ndarray, frame: np.ndarray, sigma: np.ndarray, grey: np.ndarray) -> Expected:
    """What the neighbours of each square say.

    Args:
        middle: (K, 2) px; ``frame`` (K, 2, 2), upright.
        sigma: Standard deviations of middle and frame, (K, 6); NaN for squares that have nothing to say.
        grey: Of the squares, (K,).
    """
    count = len(middle)
    half = np.sqrt(np.abs(np.linalg.det(frame)))
    known = np.isfinite(sigma).all(1)
    variance = np.where(known[:, None], sigma, 1e3) ** 2 + (SLACK_PX + SLACK_SHARE * half[:, None]) ** 2
    apart = middle[None] - middle[:, None]  # [k, j]: from k to j
    alike = np.abs(np.log(half[None] / half[:, None])) < 0.45
    reached = np.hypot(apart[..., 0], apart[..., 1]) < NEAR * 2 * half[:, None]
    near = alike & reached & known[None] & ~np.eye(count, dtype=bool)
    growth = bloom(frame, variance, grey, near)
    bare = frame - growth
    size, size_variance = weighted(
        np.broadcast_to(bare.reshape(count, 4), (count, count, 4)), near[..., None] / variance[None, :, 2:]
    )
    better = size_variance < variance[:, 2:]
    own = np.where(better, size, bare.reshape(count, 4)).reshape(-1, 2, 2)
    own_variance = np.where(better, size_variance, variance[:, 2:])
    place, place_variance = expected_places(middle, own, bare, own_variance, variance, near)
    return Expected(
        np.concatenate((place, size + growth.reshape(count, 4)), 1),
        np.concatenate((place_variance, size_variance), 1),
    )


def bloom(frame: np.ndarray, variance: np.ndarray, grey: np.ndarray, near: np.ndarray) -> np.ndarray:
    """By how much each square's frame is too large (light) or small (dark), (K, 2, 2)."""
    around = (near * grey).sum(1) / np.maximum(near.sum(1), 1)
    light = np.sign(grey - around)
    length = np.linalg.norm(frame, axis=1)  # (K, 2), of the columns
    spread = np.stack((variance[:, [2, 4]].sum(1), variance[:, [3, 5]].sum(1)), -1)
    other = near & (light[None] == -light[:, None])
    opposite, opposite_spread = weighted(
        np.broadcast_to(length, (len(length), *length.shape)), other[..., None] / spread[None]
    )
    difference = light[:, None] * (length - opposite) / 2
    weight = 4 / (spread + opposite_spread)
    both = near | np.eye(len(near), dtype=bool)
    # of both axes at once: it is the same for all edges
    pooled, _ = weighted(
        np.broadcast_to(difference.reshape(1, -1), (len(near), difference.size))[..., None],
        (both[:, :, None] * weight[None]).reshape(len(near), -1, 1),
    )
    return frame / length[:, None, :] * (light[:, None] * pooled)[:, None, :]


def expected_places(
    middle: np.ndarray,
    own: np.ndarray,
    frame: np.ndarray,
    own_variance: np.ndarray,
    variance: np.ndarray,
    near: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Middles (K, 2) by the edges shared with up to four neighbours each, and their variances."""
    values, weights = [], []
    for axis in (0, 1):
        for sign in (-1, 1):
            # the middle of a square is away from its neighbour's by half sides of both
            predicted = middle[None] - sign * (own[:, None, :, axis] + frame[None, :, :, axis])
            error = np.hypot(*np.moveaxis(predicted - middle[:, None], -1, 0))
            side = 2 * np.linalg.norm(own[:, :, axis], axis=1)
            chosen = near & (error < SHARED * side[:, None])
            index = np.where(chosen, error, np.inf).argmin(1)
            rows = np.arange(len(middle))
            spread = variance[index, :2] + variance[index][:, [2 + axis, 4 + axis]] + own_variance[:, [axis, 2 + axis]]
            values.append(predicted[rows, index])
            weights.append(chosen.any(1)[:, None] / spread)
    return weighted(np.stack(values, 1), np.stack(weights, 1))


def weighted(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means (K, P) of values (K, J, P) and their variances, which grow where values contradict each other.

    A value far from the others' median by its own measure counts for little; one value alone gets thrice its variance.
    """
    shown = np.where(weights > 0, values, np.nan)
    shown[~(weights > 0).any(1)[:, None, :].repeat(values.shape[1], 1)] = 0
    middle = np.nanmedian(shown, 1, keepdims=True)
    weights = weights / (1 + (values - middle) ** 2 * weights / 9)
    total = weights.sum(1)
    mean = (weights * values).sum(1) / np.maximum(total, 1e-12)
    count = (weights > 0).sum(1)
    scatter = (weights * (values - mean[:, None]) ** 2).sum(1) / np.maximum(total, 1e-12)
    variance = np.where(count > 1, 1 / np.maximum(total, 1e-12) + scatter, 3 / np.maximum(total, 1e-12))
    return mean, np.where(count > 0, variance, np.inf)
