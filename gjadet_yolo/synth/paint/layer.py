"""One body's pixels, colour times coverage and coverage, in a window of the image.

Before layers are painted over each other from back to front, each can be smeared along the way that its body went
during the exposure: motion blur then mixes the body with what is behind it, as film does.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from gjadet_yolo.synth.paint.raster import polygon_coverage, quad_coverages

BLUR_FROM_PX = 0.15  # ways shorter than this change no pixel by more than a grey level


@dataclass
class Layer:
    """Window of the image.

    Attributes:
        x: Column of the window's first pixel.
        y: Row of the window's first pixel.
        pixels: BGR times coverage, and coverage from 0 to 1, (H, W, 4) float32.
    """

    x: int
    y: int
    pixels: np.ndarray

    @property
    def window(self) -> tuple[slice, slice]:
        height, width = self.pixels.shape[:2]
        return slice(self.y, self.y + height), slice(self.x, self.x + width)

    @property
    def alpha(self) -> np.ndarray:
        return self.pixels[..., 3]

    @classmethod
    def empty(cls, low: np.ndarray, high: np.ndarray, size_px: tuple[int, int]) -> Layer:
        """Layer over the pixels from ``low`` to ``high`` (x, y) that lie in the image."""
        first = np.clip(np.floor(low).astype(int), 0, size_px)
        last = np.maximum(np.clip(np.ceil(high).astype(int), 0, size_px), first)
        return cls(int(first[0]), int(first[1]), np.zeros((last[1] - first[1], last[0] - first[0], 4), np.float32))

    def paint_patches(self, corners_px: list[np.ndarray], colours: np.ndarray) -> None:
        """Paint N convex polygons (K, 2) in px that do not overlap, in colours (N, 3)."""
        height, width = self.pixels.shape[:2]
        points = np.concatenate(corners_px) - (self.x, self.y)
        low = np.clip(np.floor(points.min(0)).astype(int) - 1, 0, (width, height))
        size = np.clip(np.ceil(points.max(0)).astype(int) + 1, low, (width, height)) - low
        if not size.all():
            return
        part = self.pixels[low[1] : low[1] + size[1], low[0] : low[0] + size[0]]
        # coverages are added up before anything is blended: painting one neighbour over the other would let a quarter
        # of the background through along their common edge
        painted = np.zeros_like(part)
        shades = np.concatenate((colours, np.ones((len(colours), 1))), 1).astype(np.float32)
        is_quad = np.array([len(corners) == 4 for corners in corners_px])
        if is_quad.any():
            quads = np.array([corners for corners in corners_px if len(corners) == 4]) - low - (self.x, self.y)
            add_quads(painted, quads, shades[is_quad])
        for index in np.flatnonzero(~is_quad):
            cover = polygon_coverage(corners_px[index] - low - (self.x, self.y), tuple(size.tolist()), samples=3)
            painted[cover.window] += cover.alpha[..., None] * shades[index]
        clear = 1 - np.minimum(painted[..., 3], 1)  # sums may exceed 1 by rounding
        part[:] = cv2.add(cv2.multiply(part, cv2.merge((clear,) * 4)), painted)

    def smear(self, way_px: np.ndarray) -> None:
        """Blur along a way (x, y) in px, centred: what a body shows that moves evenly during the exposure."""
        # replicated at the border: a body that the image cuts off goes on beyond it
        if np.hypot(*way_px) > BLUR_FROM_PX:
            self.pixels = cv2.filter2D(self.pixels, -1, line_kernel(way_px), borderType=cv2.BORDER_REPLICATE)

    def paint_onto(self, image: np.ndarray) -> None:
        """Blend into an image (H, W, 3 or 4) float32 in place; four channels, the last unused, are faster."""
        if not self.pixels.size:
            return
        part = image[self.window]
        # by OpenCV, in four channels: NumPy is slow at broadcasting over few channels
        clear, pixels = 1 - cv2.extractChannel(self.pixels, 3), self.pixels
        clear = cv2.cvtColor(clear, cv2.COLOR_GRAY2BGRA if image.shape[2] == 4 else cv2.COLOR_GRAY2BGR)
        if image.shape[2] == 3:
            pixels = cv2.cvtColor(pixels, cv2.COLOR_BGRA2BGR)
        cv2.multiply(part, clear, dst=part)
        cv2.add(part, pixels, dst=part)


def add_quads(painted: np.ndarray, corners_px: np.ndarray, shades: np.ndarray) -> None:
    """Add quadrilaterals (N, 4, 2) times their colours and opacity (N, 4) to a window (H, W, 4) in place."""
    size = painted.shape[1::-1]
    seen = ((corners_px.max(1) > -1) & (corners_px.min(1) < np.add(size, 1))).all(1)
    if not seen.any():
        return
    lows, covers = quad_coverages(corners_px[seen])
    height, width = covers.shape[1:]
    for (x, y), cover, shade in zip(lows.tolist(), covers, shades[seen], strict=True):
        left, top = max(x, 0), max(y, 0)
        inside = cover[top - y : max(size[1] - y, 0), left - x : max(size[0] - x, 0)]
        painted[top : y + height, left : x + width] += inside[..., None] * shade


def line_kernel(way_px: np.ndarray) -> np.ndarray:
    """Even motion along a straight way as a convolution, centred; weights sum to 1.

    Each point of the way is spread over the four pixels around it, which keeps centroids for any length and direction.
    """
    reach = int(np.ceil(np.abs(way_px).max() / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    count = 4 * reach + 1  # closer than half a pixel, so that no pixel on the way is left out
    for share in (np.arange(count) + 0.5) / count - 0.5:
        x, y = share * way_px[0] + reach, share * way_px[1] + reach
        column, row = int(x), int(y)
        u, v = x - column, y - row
        kernel[row : row + 2, column : column + 2] += np.outer((1 - v, v), (1 - u, u))
    return (kernel / count).astype(np.float32)
