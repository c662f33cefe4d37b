"""Smoothers that are fitted to each curve: a state-space model, Kalman filter forwards and its smoother backwards.

The state is position, velocity, acceleration and jerk, driven by white noise of strength q; gaps are steps without a
sample. The mean is the smoothing spline that penalises the fourth derivative (Wahba 1978, Kohn and Ansley 1987), so
``spline`` and ``kalman`` share this file and differ in what they trust:

- ``kalman``: the stated standard deviations; q by the greatest likelihood.
- ``spline``: only their ratios; the noise level and q together from the data (generalised maximum likelihood, Wahba
  1985).

The bars are posterior standard deviations: noise and what smoothing takes away, so they are of the true value. They
hold on average over a curve, not at each place of it: one q stands for quiet and for violent parts.

Filter of Kalman (1960), smoother of Bryson and Frazier in its modified form (Bierman 1973), which inverts no matrix.
Without the jerk as a state, accelerations of haversine pulses come out with twice to three times the error. Memory: 20
numbers for each sample, of at most ten million at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

ORDER = 4  # position, velocity, acceleration, jerk
DIFFUSE = 1e4  # variance of the first state against that of a fit to the first samples
FIRST_SAMPLES = 12
LOG_Q_RANGE = (-17.0, 1.0)  # from 300 frames averaged to none
NUMBERS_AT_ONCE = 10_000_000
COARSE, FINE = 3.0, 1.0  # steps of the search, in powers of ten
TRANSITION = np.array([[1 / math.factorial(j - i) if j >= i else 0.0 for j in range(ORDER)] for i in range(ORDER)])
DRIVE = np.array(
    [
        [
            1 / (math.factorial(ORDER - 1 - i) * math.factorial(ORDER - 1 - j) * (2 * ORDER - 1 - i - j))
            for j in range(ORDER)
        ]
        for i in range(ORDER)
    ]
)


@dataclass(frozen=True)
class Fit:
    """What was found for C curves.

    Attributes:
        log_q: log10 of q over the unit of variance, per frame^7, (C,).
        unit: Standard deviation that everything is measured in, (C,).
        level: Noise over the stated one, (C,); 1 where the stated one is trusted.
    """

    log_q: np.ndarray
    unit: np.ndarray
    level: np.ndarray


def smooth(
    values: np.ndarray, sigma: np.ndarray, measured: np.ndarray, fps: float, trust_sigma: bool = True
) -> tuple[np.ndarray, np.ndarray, Fit]:
    """Fit and smooth curves.

    Args:
        values: (n, C); what is not measured is not looked at.
        sigma: Standard deviation of each, (n, C).
        measured: (n, C) bool.
        fps: Samples per second.
        trust_sigma: Whether the stated sigmas hold, or only their ratios.

    Returns:
        Position, velocity, acceleration (3, n, C), their standard deviations (3, n, C), and the fit.
    """
    fit = find(values, sigma, measured, trust_sigma)
    estimate, deviation = run(values, sigma, measured, fit)
    per_second = np.array([1.0, fps, fps**2])[:, None, None]
    return estimate * per_second, deviation * per_second, fit


def scaled(
    values: np.ndarray, sigma: np.ndarray, measured: np.ndarray, unit: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values less a parabola and their variances, in units of sigma, (n, C); and the parabola.

    The variance of what is not measured is infinite. The parabola comes with its derivatives, (3, n, C).
    """
    at = np.linspace(-1, 1, len(values))
    step = 2 / max(len(values) - 1, 1)
    nought = np.zeros_like(at)
    basis = np.stack([at**2, at, nought + 1], 1)
    slopes = np.stack([np.stack([2 * at, nought + 1, nought], 1), np.stack([nought + 2, nought, nought], 1)])
    weight = measured.astype(float)
    normal = np.einsum("ni,nc,nj->cij", basis, weight, basis)
    right = np.einsum("ni,nc->ci", basis, np.where(measured, values, 0))
    found = np.linalg.solve(normal, right[:, :, None])[:, :, 0].T
    trend = np.stack([basis @ found, step * slopes[0] @ found, step**2 * slopes[1] @ found])
    rest = np.where(measured, values - trend[0], 0.0) / unit
    return rest, np.where(measured, (sigma / unit) ** 2, np.inf), trend


def find(values: np.ndarray, sigma: np.ndarray, measured: np.ndarray, trust_sigma: bool) -> Fit:
    """Search q for each curve."""
    unit = np.array([np.median(sigma[seen, c]) for c, seen in enumerate(measured.T)])
    unit = np.where(unit > 0, unit, 1e-9 * (1 + np.ptp(np.where(measured, values, 0), axis=0)))
    rest, variance, _ = scaled(values, sigma, measured, unit)
    coarse = np.arange(LOG_Q_RANGE[0], LOG_Q_RANGE[1] + COARSE / 2, COARSE)
    centre = best_of(rest, variance, np.repeat(coarse[:, None], rest.shape[1], axis=1), trust_sigma)[0]
    steps = np.arange(-COARSE + FINE, COARSE - FINE / 2, FINE)
    found, level = best_of(rest, variance, centre + steps[:, None], trust_sigma)
    return Fit(found, unit, level)


def best_of(
    rest: np.ndarray, variance: np.ndarray, log_q: np.ndarray, trust_sigma: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Of candidates (G, C) the likeliest, between candidates by a parabola; and the noise level there, (C,) each."""
    tried, curves = log_q.shape
    spread, squares = innovations(np.tile(rest, tried), np.tile(variance, tried), 10 ** log_q.ravel())
    degrees = np.maximum(np.isfinite(variance).sum(0) - ORDER, 1)
    spread, squares = spread.reshape(log_q.shape), squares.reshape(log_q.shape)
    level = np.ones_like(squares) if trust_sigma else squares / degrees
    level = np.maximum(level, 1e-12)
    score = -0.5 * (spread + squares / level + degrees * np.log(level))
    top = np.argmax(score, axis=0)
    inner, column = np.clip(top, 1, tried - 2), np.arange(curves)
    below, here, above = score[inner - 1, column], score[inner, column], score[inner + 1, column]
    bend = below - 2 * here + above
    shift = np.where((inner == top) & (bend < 0), 0.5 * (below - above) / np.where(bend < 0, bend, 1), 0.0)
    return log_q[top, column] + shift * (log_q[1] - log_q[0]), np.sqrt(level[top, column])


def innovations(rest: np.ndarray, variance: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum of log variances and of squared ratios of each sample to what the filter foresaw, (C,) each."""
    state, covariance = start(rest, variance)
    drive = DRIVE[:, :, None] * q
    spread, squares = np.zeros(len(q)), np.zeros(len(q))
    for t in range(len(rest)):
        if t:
            state, covariance = forward(state, covariance, drive)
        total = covariance[0, 0] + variance[t]
        miss = rest[t] - state[0]
        spread += np.log(np.where(np.isfinite(total), total, 1))
        squares += miss**2 / total
        state, covariance = corrected(state, covariance, covariance[0] / total, miss)
    return spread, squares


def start(rest: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """State (4, C) and covariance (4, 4, C) before the first sample; curves come last so that they lie in a row.

    The cubic through the first samples, with a hundred times its deviation: a start that says next to nothing and still
    loses no digits, as one of infinite covariance would.
    """
    first = np.argsort(~np.isfinite(variance), axis=0, kind="stable")[:FIRST_SAMPLES]
    value, weight = np.take_along_axis(rest, first, 0), 1 / np.take_along_axis(variance, first, 0)
    # the cubic by its Taylor coefficients, which are the state; in units of the length that the matrix stays regular
    length = first.max()
    powers = np.stack([(first / length) ** i / math.factorial(i) for i in range(ORDER)])
    normal = np.einsum("inc,nc,jnc->cij", powers, weight, powers)
    inverse = np.linalg.inv(normal)
    state = np.einsum("cij,jnc,nc->ic", inverse, powers, weight * value)
    per_frame = float(length) ** -np.arange(ORDER)
    covariance = np.moveaxis(inverse * np.outer(per_frame, per_frame), 0, 2)
    return state * per_frame[:, None], DIFFUSE * covariance


def forward(state: np.ndarray, covariance: np.ndarray, drive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One frame on."""
    covariance = both_sides(TRANSITION, covariance) + drive
    # rounding must not grow on one side of the diagonal
    return TRANSITION @ state, (covariance + covariance.swapaxes(0, 1)) / 2


def both_sides(matrix: np.ndarray, symmetric: np.ndarray) -> np.ndarray:
    """``matrix @ symmetric @ matrix.T`` for symmetric (4, 4, C), as two large products."""
    half = (matrix @ symmetric.reshape(ORDER, -1)).reshape(symmetric.shape)
    return (matrix @ half.swapaxes(0, 1).reshape(ORDER, -1)).reshape(symmetric.shape)


def corrected(
    state: np.ndarray, covariance: np.ndarray, gain: np.ndarray, miss: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """State and covariance after a sample."""
    return state + gain * miss, covariance - gain[:, None] * covariance[0]


def run(values: np.ndarray, sigma: np.ndarray, measured: np.ndarray, fit: Fit) -> tuple[np.ndarray, np.ndarray]:
    """Smooth curves with what was found; position, velocity, acceleration per frame (3, n, C), and their deviations."""
    rest, variance, trend = scaled(values, sigma, measured, fit.unit)
    estimate, deviation = np.empty_like(trend), np.empty_like(trend)
    at_once = max(NUMBERS_AT_ONCE // (len(rest) * ORDER**2), 1)
    for first in range(0, rest.shape[1], at_once):
        c = slice(first, first + at_once)
        foreseen = foresee(rest[:, c], variance[:, c] * fit.level[c] ** 2, 10 ** fit.log_q[c] * fit.level[c] ** 2)
        estimate[:, :, c], deviation[:, :, c] = backwards(rest[:, c], variance[:, c] * fit.level[c] ** 2, *foreseen)
    return estimate * fit.unit + trend, deviation * fit.unit


def foresee(rest: np.ndarray, variance: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """States (n, 4, C) and covariances (n, 4, 4, C) that all earlier samples foresee."""
    count, curves = rest.shape
    states, covariances = np.empty((count, ORDER, curves)), np.empty((count, ORDER, ORDER, curves))
    state, covariance = start(rest, variance)
    drive = DRIVE[:, :, None] * q
    for t in range(count):
        if t:
            state, covariance = forward(state, covariance, drive)
        states[t], covariances[t] = state, covariance
        gain = covariance[0] / (covariance[0, 0] + variance[t])
        state, covariance = corrected(state, covariance, gain, rest[t] - state[0])
    return states, covariances


def backwards(
    rest: np.ndarray, variance: np.ndarray, states: np.ndarray, covariances: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Adjoint run from the end: what each sample and later ones say about each foreseen state, (3, n, C) twice."""
    count, curves = rest.shape
    pull, known = np.zeros((ORDER, curves)), np.zeros((ORDER, ORDER, curves))
    estimate, deviation = np.empty((3, count, curves)), np.empty((3, count, curves))
    for t in reversed(range(count)):
        foreseen, p = states[t], covariances[t]
        total = p[0, 0] + variance[t]
        gain = p[0] / total
        # times (1 - gain h) from each side, h being the row that picks the position
        pull[0] -= (gain * pull).sum(0) + (rest[t] - foreseen[0]) / total
        known[0] -= (gain[:, None] * known).sum(0)
        known[:, 0] -= (known * gain).sum(1)
        known[0, 0] += 1 / total
        estimate[:, t] = (foreseen - (p * pull).sum(1))[:3]
        product = sum(p[:3, j, None] * known[j] for j in range(ORDER))
        left = np.einsum("iic->ic", p[:3, :3]) - (product * p[:3]).sum(1)
        deviation[:, t] = np.sqrt(np.maximum(left, 0))
        pull, known = TRANSITION.T @ pull, both_sides(TRANSITION.T, known)
    return estimate, deviation
