"""COCO figures of a checkpoint on the validation split: faster-coco-eval does the computing.

Confidence from 0.001, NMS at IoU 0.7, at most 600 boxes per image. Sizes are those at the network's input.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from ultralytics import YOLO

from gjadet_yolo.data.formats.boxes import LabelledImage
from gjadet_yolo.data.formats.yolo import read_yolo

SIZES = (0, 8, 16, 32, 64, 10**5)
"""Limits of the size bins: square root of a box's area, px at the network's input."""
GROUPS = {"rare": 0.05, "common": 0.2, "frequent": 1.0}
"""Groups of classes: most training boxes they have, relative to the most frequent class."""
MAX_DET = 600


@dataclass(frozen=True)
class Score:
    """Figures of one run, 0 to 1; nan where there is nothing to find.

    Attributes:
        ap: AP50-95 over the classes.
        ap50: The same at IoU 0.5.
        ap75: The same at IoU 0.75.
        by_class: AP50-95 by class name.
        by_group: Mean AP50-95 of rare, common and frequent classes.
        by_size: AP50-95 by size bin.
        recall: Recall at IoU 0.5, over the classes, at any confidence.
        minutes: Duration of the training; of its last part where it was interrupted.
        count: Training boxes by class name.
        by_class50: AP50 by class name; empty in results of earlier versions.
    """

    ap: float
    ap50: float
    ap75: float
    by_class: dict[str, float]
    by_group: dict[str, float]
    by_size: dict[str, float]
    recall: float
    minutes: float
    count: dict[str, int] = field(default_factory=dict)
    by_class50: dict[str, float] = field(default_factory=dict)


def evaluate(checkpoint: Path, data: Path, imgsz: int, minutes: float) -> Score:
    """Score a checkpoint on the validation split of a data set."""
    dataset = read_yolo(data)
    items = dataset.splits["val"]
    found = predict(checkpoint, items, imgsz)
    count = np.bincount(
        np.concatenate([item.labels[:, 0] for item in dataset.splits["train"]]).astype(int),
        minlength=len(dataset.names),
    )
    return score(items, found, dataset.names, count, imgsz, minutes)


def predict(checkpoint: Path, items: list[LabelledImage], imgsz: int) -> list[np.ndarray]:
    """Boxes of each image, (N, 6): xyxy px, confidence and class."""
    model = YOLO(checkpoint)
    options = {"conf": 0.001, "iou": 0.7, "max_det": MAX_DET, "imgsz": imgsz, "verbose": False, "device": "cpu"}
    return [model.predict(str(item.file), **options)[0].boxes.data.cpu().numpy() for item in items]


def score(
    items: list[LabelledImage],
    found: list[np.ndarray],
    names: list[str],
    count: np.ndarray,
    imgsz: int,
    minutes: float = 0.0,
) -> Score:
    """Figures of predictions.

    Args:
        items: Labelled images.
        found: Predicted boxes of each, (N, 6): xyxy px, confidence and class.
        names: Class names.
        count: Training boxes of each class, (C,).
        imgsz: Longer side at the network's input in px.
        minutes: Duration of the training.
    """
    precision, recall = coco_tables(items, found, len(names), imgsz)  # (T, R, C, 1 + bins), (T, C, 1 + bins)
    every = precision[..., 0]
    by_class = {name: mean(every[:, :, index]) for index, name in enumerate(names)}
    bins = pairwise(SIZES)
    return Score(
        ap=mean(every),
        ap50=mean(every[0]),
        ap75=mean(every[5]),
        by_class=by_class,
        by_group={group: mean(np.array([by_class[n] for n in members])) for group, members in groups(names, count)},
        by_size={size_name(*limits): mean(precision[..., number]) for number, limits in enumerate(bins, 1)},
        recall=mean(recall[0, :, 0]),
        minutes=minutes,
        count={name: int(n) for name, n in zip(names, count, strict=True)},
        by_class50={name: mean(every[0, :, index]) for index, name in enumerate(names)},
    )


def groups(names: list[str], count: np.ndarray) -> list[tuple[str, list[str]]]:
    """Class names of each group; a group without any is left out."""
    share = count / max(count.max(), 1)
    limits = list(GROUPS.values())
    where = np.searchsorted(limits, share, side="right").clip(max=len(limits) - 1)
    members = {g: [n for n, w in zip(names, where, strict=True) if w == i] for i, g in enumerate(GROUPS)}
    return [(group, found) for group, found in members.items() if found]


def size_name(low: int, high: int) -> str:
    """Name of a size bin."""
    return f"{low}-{high}" if high < 10**4 else f"{low}+"


def mean(values: np.ndarray) -> float:
    """Mean of what is defined: COCO marks the rest with -1."""
    values = np.asarray(values, float)
    values = values[(values > -1) & np.isfinite(values)]
    return float(values.mean()) if values.size else float("nan")


def coco_tables(
    items: list[LabelledImage], found: list[np.ndarray], classes: int, imgsz: int
) -> tuple[np.ndarray, np.ndarray]:
    """Precision (IoU, recall, class, size) and recall (IoU, class, size); the first size is all sizes."""
    from faster_coco_eval import COCO, COCOeval_faster

    truth, guesses = [], []
    for number, (item, boxes) in enumerate(zip(items, found, strict=True), 1):
        scale = imgsz / max(item.width, item.height)
        for cls, *xyxy in item.labels:
            truth.append(annotation(number, int(cls), np.array(xyxy) * scale) | {"id": len(truth) + 1, "iscrowd": 0})
        for *xyxy, confidence, cls in boxes:
            guesses.append(annotation(number, int(cls), np.array(xyxy) * scale) | {"score": float(confidence)})
    annotations = {
        "images": [{"id": number} for number in range(1, len(items) + 1)],
        "annotations": truth,
        "categories": [{"id": index + 1, "name": str(index)} for index in range(classes)],
    }
    bins = [(low**2, high**2) for low, high in ((SIZES[0], SIZES[-1]), *pairwise(SIZES))]
    if not guesses:
        return np.zeros((10, 101, classes, len(bins))), np.zeros((10, classes, len(bins)))
    reference = COCO(annotations)
    evaluation = COCOeval_faster(reference, reference.loadRes(guesses), iouType="bbox", print_function=lambda *_: None)
    evaluation.params.areaRng = [list(limits) for limits in bins]
    evaluation.params.areaRngLbl = [str(number) for number in range(len(bins))]
    evaluation.params.maxDets = [MAX_DET]
    evaluation.evaluate()
    evaluation.accumulate()
    return np.asarray(evaluation.eval["precision"])[..., 0], np.asarray(evaluation.eval["recall"])[..., 0]


def annotation(image: int, cls: int, xyxy: np.ndarray) -> dict[str, object]:
    """COCO annotation of a box."""
    x1, y1, x2, y2 = (float(v) for v in xyxy)
    box = [x1, y1, x2 - x1, y2 - y1]
    return {"image_id": image, "category_id": cls + 1, "bbox": box, "area": box[2] * box[3]}
