"""Windows of whole pixels around markers, so that no image is interpolated: models and templates are, instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

LIKE = 0.85  # markers are worked on together with those of at least this share of the largest one's size
MOST_PX = 160  # side of a window
MARGIN = (0.35, 0.8, 2.6)  # around a marker: least and most in half sides, and px between them


def reach(half_px: np.ndarray) -> np.ndarray:
    """How far to look from a marker's middle, in half sides, at half sides in px; into the neighbours, but not past."""
    low, high, px = MARGIN
    return 1 + np.clip(px / np.maximum(half_px, 1e-6), low, high)


def groups(wanted_px: np.ndarray, sides_px: Sequence[int] = ()) -> Iterator[tuple[np.ndarray, int]]:
    """Indices of markers of like size, and the side of the windows that hold them all, at wanted sides (K,).

    Sides ``sides_px`` that are in use already are taken where they fit.
    """
    left = np.argsort(-wanted_px, kind="stable")
    for side in sides_px:
        fits = (wanted_px[left] <= side) & (wanted_px[left] >= LIKE * side)
        if fits.any():
            yield np.sort(left[fits]), side
            left = left[~fits]
    while len(left):
        count = int((wanted_px[left] >= LIKE * wanted_px[left[0]]).sum())
        yield np.sort(left[:count]), min(2 * int(np.ceil(wanted_px[left[0]] / 2)), MOST_PX)
        left = left[count:]


def cut(grey: np.ndarray, middle_px: np.ndarray, side: int, stride: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Windows (K, m, m) of every ``stride``-th pixel on ``side`` px around points (K, 2), and their first pixels.

    Those are columns and rows, (K, 2) int. Pixels beyond the border are NaN.
    """
    height, width = grey.shape
    low = np.round(np.clip(np.nan_to_num(middle_px, nan=-1e6), -1e6, 1e6)).astype(int) - side // 2
    steps = np.arange(0, side, stride)
    x, y = low[:, :1] + steps, low[:, 1:] + steps
    if (low >= 0).all() and (low + side <= (width, height)).all():
        return grey.ravel()[(y * width)[:, :, None] + x[:, None, :]], low
    pixels = grey[np.clip(y, 0, height - 1)[:, :, None], np.clip(x, 0, width - 1)[:, None, :]]
    outside = ((y < 0) | (y >= height))[:, :, None] | ((x < 0) | (x >= width))[:, None, :]
    pixels[outside] = np.nan
    return pixels, low


def places(low: np.ndarray, side: int, origin_px: np.ndarray, stride: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Middles of a window's pixels against points (K, 2): x (K, 1, m) and y (K, m, 1) float32."""
    steps = np.arange(0, side, stride) + 0.5
    x = (low[:, :1] - origin_px[:, :1] + steps).astype(np.float32)
    y = (low[:, 1:] - origin_px[:, 1:] + steps).astype(np.float32)
    return x[:, None, :], y[:, :, None]
