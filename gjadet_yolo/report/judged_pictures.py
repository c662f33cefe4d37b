"""Pictures of an evaluation that stay small: thumbnails, and crops of single mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from gjadet_yolo.report.parts import embedded

THUMB_PX, CROP_PX = 320, 128
AROUND, LEAST_PX = 2.5, 24  # a crop shows so much more than the box, and at least so much of the picture
COLOURS = {"missed": (240, 150, 30)}  # BGR, as on the overlays
FALSE = (40, 40, 240)


def jpeg(image: np.ndarray, quality: int = 80) -> str:
    """Address of a BGR picture within the page."""
    return embedded(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes(), "image/jpeg")


def thumbnail(image: np.ndarray) -> np.ndarray:
    """A picture with a longer side of ``THUMB_PX`` at most."""
    scale = min(1.0, THUMB_PX / max(image.shape[:2]))
    size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def crop(image: np.ndarray, row: Mapping[str, Any]) -> np.ndarray:
    """The surroundings of a mistake, square, with its box."""
    box = np.array([row[key] for key in ("x1_px", "y1_px", "x2_px", "y2_px")], float)
    side = max(AROUND * float(max(box[2] - box[0], box[3] - box[1])), LEAST_PX)
    side = min(side, 2.0 * max(image.shape[:2]))
    scale, corner = CROP_PX / side, (box[:2] + box[2:]) / 2 - side / 2
    matrix = np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]])
    # enlarged with its pixels visible, which is how the network sees small targets
    way = cv2.INTER_NEAREST if scale > 1 else cv2.INTER_AREA
    view = cv2.warpAffine(image, matrix, (CROP_PX, CROP_PX), flags=way, borderValue=(128, 128, 128))
    x1, y1, x2, y2 = np.round((box - np.tile(corner, 2)) * scale).astype(int).tolist()
    cv2.rectangle(view, (x1, y1), (x2, y2), COLOURS.get(row["kind"], FALSE), 1)
    return view


def chosen(mistakes: Sequence[Mapping[str, Any]], most: int) -> list[int]:
    """Indices of mistakes to show, the kinds and classes in turns, in the order of the list."""
    queues: dict[tuple[str, str], list[int]] = {}
    for index, row in enumerate(mistakes):
        queues.setdefault((row["kind"], row["class"]), []).append(index)
    turns = [(turn, index) for queue in queues.values() for turn, index in enumerate(queue)]
    return sorted(index for _, index in sorted(turns)[:most])
