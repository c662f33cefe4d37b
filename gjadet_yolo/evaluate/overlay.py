"""Pictures of detections: right, false and missed boxes in three colours, and sheets of several pictures."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from gjadet_yolo.evaluate.matching import match

RIGHT, FALSE, MISSED = (60, 200, 60), (40, 40, 240), (240, 150, 30)  # BGR: green, red, blue
LEGEND = (("right", RIGHT), ("false", FALSE), ("missed", MISSED))


def draw_match(image: np.ndarray, truth: np.ndarray, detections: np.ndarray, least_iou: float = 0.5) -> np.ndarray:
    """Right, false and missed boxes over a picture, with a legend of their numbers.

    Args:
        image: (H, W, 3) uint8 BGR; not changed.
        truth: Class and xyxy, (N, 5).
        detections: xyxy, confidence, class, (M, 6).
        least_iou: IoU from which a detection is right.
    """
    picture = image.copy()
    outcome = match(truth, detections, least_iou)
    right = outcome.partner >= 0
    groups = (detections[right, :4], detections[~right, :4], truth[outcome.missed, 1:])
    for boxes, (_, colour) in zip(groups, LEGEND, strict=True):
        draw_boxes(picture, boxes, colour)
    words = [(f"{word} {len(boxes)}", colour) for boxes, (word, colour) in zip(groups, LEGEND, strict=True)]
    widths = [cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)[0][0] + 14 for text, _ in words]
    cv2.rectangle(picture, (0, 0), (sum(widths) + 6, 24), (0, 0, 0), -1)
    x = 8
    for (text, colour), width in zip(words, widths, strict=True):
        cv2.putText(picture, text, (x, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)
        x += width
    return picture


def draw_boxes(picture: np.ndarray, boxes: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Draw boxes (N, 4), xyxy px, in one BGR colour on a picture (H, W, 3) uint8, in place."""
    for box in boxes:
        x1, y1, x2, y2 = np.round(box).astype(int).tolist()
        # x2 and y2 are edges between pixels, and OpenCV draws both corners it is given
        cv2.rectangle(picture, (x1, y1), (x2 - 1, y2 - 1), colour, 1)


def sheet(pictures: Sequence[np.ndarray], columns: int, gap: int = 4) -> np.ndarray:
    """Put pictures of one size side by side, row by row, with white gaps; a ValueError where they are not."""
    sizes = {picture.shape for picture in pictures}
    if len(sizes) != 1:
        raise ValueError(f"a sheet needs pictures of one size, found {sorted(sizes)}.")
    height, width, channels = sizes.pop()
    rows = -(-len(pictures) // columns)
    canvas = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), 255, np.uint8)
    for index, picture in enumerate(pictures):
        y, x = index // columns * (height + gap), index % columns * (width + gap)
        canvas[y : y + height, x : x + width] = picture
    return canvas
