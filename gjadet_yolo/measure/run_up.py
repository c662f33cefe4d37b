"""Motion of a body before T0: the straight line that impact speed and crush rest on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gjadet_yolo.measure.kinematics import Motion
from gjadet_yolo.measure.onset import Onset, likeness

LEAST_BEFORE = 8  # samples of a straight fit
LONGEST_BEFORE_S = 0.1


@dataclass(frozen=True)
class Line:
    """Straight motion: position at T0 (2,) in mm, velocity (2,) in m/s, and the standard deviations of both."""

    position: np.ndarray
    velocity: np.ndarray
    sigma_position: np.ndarray
    sigma_velocity: np.ndarray


def before(
    time_s: np.ndarray, position: np.ndarray, sigma: np.ndarray, seen: np.ndarray, t0: Onset, smooth: Motion
) -> Line | None:
    """Motion before T0 by a straight fit, or by the smoothed curve where too little was measured."""
    use = run_up(time_s, seen, t0)
    if use.sum() < LEAST_BEFORE:
        at = int(np.argmin(np.abs(time_s - t0.time_s)))
        parts = smooth.position, smooth.velocity / 1e3, smooth.sigma_position, smooth.sigma_velocity / 1e3
        return Line(*(part[at] for part in parts)) if np.isfinite(smooth.velocity[at]).all() else None
    fitted = [straight(time_s[use] - t0.time_s, position[use, axis], sigma[use, axis]) for axis in range(2)]
    columns = np.array(fitted).T
    return Line(columns[0], columns[1] / 1e3, columns[2], columns[3] / 1e3)


def run_up(time_s: np.ndarray, seen: np.ndarray, t0: Onset) -> np.ndarray:
    """Frames before T0 that the speed of impact rests on, (n,) bool: those surely before it, or the first eight.

    Where T0 is so unsure that none is surely before it, the first frames still are likeliest to be. A smoothed curve
    would carry the impact into the run-up.

    Args:
        time_s: (n,).
        seen: Where the body was measured, (n,) bool.
    """
    recent = seen & (time_s > t0.time_s - LONGEST_BEFORE_S)
    use = recent & (time_s < t0.time_s - 2 * t0.sigma_s)
    first = recent & (np.cumsum(recent) <= LEAST_BEFORE) & (time_s < t0.time_s)
    return use if use.sum() >= LEAST_BEFORE else first


def straight(t: np.ndarray, y: np.ndarray, s: np.ndarray) -> tuple[float, float, float, float]:
    """Value at 0 and slope of a line, and their standard deviations.

    These grow where the residuals are larger than stated, and where neighbours resemble each other: then there are
    fewer independent ones (factor (1 + r) / (1 - r) for correlation r between neighbours).
    """
    design = np.stack([np.ones_like(t), t], axis=1) / s[:, None]
    inverse = np.linalg.inv(design.T @ design)
    found = inverse @ (design.T @ (y / s))
    rest = y / s - design @ found
    variance = max(float(rest @ rest) / (len(t) - 2), 1.0) * likeness(rest)
    deviation = np.sqrt(np.diag(inverse) * variance)
    return float(found[0]), float(found[1]), float(deviation[0]), float(deviation[1])
