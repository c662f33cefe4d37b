"""Everything that a page says of one or two models, as plain values: the same mapping goes into JSON and onto the page.

A figure is ``{"value", "low", "high"}``; beside another model also ``other``, ``difference`` (this minus the other) and
its own interval, from the same draws of pictures for both. None stands for what cannot be said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gjadet_yolo.data.formats.boxes import LabelledImage
from gjadet_yolo.evaluate.average import (
    FIGURES,
    RECALLS,
    curve,
    drawn_figures,
    figures_of,
    interval,
    mean_over,
    weights,
)
from gjadet_yolo.evaluate.labelled import Labelled
from gjadet_yolo.evaluate.mistakes import KINDS, MISSED, RIGHT, Judged, costs, judge
from gjadet_yolo.evaluate.operating import BINS, calibration_error, reliability, thresholds
from gjadet_yolo.evaluate.outcomes import BINS_PX, Outcomes, outcomes
from gjadet_yolo.evaluate.scores import RARITY_GROUPS, groups, size_name

SEED = 0


@dataclass(frozen=True)
class Rules:
    """What the judging goes by.

    Attributes:
        imgsz: Longer side at the network's input, px.
        confidence: Threshold of pictures, confusion and lists of mistakes.
        precision: Wanted precision of the second threshold of each class.
        draws: Of the bootstrap.
    """

    imgsz: int = 640
    confidence: float = 0.25
    precision: float = 0.9
    draws: int = 1000


@dataclass(frozen=True)
class Side:
    """One model: its detections with the classes of the data, and what was computed of them.

    Attributes:
        name: As the page calls it.
        found: Detections of each image, (M, 6).
        by_class: Outcomes.
        plain: The four figures by row of :func:`row_names`, (R, 4).
        drawn: The same in every draw, (R, D, 4).
        bins: Detections, confidences and right ones by image and bin of confidence, (3, I, B).
        drawn_ece: ECE in every draw, (D,).
        judged: Detections from the threshold of confidence up, by image.
    """

    name: str
    found: list[np.ndarray]
    by_class: list[Outcomes]
    plain: np.ndarray
    drawn: np.ndarray
    bins: np.ndarray
    drawn_ece: np.ndarray
    judged: list[Judged]


def row_names(data: Labelled) -> list[tuple[str, str]]:
    """Kind and name of each row of figures: all, groups, sizes, classes."""
    return [
        ("all", "all classes"),
        *(("group", name) for name, _ in groups(data.names, data.count)),
        *(("size", f"{size_name(*bin_px)} px") for bin_px in BINS_PX[1:]),
        *(("class", name) for name in data.names),
    ]


def side(name: str, data: Labelled, found: list[np.ndarray], rules: Rules, watch: Callable[..., Any]) -> Side:
    """Compute what is needed of a model's detections.

    Args:
        watch: Yields the items that it is given, and shows progress with the text that comes with them.
    """
    by_class = outcomes(watch(data.images, f"matching {name}"), found, len(data.names), rules.imgsz)
    weight = weights(len(data.images), rules.draws, SEED)
    plain = np.array([[figures_of(one, size) for one in by_class] for size in range(len(BINS_PX))])  # (S, C, 4)
    work = [(size, label) for size in range(len(BINS_PX)) for label in range(len(by_class))]
    drawn = [drawn_figures(by_class[label], weight, size) for size, label in watch(work, f"drawing {name}")]
    drawn_by = np.array(drawn).reshape(*plain.shape[:2], rules.draws, 4)
    bins = reliability(by_class, len(data.images))
    ece = calibration_error(np.einsum("id,kib->kdb", weight, bins, optimize=True))
    judged = [judge(*pair, rules.confidence) for pair in zip(data.images, found, strict=True)]
    return Side(
        name, found, by_class, rows_of(data, plain[:, :, None])[:, 0], rows_of(data, drawn_by), bins, ece, judged
    )


def rows_of(data: Labelled, by_size: np.ndarray) -> np.ndarray:
    """Figures by row from figures by size and class, (S, C, D, 4) -> (R, D, 4)."""
    every = by_size[0]
    members = [[data.names.index(name) for name in own] for _, own in groups(data.names, data.count)]
    means = [mean_over(every), *(mean_over(every[own]) for own in members), *(mean_over(one) for one in by_size[1:])]
    return np.array([*means, *every])


def plain_value(value: float) -> float | None:
    """A value as JSON has it: nan is None."""
    return float(value) if np.isfinite(value) else None


def figure(values: Sequence[float], draws: Sequence[np.ndarray]) -> dict[str, float | None]:
    """A figure of one model or two, from values and draws of each."""
    low, high = interval(draws[0])
    result = {"value": values[0], "low": low, "high": high}
    if len(values) > 1:
        low, high = interval(draws[0] - draws[1])
        result |= {"other": values[1], "difference": values[0] - values[1], "diff_low": low, "diff_high": high}
    return {key: plain_value(value) for key, value in result.items()}


def judgement(data: Labelled, sides: Sequence[Side], rules: Rules) -> dict[str, Any]:
    """The content of a page, without pictures.

    Args:
        sides: The model, and the one that it is compared with, if any.
    """
    first = sides[0]
    kept = class_objects(data)
    errors = [ece_of(one) for one in sides]
    return {
        "rules": {**asdict(rules), "rarity": RARITY_GROUPS, "iou_right": 0.5, "seed": SEED},
        "models": [one.name for one in sides],
        "images": len(data.images),
        "objects": int(sum(len(image.labels) for image in data.images)),
        "figures": figure_rows(data, sides),
        "ece": figure(errors, [one.drawn_ece for one in sides]),
        "thresholds": threshold_rows(data, first, rules),
        "calibration": [calibration_rows(one) for one in sides],
        "costs": [costs_of(data, one) for one in sides],
        "curves": [curve_rows(data, one) for one in sides],
        "recalls": [round(float(value), 2) for value in RECALLS],
        "confusion": confusion(data, first),
        "class_objects": kept,
        "pictures": picture_rows(data, sides),
    }


def class_objects(data: Labelled) -> dict[str, dict[str, int]]:
    """Objects judged and training boxes by class."""
    labels = np.concatenate([image.labels[:, 0] for image in data.images]).astype(int)
    judged = np.bincount(labels, minlength=len(data.names))
    return {
        name: {"judged": int(judged[index]), "training": int(data.count[index])}
        for index, name in enumerate(data.names)
    }


def figure_rows(data: Labelled, sides: Sequence[Side]) -> list[dict[str, Any]]:
    """A row for all classes, each group, size bin and class, with the four figures."""
    return [
        {"kind": kind, "name": name}
        | {
            key: figure([one.plain[row, column] for one in sides], [one.drawn[row, :, column] for one in sides])
            for column, key in enumerate(FIGURES)
        }
        for row, (kind, name) in enumerate(row_names(data))
    ]


def ece_of(one: Side) -> float:
    return float(calibration_error(one.bins.sum(1)))


def threshold_rows(data: Labelled, one: Side, rules: Rules) -> list[dict[str, Any]]:
    """Thresholds by class."""
    rows = []
    for name, own in zip(data.names, one.by_class, strict=True):
        best, wanted = thresholds(own, rules.precision)
        row = {"name": name}
        for prefix, point in (("f1", best), ("wanted", wanted)):
            row |= {f"{prefix}_{key}": plain_value(value) for key, value in asdict(point).items()}
        rows.append(row)
    return rows


def calibration_rows(one: Side) -> list[dict[str, float | None]]:
    """Detections, mean confidence and precision by bin of confidence."""
    number, confidence, right = one.bins.sum(1)
    return [
        {
            "low": index / BINS,
            "high": (index + 1) / BINS,
            "detections": int(number[index]),
            "confidence": float(confidence[index] / number[index]) if number[index] else None,
            "precision": float(right[index] / number[index]) if number[index] else None,
        }
        for index in range(BINS)
    ]


def costs_of(data: Labelled, one: Side) -> list[dict[str, Any]]:
    """AP50 that each kind of mistake costs, and its share of the costs of all kinds; over all confidences."""
    judged = [judge(*pair) for pair in zip(data.images, one.found, strict=True)]
    lost = costs(data.images, judged, len(data.names))
    # nothing is left to judge where every object is missed and the oracle takes them away
    won = {kind: max(value, 0.0) if np.isfinite(value) else 0.0 for kind, value in lost.items()}
    total = sum(won.values())
    number = {kind: sum(int((own.kind == index).sum()) for own in one.judged) for index, kind in enumerate(KINDS)}
    number[KINDS[MISSED]] = sum(len(own.missed) for own in one.judged)
    return [
        {
            "kind": kind,
            "cost": plain_value(value),
            "share": won[kind] / total if total else None,
            "number": number[kind],
        }
        for kind, value in lost.items()
    ]


def curve_rows(data: Labelled, one: Side) -> dict[str, list[float | None]]:
    """Precision at 101 recalls by class, at IoU 0.5."""
    found = {}
    for name, own in zip(data.names, one.by_class, strict=True):
        values = curve(own.right[0, 0], int(own.objects[0].sum()))
        found[name] = [plain_value(round(value, 6)) for value in values]
    return found


def confusion(data: Labelled, one: Side) -> list[list[int]]:
    """Objects (rows) by the class of their detection (columns); the last row and column stand for nothing."""
    classes = len(data.names)
    table = np.zeros((classes + 1, classes + 1), int)
    for image, own in zip(data.images, one.judged, strict=True):
        label = image.labels[:, 0].astype(int)
        guess = own.boxes[:, 5].astype(int)
        taken = set()
        for index in np.flatnonzero((own.kind == RIGHT) | (own.kind == KINDS.index("class"))):
            target = int(own.target[index])
            # a detection of another class explains an object only where no detection of its own class does
            if target in taken or (own.kind[index] != RIGHT and target not in own.unfound):
                table[classes, guess[index]] += 1
                continue
            taken.add(target)
            table[label[target], guess[index]] += 1
        others = guess[~np.isin(own.kind, (RIGHT, KINDS.index("class")))]
        np.add.at(table, (classes, others), 1)
        rest = np.setdiff1d(np.arange(len(label)), list(taken))
        np.add.at(table, (label[rest], classes), 1)
    return table.tolist()


def counts_of(own: Judged) -> tuple[int, int, int]:
    """Right, false and missed of a picture."""
    right = int((own.kind == RIGHT).sum())
    return right, len(own.kind) - right, len(own.unfound)


def f1_of(own: Judged) -> float:
    """F1 of a picture; 1 where there is nothing to find and nothing was found."""
    right, false, missed = counts_of(own)
    return 2 * right / (2 * right + false + missed) if right + false + missed else 1.0


def picture_rows(data: Labelled, sides: Sequence[Side]) -> list[dict[str, Any]]:
    """A row for each picture, in the order of the data."""
    rows = []
    for index, image in enumerate(data.images):
        own = sides[0].judged[index]
        right, false, missed = counts_of(own)
        row = {"image": image.name, "right": right, "false": false, "missed": missed, "f1": f1_of(own)}
        if len(sides) > 1:
            other = f1_of(sides[1].judged[index])
            row |= {"other_f1": other, "difference": row["f1"] - other}
        rows.append(row)
    return rows


def worst(rows: Sequence[dict[str, Any]], most: int) -> list[int]:
    """Indices of the pictures with the most mistakes, first those with the lowest F1; pictures without are left out."""
    faulty = [index for index, row in enumerate(rows) if row["false"] + row["missed"]]
    return sorted(faulty, key=lambda i: (rows[i]["f1"], -rows[i]["false"] - rows[i]["missed"], i))[:most]


def with_mistakes(
    images: Sequence[LabelledImage], judged: Sequence[Judged], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Every mistake from the threshold up: picture, class, kind, confidence, IoU and box, worst confidence first."""
    rows = []
    for index, (image, own) in enumerate(zip(images, judged, strict=True)):
        for number in np.flatnonzero(own.kind != RIGHT):
            rows.append(mistake(index, image, KINDS[own.kind[number]], own.boxes[number], own.iou[number], names))
        for number in own.missed:
            label, *box = image.labels[number]
            rows.append(mistake(index, image, KINDS[MISSED], np.array([*box, np.nan, label]), np.nan, names))
    # what the model is surest of comes first, and missed objects last
    return sorted(rows, key=lambda row: -1.0 if row["confidence"] is None else row["confidence"], reverse=True)


def mistake(
    index: int, image: LabelledImage, kind: str, box: np.ndarray, iou: float, names: Sequence[str]
) -> dict[str, Any]:
    """A mistake as a row; px of the file."""
    return {
        "image": image.name,
        "index": index,
        "class": names[int(box[5])],
        "kind": kind,
        "confidence": plain_value(box[4]),
        "iou": plain_value(iou),
        **{key: round(float(value), 2) for key, value in zip(("x1_px", "y1_px", "x2_px", "y2_px"), box, strict=False)},
    }
