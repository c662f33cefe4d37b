"""Checkerboard strips: the target points of a crash test, as geometry on a body and as pixels.

A strip is two columns wide (or one); its dark and light squares alternate, and every square is one target of class
``point``. Geometry is in mm on the body; pixels follow from the pose of the body and the camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gjadet_yolo.data.synth.camera import Camera
from gjadet_yolo.data.synth.raster import polygon_coverage

CORNERS = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])


@dataclass(frozen=True)
class Strip:
    """A strip on a body.

    Attributes:
        rows: Squares along the strip.
        square_mm: Side of a square.
        corner_mm: Top left corner on the body, before rotation.
        angle_rad: Direction of the strip against the body's y axis.
        columns: 2, or 1.
        light: Colour of the light squares, BGR from 0 to 255.
        dark: Colour of the dark squares.
    """

    rows: int
    square_mm: float
    corner_mm: tuple[float, float] = (0.0, 0.0)
    angle_rad: float = 0.0
    columns: int = 2
    light: tuple[float, float, float] = (235.0, 235.0, 235.0)
    dark: tuple[float, float, float] = (25.0, 25.0, 25.0)

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns not in (1, 2) or not self.square_mm > 0:
            raise ValueError(
                f"strip: rows {self.rows}, columns {self.columns}, square_mm {self.square_mm}; "
                f"allowed: 1 row or more, 1 or 2 columns, a side above 0."
            )

    @property
    def centres_mm(self) -> np.ndarray:
        """Centres of the squares on the body, (rows * columns, 2), row by row."""
        grid = np.stack(np.meshgrid(np.arange(self.columns), np.arange(self.rows)), -1).reshape(-1, 2) + 0.5
        return np.array(self.corner_mm) + self._turned(grid * self.square_mm)

    @property
    def squares_mm(self) -> np.ndarray:
        """Corners of the squares on the body, (rows * columns, 4, 2)."""
        return self.centres_mm[:, None] + self._turned(CORNERS * self.square_mm)

    @property
    def colours(self) -> np.ndarray:
        """Colour of each square, (rows * columns, 3)."""
        index = np.arange(self.rows * self.columns)
        odd = (index // self.columns + index % self.columns) % 2
        return np.where(odd[:, None] == 1, np.array(self.light), np.array(self.dark))

    def _turned(self, points: np.ndarray) -> np.ndarray:
        sine, cosine = np.sin(self.angle_rad), np.cos(self.angle_rad)
        return points @ np.array(((cosine, sine), (-sine, cosine)))


def draw_squares(image: np.ndarray, squares_mm: np.ndarray, colours: np.ndarray, camera: Camera) -> None:
    """Paint squares that do not overlap into an image in place.

    Coverages are added up before anything is blended: painting one neighbour over the other would let a quarter of the
    background through along their common edge.

    Args:
        image: (H, W, 3) float.
        squares_mm: Corners in the plane, (N, 4, 2).
        colours: (N, 3).
        camera: View of the plane.
    """
    covered = np.zeros(image.shape[:2])
    painted = np.zeros_like(image)
    for corners, colour in zip(camera.project(squares_mm), colours, strict=True):
        cover = polygon_coverage(corners, camera.size_px)
        covered[cover.window] += cover.alpha
        painted[cover.window] += cover.alpha[..., None] * colour
    image *= 1 - np.minimum(covered, 1)[..., None]
    image += painted


def boxes_of(squares_mm: np.ndarray, camera: Camera) -> np.ndarray:
    """Visible extents of squares in the image, xyxy in px, (N, 4); without area where a square is out of sight."""
    corners = camera.project(squares_mm)
    limits = np.array(camera.size_px, dtype=float)
    low, high = np.clip(corners.min(1), 0, limits), np.clip(corners.max(1), 0, limits)
    return np.concatenate((low, high), 1)
