"""Windows of whole pixels around markers, so that no image is interpolated: models and templates are, instead."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

SIDES = (16, 20, 24, 28, 34, 42, 52, 64, 80, 112)  # px; markers are worked on together with those of like size
MARGIN = (0.35, 0.8, 2.6)  # around a marker: least and most in half sides, and px between them


def reach(half_px: np.ndarray) -> np.ndarray:
    """How far to look from a marker's middle, in half sides, at half sides in px; into the neighbours, but not past."""
    low, high, px = MARGIN
    return 1 + np.clip(px / np.maximum(half_px, 1e-6), low, high)


def groups(half_px: np.ndarray, slack_px: float) -> Iterator[tuple[np.ndarray, int]]:
    """Indices of markers of like size and the side of their window, at half extents (K,) in px."""
    sides = np.array(SIDES)
    wanted = 2 * (half_px * reach(half_px) + slack_px)
    index = np.minimum(np.searchsorted(sides, wanted), len(sides) - 1)
    for value in np.unique(index):
        yield np.flatnonzero(index == value), int(sides[value])


def cut(grey: np.ndarray, middle_px: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows (K, side, side) around points (K, 2) and the column and row of their first pixels, (K, 2) int.

    Pixels beyond the border are NaN.
    """
    height, width = grey.shape
    low = np.round(np.clip(middle_px, -1e6, 1e6)).astype(int) - side // 2
    x, y = low[:, :1] + np.arange(side), low[:, 1:] + np.arange(side)
    pixels = grey[np.clip(y, 0, height - 1)[:, :, None], np.clip(x, 0, width - 1)[:, None, :]].astype(np.float32)
    if (low < 0).any() or (low + side > (width, height)).any():
        outside = ((y < 0) | (y >= height))[:, :, None] | ((x < 0) | (x >= width))[:, None, :]
        pixels[outside] = np.nan
    return pixels, low


def places(low: np.ndarray, side: int, origin_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Middles of a window's pixels against points (K, 2): x (K, 1, side) and y (K, side, 1) float32."""
    steps = np.arange(side) + 0.5
    x = (low[:, :1] - origin_px[:, :1] + steps).astype(np.float32)
    y = (low[:, 1:] - origin_px[:, 1:] + steps).astype(np.float32)
    return x[:, None, :], y[:, :, None]
