"""The labelled images that a score is about, of a YOLO or a COCO set, and what has to hold before work begins."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gjadet_yolo.data.formats.boxes import BoxDataset, LabelledImage
from gjadet_yolo.data.formats.coco import Progress, read_coco
from gjadet_yolo.data.formats.coco_json import class_table, find_annotations, read_json
from gjadet_yolo.data.formats.yolo import read_yolo
from gjadet_yolo.evaluate.scores import class_counts

UNREADABLE = "unreadable"  # how the readers' findings about such images and labels begin or go on


@dataclass(frozen=True)
class Labelled:
    """Images of a split.

    Attributes:
        images: With boxes in px of the file.
        names: Class names by index.
        count: Training boxes by class, (C,).
        notes: What a reader should know about the data.
        ids: Class index by category id, for COCO sets.
        files: File name by image id, for COCO sets.
    """

    images: list[LabelledImage]
    names: list[str]
    count: np.ndarray
    notes: list[str]
    ids: dict[Hashable, int] = field(default_factory=dict)
    files: dict[Hashable, str] = field(default_factory=dict)


def labelled(source: Path, split: str, progress: Progress = lambda items, _: items) -> Labelled:
    """Read a split of a YOLO set (data YAML or its folder) or of a COCO set (folder or json file).

    Raises:
        FileNotFoundError: A file or folder is missing.
        ValueError: The set cannot be used, lacks the split or its labels, or has images that cannot be read.
    """
    coco = is_coco(source)
    data = read_coco(source, progress) if coco else read_yolo(source, progress)
    images = data.splits.get(split) or (next(iter(data.splits.values())) if coco and len(data.splits) == 1 else [])
    if not images:
        known = ", ".join(name for name, own in data.splits.items() if own) or "none"
        raise ValueError(f"{source} has no images of the split '{split}'. Splits with images: {known}.")
    refuse_unreadable(source, data, split)
    if not sum(len(image.labels) for image in images):
        raise ValueError(f"{source}: the {len(images)} images of the split '{split}' have no labels to judge by.")
    training = data.splits.get("train", [])
    notes = [f"{count} {what}" for what, rows in data.report.counts().items() if (count := rows.get(split))]
    if not training:
        notes.append("The data have no training images, so rare, common and frequent are by the boxes judged here.")
    ids, files = coco_ids(source) if coco else ({}, {})
    return Labelled(images, data.names, class_counts(training or images, len(data.names)), notes, ids, files)


def is_coco(source: Path) -> bool:
    """Whether a path means a set in COCO form."""
    if source.is_dir():
        yamls = any(path.suffix.lower() in (".yaml", ".yml") for path in source.iterdir())
        return not yamls
    return source.suffix.lower() == ".json"


def coco_ids(source: Path) -> tuple[dict[Hashable, int], dict[Hashable, str]]:
    """Class index by category id, and file name by image id."""
    contents = {stem: read_json(file) for stem, file in find_annotations(source)[1].items()}
    files = {image["id"]: str(image["file_name"]) for content in contents.values() for image in content["images"]}
    return class_table(contents)[0], files


def refuse_unreadable(source: Path, data: BoxDataset, split: str) -> None:
    """Refuse sets with images or label files of the split that cannot be read; a ValueError names them."""
    rows = [row for row in data.report.rows if row[0] == split and row[2] and UNREADABLE in row[1]]
    if rows:
        shown = ", ".join(image for _, _, image, _ in rows[:5])
        raise ValueError(f"{source}: {len(rows)} images cannot be read: {shown}. Mend or remove them first.")


def class_map(
    model: Mapping[int, str] | Sequence[str], names: Sequence[str], whose: str
) -> tuple[np.ndarray, list[str]]:
    """Class index of the data for each class of a model, -1 for none, (K,), and sentences about what does not match.

    Raises:
        ValueError: No class of the model is one of the data.
    """
    own = [model[index] for index in range(len(model))]
    index = {name: number for number, name in enumerate(names)}
    found = np.array([index.get(name, -1) for name in own])
    if (found < 0).all():
        raise ValueError(
            f"{whose} and the data share no class. Classes of the model: {listed(own)}; of the data: {listed(names)}."
        )
    notes = []
    if extra := [name for name in own if name not in index]:
        notes.append(f"Classes of {whose} that the data lack, left out: {listed(extra)}.")
    if lacking := [name for name in names if name not in own]:
        notes.append(f"Classes of the data that {whose} does not know, all missed: {listed(lacking)}.")
    return found, notes


def mapped(boxes: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Boxes (N, 6) with the classes of the data; those of classes that the data lack are left out."""
    boxes = np.asarray(boxes, float).reshape(-1, 6).copy()
    boxes[:, 5] = indices[boxes[:, 5].astype(int)]
    return boxes[boxes[:, 5] >= 0]


def listed(names: Iterable[Any], most: int = 10) -> str:
    names = list(map(str, names))
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
