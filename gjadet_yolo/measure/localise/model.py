"""A fitted marker: what is known about K of them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

SHAPED = 10  # parameters before the greys: middle 2, frame 4, log blurs 2, light 2
GREYS = 13  # of the shape with most regions
BLUR = (0.25, 4.0)  # px, least and most; a pixel's own area is 0.29


@dataclass
class Fit:
    """Models of K markers.

    Attributes:
        kind: Index into ``KINDS``, (K,).
        middle_px: (K, 2).
        frame: Half sides as columns, px per unit of the shape's coordinates, (K, 2, 2).
        blur: In units of the shape's coordinates, (K, 2).
        light: Relative slope of the light per unit, (K, 2).
        greys: Of the regions, (K, 13).
        sigma: Standard deviations of middle x, y and frame xx, xy, yx, yy, (K, 6).
        explained: Share of the grey variance around the marker, (K,).
    """

    kind: np.ndarray
    middle_px: np.ndarray
    frame: np.ndarray
    blur: np.ndarray
    light: np.ndarray
    greys: np.ndarray
    sigma: np.ndarray
    explained: np.ndarray

    @property
    def sigma_px(self) -> np.ndarray:
        """Standard deviations of the middle, (K, 2)."""
        return self.sigma[:, :2]

    def take(self, index: np.ndarray) -> Fit:
        return Fit(*(value[index] for value in vars(self).values()))

    def put(self, index: np.ndarray, other: Fit) -> None:
        for name, value in vars(self).items():
            value[index] = getattr(other, name)

    def joined(self, other: Fit) -> Fit:
        """These markers and others after them."""
        return Fit(*(np.concatenate(pair) for pair in zip(vars(self).values(), vars(other).values(), strict=True)))

    @classmethod
    def empty(cls, count: int) -> Fit:
        """Nothing found yet."""
        nan = np.full
        return cls(
            np.zeros(count, int),
            nan((count, 2), np.nan),
            np.tile(np.eye(2), (count, 1, 1)),
            nan((count, 2), 0.1),
            np.zeros((count, 2)),
            np.zeros((count, GREYS)),
            nan((count, 6), np.nan),
            np.zeros(count),
        )


def advanced(model: Fit, move: np.ndarray) -> Fit:
    """A model after steps (K, P) of its parameters, kept within what makes sense."""
    half = np.linalg.norm(model.frame, axis=(1, 2), keepdims=True) / np.sqrt(2)
    frame = model.frame + np.clip(move[:, 2:6].reshape(-1, 2, 2), -0.3 * half, 0.3 * half)
    scale = half[..., 0]
    blur = model.blur * np.exp(np.clip(move[:, 6:8], -0.7, 0.7))
    return Fit(
        model.kind,
        model.middle_px + np.clip(move[:, :2], -0.5 * scale, 0.5 * scale),
        frame,
        np.clip(blur, BLUR[0] / scale, np.maximum(np.minimum(BLUR[1] / scale, 0.8), BLUR[0] / scale)),
        np.clip(model.light + move[:, 8:10], -0.5, 0.5),
        np.pad(
            model.greys[:, : move.shape[1] - SHAPED] + move[:, SHAPED:], ((0, 0), (0, GREYS - move.shape[1] + SHAPED))
        ),
        model.sigma,
        model.explained,
    )


def to_grey(image: np.ndarray) -> np.ndarray:
    """(H, W) float32 of a grey or BGR image, 8 or 16 bit (then in 256ths) or float."""
    scale = 1 / 257 if image.dtype == np.uint16 else 1.0
    plane = image if image.ndim == 2 else image[..., 0] if image.shape[2] == 1 else None
    if plane is None:
        plane = cv2.cvtColor(np.ascontiguousarray(image[..., :3]), cv2.COLOR_BGR2GRAY)
    return plane.astype(np.float32) * np.float32(scale)
