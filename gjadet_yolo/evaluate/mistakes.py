"""What each detection is, right or one of five kinds of mistake, and what each kind costs.

The split of Bolya et al., "TIDE: A General Toolbox for Identifying Object Detection Errors", ECCV 2020, arXiv
2008.08115, at IoU 0.5 for right and 0.1 for background: a mistake's cost is the AP50 that is won when an oracle mends
that kind alone. Costs of the kinds do not add up to 1 - AP50, because each is mended without the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gjadet_yolo.data.formats.boxes import LabelledImage
from gjadet_yolo.evaluate.average import curve
from gjadet_yolo.evaluate.matching import match
from gjadet_yolo.evaluate.outcomes import ious
from gjadet_yolo.evaluate.scores import MAX_DET, mean

RIGHT, LOCALISATION, CLASS, DUPLICATE, BACKGROUND, BOTH, MISSED = range(7)
KINDS = ("right", "localisation", "class", "duplicate", "background", "class and localisation", "missed")
FOREGROUND, NOTHING = 0.5, 0.1


@dataclass(frozen=True)
class Judged:
    """Detections and objects of one picture.

    Attributes:
        boxes: Detections, surest first, (M, 6).
        kind: Index into ``KINDS`` of each, (M,).
        target: Object that each has found, or is a mistake about; -1 for none, (M,).
        iou: IoU with it; for background, the largest with any object, (M,).
        missed: Indices of objects that nothing has found, and no class or localisation mistake is about.
        unfound: Indices of all objects that nothing has found.
    """

    boxes: np.ndarray
    kind: np.ndarray
    target: np.ndarray
    iou: np.ndarray
    missed: np.ndarray
    unfound: np.ndarray


def judge(image: LabelledImage, found: np.ndarray, least_confidence: float = 0.0) -> Judged:
    """Sort the detections (M, 6) of a picture into kinds; those below a confidence are left out."""
    boxes = found[found[:, 4] >= least_confidence]
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")][: MAX_DET * 4]
    outcome = match(image.labels, boxes, FOREGROUND)
    overlap = ious(boxes[:, :4], image.labels[:, 1:])
    target, kind = outcome.partner.copy(), np.full(len(boxes), BACKGROUND)
    best = np.zeros(len(boxes))
    if len(boxes) and len(image.labels):
        same = boxes[:, 5:6] == image.labels[None, :, 0]
        kind, target, best = kinds(overlap, same, outcome.partner)
    about = target[np.isin(kind, (CLASS, LOCALISATION))]
    return Judged(boxes, kind, target, best, np.setdiff1d(outcome.missed, about), outcome.missed)


def kinds(overlap: np.ndarray, same: np.ndarray, partner: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kind, object and IoU of each detection, (M,) each.

    Args:
        overlap: IoU of detections and objects, (M, N).
        same: Whether they are of one class, (M, N).
        partner: Object that each detection has found, -1 for none, (M,).
    """
    rows = np.arange(len(overlap))
    own, other = np.where(same, overlap, -1.0), np.where(same, -1.0, overlap)
    by_own, by_other, by_any = own.argmax(1), other.argmax(1), overlap.argmax(1)
    most_own, most_other, most = own.max(1), other.max(1), overlap.max(1)
    cases = [
        partner >= 0,
        (most_own >= NOTHING) & (most_own < FOREGROUND),
        most_other >= FOREGROUND,
        most_own >= FOREGROUND,
        most < NOTHING,
    ]
    kind = np.select(cases, (RIGHT, LOCALISATION, CLASS, DUPLICATE, BACKGROUND), BOTH)
    target = np.select([kind == RIGHT, np.isin(kind, (LOCALISATION, DUPLICATE)), kind == CLASS, kind == BOTH],
                       [partner, by_own, by_other, by_any], -1)  # fmt: skip
    iou = np.where(target >= 0, overlap[rows, target], most)
    return kind, target, iou


def costs(images: Sequence[LabelledImage], judged: Sequence[Judged], classes: int) -> dict[str, float]:
    """AP50 that each kind of mistake costs, mean over classes; without any mistake AP50 is 1."""
    plain = oracle_ap(images, judged, classes, -1)
    return {KINDS[kind]: oracle_ap(images, judged, classes, kind) - plain for kind in range(1, len(KINDS))}


def oracle_ap(images: Sequence[LabelledImage], judged: Sequence[Judged], classes: int, mended: int) -> float:
    """AP50 with one kind of mistake mended; -1 mends nothing."""
    objects = np.zeros(classes, int)
    rows = [np.zeros((0, 3))]  # confidence, right, class
    for image, one in zip(images, judged, strict=True):
        objects += np.bincount(image.labels[:, 0].astype(int), minlength=classes)
        if mended == MISSED:
            objects -= np.bincount(image.labels[one.missed, 0].astype(int), minlength=classes)
        rows.append(mended_rows(image, one, mended))
    table = np.concatenate(rows)
    table = table[np.argsort(-table[:, 0], kind="stable")]
    return mean(np.array([curve(table[table[:, 2] == c, 1] > 0, int(objects[c])) for c in range(classes)]).mean(1))


def mended_rows(image: LabelledImage, one: Judged, mended: int) -> np.ndarray:
    """Confidence, whether right, and class of the detections of a picture as the oracle leaves them, (M, 3)."""
    right, label, keep = one.kind == RIGHT, one.boxes[:, 5].copy(), one.kind != mended
    if mended in (CLASS, LOCALISATION):
        taken = set(range(len(image.labels))) - set(one.unfound.tolist())
        # the surest about each free object, of both kinds, becomes right; the others would be duplicates, and go
        for index in np.flatnonzero(np.isin(one.kind, (CLASS, LOCALISATION))):
            target = int(one.target[index])
            if target not in taken and one.kind[index] == mended:
                right[index], keep[index], label[index] = True, True, image.labels[target, 0]
            taken.add(target)
    return np.stack((one.boxes[:, 4], right, label), axis=1)[keep]
