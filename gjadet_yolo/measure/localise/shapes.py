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
    """Shares before -1, between and beyond 1 along one axis, (K, n, 3), with derivatives by place and log(blur)."""
    first, slope = step(along + 1, blur)
    second, drop = step(along - 1, blur)
    shares = np.stack((1 - first, first - second, second), -1)
    by_place = np.stack((-slope, slope - drop, drop), -1)
    slope, drop = -(along + 1) * slope, -(along - 1) * drop
    return shares, by_place, np.stack((-slope, slope - drop, drop), -1)


def square(u: np.ndarray, v: np.ndarray, blur: np.ndarray, greys: np.ndarray) -> Rendered:
    """A square and its eight neighbours, nine greys row by row; where a strip ends, neighbours are background."""
    across, across_u, across_b = thirds(u, blur[:, :1])
    along, along_v, along_b = thirds(v, blur[:, 1:])
    table = greys.reshape(-1, 3, 3)  # row by v, column by u
    by_row, by_column = along @ table, across @ table.transpose(0, 2, 1)
    return Rendered(
        (along[..., :, None] * across[..., None, :]).reshape(*u.shape, 9),
        np.einsum("knc,knc->kn", across, by_row),
        np.einsum("knc,knc->kn", across_u, by_row),
        np.einsum("knc,knc->kn", along_v, by_column),
        np.stack(
            (np.einsum("knc,knc->kn", across_b, by_row), np.einsum("knc,knc->kn", along_b, by_column)),
            -1,
        ),
    )
