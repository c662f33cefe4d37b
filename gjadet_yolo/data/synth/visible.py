"""What is seen of targets and objects behind what stands in front of them.

Which targets get a box: at least ``LEAST_VISIBLE`` of the target is seen, and its visible extent measures at least
``LEAST_PX`` px along both axes. Objects of the other classes are measured against the part of them that lies in the
image, since a wall or a bogie is rarely in it as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

LEAST_VISIBLE = 0.35
LEAST_PX = 3.0
SHIFT = 4  # fixed-point bits of cv2.fillPoly


@dataclass
class Seen:
    """What became of the targets of a scene in one picture, N in the order of the bodies.

    Attributes:
        visible: Share of each target that is seen, (N,).
        boxes: Visible extents, xyxy in px, (N, 4).
    """

    visible: np.ndarray
    boxes: np.ndarray

    @property
    def is_labelled(self) -> np.ndarray:
        """Which targets get a box, (N,) bool."""
        sides = self.boxes[:, 2:] - self.boxes[:, :2]
        return (self.visible >= LEAST_VISIBLE) & (sides >= LEAST_PX).all(1)


def visible_targets(outlines_px: np.ndarray, hidden: np.ndarray) -> Seen:
    """What is seen of quadrilaterals (N, 4, 2) behind an opacity map (H, W)."""
    height, width = hidden.shape
    limits = np.array((width, height), dtype=float)
    low, high = outlines_px.min(1), outlines_px.max(1)
    inside_low, inside_high = np.clip(low, 0, limits), np.clip(high, 0, limits)
    visible = (inside_high - inside_low).prod(1) / np.maximum((high - low).prod(1), 1e-9)
    boxes = np.concatenate((inside_low, inside_high), 1)
    for index in np.nonzero(visible > 0)[0]:
        x1, y1 = np.floor(inside_low[index]).astype(int)
        x2, y2 = np.ceil(inside_high[index]).astype(int)
        over = hidden[y1:y2, x1:x2]
        if not over.any():
            continue
        mask = np.zeros(over.shape, np.uint8)
        fill(mask, outlines_px[index] - (x1, y1))
        area = float(mask.sum()) or 1.0
        visible[index] *= float((mask * (1 - over)).sum()) / area
        boxes[index] = clip_to_visible(boxes[index], (mask > 127) & (over < 0.5), x1, y1)
    return Seen(visible, boxes)


def visible_thing(outline_px: np.ndarray, hidden: np.ndarray) -> np.ndarray | None:
    """Visible extent (4,) of an outline behind an opacity map, or None where the rule grants no box."""
    limits = np.array(hidden.shape[::-1], dtype=float)
    low, high = np.clip(outline_px.min(0), 0, limits), np.clip(outline_px.max(0), 0, limits)
    if ((high - low) < 2 * LEAST_PX).any():
        return None
    (x1, y1), (x2, y2) = np.floor(low).astype(int), np.ceil(high).astype(int)
    mask = np.zeros((y2 - y1, x2 - x1), np.uint8)
    fill(mask, outline_px - (x1, y1))
    seen = (mask > 127) & (hidden[y1:y2, x1:x2] < 0.5)
    if seen.sum() < LEAST_VISIBLE * np.count_nonzero(mask > 127) or not seen.any():
        return None
    return clip_to_visible(np.concatenate((low, high)), seen, x1, y1)


def clip_to_visible(box: np.ndarray, seen: np.ndarray, x: int, y: int) -> np.ndarray:
    """Cut a box (4,) to the extent of the pixels that are seen in a window at (x, y)."""
    columns, rows = np.nonzero(seen.any(0))[0], np.nonzero(seen.any(1))[0]
    if not len(columns):
        return np.concatenate((box[:2], box[:2]))
    low = np.maximum(box[:2], (x + columns[0], y + rows[0]))
    return np.concatenate((low, np.minimum(box[2:], (x + columns[-1] + 1, y + rows[-1] + 1))))


def fill(mask: np.ndarray, corners_px: np.ndarray) -> None:
    """Fill a polygon with 255 in place, edges smoothed; pixel (0, 0) spans from 0 to 1."""
    fixed = np.round((np.clip(corners_px, -30000, 30000) - 0.5) * (1 << SHIFT)).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, SHIFT)
