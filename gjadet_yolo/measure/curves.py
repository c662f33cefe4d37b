"""Curves of markers and bodies: positions as measured, velocity and acceleration through the filter, with their bars.

A bar in mm, m/s or m/s² holds the noise and the error of the scale. That of a position is the scale's share of the way
since the first sample: where mm count from is arbitrary, and so is the error there.
"""

from __future__ import annotations

import numpy as np

from gjadet_yolo.measure.filters import Filter
from gjadet_yolo.measure.kinematics import kinematics, noise_ratio
from gjadet_yolo.measure.result import Curves, Turning
from gjadet_yolo.measure.rigid import BodyFit
from gjadet_yolo.measure.tracks import Tracks

MM_PER_M = 1000.0
COMMON_PX = 0.002  # standard deviation of what all markers of a body share in a frame, however many they are


def way(position: np.ndarray) -> np.ndarray:
    """Displacement since the first sample, (T, K, 2)."""
    there = np.isfinite(position)
    first = np.take_along_axis(position, there.argmax(0)[None], 0)
    return position - first


def curves_of(
    position_px: np.ndarray,
    sigma_px: np.ndarray,
    position_mm: np.ndarray,
    noise_mm: np.ndarray,
    measured: np.ndarray,
    fps: float,
    filter_: Filter,
    relative: np.ndarray,
    slow: np.ndarray | None = None,
) -> Curves:
    """Curves of K markers or bodies.

    Args:
        position_px: (T, K, 2), NaN where missing; ``sigma_px`` likewise.
        position_mm: (T, K, 2); ``noise_mm`` is its standard deviation without the scale's.
        measured: (T, K) bool.
        fps: Frames/s.
        filter_: Of velocity and acceleration.
        relative: Relative standard deviation of each one's scale, (K,).
        slow: How many times more of the errors the filter passes than of independent ones, (K, 3), as
            :func:`~gjadet_yolo.measure.wander.passed` gives it; 1 where left out.

    Raises:
        ValueError: The rate cannot carry the filter.
    """
    frames, count = measured.shape
    flat, shape = (frames, 2 * count), (frames, count, 2)
    seen = np.repeat(measured, 2, 1)
    motion = kinematics(position_mm.reshape(flat), noise_mm.reshape(flat), seen, fps, filter_)

    def metres(values: np.ndarray) -> np.ndarray:
        # a bridged gap is for the filter: a value is given where a sample stands behind it
        return np.where(measured[..., None], values.reshape(shape) / MM_PER_M, np.nan)

    def bar(noise: np.ndarray, value: np.ndarray) -> np.ndarray:
        return np.hypot(noise, relative[:, None] * value)

    more = np.ones((count, 3)) if slow is None else slow
    position_mm = np.where(measured[..., None], position_mm, np.nan)
    velocity, acceleration = metres(motion.velocity), metres(motion.acceleration)
    return Curves(
        position_px=position_px,
        sigma_px=np.where(np.isfinite(position_px), sigma_px, np.nan),
        position_mm=position_mm,
        sigma_mm=bar(np.where(measured[..., None], noise_mm, np.nan), way(position_mm)),
        velocity_mps=velocity,
        sigma_velocity_mps=bar(metres(motion.sigma_velocity) * more[:, 1:2], velocity),
        acceleration_mps2=acceleration,
        sigma_acceleration_mps2=bar(metres(motion.sigma_acceleration) * more[:, 2:], acceleration),
    )


def noise_of(curves: Curves, relative: np.ndarray) -> np.ndarray:
    """Standard deviation of positions in mm without that of the scale, (T, K, 2): the inverse of :func:`curves_of`."""
    scale = relative[:, None] * way(curves.position_mm)
    return np.sqrt(np.maximum(curves.sigma_mm**2 - scale**2, 0))


def bodies_px(fits: list[BodyFit], frames: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions of bodies and their standard deviations, (T, B, 2), in px, and where they were measured, (T, B)."""
    if not fits:
        return np.zeros((frames, 0, 2)), np.zeros((frames, 0, 2)), np.zeros((frames, 0), bool)
    position, sigma = (np.stack([getattr(fit, name) for fit in fits], 1) for name in ("position", "sigma"))
    seen = np.isfinite(position).all(2) & np.isfinite(sigma).all(2)
    flat = (frames, -1)
    ratio = noise_ratio(position.reshape(flat), sigma.reshape(flat), np.repeat(seen, 2, 1)).reshape(-1, 2)
    # never less than stated: errors that last for many frames do not show between neighbours
    return position, np.hypot(sigma * np.fmax(ratio, 1.0), COMMON_PX), seen


def turning_of(fits: list[BodyFit], frames: int, fps: float, filter_: Filter) -> Turning:
    """Rotation of bodies."""
    if not fits:
        return Turning(*np.zeros((4, frames, 0)))
    angle, sigma = (np.stack([getattr(fit, name) for fit in fits], 1) for name in ("angle_rad", "sigma_angle_rad"))
    return turned(angle, sigma, fps, filter_)


def turned(angle: np.ndarray, sigma: np.ndarray, fps: float, filter_: Filter) -> Turning:
    """Rotation and rate of it; angles as measured, (T, B) rad."""
    seen = np.isfinite(angle) & np.isfinite(sigma)
    motion = kinematics(angle, sigma, seen, fps, filter_)
    rate, sigma_rate = (np.where(seen, value, np.nan) for value in (motion.velocity, motion.sigma_velocity))
    return Turning(angle, sigma, rate, sigma_rate)


def noise_ratios(tracks: Tracks) -> np.ndarray:
    """Frame-to-frame noise of each marker against what was stated, (N,); NaN where too little was measured."""
    frames, count = tracks.status.shape
    flat = (frames, 2 * count)
    seen = np.repeat(tracks.measured, 2, 1)
    ratio = noise_ratio(tracks.position_px.reshape(flat), tracks.sigma_px.reshape(flat), seen)
    return np.sqrt((ratio.reshape(count, 2) ** 2).mean(1))
