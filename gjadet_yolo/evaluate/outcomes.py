"""Which detections are right at which IoU, once for all draws of a bootstrap: the rule of COCO, without crowds.

In each picture and class detections claim objects in the order of their confidence, each the free object with the
largest IoU. What lies outside a size bin is neither right nor wrong in it. faster-coco-eval does the same, but keeps no
outcomes that pictures could be drawn from with weights; ``tests/evaluate/test_outcomes.py`` holds the two to 1e-6.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gjadet_yolo.data.formats.boxes import LabelledImage
from gjadet_yolo.evaluate.scores import MAX_DET, SIZE_LIMITS_PX

IOUS = np.linspace(0.5, 0.95, 10)
BINS_PX = ((SIZE_LIMITS_PX[0], SIZE_LIMITS_PX[-1]), *pairwise(SIZE_LIMITS_PX))  # the first bin holds all sizes
LEAST = 1e-10  # as in COCO: an IoU of 1 still reaches a threshold of 1


@dataclass(frozen=True)
class Outcomes:
    """Detections of one class in all pictures, surest first.

    Attributes:
        confidence: (N,).
        image: Index of the picture of each, (N,).
        right: Whether each has found an object, by size bin and IoU, (S, T, N) bool.
        counts: Whether each counts in the bin, right or not, (S, T, N) bool.
        objects: Objects of each picture by size bin, (S, I).
    """

    confidence: np.ndarray
    image: np.ndarray
    right: np.ndarray
    counts: np.ndarray
    objects: np.ndarray


def ious(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """IoU of boxes (M, 4) and (N, 4), xyxy -> (M, N); 0 where a box has no area."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:4], second[None, :, 2:4])
    shared = np.prod((high - low).clip(min=0), axis=2)
    areas = [np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1) for boxes in (first, second)]
    joined = areas[0][:, None] + areas[1][None, :] - shared
    return np.divide(shared, joined, out=np.zeros_like(shared), where=joined > 0)


def outside(boxes: np.ndarray) -> np.ndarray:
    """Which boxes (N, 4), xyxy px, lie outside each size bin, (S, N) bool."""
    area = np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1)
    return np.array([(area < low**2) | (area > high**2) for low, high in BINS_PX])


def claims(overlap: np.ndarray, truth_out: np.ndarray, boxes_out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Right and counting detections of one class in one picture, (S, T, M) bool each.

    Args:
        overlap: IoU of detections, surest first, and objects, (M, N).
        truth_out: Objects outside each size bin, (S, N) bool.
        boxes_out: Detections outside each size bin, (S, M) bool.
    """
    shape = (len(BINS_PX), len(IOUS), len(overlap))
    right = np.zeros(shape, bool)
    counts = np.repeat(~boxes_out[:, None], len(IOUS), axis=1)
    near = overlap >= IOUS[0]
    # most detections reach no object at all, and are done
    rows = np.flatnonzero(near.any(1))
    if not len(rows):
        return right, counts
    limits = np.minimum(IOUS, 1 - LEAST)
    if near.sum(0).max() == 1 == near.sum(1).max():  # nobody competes
        objects = near[rows].argmax(1)
        enough = (overlap[rows, objects] >= limits[:, None])[None]
        aside = truth_out[:, None, objects]
        right[..., rows] = enough & ~aside
        counts[..., rows] = np.where(enough, ~aside, counts[..., rows])
        return right, counts
    free = np.ones((*shape[:2], len(truth_out[0])), bool)
    for index in rows:
        able = free & (overlap[index] >= limits[None, :, None])
        inside = able & ~truth_out[:, None]
        # objects inside the bin come first, however small their IoU
        options = np.where(inside.any(2, keepdims=True), inside, able)
        value = np.where(options, overlap[index], -1.0)
        best = overlap.shape[1] - 1 - value[..., ::-1].argmax(2)  # the last of equal ones, as COCO
        bin_, level = np.nonzero(options.any(2))
        chosen = best[bin_, level]
        free[bin_, level, chosen] = False
        ignored = truth_out[bin_, chosen]
        right[bin_, level, index] = ~ignored
        counts[bin_, level, index] = ~ignored
    return right, counts


def outcomes(images: Iterable[LabelledImage], found: Sequence[np.ndarray], classes: int, imgsz: int) -> list[Outcomes]:
    """Outcomes of each class.

    Args:
        images: Labelled images, px of the file.
        found: Detections of each image, (M, 6): xyxy px of the file, confidence and class index.
        imgsz: Longer side of an image at the network's input, px.
    """
    parts: list[list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]] = [[] for _ in range(classes)]
    objects = np.zeros((classes, len(BINS_PX), len(found)), int)
    for number, (image, rows) in enumerate(zip(images, found, strict=True)):
        scale = imgsz / max(image.width, image.height)
        ordered = rows[np.argsort(-rows[:, 4], kind="stable")]
        own, other = image.labels[:, 0].astype(int), ordered[:, 5].astype(int)
        truth, boxes = image.labels[:, 1:] * scale, ordered[:, :4] * scale
        overlap, truth_out, boxes_out = ious(boxes, truth), outside(truth), outside(boxes)
        for label in np.union1d(own, other):
            here, mine = np.flatnonzero(own == label), np.flatnonzero(other == label)[:MAX_DET]
            objects[label, :, number] = (~truth_out[:, here]).sum(1)
            right, counts = claims(overlap[np.ix_(mine, here)], truth_out[:, here], boxes_out[:, mine])
            parts[label].append((ordered[mine, 4], np.full(len(mine), number), right, counts))
    return [joined(own, objects[label]) for label, own in enumerate(parts)]


def joined(parts: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]], objects: np.ndarray) -> Outcomes:
    """Detections of all pictures in one order."""
    nothing = np.zeros((len(BINS_PX), len(IOUS), 0), bool)
    columns = list(zip((np.zeros(0), np.zeros(0, int), nothing, nothing), *parts, strict=True))
    confidence, image, right, counts = (np.concatenate(column, axis=-1) for column in columns)
    order = np.argsort(-confidence, kind="stable")
    return Outcomes(confidence[order], image[order], right[..., order], counts[..., order], objects)
