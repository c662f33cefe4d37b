"""How light falls on parts: brightness over the unit square, computed once and stretched over each part."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

TILE = 96  # side of a stored shade in px: smooth enough to be enlarged


def shading(shade: str, low: np.ndarray, extent: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Factors for a window of a part, (H, W, 4) float32: brightness in three channels, 1 in the last.

    Args:
        shade: Key of ``SHADES``.
        low: Corner (x, y) of the window, seen from that of the part, in px.
        extent: Width and height of the whole part in px.
        size: Width and height of the window.
    """
    scale = TILE / np.maximum(extent, 1e-6)
    shift = (np.add(low, 0.5)) * scale - 0.5  # OpenCV counts from the middle of the first pixel
    matrix = np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(tile(shade), matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


@cache
def tile(shade: str) -> np.ndarray:
    """A shade over a whole part, (TILE, TILE, 4) float32."""
    side = np.linspace(-1, 1, 2 * TILE + 1, dtype=np.float32)[1::2]  # middles of the pixels
    x, y = np.meshgrid(side, side)
    bright = brightness(shade, x, y).astype(np.float32)
    return cv2.merge((bright, bright, bright, np.ones_like(bright)))


def brightness(shade: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Brightness at places from -1 to 1: 1 in the middle of what is round, less where it turns away."""
    if shade == "round_x":
        return dome(x**2)
    if shade == "round_y":
        return dome(y**2)
    if shade == "disc":
        return dome(0.5 * (x + y + 0.6).clip(-1, 1) ** 2)
    # light from the top left; 0.1 keeps the middle, where a cone has no slope, from dividing by zero
    slope = (x + 1.6 * y) / np.sqrt(x**2 + y**2 + 0.1)
    if shade == "cone":
        return 1 - 0.3 * slope
    if shade == "dish":
        return 0.85 + 0.3 * slope
    assert shade == "turned", shade
    return 0.6 + 0.16 * slope**4  # a lathe's grooves shine in two opposite fans


def dome(square: np.ndarray) -> np.ndarray:
    """Brightness where a round surface turns away, of the squared distance from its middle."""
    return 0.25 + 0.75 * np.sqrt(1 - square)
