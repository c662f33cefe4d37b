"""Detections against exact truth: what was found, what was missed, what was false, and how far off the centres are.

One picture at a time, one detection to one object: detections claim objects in the order of their confidence, each the
free object of its class with the largest IoU, if that reaches the threshold (the rule of COCO).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torchvision.ops import box_iou

from gjadet_yolo.evaluate.tables import number


@dataclass(frozen=True)
class Match:
    """Outcome in one picture.

    Attributes:
        partner: Index of the object that each detection has found, -1 for false ones, (M,).
        missed: Indices of the objects that nothing has found.
    """

    partner: np.ndarray
    missed: np.ndarray


@dataclass(frozen=True)
class Quality:
    """Outcome for one class over all pictures.

    Attributes:
        name: Class.
        objects: Objects in the truth.
        found: How many of them were found.
        false: Detections that found none.
        centre_error_px: Median distance between the centres of found objects and their detections; nan without any.
    """

    name: str
    objects: int
    found: int
    false: int
    centre_error_px: float

    @property
    def recall(self) -> float:
        # nan, not 0: without objects nothing can be said.
        return self.found / self.objects if self.objects else float("nan")

    @property
    def precision(self) -> float:
        detections = self.found + self.false
        return self.found / detections if detections else float("nan")


def match(truth: np.ndarray, detections: np.ndarray, least_iou: float = 0.5) -> Match:
    """Match the detections (M, 6) of one picture, as the host gives them, with its truth (N, 5) of class and xyxy."""
    partner = np.full(len(detections), -1)
    if len(truth) and len(detections):
        first, second = (
            torch.from_numpy(np.ascontiguousarray(boxes, dtype=np.float64))
            for boxes in (truth[:, 1:], detections[:, :4])
        )
        iou = box_iou(first, second).numpy() * (truth[:, None, 0] == detections[None, :, 5])
        # stable, so that equal confidences keep their order and every run gives the same
        for index in np.argsort(-detections[:, 4], kind="stable"):
            best = int(iou[:, index].argmax())
            if iou[best, index] >= least_iou:
                partner[index] = best
                iou[best] = -1  # taken
    return Match(partner, np.setdiff1d(np.arange(len(truth)), partner))


def measure(
    pictures: Iterable[tuple[np.ndarray, np.ndarray]], names: Sequence[str], least_iou: float = 0.5
) -> list[Quality]:
    """Quality per class, in the order of the names, over pictures of truth (N, 5) and detections (M, 6)."""
    objects, found, false = (np.zeros(len(names), int) for _ in range(3))
    errors: list[list[float]] = [[] for _ in names]
    for truth, detections in pictures:
        objects += np.bincount(truth[:, 0].astype(int), minlength=len(names))
        partner = match(truth, detections, least_iou).partner
        for detection, index in zip(detections, partner, strict=True):
            label = int(detection[5])
            if index < 0:
                false[label] += 1
                continue
            found[label] += 1
            box = truth[index, 1:]
            errors[label].append(float(np.hypot(*(box[:2] + box[2:] - detection[:2] - detection[2:4]) / 2)))
    medians = [float(np.median(row)) if row else float("nan") for row in errors]
    return [Quality(*row) for row in zip(names, objects.tolist(), found.tolist(), false.tolist(), medians, strict=True)]


def table(rows: Sequence[Quality]) -> str:
    """Quality as text, one line per class that occurs; ``-`` stands for what cannot be said, and a note says why."""
    shown = [row for row in rows if row.objects or row.false]
    lines = [f"{'class':<10}{'objects':>9}{'recall':>9}{'precision':>11}{'centre error px':>17}"]
    for row in shown:
        figures = (
            f"{number(row.recall, 3):>9}{number(row.precision, 3):>11}{number(row.centre_error_px, 2):>17}"
            if row.objects
            else f"{'-':>9}{'-':>11}{'-':>17}"
        )
        lines.append(f"{row.name:<10}{row.objects:>9}{figures}")
    absent = [f"{row.name} ({row.false} false)" for row in shown if not row.objects]
    unseen = [row.name for row in shown if row.objects and not row.found]
    for names, reason in ((absent, "Not in the truth"), (unseen, "Not one found")):
        if names:
            lines.append(f"{reason}: {', '.join(names)}")
    return "\n".join(lines)
