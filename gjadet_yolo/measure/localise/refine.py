"""Boxes of any detector, refined to a fraction of a pixel in one image."""

from __future__ import annotations

from typing import Protocol, overload

import numpy as np

from gjadet_yolo.measure.localise.fit import fit
from gjadet_yolo.measure.localise.model import to_grey
from gjadet_yolo.measure.localise.templates import FLOOR_PX
from gjadet_yolo.measure.tracks import Located


class HasBoxes(Protocol):
    """Boxes as ``Results.boxes`` holds them: ``xyxy`` (K, 4) in px, an array or a tensor."""

    xyxy: object


class HasImageAndBoxes(Protocol):
    """What ``YOLO(...)(image)`` returns for each image, as far as it matters here."""

    orig_img: np.ndarray
    boxes: HasBoxes


@overload
def refine(image: HasImageAndBoxes) -> Located: ...
@overload
def refine(image: np.ndarray, boxes_xyxy: np.ndarray) -> Located: ...
def refine(image: np.ndarray | HasImageAndBoxes, boxes_xyxy: np.ndarray | None = None) -> Located:
    """Middles of the markers in boxes, from a model of each marker fitted to the image.

    Args:
        image: (H, W) or (H, W, 3) BGR, 8 or 16 bit; or a result of Ultralytics, which holds image and boxes.
        boxes_xyxy: (K, 4) in px.

    Returns:
        K places. ``score`` is the correlation between model and image; there is no second estimate.

    Raises:
        ValueError: No boxes beside an image, or boxes or image of the wrong shape.
    """
    if not isinstance(image, np.ndarray):
        return refine(image.orig_img, as_array(image.boxes.xyxy))
    if boxes_xyxy is None:
        raise ValueError("refine needs boxes_xyxy (K, 4) with an image. A result of Ultralytics brings its own.")
    boxes = np.asarray(boxes_xyxy, float)
    if boxes.size == 0:
        boxes = boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"boxes_xyxy has shape {boxes.shape}, expected (K, 4): left, top, right, bottom in px.")
    if image.ndim not in (2, 3) or not image.size or (image.ndim == 3 and image.shape[2] not in (1, 3)):
        raise ValueError(f"image has shape {image.shape}, expected (H, W) or (H, W, 3).")
    found = fit(to_grey(image), boxes)
    sigma = np.hypot(found.sigma_px, FLOOR_PX)
    score = np.where(np.isfinite(sigma[:, 0]), np.sqrt(np.clip(found.explained, 0, 1)), np.nan)
    return Located(found.middle_px, sigma, np.full(len(boxes), np.nan), score, None, found.middle_px.copy())


def as_array(values: object) -> np.ndarray:
    """NumPy array of an array or a tensor, wherever it lies."""
    move = getattr(values, "cpu", None)
    return np.asarray(move() if move else values)
