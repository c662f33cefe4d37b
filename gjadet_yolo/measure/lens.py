"""Lens of a camera: from real to ideal image points, and how noise goes along.

The model is that of OpenCV (Brown 1966 with a third radial term): with x, y in focal lengths from the principal point
and r² = x² + y²,

    x' = x (1 + k1 r² + k2 r⁴ + k3 r⁶) + 2 p1 x y + p2 (r² + 2 x²)
    y' = y (1 + k1 r² + k2 r⁴ + k3 r⁶) + p1 (r² + 2 y²) + 2 p2 x y

https://docs.opencv.org/4.x/d9/d0c/group__calib3d.html. The inverse is found by Newton's method, because OpenCV's
fixed-point iteration does not converge at the rim of wide-angle pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STEPS = 6  # of Newton's method; four reach rounding in common lenses
LEAST_SLOPE = 0.05  # of the distorted radius by the ideal one, below which noise would be blown up twentyfold
WIDEST = 6.0  # focal lengths; beyond it a picture shows more than 160 degrees


@dataclass(frozen=True)
class Lens:
    """Focal lengths and principal point in px (the top left pixel spans 0 to 1), and distortion."""

    size_px: tuple[int, int]
    fx: float
    fy: float
    cx: float
    cy: float
    k1: float = 0.0
    k2: float = 0.0
    p1: float = 0.0
    p2: float = 0.0
    k3: float = 0.0

    @property
    def focal_px(self) -> float:
        """Focal length of ideal points, one for both axes, so that their pixels are square."""
        return float(np.sqrt(self.fx * self.fy))

    @property
    def centre_px(self) -> np.ndarray:
        """Principal point, (2,)."""
        return np.array((self.cx, self.cy))

    def radii(self) -> tuple[np.ndarray, np.ndarray]:
        """Ideal radii in focal lengths and their distorted ones, up to where the model can be inverted."""
        ideal = np.linspace(0, WIDEST, 2001)
        square = ideal**2
        slope = 1 + square * (3 * self.k1 + square * (5 * self.k2 + square * 7 * self.k3))
        usable = np.cumprod(slope > LEAST_SLOPE).astype(bool)
        ideal = ideal[usable]
        return ideal, ideal * (1 + ideal**2 * (self.k1 + ideal**2 * (self.k2 + ideal**2 * self.k3)))

    @property
    def reach_px(self) -> float:
        """Distance from the principal point up to which real image points can be undistorted."""
        return float(self.radii()[1][-1] * min(self.fx, self.fy))

    def distort(self, ideal_px: np.ndarray) -> np.ndarray:
        """Ideal to real image points, (..., 2) in px."""
        real, _ = self.bend((ideal_px - self.centre_px) / self.focal_px)
        return real * (self.fx, self.fy) + self.centre_px

    def undistort(self, real_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ideal points of real ones, (..., 2) in px, and their derivative (..., 2, 2); NaN out of reach."""
        wanted = (np.asarray(real_px, float) - self.centre_px) / (self.fx, self.fy)
        ideal, bent = self.radii()
        radius = np.linalg.norm(wanted, axis=-1, keepdims=True)
        start = np.interp(radius, bent, ideal, right=np.nan)
        point = wanted * np.divide(start, radius, out=np.ones_like(radius), where=radius > 0)
        for _ in range(STEPS):
            value, slope = self.bend(point)
            point = point - np.linalg.solve(slope, (value - wanted)[..., None])[..., 0]
        slope = self.bend(point)[1]
        inverse = np.linalg.inv(slope) * self.focal_px / np.array((self.fx, self.fy))
        return point * self.focal_px + self.centre_px, inverse

    def bend(self, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distorted points of ideal ones, (..., 2) in focal lengths, and the derivative (..., 2, 2)."""
        x, y = point[..., 0], point[..., 1]
        square = x * x + y * y
        factor = 1 + square * (self.k1 + square * (self.k2 + square * self.k3))
        grown = 2 * (self.k1 + square * (2 * self.k2 + square * 3 * self.k3))  # of the factor, by x over x
        bent = (
            x * factor + 2 * self.p1 * x * y + self.p2 * (square + 2 * x * x),
            y * factor + self.p1 * (square + 2 * y * y) + 2 * self.p2 * x * y,
        )
        cross = x * y * grown + 2 * (self.p1 * x + self.p2 * y)
        slope = (
            (factor + x * x * grown + 2 * self.p1 * y + 6 * self.p2 * x, cross),
            (cross, factor + y * y * grown + 6 * self.p1 * y + 2 * self.p2 * x),
        )
        return np.stack(bent, -1), np.stack([np.stack(row, -1) for row in slope], -2)


def spread(slope: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Standard deviations (..., 2) behind a map with the derivative (..., 2, 2), of independent coordinates before."""
    return np.sqrt(np.einsum("...ij,...j->...i", slope**2, np.asarray(sigma) ** 2))
