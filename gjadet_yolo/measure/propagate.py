"""From positions to position, velocity and acceleration as one linear operator, and variances through it.

Filter and central differences, ``(x[t+1] - x[t-1]) / 2h`` once for the velocity and twice for the acceleration, make
each value a weighted sum of samples. With independent samples its variance is the sum of squared weights times the
samples' variances: nothing else is needed to take the correlation into account that filtering brings. Far from the
ends all rows of weights are shifts of one another, so the sum is a convolution; near the ends the rows are found by
filtering unit pulses. Memory: a few arrays of the size of the input, and no matrix of frames by frames.

The differences pass ``(sin w / w)`` and ``(sin w / w)^2`` of a sine of w radians a frame: 0.2 % of an acceleration at
12 Hz and 1000 frames/s, 12 % at 100 Hz, in exchange for a fifth less noise than differences that pass it all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.signal import oaconvolve

from gjadet_yolo.measure.cfc import LowPass

REACH = 2  # frames beyond a sample that two central differences look at
CHUNK = 512  # unit pulses that are filtered at once


@dataclass(frozen=True)
class Unfiltered:
    """Stands where no filter is wanted; a difference that looks beyond an end is NaN."""

    fps: float
    memory: int = REACH

    def apply(self, values: np.ndarray, margin: int = 0) -> np.ndarray:
        """Curves (n, C) with a margin of NaN, (n + 2 margin, C)."""
        return np.pad(values, ((margin, margin), (0, 0)), constant_values=np.nan)


Linear = LowPass | Unfiltered


def derivatives(filter_: Linear, values: np.ndarray) -> np.ndarray:
    """Filtered position, velocity and acceleration of curves.

    Args:
        values: (n, C), in any unit.

    Returns:
        (3, n, C), in the unit, unit/s and unit/s².
    """
    wide = filter_.apply(values, REACH)
    velocity = (wide[3:-1] - wide[1:-3]) * (filter_.fps / 2)
    acceleration = (wide[4:] - 2 * wide[2:-2] + wide[:-4]) * (filter_.fps**2 / 4)
    return np.stack([wide[2:-2], velocity, acceleration])


def variances(filter_: Linear, variance: np.ndarray) -> np.ndarray:
    """Variance of what :func:`derivatives` gives, for samples with independent errors.

    Args:
        variance: Of each sample, (n, C).

    Returns:
        (3, n, C).
    """
    reach = filter_.memory + REACH
    if len(variance) <= 4 * reach:
        return by_pulses(filter_, variance)
    result = np.stack([oaconvolve(variance, row**2, mode="same", axes=0) for row in kernels(filter_)])
    result[:, :reach] = by_pulses(filter_, variance[: 3 * reach])[:, :reach]
    result[:, -reach:] = by_pulses(filter_, variance[-3 * reach :])[:, -reach:]
    return np.maximum(result, 0)  # rounding of the transforms


def kernels(filter_: Linear) -> np.ndarray:
    """Weights of the samples about one that is far from any end, (3, 2 reach + 1, 1)."""
    reach = filter_.memory + REACH
    pulse = np.zeros((4 * reach + 1, 1))
    pulse[2 * reach] = 1
    return derivatives(filter_, pulse)[:, reach : 3 * reach + 1]


def noise_gain(filter_: Linear) -> np.ndarray:
    """Variance of position, velocity and acceleration far from the ends for samples of variance 1, (3,)."""
    return (kernels(filter_) ** 2).sum(axis=(1, 2))


def by_pulses(filter_: Linear, variance: np.ndarray) -> np.ndarray:
    """As :func:`variances`, through every unit pulse; the time grows with the square of the length."""
    result = np.zeros((3, *variance.shape))
    for columns, weights in pulse_responses(filter_, len(variance)):
        result += weights**2 @ variance[columns]
    return result


def pulse_responses(filter_: Linear, count: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Weights (3, count, at most CHUNK) of the samples of a slice, slice by slice."""
    for first in range(0, count, CHUNK):
        columns = slice(first, min(first + CHUNK, count))
        yield columns, derivatives(filter_, np.eye(count, columns.stop - first, -first))
