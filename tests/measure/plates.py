"""A crash drawn by formula: a plate of squares that brakes, and one that stands, with exact places of all squares."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

FPS, MM_PER_PX, SQUARE_PX = 1000.0, 2.5, 16.0
SPEED_MPS, PULSE_S, CONTACT_S = 4.0, 0.03, 0.03
PEAK_MPS2 = 2 * SPEED_MPS / PULSE_S  # of a haversine that takes all the speed: 267 m/s², 27.2 g
SIZE = (320, 200)  # W, H
FINE = 8  # times as many pixels while drawing
STANDING, MOVING = (40.0, 30.0), (60.0, 110.0)  # top left corners


def way_px(time_s: np.ndarray) -> np.ndarray:
    """Displacement of the moving plate along x, (T,)."""
    before, t = np.minimum(time_s - CONTACT_S, 0), np.clip(time_s - CONTACT_S, 0, PULSE_S)
    w = 2 * np.pi / PULSE_S
    metres = SPEED_MPS * (before + t) - PEAK_MPS2 / 2 * (t**2 / 2 + (np.cos(w * t) - 1) / w**2)
    return (metres + SPEED_MPS * CONTACT_S) * 1000 / MM_PER_PX


def plate(corner: np.ndarray, columns: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of the squares of two rows, (N, 4) xyxy px, and which are light, (N,)."""
    column, row = np.meshgrid(np.arange(columns), np.arange(2))
    low = np.stack((column.ravel(), row.ravel()), -1) * SQUARE_PX + corner
    return np.concatenate((low, low + SQUARE_PX), 1), ((column + row) % 2 == 1).ravel()


def boxes_at(time_s: float) -> np.ndarray:
    """Boxes of all squares, the standing ones first, (20, 4)."""
    moved = np.array(MOVING)
    moved[0] += way_px(np.array([time_s]))[0]
    return np.concatenate((plate(np.array(STANDING))[0], plate(moved)[0]))


def frame(time_s: float, rng: np.random.Generator, noise: float = 1.0) -> np.ndarray:
    """Picture (H, W, 3) uint8: squares averaged over areas, slightly blurred, with noise."""
    # the background is at rest and smooth, so that only the squares tell motion
    fine = np.full((SIZE[1] * FINE, SIZE[0] * FINE), 110, np.float32)
    light = np.concatenate([plate(np.zeros(2))[1]] * 2)
    for (x1, y1, x2, y2), is_light in zip(np.round(boxes_at(time_s) * FINE).astype(int), light, strict=True):
        fine[y1:y2, x1:x2] = 210 if is_light else 30
    small = cv2.resize(cv2.GaussianBlur(fine, (0, 0), 0.6 * FINE), SIZE, interpolation=cv2.INTER_AREA)
    noisy = small[..., None] + noise * rng.standard_normal((*small.shape, 3))
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)


def write_clip(folder: Path, frames: int = 90) -> Path:
    """A folder of images."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(frames):
        cv2.imwrite(str(folder / f"{number}.png"), frame(number / FPS, rng))
    return folder


class TrueBoxes:
    """A detector that knows the squares; called once for each frame where ``every`` is 1, so it counts its calls."""

    marker_class = 0

    def __init__(self) -> None:
        self.calls = 0

    def provenance(self) -> dict[str, str]:
        return {"name": "truth", "sha256": ""}

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        boxes = boxes_at(self.calls / FPS)
        self.calls += 1
        jitter = np.random.default_rng(self.calls).normal(0, 0.3, boxes.shape)
        return np.column_stack((boxes + jitter, np.full(len(boxes), 0.9), np.zeros(len(boxes))))
