"""From positions with gaps to displacement, velocity and acceleration, each with its standard deviation.

A curve is cut where it was not measured for longer than one period of the filter's cut-off; shorter gaps are bridged
(:mod:`gjadet_yolo.measure.bridge`). What a bar is of depends on the filter:

- ``cfc...``, ``...hz``, ``none``: of the noise. It covers what the same filter and differences make of the true motion,
  as two records of one class are compared; what the class itself takes away is not in it.
- ``kalman``, ``spline``: of the true motion, on average over a curve.
- ``auto``: a cut-off for each curve, that which gives the least expected error of the acceleration: noise and bias, the
  bias being what the cut-off would do to the curve that ``kalman`` finds. The bar holds both: of the true motion.

Errors of one marker in neighbouring frames count as independent. :func:`noise_ratio` finds from the data how much
larger they are than stated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from gjadet_yolo.measure import smooth
from gjadet_yolo.measure.bridge import add_variances, build, fill
from gjadet_yolo.measure.cfc import FRAMES_PER_CUTOFF, LowPass
from gjadet_yolo.measure.filters import Filter
from gjadet_yolo.measure.propagate import Linear, Unfiltered, derivatives, noise_gain, variances

FITTED_GAP_S = 0.01  # gaps that the fitted filters bridge: those of CFC 60
LEAST_SAMPLES = 8  # of a stretch that velocities are given for
LOWEST_CUTOFF_HZ, CUTOFFS = 8.0, 16  # among which auto chooses
DIFFERENCE = 4  # order of the differences that motion does not show in


@dataclass(frozen=True)
class Motion:
    """Curves of C channels in n frames, arrays (n, C) in the unit of the positions, per s and per s².

    NaN where no measured sample stands behind a value. ``cutoff_hz`` is (C,): the -3 dB of the finished filter, NaN
    where it has none.
    """

    position: np.ndarray
    velocity: np.ndarray
    acceleration: np.ndarray
    sigma_position: np.ndarray
    sigma_velocity: np.ndarray
    sigma_acceleration: np.ndarray
    cutoff_hz: np.ndarray


def kinematics(position: np.ndarray, sigma: np.ndarray, measured: np.ndarray, fps: float, filter_: Filter) -> Motion:
    """Filter and differentiate curves.

    A stretch that is too short to differentiate, or shorter than a period of the cut-off, keeps its positions as they
    were measured. Memory: about ten times that of the positions; fitted filters: see
    :mod:`gjadet_yolo.measure.smooth`.

    Args:
        position: (n, C) equally spaced samples, e.g. mm, or unwrapped angles in rad.
        sigma: Standard deviation of each, (n, C).
        measured: (n, C) bool; others are not looked at, and neither are those that are NaN.
        fps: Samples per second.
        filter_: Which one.

    Raises:
        ValueError: The rate cannot carry the filter.
    """
    position, sigma = np.asarray(position, float), np.asarray(sigma, float)
    measured = np.asarray(measured, bool) & np.isfinite(position) & np.isfinite(sigma)
    linear = filter_.linear(fps)
    result = np.full((6, *position.shape), np.nan)
    result[0], result[3] = np.where(measured, position, np.nan), np.where(measured, sigma, np.nan)
    cutoff_hz = np.full(position.shape[1], linear.cutoff_hz if isinstance(linear, LowPass) else np.nan)
    shortest, longest_gap = limits(linear, fps)
    for (start, stop), channels in stretches(measured, longest_gap).items():
        if measured[start:stop, channels].sum(0).min() < shortest:
            channels = [c for c in channels if measured[start:stop, c].sum() >= shortest]
        if not channels:
            continue
        here = np.ix_(range(start, stop), channels)
        args = position[here], sigma[here], measured[here]
        if linear is not None:
            result[:, start:stop, channels] = np.concatenate(filtered(linear, *args))
        elif filter_.kind == "auto":
            result[:, start:stop, channels], cutoff_hz[channels] = automatic(*args, fps)
        else:
            found = smooth.smooth(*args, fps, trust_sigma=filter_.kind == "kalman")
            result[:, start:stop, channels] = np.concatenate(found[:2])
    return Motion(*result, cutoff_hz)


def limits(linear: Linear | None, fps: float) -> tuple[int, int]:
    """Fewest samples of a stretch, and the longest gap within one, in frames."""
    if isinstance(linear, Unfiltered):
        return 3, 0
    period = math.floor(fps / linear.cutoff_hz) if linear else round(FITTED_GAP_S * fps)
    return max(LEAST_SAMPLES, period if linear else 0), max(period, 3)


def stretches(measured: np.ndarray, longest_gap: int) -> dict[tuple[int, int], list[int]]:
    """Channels by the first and past the last frame of a stretch that is measured but for short gaps."""
    found: dict[tuple[int, int], list[int]] = {}
    for c in range(measured.shape[1]):
        seen = np.flatnonzero(measured[:, c])
        if len(seen):
            breaks = np.flatnonzero(np.diff(seen) > longest_gap + 1)
            starts, stops = np.r_[seen[0], seen[breaks + 1]], np.r_[seen[breaks], seen[-1]] + 1
            for key in zip(starts.tolist(), stops.tolist(), strict=True):
                found.setdefault(key, []).append(c)
    return found


def filtered(
    linear: Linear, values: np.ndarray, sigma: np.ndarray, measured: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Position, velocity, acceleration (3, n, C) and standard deviations (3, n, C) of one stretch, ends measured."""
    variance = np.where(measured, sigma, 0.0) ** 2
    whole = np.where(measured, values, 0.0)
    kept = variance.copy()
    bridged = {}
    for c in np.flatnonzero(~measured.all(axis=0)):
        bridged[c] = build(whole[:, c], variance[:, c], measured[:, c])
        whole[:, c] = fill(whole[:, c], bridged[c], measured[:, c])
        for bridge in bridged[c]:
            kept[bridge.start : bridge.stop, c] = 0
    spread = variances(linear, kept)
    for c, bridges in bridged.items():
        add_variances(linear, bridges, variance[:, c], spread[:, :, c])
    # far from the origin a filter would lose digits that differences need
    origin = whole[:1]
    estimate = derivatives(linear, whole - origin)
    estimate[0] += origin
    return estimate, np.sqrt(spread)


def automatic(values: np.ndarray, sigma: np.ndarray, measured: np.ndarray, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """Values and deviations (6, n, C) of one stretch, and the cut-offs of least expected error, (C,)."""
    model = smooth.smooth(values, sigma, measured, fps)[0]
    highest = fps / FRAMES_PER_CUTOFF
    tried = np.geomspace(min(LOWEST_CUTOFF_HZ, highest), highest, CUTOFFS)
    # what gaps and ends add hardly depends on the cut-off
    noise = (np.where(measured, sigma, 0.0) ** 2).sum(axis=0) / measured.sum(axis=0)
    expected = np.array([expected_square(LowPass.of_cutoff(cutoff, fps), model, noise) for cutoff in tried])
    chosen = np.argmin(expected, axis=0)
    result = np.empty((6, *values.shape))
    for index in np.unique(chosen):
        linear, here = LowPass.of_cutoff(tried[index], fps), chosen == index
        estimate, deviation = filtered(linear, values[:, here], sigma[:, here], measured[:, here])
        result[:3, :, here] = estimate
        result[3:, :, here] = np.sqrt(deviation**2 + bias_square(linear, model[:, :, here]))
    return result, tried[chosen]


def expected_square(linear: LowPass, model: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Mean square of the error of the acceleration, (C,), if the motion were the model (3, n, C).

    ``noise`` is the variance of a sample, (C,).
    """
    return noise_gain(linear)[2] * noise + bias_square(linear, model)[2].mean(axis=0)


def bias_square(linear: LowPass, model: np.ndarray) -> np.ndarray:
    """Square of what a filter takes away from a motion, about each frame; both (3, n, C)."""
    bias = derivatives(linear, model[0] - model[0][:1])
    bias[0] += model[0][:1]
    # over a period: where a bias changes its sign there is some beside it
    return uniform_filter1d((bias - model) ** 2, max(round(linear.fps / linear.cutoff_hz), 1), axis=1, mode="nearest")


def noise_ratio(position: np.ndarray, sigma: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """How large frame-to-frame noise is against what is stated, from fourth differences, in which motion hardly shows.

    The median of their size is taken, so that an impact or an outlier does not count. Errors that last for many frames
    are not seen by it.

    Args:
        position, sigma, measured: As in :func:`kinematics`.

    Returns:
        (C,): 1 where the stated sigmas hold, 2 where the noise is twice as large; NaN with fewer than ten differences.
    """
    measured = np.asarray(measured, bool) & np.isfinite(position) & np.isfinite(sigma)
    if len(position) <= DIFFERENCE:
        return np.full(position.shape[1], np.nan)
    parts = [slice(i, len(position) - DIFFERENCE + i) for i in range(DIFFERENCE + 1)]
    weights = [(-1) ** i * math.comb(DIFFERENCE, i) for i in range(DIFFERENCE + 1)]
    whole = np.logical_and.reduce([measured[part] for part in parts])
    known, stated = np.where(measured, position, 0.0), np.where(measured, sigma, 1.0)
    difference = sum(w * known[part] for w, part in zip(weights, parts, strict=True))
    expected = np.sqrt(sum((w * stated[part]) ** 2 for w, part in zip(weights, parts, strict=True)))
    result = np.full(position.shape[1], np.nan)
    for c in np.flatnonzero(whole.sum(0) >= 10):
        size = np.abs(difference[whole[:, c], c])
        result[c] = np.median(size / expected[whole[:, c], c]) / 0.6744898  # median of a normal variable's size
    return result
