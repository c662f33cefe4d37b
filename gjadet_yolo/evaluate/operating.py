"""What a confidence says: thresholds by F1 and by wanted precision, and calibration.

Calibration as in Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, arXiv 1706.04599: detections in
ten bins of confidence, and the expected calibration error (ECE) is the mean distance between confidence and precision,
weighted by detections. Right means IoU 0.5 here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gjadet_yolo.evaluate.outcomes import Outcomes

BINS = 10


@dataclass(frozen=True)
class Operating:
    """A threshold and what it gives: precision, recall and F1; all nan where no threshold does."""

    confidence: float
    precision: float
    recall: float
    f1: float


NONE = Operating(*[float("nan")] * 4)


def thresholds(one: Outcomes, wanted_precision: float) -> tuple[Operating, Operating]:
    """The threshold with the best F1, and the lowest one with a precision, of the detections of a class."""
    objects, right = int(one.objects[0].sum()), one.right[0, 0]
    if not objects or not len(right):
        return NONE, NONE
    # a threshold takes all detections of one confidence
    ends = np.flatnonzero(np.append(np.diff(one.confidence) != 0, True))
    found = np.cumsum(right)[ends]
    precision, recall = found / (ends + 1), found / objects
    f1 = 2 * found / (ends + 1 + objects)

    def at(index: int) -> Operating:
        return Operating(*(float(row[index]) for row in (one.confidence[ends], precision, recall, f1)))

    enough = np.flatnonzero((precision >= wanted_precision) & (found > 0))
    return (at(int(f1.argmax())) if f1.max() > 0 else NONE), (at(int(enough[-1])) if len(enough) else NONE)


def reliability(found: Sequence[Outcomes], images: int) -> np.ndarray:
    """Detections, sum of confidences, and right ones, by picture and bin of confidence, (3, I, B)."""
    confidence, image = (np.concatenate([getattr(one, key) for one in found]) for key in ("confidence", "image"))
    right = np.concatenate([one.right[0, 0] for one in found])
    place = image * BINS + (confidence * BINS).astype(int).clip(0, BINS - 1)
    rows = [np.bincount(place, value, minlength=images * BINS) for value in (np.ones(len(place)), confidence, right)]
    return np.array(rows).reshape(3, images, BINS)


def calibration_error(table: np.ndarray) -> np.ndarray:
    """ECE from detections, sums of confidences and right ones by bin, (3, ..., B) -> (...)."""
    number, confidence, right = table
    total = number.sum(-1)
    return np.divide(np.abs(confidence - right).sum(-1), total, out=np.full(total.shape, np.nan), where=total > 0)
