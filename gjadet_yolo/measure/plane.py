"""Scale from four or more points of the plane of motion whose places in mm are known: tilted views are seen straight.

The homography from mm to px is fitted to the points in the picture (Hartley and Zisserman, Multiple View Geometry, 2nd
edition, 4.1 and 5.2: direct linear transform, then least squares of the image distances; covariance sigma² (JᵀJ)⁻¹).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import least_squares

from gjadet_yolo.geometry.camera import shows_horizon, transform
from gjadet_yolo.measure.lens import Lens, spread
from gjadet_yolo.measure.scale import CLICK_PX, LONGEST_MM
from gjadet_yolo.measure.tables import read_numbers

COLUMNS = ("x_px", "y_px", "x_mm", "y_mm")
LEAST_POINTS = 4
PRIOR = 4.0  # weight of CLICK_PX as the points' noise, in degrees of freedom: four points have no residual of their own
MISFIT_PX = 1.5  # root mean square; clicks do better
FLAT = 0.02  # smallest width of a set of points against its length, for any three of them too


@dataclass(frozen=True)
class Plane:
    """Map from the image to a plane.

    Attributes:
        homography: Plane (mm) to ideal image (px), (3, 3), its last entry 1.
        covariance: Of its first eight entries, row by row, (8, 8).
        residual_px: Distances of the stated points from their images, (N,).
        points_mm: The stated points, (N, 2).
    """

    homography: np.ndarray
    covariance: np.ndarray
    residual_px: np.ndarray
    points_mm: np.ndarray
    lens: Lens | None = None
    origin: str = "origin and axes of the plane's file"

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the reader of the results."""
        rms = float(np.sqrt(np.mean(self.residual_px**2)))
        hint = "" if rms < MISFIT_PX or self.lens else " State the lens, camera=FILE, or check them."
        return (
            f"The plane's {len(self.residual_px)} points fit within {rms:.2f} px RMS.{hint} Bodies in front of or "
            f"behind the plane are measured too large or too small by their depth against the distance of the camera.",
        )

    @property
    def relative_sigma(self) -> np.ndarray:
        """Relative standard deviation of the scale amid the stated points, (1,)."""
        middle = self.points_mm.mean(0)
        step = 1e-4 * np.ptp(self.points_mm)
        around = middle + step * np.array([(1, 0), (-1, 0), (0, 1), (0, -1)])

        def log_scale(entries: np.ndarray) -> float:
            seen = transform(matrix_of(entries), around)
            right, down = seen[0] - seen[1], seen[2] - seen[3]
            return -0.5 * float(np.log(abs(right[0] * down[1] - right[1] * down[0])))

        slope = self.derivative(lambda entries: np.array([log_scale(entries)]))
        return np.sqrt(np.diag(slope @ self.covariance @ slope.T))

    def to_mm(
        self, position_px: np.ndarray, sigma_px: np.ndarray, body: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Positions (T, K, 2) in mm in the plane and their noise (T, K, 2); ``body`` plays no part."""
        ideal, bent = self.lens.undistort(position_px) if self.lens else (position_px, np.eye(2))
        inverse = np.linalg.inv(self.homography)
        full = ideal @ inverse[:, :2].T + inverse[:, 2]
        place = full[..., :2] / full[..., 2:]
        slope = (inverse[:2, :2] - place[..., :, None] * inverse[2, :2]) / full[..., 2, None, None]
        return place, spread(slope @ bent, sigma_px)

    def systematic_mm(self, position_px: np.ndarray) -> np.ndarray:
        """Standard deviation in mm, (..., 2), that the fit of the plane leaves at image points (..., 2) in px."""
        ideal = self.lens.undistort(position_px)[0] if self.lens else np.asarray(position_px, float)
        slope = self.derivative(lambda entries: transform(np.linalg.inv(matrix_of(entries)), ideal))
        return np.sqrt(np.einsum("...i,ij,...j->...", slope, self.covariance, slope))

    def derivative(self, function: object) -> np.ndarray:
        """Derivative (..., 8) of a function of the homography's entries, by central differences."""
        entries = self.homography.ravel()[:8]
        # a hundredth of an entry's own deviation keeps differences linear, whatever its unit
        steps = np.maximum(0.01 * np.sqrt(np.diag(self.covariance)), 1e-12)
        columns = [
            (function(entries + step) - function(entries - step)) / (2 * step[index])
            for index, step in enumerate(np.diag(steps))
        ]
        return np.stack(columns, -1)


def matrix_of(entries: np.ndarray) -> np.ndarray:
    """Homography (3, 3) of its first eight entries."""
    return np.append(entries, 1.0).reshape(3, 3)


def read_plane(file: Path, size_px: tuple[int, int], lens: Lens | None = None) -> Plane:
    """Plane of a CSV or YAML file with x_px, y_px, x_mm and y_mm of each point.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is none, or its points do not fix a plane. Names file and line.
    """
    table, lines = read_numbers(file, COLUMNS)
    if len(table) < LEAST_POINTS:
        raise ValueError(f"{file} holds {len(table)} points, allowed: {LEAST_POINTS} or more.")
    outside = ((table[:, :2] < 0) | (table[:, :2] > size_px)).any(1)
    if outside.any():
        raise ValueError(
            f"{file}, {lines[int(np.argmax(outside))]}: the point lies outside of the picture of {size_px[0]} x "
            f"{size_px[1]} px."
        )
    far = (np.abs(table[:, 2:]) > LONGEST_MM).any(1)
    if far.any():
        first = int(np.argmax(far))
        raise ValueError(
            f"{file}, {lines[first]}: x_mm={table[first, 2]:g}, y_mm={table[first, 3]:g} is too far, allowed: up to "
            f"{LONGEST_MM:g} mm."
        )
    return fit_plane(table[:, :2], table[:, 2:], size_px, lens, str(file))


def fit_plane(
    points_px: np.ndarray,
    points_mm: np.ndarray,
    size_px: tuple[int, int],
    lens: Lens | None = None,
    name: str = "plane",
) -> Plane:
    """Fit a plane to N points, (N, 2) in px as a picture shows them and (N, 2) in mm.

    Raises:
        ValueError: They do not fix a plane: four or more are wanted, no three of the only four in line.
    """
    ideal = usable_points(points_px, points_mm, lens, name)
    # entries of size 1 make all eight of them equally well known to the solver
    centre, size = points_mm.mean(0), float(np.ptp(points_mm, axis=0).max())
    unit = np.array([[1 / size, 0, -centre[0] / size], [0, 1 / size, -centre[1] / size], [0, 0, 1]])
    scaled = transform(unit, points_mm)
    start, _ = cv2.findHomography(scaled, ideal, 0)
    # the middle of the points would lie on the horizon
    if start is None or abs(start[2, 2]) < 1e-9 * np.abs(start).max():
        raise ValueError(f"{name}: no plane fits its points. Are px and mm of each point in one row?")
    misses = lambda entries: (transform(matrix_of(entries), scaled) - ideal).ravel()  # noqa: E731
    best = least_squares(misses, start.ravel()[:8] / start[2, 2], x_scale="jac", method="lm")
    freedom = 2 * len(ideal) - 8
    variance = (float((best.fun**2).sum()) + PRIOR * CLICK_PX**2) / (freedom + PRIOR)
    matrix = matrix_of(best.x) @ unit
    if shows_horizon(matrix / np.sign(transform_depth(matrix, points_mm)), size_px):
        raise ValueError(
            f"{name}: the horizon of the plane would be in the picture. Are px and mm of each point right?"
        )
    covariance = variance * np.linalg.inv(best.jac.T @ best.jac)
    slope = rescaling(best.x, unit)
    residual = np.linalg.norm(best.fun.reshape(-1, 2), axis=1)
    return Plane(matrix / matrix[2, 2], slope @ covariance @ slope.T, residual, np.asarray(points_mm, float), lens)


def usable_points(points_px: np.ndarray, points_mm: np.ndarray, lens: Lens | None, name: str) -> np.ndarray:
    """Ideal image points (N, 2) of points that fix a plane.

    Raises:
        ValueError: They fix none, or lie where the lens's model ends.
    """
    ideal = lens.undistort(points_px)[0] if lens else np.asarray(points_px, float)
    if not np.isfinite(ideal).all():
        raise ValueError(
            f"{name}: a point lies where the camera file's lens model ends. Take points closer to the middle."
        )
    for unit, points in (("px", ideal), ("mm", points_mm)):
        if not fixes_plane(points):
            raise ValueError(
                f"{name}: its points in {unit} lie in a line, or all but one do, and fix no plane. Allowed are four or "
                f"more of which four form a quadrangle."
            )
    return ideal


def transform_depth(matrix: np.ndarray, points: np.ndarray) -> float:
    """Third coordinate of the middle of points (N, 2), whose sign a homography may have either way."""
    return float(matrix[2] @ np.append(points.mean(0), 1.0))


def rescaling(entries: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Derivative (8, 8) of the entries of ``H unit``, its last one made 1, by the entries of H."""

    def moved(values: np.ndarray) -> np.ndarray:
        matrix = matrix_of(values) @ unit
        return (matrix / matrix[2, 2]).ravel()[:8]

    steps = np.diag(1e-6 * np.maximum(np.abs(entries), 1e-3))
    return np.stack([(moved(entries + step) - moved(entries - step)) / (2 * step.sum()) for step in steps], 1)


def fixes_plane(points: np.ndarray) -> bool:
    """Whether four of N points (N, 2) form a quadrangle, no three of them close to one line."""

    def width(chosen: np.ndarray) -> float:
        values = np.linalg.svd(chosen - chosen.mean(0), compute_uv=False)
        return float(values[-1] / max(values[0], 1e-12))

    # all but any one of the points must still span an area
    return all(width(np.delete(points, one, 0)) > FLAT for one in range(len(points)))
