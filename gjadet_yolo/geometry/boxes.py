"""Axis-parallel boxes, (N, 4) of x1, y1, x2, y2 in any one unit; IoU is ``torchvision.ops.box_iou``."""

from __future__ import annotations

import numpy as np


def area(boxes: np.ndarray) -> np.ndarray:
    """Areas of boxes (N, 4), (N,); 0 for a box whose corners are swapped."""
    return np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(1)


def overlaps(boxes: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Which boxes (N, 4) share an area with another one (4,), (N,) bool; a common edge is none."""
    return ((boxes[:, :2] < other[2:]) & (boxes[:, 2:] > other[:2])).all(1)
