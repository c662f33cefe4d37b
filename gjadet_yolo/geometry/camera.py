"""Camera that films the plane in which the bodies move: pinhole with tilt, then radial lens distortion.

A point of the plane goes through a homography to ideal pixels, then away from or towards the image centre by the
two-term radial model of Brown (1966), ``r' = r * (1 + k1 * r^2 + k2 * r^4)`` with r in focal lengths. The image
spans 0 to W and 0 to H px, so the middle of the first pixel is at 0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Camera:
    """Map between the plane of motion in mm and the image in px.

    Attributes:
        size_px: Image size (W, H).
        homography: Plane (mm) to ideal image (px), 3x3 as nested tuples.
        focal_px: Focal length, the unit of the distortion's radius.
        k1, k2: Radial distortion; a negative ``k1`` is barrel.
    """

    size_px: tuple[int, int]
    homography: tuple[tuple[float, float, float], ...]
    focal_px: float
    k1: float = 0.0
    k2: float = 0.0

    def __post_init__(self) -> None:
        if min(self.size_px) < 1:
            raise ValueError(f"size_px is {self.size_px}, expected two positive numbers.")
        corner = self.reach / 1.1
        # where the slope of r' by r is 0 or less, two radii share an image point and nothing can be undistorted
        radii = np.linspace(0, 1.1 * corner, 200)
        slope = 1 + 3 * self.k1 * radii**2 + 5 * self.k2 * radii**4
        if slope.min() <= 0:
            raise ValueError(
                f"distortion k1={self.k1}, k2={self.k2} folds the image at {radii[np.argmin(slope > 0)]:.2f} focal "
                f"lengths from the centre, within its corner at {corner:.2f}. Use smaller values."
            )

    @property
    def reach(self) -> float:
        """Radius in focal lengths up to which the distortion is used: a tenth beyond the image's corner."""
        return 1.1 * math.hypot(*self.size_px) / 2 / self.focal_px

    @classmethod
    def facing(
        cls,
        size_px: tuple[int, int],
        mm_per_px: float,
        centre_mm: tuple[float, float] = (0.0, 0.0),
        roll_rad: float = 0.0,
        pan_rad: float = 0.0,
        tilt_rad: float = 0.0,
        focal_px: float | None = None,
        k1: float = 0.0,
        k2: float = 0.0,
    ) -> Camera:
        """Camera whose axis meets the plane at ``centre_mm``.

        Args:
            size_px, focal_px, k1, k2: As above; the focal length is 1.5 times the longer side unless given.
            mm_per_px: Scale at the image centre of the untilted view.
            centre_mm: Point of the plane in the middle of the image.
            roll_rad, pan_rad, tilt_rad: Rotations about the axis, the vertical and the horizontal.

        Raises:
            ValueError: A scale or focal length is not above 0, the plane's horizon is in the image, or it folds.
        """
        focal = 1.5 * max(size_px) if focal_px is None else focal_px
        if not (mm_per_px > 0 and focal > 0):
            raise ValueError(f"mm_per_px is {mm_per_px} and focal_px {focal}; expected numbers above 0.")
        turn = rotation(2, roll_rad) @ rotation(0, tilt_rad) @ rotation(1, pan_rad)
        distance_mm = focal * mm_per_px
        view = np.column_stack((turn[:, 0], turn[:, 1], (0.0, 0.0, distance_mm)))  # plane to camera, in mm
        intrinsics = np.array([[focal, 0, size_px[0] / 2], [0, focal, size_px[1] / 2], [0, 0, 1]])
        shift = np.array([[1, 0, -centre_mm[0]], [0, 1, -centre_mm[1]], [0, 0, 1]])
        matrix = intrinsics @ view @ shift / distance_mm  # positive in front of the camera
        if shows_horizon(matrix, size_px):
            raise ValueError(
                f"pan_rad {pan_rad}, tilt_rad {tilt_rad}: the horizon of the plane is in the image. Use smaller angles "
                f"or a longer focal length than {focal:g} px."
            )
        return cls(size_px, tuple(tuple(map(float, row)) for row in matrix), float(focal), k1, k2)

    def project(self, points_mm: np.ndarray) -> np.ndarray:
        """Image points (..., 2) in px of points (..., 2) of the plane in mm."""
        return self.distort(transform(np.array(self.homography), points_mm))

    def locate(self, points_px: np.ndarray) -> np.ndarray:
        """Points (..., 2) of the plane in mm at image points (..., 2) in px; the inverse of :meth:`project`."""
        return transform(np.linalg.inv(np.array(self.homography)), self.undistort(points_px))

    def distort(self, points_px: np.ndarray) -> np.ndarray:
        """Ideal to real image points, (..., 2) in px."""
        centre = np.array(self.size_px) / 2
        arm = points_px - centre
        square = np.sum((arm / self.focal_px) ** 2, axis=-1, keepdims=True)
        square = np.minimum(square, self.reach**2)  # beyond it the polynomial would fold back into the image
        return centre + arm * (1 + self.k1 * square + self.k2 * square**2)

    def undistort(self, points_px: np.ndarray) -> np.ndarray:
        """Real to ideal image points, (..., 2) in px."""
        centre = np.array(self.size_px) / 2
        arm = points_px - centre
        wanted = np.linalg.norm(arm, axis=-1, keepdims=True) / self.focal_px
        radius = wanted.copy()
        for _ in range(8):  # steps of Newton's method, of which four reach rounding in common lenses
            value = radius * (1 + self.k1 * radius**2 + self.k2 * radius**4)
            radius -= (value - wanted) / (1 + 3 * self.k1 * radius**2 + 5 * self.k2 * radius**4)
        return centre + arm * np.divide(radius, wanted, out=np.ones_like(wanted), where=wanted > 0)

    def mm_per_px(self, points_mm: np.ndarray) -> np.ndarray:
        """Local scale at points (..., 2) of the plane, (...,): square root of the area in mm² that a px² shows."""
        right, down = np.eye(2) * 1e-3  # mm: far below a pixel, far above rounding
        dx = (self.project(points_mm + right) - self.project(points_mm - right)) / 2e-3
        dy = (self.project(points_mm + down) - self.project(points_mm - down)) / 2e-3
        return 1 / np.sqrt(np.abs(dx[..., 0] * dy[..., 1] - dx[..., 1] * dy[..., 0]))


def shows_horizon(matrix: np.ndarray, size_px: tuple[int, int]) -> bool:
    """Whether some of an image looks past the plane that a homography (3, 3) from mm to px maps."""
    width, height = size_px
    corners = np.array([(0, 0, 1), (width, 0, 1), (width, height, 1), (0, height, 1)], dtype=float)
    # the third coordinate changes its sign at the horizon, and is linear: corners stand for the whole image
    return bool(((np.linalg.inv(matrix) @ corners.T)[2] <= 0).any())


def transform(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Apply a homography (3, 3) to points (..., 2)."""
    full = points @ matrix[:, :2].T + matrix[:, 2]
    return full[..., :2] / full[..., 2:]


def rotation(axis: int, angle_rad: float) -> np.ndarray:
    sine, cosine = math.sin(angle_rad), math.cos(angle_rad)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cosine
    matrix[first, second], matrix[second, first] = -sine, sine
    return matrix
