"""What is seen of targets and objects behind what stands in front of them.

Which targets get a box: at least ``LEAST_VISIBLE`` of the target is seen, and its visible extent measures at least
``LEAST_PX`` px along both axes. Objects of the other classes are measured against the part of them that lies in the
image, since a wall or a bogie is rarely in it as a whole, and need ``THING_PX``.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

LEAST_VISIBLE = 0.35
LEAST_PX = 3.0
THING_PX = 6.0
SHIFT = 4  # fixed-point bits of cv2.fillPoly: corners are good to a sixteenth of a pixel


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
        return is_labelled(self.visible, self.boxes)


def is_labelled(visible: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Which targets get a box: the rule above on visible shares (...) and extents, xyxy in px, (..., 4)."""
    sides = boxes[..., 2:] - boxes[..., :2]
    return (visible >= LEAST_VISIBLE) & (sides >= LEAST_PX).all(-1)


def visible_targets(outlines_px: np.ndarray, hidden: np.ndarray) -> Seen:
    """What is seen of convex outlines (N, K, 2) behind an opacity map (H, W)."""
    limits = np.array(hidden.shape[::-1], dtype=float)
    low, high = outlines_px.min(1), outlines_px.max(1)
    boxes = np.concatenate((np.clip(low, 0, limits), np.clip(high, 0, limits)), 1)
    # most targets lie in the image as a whole: only the others are cut
    visible = ((low < limits) & (high > 0)).all(1).astype(float)
    for index in np.flatnonzero(visible):
        outline = outlines_px[index]
        if (low[index] < 0).any() or (high[index] > limits).any():
            inside = cut_to_image(outline, limits)
            if len(inside) < 3:
                visible[index] = 0.0
                continue
            visible[index] = area_of(inside) / max(area_of(outline), 1e-9)
            boxes[index] = *inside.min(0), *inside.max(0)
        x1, y1 = np.floor(boxes[index, :2]).astype(int)
        x2, y2 = np.ceil(boxes[index, 2:]).astype(int)
        over = hidden[y1:y2, x1:x2]
        if not over.any():  # nothing before it: the extent stays exact instead of that of whole pixels
            continue
        mask = np.zeros(over.shape, np.uint8)
        fill(mask, outline - (x1, y1))
        visible[index] *= float((mask * (1 - over)).sum()) / (float(mask.sum()) or 1.0)
        boxes[index] = clip_to_visible(boxes[index], (mask > 127) & (over < 0.5), x1, y1)
    return Seen(visible, boxes)


def cut_to_image(outline: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Part of a convex polygon (K, 2) that lies between 0 and the limits, by cutting at one border after the other.

    Source: Sutherland and Hodgman, "Reentrant polygon clipping", Communications of the ACM 1974.
    """
    for axis, border, sign in ((0, 0.0, 1), (1, 0.0, 1), (0, limits[0], -1), (1, limits[1], -1)):
        depth, kept = sign * (outline[:, axis] - border), []
        for index in range(len(outline)):
            after = (index + 1) % len(outline)
            if depth[index] >= 0:
                kept.append(outline[index])
            if depth[index] * depth[after] < 0:
                share = depth[index] / (depth[index] - depth[after])
                kept.append(outline[index] + share * (outline[after] - outline[index]))
        outline = np.array(kept).reshape(-1, 2)
    return np.clip(outline, 0, limits)  # cuts are exact to rounding only


def area_of(outline: np.ndarray) -> float:
    """Area of a polygon (K, 2) by the shoelace formula."""
    x, y = outline.T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def visible_thing(outline_px: np.ndarray, hidden: np.ndarray) -> np.ndarray | None:
    """Visible extent (4,) of an outline behind an opacity map, or None where the rule grants no box."""
    inside = cut_to_image(outline_px, np.array(hidden.shape[::-1], dtype=float))
    if len(inside) < 3:
        return None
    low, high = inside.min(0), inside.max(0)
    (x1, y1), (x2, y2) = np.floor(low).astype(int), np.ceil(high).astype(int)
    mask = np.zeros((y2 - y1, x2 - x1), np.uint8)
    fill(mask, outline_px - (x1, y1))
    seen = (mask > 127) & (hidden[y1:y2, x1:x2] < 0.5)
    if not seen.any() or seen.sum() < LEAST_VISIBLE * np.count_nonzero(mask > 127):
        return None
    box = clip_to_visible(np.concatenate((low, high)), seen, x1, y1)
    return box if (box[2:] - box[:2] >= THING_PX).all() else None


def clip_to_visible(box: np.ndarray, seen: np.ndarray, x: int, y: int) -> np.ndarray:
    """Cut a box (4,) to the extent of the pixels that are seen in a window at (x, y)."""
    columns, rows = np.nonzero(seen.any(0))[0], np.nonzero(seen.any(1))[0]
    if not len(columns):
        return np.concatenate((box[:2], box[:2]))
    low = np.maximum(box[:2], (x + columns[0], y + rows[0]))
    return np.concatenate((low, np.minimum(box[2:], (x + columns[-1] + 1, y + rows[-1] + 1))))


def fill(mask: np.ndarray, corners_px: np.ndarray) -> None:
    """Fill a polygon with 255 in place, edges smoothed; pixel (0, 0) spans from 0 to 1."""
    # clipped, since the fixed-point numbers of far corners overflow; half a pixel, since OpenCV counts from the middle
    fixed = np.round((np.clip(corners_px, -30000, 30000) - 0.5) * (1 << SHIFT)).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, SHIFT)
