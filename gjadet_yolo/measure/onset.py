"""T0 from the motion itself: when a body leaves its constant velocity.

Before T0 the position is a straight line. After it a power of the time since T0 is added, with two more terms: power 2
where the deceleration steps up, 3 where it ramps up, 4 where it begins as a haversine does. Which one is unknown, so
each time on a fine grid is weighed by its likelihood under each of them, the other coefficients at their best; mean and
standard deviation of the time under these weights are what is given. Where the true form is none of these, T0 is off
by a few per cent of the time fitted, which the deviation holds. A smooth beginning has no sharp time, and the standard
deviation says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gjadet_yolo.measure.filters import Filter
from gjadet_yolo.measure.kinematics import kinematics

POWERS, TERMS = (2, 3, 4), 3
SEARCH_HZ = (100.0, 50.0, 30.0)  # cut-offs of the velocity in which a change is looked for
SIGNIFICANT = 6.0  # standard deviations of a change of velocity
FOUND_PART = 0.1  # of the change of velocity: where it counts as found
USED_PARTS = (0.4, 0.2)  # up to where it is fitted: the shorter where no form follows the longer
UNKNOWN_FORM = 0.04  # of the time fitted after T0: half-sines, haversines and trapezoids without noise lie within 5 %
FITTING = 2.0  # standard deviations that a sum of squares may lie above what noise gives
LONGEST_BEFORE_S = 0.1  # what a body did earlier says nothing
STEP_FRAMES = 0.2
LEAST_BEFORE, LEAST_AFTER = 8, 4


@dataclass(frozen=True)
class Onset:
    """Time at which the motion changes, in the time of the samples, and its standard deviation."""

    time_s: float
    sigma_s: float


def find_onset(time_s: np.ndarray, position: np.ndarray, sigma: np.ndarray, measured: np.ndarray) -> Onset | None:
    """Find when one body leaves its constant velocity.

    Args:
        time_s: Middle of each exposure, equally spaced, (n,).
        position: Along the direction of motion, (n,), e.g. mm.
        sigma: Standard deviation of each, (n,).
        measured: (n,) bool.

    Returns:
        None where the velocity does not change, or too little was seen before it does.
    """
    found = plain_change(time_s, position, sigma, measured)
    if found is None:
        return None
    first, here, lasts = found
    frame_s = (time_s[-1] - time_s[0]) / (len(time_s) - 1)
    seen = np.flatnonzero(measured[first : lasts[0]]) + first
    t, y, s = (time_s[seen] - time_s[here]) / frame_s, position[seen], sigma[seen]
    noise = quiet_noise(t[seen < here], y[seen < here], s[seen < here])
    fits = [fit_until(t[seen < last], y[seen < last], s[seen < last], noise) for last in lasts]
    (mean, deviation, _), last = next(
        (one for one in zip(fits, lasts, strict=True) if one[0][2] < FITTING), (fits[-1], lasts[-1])
    )
    # a form that follows the samples may still begin elsewhere than the pulse, by part of the time that was fitted
    deviation = math.hypot(deviation, UNKNOWN_FORM * (t[seen < last][-1] - mean))
    # and so do two fits that disagree by more than the shorter one's own error
    apart = (fits[0][0] - fits[-1][0]) ** 2 - fits[-1][1] ** 2
    deviation = math.sqrt(deviation**2 + max(apart, 0.0))
    if mean < t[LEAST_BEFORE - 1] + 1:  # it was on its way when it was first seen
        return None
    return Onset(float(time_s[here]) + mean * frame_s, deviation * frame_s)


def fit_until(t: np.ndarray, y: np.ndarray, s: np.ndarray, noise: float) -> tuple[float, float, float]:
    """T0 in frames, its standard deviation, and how far the misfit lies above noise, in its standard deviations."""
    candidates = np.arange(t[LEAST_BEFORE - 1], t[-TERMS - 2], STEP_FRAMES)
    squares = np.stack([misfits(t, y, s, candidates, power) for power in POWERS]) / noise
    free = len(t) - TERMS - 2
    weight = np.exp(-0.5 * (squares - squares.min()) / max(squares.min() / free, 1)).sum(axis=0)
    mean = np.average(candidates, weights=weight)
    spread = np.average((candidates - mean) ** 2, weights=weight) + STEP_FRAMES**2 / 12
    return mean, math.sqrt(spread), (squares.min() - free) / math.sqrt(2 * free)


def quiet_noise(t: np.ndarray, y: np.ndarray, s: np.ndarray) -> float:
    """Mean squared ratio of noise to sigma before the change, at least 1; more where neighbours resemble each other.

    The last third is left out: it may hold the beginning of the change.
    """
    quiet = slice(0, max(2 * len(t) // 3, LEAST_BEFORE))
    design = np.stack([np.ones_like(t), t], axis=1)[quiet] / s[quiet, None]
    rest = (y - y[0])[quiet] / s[quiet]
    rest = rest - design @ np.linalg.lstsq(design, rest, rcond=None)[0]
    return max(float(rest @ rest) / (len(rest) - 2), 1.0) * likeness(rest)


def likeness(rest: np.ndarray) -> float:
    """How many neighbours in the residuals (n,) of a straight line count as one, as they resemble each other."""
    # two fitted parameters make neighbours look opposed
    alike = float(rest[1:] @ rest[:-1] / (rest @ rest)) + 2 / len(rest) if rest.any() else 0.0
    return (1 + alike) / max(1 - alike, 0.05) if alike > 2 / math.sqrt(len(rest)) else 1.0


def plain_change(
    time_s: np.ndarray, position: np.ndarray, sigma: np.ndarray, measured: np.ndarray
) -> tuple[int, int, list[int]] | None:
    """First frame of a fit, the frame in which the change is plain, and ends of fits from late to early, or None."""
    fps = (len(time_s) - 1) / (time_s[-1] - time_s[0])
    # a run-up is straight, which mirrored ends keep; a parabola through two periods would reach into the impact.
    # The fastest cut-off that noise allows: a slow one carries a short pulse back to the beginning of a short run-up
    for hz in SEARCH_HZ:
        search = Filter("hz", min(hz, fps / 10), "iso")
        motion = kinematics(position[:, None], sigma[:, None], measured[:, None], fps, search)
        velocity, spread = motion.velocity[:, 0], motion.sigma_velocity[:, 0]
        known = np.flatnonzero(np.isfinite(velocity))
        if len(known) < 2 * LEAST_BEFORE:
            return None
        # a filtered end is noisier than the rest, so the beginning is a median
        start = np.median(velocity[known[:LEAST_BEFORE]])
        change = np.abs(velocity[known] - start)
        largest = int(np.argmax(change))
        if FOUND_PART * change[largest] > SIGNIFICANT * np.median(spread[known]):
            break
    if change[largest] < SIGNIFICANT * spread[known[largest]]:
        return None
    # of the first change that matters: later ones may be larger and of the other sign
    found = int(known[np.argmax(change > max(FOUND_PART * change[largest], SIGNIFICANT * np.median(spread[known])))])
    first = max(int(known[0]), found - round(LONGEST_BEFORE_S * fps))
    reached = [int(known[np.argmax(change >= part * change[largest])]) for part in USED_PARTS]
    lasts = [min(max(last, found + LEAST_AFTER), int(known[-1])) + 1 for last in reached]
    seen = measured[first:found].sum() >= LEAST_BEFORE and measured[found : lasts[-1]].sum() >= TERMS + 2
    return (first, found, lasts) if seen else None


def misfits(t: np.ndarray, y: np.ndarray, s: np.ndarray, candidates: np.ndarray, power: int) -> np.ndarray:
    """Sum of squared ratios of residual to sigma for each candidate T0, (G,).

    Infinite where the fitted motion would begin against its own direction.
    """
    since = np.maximum(t - candidates[:, None], 0) / np.ptp(t)
    after = np.stack([since ** (power + i) for i in range(TERMS)], axis=-1)
    before = np.broadcast_to(np.stack([np.ones_like(t), t / np.ptp(t)], axis=-1), (*since.shape, 2))
    design = np.concatenate([before, after], axis=-1) / s[:, None]
    target = (y - y[0]) / s
    axes, upper = np.linalg.qr(design)
    along = np.einsum("gni,n->gi", axes, target)
    rest = target - np.einsum("gni,gi->gn", axes, along)
    squares = (rest**2).sum(axis=1)
    coefficients = np.linalg.solve(upper, along[:, :, None])[:, :, 0]
    change = (after[:, -1] * coefficients[:, 2:]).sum(axis=1)
    return np.where(coefficients[:, 2] * change > 0, squares, np.inf)
