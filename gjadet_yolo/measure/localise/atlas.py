"""Finely sampled looks of markers, side by side in one picture, from which pixels of a later frame are predicted.

A look is kept four times as fine as the image it came from, so that linear interpolation between its samples is exact
to a fraction of a grey level and the image itself need never be interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

FINE = 4  # samples per px
BEND_PX = 0.6  # deviation of the blur under second derivatives
STRIP = 30000  # most rows of an atlas; cv2.remap takes pictures of up to 32767


@dataclass(frozen=True)
class Atlas:
    """Looks of K markers in squares of ``side`` px around their middles, below each other.

    Attributes:
        grey: Grey level, (rows, columns) float32.
        texture: The same and its derivatives by x and y in px, (rows, columns, 3) float32; empty where left out.
        bend: Half its second derivatives xx and yy, and xy: what a little more blur adds, (rows, columns, 3) float32;
            empty where left out.
        side: Of a look in px.
    """

    grey: np.ndarray
    texture: np.ndarray
    bend: np.ndarray
    side: int

    @classmethod
    def of(cls, looks: np.ndarray, side: int, slopes: bool = True, bends: bool = True) -> Atlas:
        """From grey levels (K, FINE * side, FINE * side) float32; their samples are spaced evenly about the middle."""
        tile = FINE * side
        shape = len(looks) * tile, tile, 3
        texture, bend = (
            np.zeros(shape if slopes else (0, 0, 3), np.float32),
            np.zeros(shape if bends else (0, 0, 3), np.float32),
        )
        for row, look in zip(range(0, len(looks) * tile, tile), looks, strict=True):
            part = slice(row, row + tile)
            if slopes:
                by_y, by_x = (slope * FINE for slope in np.gradient(look))
                texture[part] = np.stack((look, by_x, by_y), -1)
            if bends:
                # second derivatives of a noisy picture are noise, unless they are of a smoothed one
                by_y, by_x = (slope * FINE for slope in np.gradient(cv2.GaussianBlur(look, (0, 0), FINE * BEND_PX)))
                by_xy, by_xx = (slope * FINE for slope in np.gradient(by_x))
                bend[part] = np.stack((by_xx / 2, np.gradient(by_y, axis=0) * FINE / 2, by_xy), -1)
        return cls(looks.reshape(-1, tile), texture, bend, side)

    def joined(self, other: Atlas) -> Atlas:
        """These looks and others of the same side after them."""
        parts = ((self.grey, other.grey), (self.texture, other.texture), (self.bend, other.bend))
        return Atlas(*(np.concatenate(part) for part in parts), self.side)

    def spots(self, index: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Columns and rows (K, n) in the texture of places (K, n) in px against the middles of looks ``index`` (K,)."""
        tile = FINE * self.side
        # a sample's own middle lies half a sample inside
        half, shift = np.float32(self.side / 2 - 1 / FINE), np.float32(tile / 2 - 0.5)
        top = (index * tile).astype(np.float32)[:, None] + shift
        return np.clip(x, -half, half) * np.float32(FINE) + shift, np.clip(y, -half, half) * np.float32(FINE) + top


def most(side: int) -> int:
    """Looks that an atlas may hold."""
    return max(1, STRIP // (FINE * side))


def lattice(side: int) -> np.ndarray:
    """Places of the samples of a look along one axis against its middle, in px, (FINE * side,)."""
    return (np.arange(FINE * side) + 0.5) / FINE - side / 2


def looks_of_image(grey: np.ndarray, middle_px: np.ndarray, side: int) -> np.ndarray:
    """Looks (K, FINE * side, FINE * side) of an image (H, W) float32 around points (K, 2), by cubic B-splines.

    The spline is that of Unser, Aldroubi and Eden (1993): it goes through the pixels, with far less blur and ripple
    than cubic convolution. Columns and rows are interpolated one after the other as products with small matrices.
    """
    margin = 6  # px: the spline's memory of pixels further away is below 1/2000
    width = side + 2 * margin
    height_px, width_px = grey.shape
    low = np.round(middle_px).astype(int) - width // 2
    x = np.clip(low[:, :1] + np.arange(width), 0, width_px - 1)
    y = np.clip(low[:, 1:] + np.arange(width), 0, height_px - 1)
    pixels = grey[y[:, :, None], x[:, None, :]]
    places = lattice(side) - 0.5
    across = spline_matrix(width, places + (middle_px - low)[:, :1])
    along = spline_matrix(width, places + (middle_px - low)[:, 1:])
    return (along @ pixels @ across.transpose(0, 2, 1)).astype(np.float32)


def spline_matrix(count: int, places: np.ndarray) -> np.ndarray:
    """Weights of ``count`` samples (0, 1, ...) in their cubic spline at places (K, m), (K, m, count)."""
    distance = np.abs(places[..., None] - np.arange(count))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    kernel = np.where(distance < 1, near, far)
    system = (
        np.diag(np.full(count, 2 / 3)) + np.diag(np.full(count - 1, 1 / 6), 1) + np.diag(np.full(count - 1, 1 / 6), -1)
    )
    system[0, 0] = system[-1, -1] = 5 / 6  # the ends are repeated
    return (kernel @ np.linalg.inv(system)).astype(np.float32)
