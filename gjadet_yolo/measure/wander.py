"""How errors of a body's markers hang together over time.

A marker's error depends on where its edges lie on the pixels, so it changes slowly while the marker moves slowly, and
filtering takes less of it away than of independent errors. What the markers of a body do beside its motion shows by how
much: their residuals go through the same filter as the motion, and come out larger than independent ones would.
"""

from __future__ import annotations

import warnings

import numpy as np

from gjadet_yolo.measure.filters import FITTED, Filter
from gjadet_yolo.measure.kinematics import kinematics

LEAST_MARKERS = 4  # whose residuals say more than that a body was fitted to them
FOLLOWS = 3.0  # times the median residual, up to which a marker counts: others have left, or are half hidden
MOVES = 0.1  # of its greatest speed: a body that stands shows constant errors, which say nothing of those in motion
LEAST_FRAMES = 10
MOST = 5.0  # errors of a whole video in one direction


def residuals(position: np.ndarray, body_position: np.ndarray, angle_rad: np.ndarray) -> np.ndarray:
    """What K markers of a body do beside its motion, (T, K, 2), NaN where not measured.

    Args:
        position: (T, K, 2).
        body_position: (T, 2).
        angle_rad: (T,).
    """
    arm = position - body_position[:, None]
    arm = arm[..., 0] + 1j * arm[..., 1]
    turn = np.exp(1j * np.nan_to_num(angle_rad))[:, None]
    back = arm / turn
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a marker that was never measured
        layout = np.nanmedian(back.real, 0) + 1j * np.nanmedian(back.imag, 0)
    beside = arm - turn * layout
    return np.stack((beside.real, beside.imag), -1)


def passed(
    position: np.ndarray,
    sigma: np.ndarray,
    body: np.ndarray,
    body_position: np.ndarray,
    angle_rad: np.ndarray,
    fps: float,
    filter_: Filter,
) -> np.ndarray:
    """How many times more of the errors of B bodies a filter passes than of independent ones.

    Args:
        position: Of N markers, (T, N, 2), NaN where not measured; ``sigma`` likewise.
        body: Index of each one's body, (N,); -1 for none.
        body_position: (T, B, 2).
        angle_rad: (T, B).
        fps: Frames/s.
        filter_: Of the curves.

    Returns:
        Factors of position, velocity and acceleration, (B, 3); 1 or more. Filters that are fitted to each curve take
        residuals otherwise than the motion: 1.
    """
    factors = np.ones((body_position.shape[1], 3))
    if filter_.kind in FITTED:
        return factors
    for one in range(len(factors)):
        mine = np.flatnonzero(body == one)
        beside = residuals(position[:, mine], body_position[:, one], angle_rad[:, one])
        seen = np.isfinite(beside).all(2) & np.isfinite(sigma[:, mine]).all(2)
        mine, beside, seen = follow(mine, beside, sigma[:, mine], seen)
        if len(mine) >= LEAST_MARKERS:
            moves = in_motion(body_position[:, one], fps)
            factors[one] = ratios(beside, sigma[:, mine], seen, moves, fps, filter_)
    return factors


def follow(
    mine: np.ndarray, beside: np.ndarray, sigma: np.ndarray, seen: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Markers (K,) of a body whose residuals are like those of the rest, with residuals and where they were seen."""
    count = np.maximum(seen.sum(0), 1)
    size = np.sqrt(np.where(seen, ((beside / sigma) ** 2).mean(2), 0).sum(0) / count)
    some = seen.sum(0) >= LEAST_FRAMES
    good = some & (size <= FOLLOWS * np.median(size[some])) if some.any() else some
    return mine[good], beside[:, good], seen[:, good]


def slope_sigma(
    time_s: np.ndarray, position: np.ndarray, body_position: np.ndarray, angle_rad: np.ndarray, use: np.ndarray
) -> float:
    """Standard deviation of the slope of a body's path over some frames, as the slopes of its markers scatter.

    That of one marker is off by how its look changes on the way: it is no noise that a longer path would remove, but
    differs between markers. 0 where fewer than four tell.

    Args:
        time_s: (T,).
        position: Of its K markers, (T, K, 2), NaN where not measured.
        body_position: (T, 2).
        angle_rad: (T,).
        use: Frames, (T,) bool.
    """
    beside = residuals(position, body_position, angle_rad)[use]
    whole = np.isfinite(beside).all((0, 2))
    if whole.sum() < LEAST_MARKERS or use.sum() < LEAST_MARKERS:
        return 0.0
    arm = time_s[use] - time_s[use].mean()
    slopes = np.tensordot(arm, beside[:, whole], 1) / (arm @ arm)  # (K, 2)
    # by medians: a marker that was half hidden does not count for the body either
    scatter = 1.4826 * np.median(np.abs(slopes - np.median(slopes, 0)))
    return float(scatter / np.sqrt(whole.sum() - 1))


def in_motion(position: np.ndarray, fps: float) -> np.ndarray:
    """Frames in which a body (T, 2) moves, (T,) bool; all where it hardly does in any."""
    step = np.linalg.norm(np.gradient(np.nan_to_num(position), axis=0), axis=1) * fps
    moves = step > MOVES * np.nanpercentile(step, 95)
    return moves if moves.sum() >= LEAST_FRAMES else np.ones(len(position), bool)


def ratios(
    beside: np.ndarray, sigma: np.ndarray, seen: np.ndarray, moves: np.ndarray, fps: float, filter_: Filter
) -> np.ndarray:
    """Factors (3,) of residuals (T, K, 2) with their standard deviations, in the frames in which the body moves."""
    flat = (len(beside), -1)
    motion = kinematics(beside.reshape(flat), sigma.reshape(flat), np.repeat(seen, 2, 1), fps, filter_)
    use = np.repeat(seen & moves[:, None], 2, 1)

    def size(values: np.ndarray, spread: np.ndarray) -> float:
        known = use & np.isfinite(values) & (spread > 0)
        return float(np.mean((values[known] / spread[known]) ** 2)) if known.any() else np.nan

    raw = size(beside.reshape(flat), sigma.reshape(flat))
    through = [
        size(motion.position, motion.sigma_position),
        size(motion.velocity, motion.sigma_velocity),
        size(motion.acceleration, motion.sigma_acceleration),
    ]
    if not raw > 0:
        return np.ones(3)
    return np.clip(np.nan_to_num(np.sqrt(np.array(through) / raw), nan=1.0), 1.0, MOST)
