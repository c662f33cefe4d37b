"""Tilt of the view from how a body's size changes on its way, where squares give the scale and no plane is known.

In a view that is tilted along the way, a length in mm spans ``(1 + h x)^2`` times as many px along the way and
``1 + h x`` times as many across it, x px from where the scale was taken: the map of a plane whose horizon is at -1 / h.
A body's size, the root of its area, goes with the power 3/2, and a straight line through it gives h with its error. A
body that comes towards the camera on its way looks the same, and is put right by the same map.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gjadet_yolo.measure.bodies import LEAST, Grouping, fit_bodies
from gjadet_yolo.measure.lens import Lens
from gjadet_yolo.measure.rigid import BodyFit
from gjadet_yolo.measure.scale import Similar
from gjadet_yolo.measure.straight import straightened
from gjadet_yolo.measure.tracks import Tracks

POWER = 1.5
LEAST_WAY_PX = 20.0  # that a body must go to show a change of its size
SIGNIFICANT = 4.0  # standard deviations of h
CLIP = 4.0


def tilted(scale: Similar, tracks: Tracks, grouping: Grouping, frame: int, lens: Lens | None) -> Similar:
    """A scale with the tilt that each body shows on its way from where it was in a frame."""
    count = grouping.count
    pivot, tilt = np.tile(scale.centre_px, (count + 1, 1)), np.zeros((count + 1, 2))
    relative = scale.relative_sigma.copy()
    for number, fit in enumerate(fit_bodies(straightened(tracks, None, lens), grouping)):
        found = tilt_of(fit, frame)
        if found is not None:
            pivot[number], tilt[number], error = found
            relative[number] = np.hypot(relative[number], error)
    return replace(scale, pivot_px=pivot, tilt=tilt, relative_sigma=relative)


def tilt_of(fit: BodyFit, frame: int) -> tuple[np.ndarray, np.ndarray, float] | None:
    """Where a body was in a frame (2,), its tilt along the way (2,) in 1/px, and the relative error of its scale.

    None where it does not go far, or its size does not change by more than noise.
    """
    sure = np.isfinite(fit.position).all(1) & np.isfinite(fit.sigma_angle_rad) & (fit.markers >= LEAST)
    if not sure.any():
        return None
    start = int(np.flatnonzero(sure)[np.abs(np.flatnonzero(sure) - frame).argmin()])
    way = fit.position[sure] - fit.position[start]
    far = way[np.linalg.norm(way, axis=1).argmax()]
    length = float(np.linalg.norm(np.ptp(way, axis=0)))
    if length < LEAST_WAY_PX:
        return None
    direction = far / np.linalg.norm(far)
    along, size = way @ direction, np.log(fit.scale[sure]) / POWER
    # an error of a direction is one of the size, too: both are an arm's end against the arm
    slope, deviation = line(along, size, fit.sigma_angle_rad[sure] / POWER)
    if abs(slope) < SIGNIFICANT * deviation:
        return None
    return fit.position[start], slope * direction, 2 * deviation * length


def line(x: np.ndarray, y: np.ndarray, sigma: np.ndarray) -> tuple[float, float]:
    """Slope of a line through points (n,) and its standard deviation, errors of neighbours being alike."""
    keep = np.ones(len(x), bool)
    for _ in range(3):
        weight = np.where(keep, 1 / sigma**2, 0)
        mean_x, mean_y = np.average(x, weights=weight), np.average(y, weights=weight)
        inertia = float((weight * (x - mean_x) ** 2).sum())
        slope = float((weight * (x - mean_x) * (y - mean_y)).sum()) / inertia
        rest = (y - mean_y - slope * (x - mean_x)) / sigma
        scatter = 1.4826 * float(np.median(np.abs(rest[keep])))
        keep = np.abs(rest) <= CLIP * max(scatter, 1.0)
    # a handful of neighbours count as one: they show the same pixels
    return slope, max(scatter, 1.0) * np.sqrt(5 / inertia)
