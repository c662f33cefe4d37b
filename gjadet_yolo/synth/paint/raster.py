"""Area coverage of convex shapes on a pixel grid, true to a hundredth of a pixel.

Pixel (row i, column j) covers the square from (j, i) to (j + 1, i + 1), so that a label box and a drawn square mean the
same place. Coverage is the product of one ramp per edge, averaged over sub-pixels: exact for edges along the axes and
unbiased for others, where point sampling would be off by up to half a sub-pixel.

Pixels that integrate a sharp shape over their area keep its area but not its centroid, which is off by up to
1 / (8 * width) px per axis. A blur of one pixel before the sampling, about what a good lens does, makes the pixel
response a tent, which keeps the centroid exactly (a linear B-spline reproduces linear functions).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Coverage:
    """Coverage of a shape in a window of the image.

    Attributes:
        x: Column of the window's first pixel.
        y: Row of the window's first pixel.
        alpha: Coverage of each pixel in [0, 1], (H, W) float32; empty where the shape lies outside the image.
    """

    x: int
    y: int
    alpha: np.ndarray

    @property
    def window(self) -> tuple[slice, slice]:
        height, width = self.alpha.shape
        return slice(self.y, self.y + height), slice(self.x, self.x + width)

    @property
    def area(self) -> float:
        """Covered area in px²."""
        return float(self.alpha.sum(dtype=np.float64))

    @property
    def centroid(self) -> tuple[float, float]:
        """Centroid (x, y) of the covered area in px; not defined for an empty window."""
        columns, rows = self.x + np.arange(self.alpha.shape[1]) + 0.5, self.y + np.arange(self.alpha.shape[0]) + 0.5
        weights = self.alpha.astype(np.float64)
        return float((weights.sum(0) @ columns) / weights.sum()), float((weights.sum(1) @ rows) / weights.sum())

    def blend(self, image: np.ndarray, colour: np.ndarray | float) -> None:
        """Paint into an image (H, W, C) in place; colour is one number, (C,), or (h, w, C) for the window's pixels."""
        window = image[self.window]
        window += self.alpha[..., None] * (colour - window)


def polygon_coverage(corners_px: np.ndarray, size: tuple[int, int], sharp: bool = False, samples: int = 5) -> Coverage:
    """Coverage of a convex polygon.

    Args:
        corners_px: Corners (K, 2) in px, in either direction of rotation.
        size: Image size (W, H) in px; what lies outside is cut off.
        sharp: Leave out the blur of one pixel; centroids are then as good as a pixel grid allows.
        samples: Sub-pixels per pixel and axis, an odd number.

    Raises:
        ValueError: Fewer than three corners, corners that are not finite, or an even number of samples.
    """
    corners = np.asarray(corners_px, dtype=np.float64)
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3 or not np.isfinite(corners).all():
        raise ValueError(f"corners_px has shape {corners.shape}; expected three or more finite x, y pairs.")
    if samples % 2 == 0:
        raise ValueError(f"samples is {samples}; expected an odd number, so that a pixel's centre is a sample.")
    margin = 0 if sharp else 1
    low, high = np.floor(corners.min(0)).astype(int) - margin, np.ceil(corners.max(0)).astype(int) + margin
    first, last = np.maximum(low, 0), np.minimum(high, size)
    edges = np.roll(corners, -1, axis=0) - corners
    turn = np.sign(np.sum(corners[:, 0] * np.roll(corners[:, 1], -1) - corners[:, 1] * np.roll(corners[:, 0], -1)))
    if (last <= first).any() or turn == 0:
        return Coverage(int(first[0]), int(first[1]), np.zeros((0, 0), np.float32))
    low, high = np.maximum(low, -margin), np.minimum(high, np.add(size, margin))  # what blurs into the image
    width, height = high - low
    x = low[0] + (np.arange(width * samples) + 0.5) / samples
    y = low[1] + (np.arange(height * samples) + 0.5) / samples
    alpha = product_of_ramps(corners, edges * turn, x, y, samples)
    if not sharp:
        alpha = cv2.blur(alpha, (samples, samples), borderType=cv2.BORDER_REPLICATE)
    alpha = cv2.resize(alpha, (int(width), int(height)), interpolation=cv2.INTER_AREA)  # means of samples² values
    alpha = alpha[first[1] - low[1] : last[1] - low[1], first[0] - low[0] : last[0] - low[0]]
    return Coverage(int(first[0]), int(first[1]), np.clip(alpha, 0, 1).astype(np.float32))


def product_of_ramps(corners: np.ndarray, edges: np.ndarray, x: np.ndarray, y: np.ndarray, samples: int) -> np.ndarray:
    """Coverage of sub-pixels with their middles at columns x and rows y; edges run with the inside on their left."""
    alpha = np.ones((len(y), len(x)), np.float32)
    for corner, edge in zip(corners, edges, strict=True):
        normal = np.array((-edge[1], edge[0]))  # inwards
        span = np.abs(normal).sum() / samples  # what the distance changes across a sub-pixel
        if span == 0:  # a repeated corner
            continue
        across = ((x - corner[0]) * (normal[0] / span) + 0.5).astype(np.float32)
        distance = across[None, :] + ((y - corner[1]) * (normal[1] / span)).astype(np.float32)[:, None]
        alpha *= np.clip(distance, 0, 1, out=distance)
    return alpha


def quad_coverages(corners_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coverage of N convex quadrilaterals at once, as :func:`polygon_coverage` with its blur, one sample per pixel.

    Along an edge the coverage is that of a tent-shaped response, a parabola of the distance, whose mean and variance
    are right for edges of any direction. Opposite edges are added and neighbouring ones multiplied, which is exact for
    upright rectangles of any width.

    Args:
        corners_px: Corners (N, 4, 2), in either direction of rotation.

    Returns:
        First column and row of each window (N, 2) int, and the coverages (N, H, W) float32; windows are of one size.
    """
    low = np.floor(corners_px.min(1)).astype(int) - 1
    width, height = (np.ceil(corners_px.max(1)).astype(int) + 1 - low).max(0)
    edges = np.roll(corners_px, -1, axis=1) - corners_px
    diagonals = corners_px[:, 2:] - corners_px[:, :2]
    turn = diagonals[:, 0, 0] * diagonals[:, 1, 1] - diagonals[:, 0, 1] * diagonals[:, 1, 0]  # twice the area
    length = np.maximum(np.hypot(edges[..., 0], edges[..., 1]), 1e-9) * np.where(turn < 0, -1, 1)[:, None]
    normals = np.stack((-edges[..., 1], edges[..., 0]), -1) / length[..., None]  # inwards
    local = corners_px - low[:, None]
    offset = (local * normals).sum(-1).astype(np.float32)  # (N, 4)
    across = normals[..., :1].astype(np.float32) * (np.arange(width, dtype=np.float32) + np.float32(0.5))
    down = normals[..., 1:].astype(np.float32) * (np.arange(height, dtype=np.float32) + np.float32(0.5))
    pairs = []
    for first in (0, 1):
        total = np.zeros((len(low), height, width), np.float32)  # a half from either edge, less one
        for edge in (first, first + 2):
            distance = (across[:, edge] - offset[:, edge, None])[:, None, :] + down[:, edge, :, None]
            np.clip(distance, -1, 1, out=distance)
            total += distance - 0.5 * distance * np.abs(distance)
        pairs.append(np.maximum(total, 0, out=total))
    return low, pairs[0] * pairs[1]
