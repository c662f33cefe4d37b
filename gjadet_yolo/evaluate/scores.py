"""COCO figures of predictions: over all classes, by class, by rarity and by size.

Labels and predictions go in, a :class:`Score` comes out; faster-coco-eval does the computing (``pip install
'gjadet-yolo[benchmark]'``). Predicting and reading is in ``evaluate/checkpoint.py``.

Conventions: boxes are xyxy in px of the image file, x to the right, y down. Figures are 0 to 1. The size of a box is
the square root of its area at the network's input, where the longer side of every image has ``imgsz`` px.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np

from gjadet_yolo.data.formats.boxes import LabelledImage
from gjadet_yolo.data.formats.coco import to_coco
from gjadet_yolo.evaluate.detections import write_whole
from gjadet_yolo.evaluate.tables import number, table

# Limits of the size bins; 10^5 is COCO's word for unlimited. COCO's own limits, 32 and 96 px, put all small targets
# into one bin.
SIZE_LIMITS_PX = (0, 8, 16, 32, 64, 10**5)
# Groups of classes by training boxes, relative to the most frequent class: a class belongs to the first group whose
# figure it stays below.
RARITY_GROUPS = {"rare": 0.05, "common": 0.2, "frequent": 1.0}
# Boxes per image that count, the most confident ones. COCO's 100 is less than a rig of targets holds.
MAX_DET = 600


@dataclass(frozen=True)
class Score:
    """Figures of predictions, 0 to 1; nan where there is nothing to find.

    Attributes:
        ap: AP50-95, mean over the classes.
        ap50: The same at IoU 0.5.
        ap75: The same at IoU 0.75.
        by_class: AP50-95 by class name.
        by_group: Mean AP50-95 of the classes of each of ``RARITY_GROUPS``; groups without classes are left out.
        by_size: AP50-95 by size bin (``SIZE_LIMITS_PX``), named ``8-16``, the last ``64+``.
        recall: Recall at IoU 0.5, mean over the classes, at any confidence.
        count: Training boxes by class name, which the groups come from.
        by_class50: AP50 by class name; empty in files of earlier versions.
    """

    ap: float
    ap50: float
    ap75: float
    by_class: dict[str, float]
    by_group: dict[str, float]
    by_size: dict[str, float]
    recall: float
    count: dict[str, int] = field(default_factory=dict)
    by_class50: dict[str, float] = field(default_factory=dict)


def score(
    images: Sequence[LabelledImage], found: Sequence[np.ndarray], names: Sequence[str], count: np.ndarray, imgsz: int
) -> Score:
    """Figures of predictions.

    Args:
        images: Labelled images; their files are not read.
        found: Predicted boxes of each image, (N, 6): xyxy px, confidence and class index.
        count: Training boxes of each class, (C,); see :func:`class_counts`.
        imgsz: Longer side of an image at the network's input, px.

    Raises:
        ValueError: No images, or not as many predictions as images.
        ModuleNotFoundError: faster-coco-eval is not installed.
    """
    if not images or len(images) != len(found):
        raise ValueError(f"there are {len(images)} images and {len(found)} predictions, expected one for each image.")
    precision, recall = coco_tables(images, found, len(names), imgsz)  # (T, R, C, 1 + bins), (T, C, 1 + bins)
    every = precision[..., 0]
    by_class = {name: mean(every[:, :, index]) for index, name in enumerate(names)}
    members = groups(names, count)
    return Score(
        ap=mean(every),
        ap50=mean(every[0]),  # thresholds are 0.5, 0.55, ... 0.95, so that 5 is 0.75
        ap75=mean(every[5]),
        by_class=by_class,
        by_group={group: mean(np.array([by_class[name] for name in own])) for group, own in members},
        by_size={size_name(*bin_px): mean(precision[..., i]) for i, bin_px in enumerate(pairwise(SIZE_LIMITS_PX), 1)},
        recall=mean(recall[0, :, 0]),
        count={name: int(n) for name, n in zip(names, count, strict=True)},
        by_class50={name: mean(every[0, :, index]) for index, name in enumerate(names)},
    )


def class_counts(images: Sequence[LabelledImage], classes: int) -> np.ndarray:
    """Boxes of each class, (C,) int."""
    labels = [image.labels[:, 0] for image in images]
    return np.bincount(np.concatenate([np.zeros(0), *labels]).astype(int), minlength=classes)


def groups(names: Sequence[str], count: np.ndarray) -> list[tuple[str, list[str]]]:
    """Class names of each group, in the order of ``RARITY_GROUPS``; groups without classes are left out."""
    share = count / max(count.max(), 1)
    limits = list(RARITY_GROUPS.values())
    # the most frequent class has a share of 1, which lies behind the last limit
    where = np.searchsorted(limits, share, side="right").clip(max=len(limits) - 1)
    members = {g: [n for n, w in zip(names, where, strict=True) if w == i] for i, g in enumerate(RARITY_GROUPS)}
    return [(group, found) for group, found in members.items() if found]


def size_name(low_px: int, high_px: int) -> str:
    return f"{low_px}+" if high_px == SIZE_LIMITS_PX[-1] else f"{low_px}-{high_px}"


def mean(values: np.ndarray) -> float:
    """Mean of the values that are defined; nan where none is."""
    values = np.asarray(values, float)
    # COCO marks what is undefined with -1.
    values = values[(values > -1) & np.isfinite(values)]
    return float(values.mean()) if values.size else float("nan")


def library() -> ModuleType:
    # An extra, imported when it is first needed.
    try:
        import faster_coco_eval
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "COCO figures need faster-coco-eval. Run: pip install 'gjadet-yolo[benchmark]'"
        ) from error
    return faster_coco_eval


def coco_tables(
    images: Sequence[LabelledImage], found: Sequence[np.ndarray], classes: int, imgsz: int
) -> tuple[np.ndarray, np.ndarray]:
    """Precision (IoU, recall, class, size) and recall (IoU, class, size), -1 where undefined; the first size is all."""
    coco = library()
    scales = [imgsz / max(image.width, image.height) for image in images]
    guesses = [
        as_guess(number, np.asarray(xyxy) * scale, confidence, int(label))
        for number, (boxes, scale) in enumerate(zip(found, scales, strict=True), 1)
        for *xyxy, confidence, label in boxes
    ]
    # Releases before 1.8 refuse an empty list. A box without area finds nothing, and changes no figure.
    guesses = guesses or [as_guess(1, np.zeros(4), 0.0, 0)]
    # At the network's size, because the size bins are about what the network saw.
    scaled = [
        replace(image, labels=image.labels * (1, *[scale] * 4)) for image, scale in zip(images, scales, strict=True)
    ]
    truth = coco.COCO(to_coco(scaled, [str(index) for index in range(classes)]))
    evaluation = coco.COCOeval_faster(truth, truth.loadRes(guesses), iouType="bbox", print_function=lambda *_: None)
    bins_px = ((SIZE_LIMITS_PX[0], SIZE_LIMITS_PX[-1]), *pairwise(SIZE_LIMITS_PX))
    evaluation.params.areaRng = [[low**2, high**2] for low, high in bins_px]
    evaluation.params.areaRngLbl = [str(number) for number in range(len(bins_px))]
    evaluation.params.maxDets = [MAX_DET]
    evaluation.evaluate()
    evaluation.accumulate()
    return np.asarray(evaluation.eval["precision"])[..., 0], np.asarray(evaluation.eval["recall"])[..., 0]


def as_guess(image: int, xyxy: np.ndarray, confidence: float, label: int) -> dict[str, object]:
    """A prediction as COCO's results list it."""
    x1, y1, x2, y2 = map(float, xyxy)
    return {
        "image_id": image,
        "category_id": label + 1,  # ids start at 1, as in to_coco
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": (x2 - x1) * (y2 - y1),
        "score": float(confidence),
    }


def as_markdown(figures: Score) -> str:
    """A score as a Markdown table: a row for all classes together, and one per class, group and size bin."""
    rows = [("all", str(sum(figures.count.values())), number(figures.ap, 3), number(figures.ap50, 3))]
    for name, ap in figures.by_class.items():
        ap50 = figures.by_class50.get(name, float("nan"))
        rows.append((name, str(figures.count.get(name, "-")), number(ap, 3), number(ap50, 3)))
    rows += [(f"{name} classes", "", number(ap, 3), "") for name, ap in figures.by_group.items()]
    rows += [(f"{name} px", "", number(ap, 3), "") for name, ap in figures.by_size.items()]
    more = f"\nAP75 {number(figures.ap75, 3)}, recall at IoU 0.5 {number(figures.recall, 3)}\n"
    return table(("", "training boxes", "AP50-95", "AP50"), rows) + more


def save(figures: Score, file: Path) -> Path:
    """Write a score as JSON, whole or not at all."""
    return write_whole(file, json.dumps(asdict(figures), indent=1) + "\n")  # nan as NaN, as Python reads it
