"""Ideal targets in their own coordinates: what all shapes share, and a square among its neighbours.

A target is a handful of regions of even grey whose borders are blurred by a Gaussian error function, which stands for
lens, motion and the area of a pixel together. Coordinates (u, v) are centred; the square spans -1 to 1 in both, discs
have radius 1. Each shape is a set of region shares that sum to 1 at every point, so that greys enter linearly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

RIM = 0.2  # of half a side: how far from a square its background may change once more


@dataclass(frozen=True)
class Rendered:
    """Shape of K targets at n points each.

    Attributes:
        shares: Share of each of G regions, (K, n, G).
        value: Grey level, (K, n).
        by_u, by_v: Its derivatives by the coordinates, (K, n) each.
        by_blur: Its derivatives by the logarithms of both blurs, (K, n, 2).
    """

    shares: np.ndarray
    value: np.ndarray
    by_u: np.ndarray
    by_v: np.ndarray
    by_blur: np.ndarray


Shape = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], Rendered]


def step(distance: np.ndarray, blur: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Blurred unit step at a distance and its slope; the derivative by log(blur) is -distance times the slope."""
    scaled = distance / blur
    slope = np.exp(-0.5 * scaled * scaled) * (0.3989423 / blur)
    return ndtr(scaled), slope


def thirds(along: np.ndarray, blur: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares before -1, between and beyond 1 along one axis, (K, 3, n), with derivatives by place and log(blur)."""
    first, slope = step(along + 1, blur)
    second, drop = step(along - 1, blur)
    shares = np.stack((1 - first, first - second, second), 1)
    by_place = np.stack((-slope, slope - drop, drop), 1)
    slope, drop = -(along + 1) * slope, -(along - 1) * drop
    return shares, by_place, np.stack((-slope, slope - drop, drop), 1)


def square(u: np.ndarray, v: np.ndarray, blur: np.ndarray, greys: np.ndarray) -> Rendered:
    """A square and its eight neighbours, nine greys row by row; where a strip ends, neighbours are background.

    Four more greys, left, right, above and below, say by how much the background changes again at :data:`RIM` from the
    square: a strip often lies on a narrow profile, whose own rim would otherwise be taken for that of the square.
    """
    across, across_u, across_b = thirds(u, blur[:, :1])
    along, along_v, along_b = thirds(v, blur[:, 1:])
    table = greys[:, :9].reshape(-1, 3, 3)  # row by v, column by u
    by_row, by_column = table @ across, table.transpose(0, 2, 1) @ along
    beyond_u, drop_u, wide_u = beyond(u, blur[:, :1])
    beyond_v, drop_v, wide_v = beyond(v, blur[:, 1:])
    left_right, above_below = greys[:, None, 9:11], greys[:, None, 11:]
    nine = (along[:, :, None] * across[:, None]).reshape(len(u), 9, -1)
    more = (left_right @ beyond_u + above_below @ beyond_v)[:, 0]
    by_blur = (
        (across_b * by_column).sum(1) + (left_right @ wide_u)[:, 0],
        (along_b * by_row).sum(1) + (above_below @ wide_v)[:, 0],
    )
    return Rendered(
        # one region after the other lies better in memory
        np.concatenate((nine, beyond_u, beyond_v), 1).transpose(0, 2, 1),
        (along * by_row).sum(1) + more,
        (across_u * by_column).sum(1) + (left_right @ drop_u)[:, 0],
        (along_v * by_row).sum(1) + (above_below @ drop_v)[:, 0],
        np.stack(by_blur, 1).transpose(0, 2, 1),
    )


def square_value(u: np.ndarray, v: np.ndarray, blur: np.ndarray, greys: np.ndarray) -> np.ndarray:
    """Grey levels (K, n) of :func:`square` alone, at a third of its cost."""
    (left, right), (far_left, far_right) = edges(u, blur[:, :1])
    (top, bottom), (far_top, far_bottom) = edges(v, blur[:, 1:])
    grey = greys[:, :, None]
    rows = [
        grey[:, k] + left * (grey[:, k + 1] - grey[:, k]) + right * (grey[:, k + 2] - grey[:, k + 1]) for k in (0, 3, 6)
    ]
    value = rows[0] + top * (rows[1] - rows[0]) + bottom * (rows[2] - rows[1])
    value += far_left * grey[:, 9] + far_right * grey[:, 10] + far_top * grey[:, 11] + far_bottom * grey[:, 12]
    return value


def edges(along: np.ndarray, blur: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Blurred steps along one axis: at both sides of a square, and outwards at :data:`RIM` from them."""
    sharp = 1 / blur
    scaled = along * sharp
    rim = (1 + RIM) * sharp
    return (ndtr(scaled + sharp), ndtr(scaled - sharp)), (ndtr(-scaled - rim), ndtr(scaled - rim))


def beyond(along: np.ndarray, blur: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What lies beyond :data:`RIM` before and after along one axis, (K, 2, n), with derivatives as of ``thirds``."""
    before, after = -along - 1 - RIM, along - 1 - RIM
    (low, fall), (high, rise) = step(before, blur), step(after, blur)
    return np.stack((low, high), 1), np.stack((-fall, rise), 1), np.stack((-before * fall, -after * rise), 1)
