"""A sheet that shows what a training has taught a restorer: degraded, restored and clean images, with boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gjadet_yolo.evaluate.overlay import draw_boxes
from gjadet_yolo.evaluate.restored import side_by_side

FOUND, TRUE = (255, 255, 0), (0, 200, 0)  # BGR


@dataclass(frozen=True)
class Restored:
    """One image of the sheet; pictures are (H, W, 3) uint8 BGR of one size, boxes xyxy px (N, 4).

    Attributes:
        degraded: What the network sees.
        restored: What its detector sees.
        clean: What it should see.
        without: Detections without the restorer.
        found: Detections with it.
        true: Labels.
    """

    degraded: np.ndarray
    restored: np.ndarray
    clean: np.ndarray
    without: np.ndarray
    found: np.ndarray
    true: np.ndarray


def restored_sheet(rows: Sequence[Restored]) -> np.ndarray:
    """A row for each image, (H', W', 3) uint8 BGR."""
    drawn = [row_of(row) for row in rows]
    widest = max(row.shape[1] for row in drawn)  # batches of a validation differ in shape
    return np.vstack([np.pad(row, ((0, 0), (0, widest - row.shape[1]), (0, 0))) for row in drawn])


def row_of(row: Restored) -> np.ndarray:
    pictures = {}
    for name, picture, boxes, colour in (
        (f"degraded: {len(row.without)} found", row.degraded, row.without, FOUND),
        (f"restored: {len(row.found)} found", row.restored, row.found, FOUND),
        (f"clean: {len(row.true)} labelled", row.clean, row.true, TRUE),
    ):
        own = np.ascontiguousarray(picture).copy()
        draw_boxes(own, boxes, colour)
        pictures[name] = own
    return side_by_side(pictures)
