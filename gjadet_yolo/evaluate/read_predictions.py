"""Predictions from a file in place of a model: ``detections.json`` of this package, or a list as COCO's results are."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from gjadet_yolo.data.formats.boxes import LabelledImage


def read_predictions(
    file: Path,
    images: Sequence[LabelledImage],
    names: Sequence[str],
    ids: Mapping[Hashable, int],
    files: Mapping[Hashable, str],
) -> list[np.ndarray]:
    """Boxes of each image, (N, 6): xyxy px of the file, confidence and class index.

    Args:
        names: Class names of the data.
        ids: Class index by category id, of a COCO set; otherwise ids are indices + 1, as the host writes them.
        files: File name by image id, of a COCO set; otherwise ids are names without suffix, as the host writes them.

    Raises:
        ValueError: Not such a file, an image or class that the data lack, or values that are no box.
    """
    content = load(file)
    own = isinstance(content, dict)
    places: dict[str, int] = {}
    for index, image in enumerate(images):
        for key in (image.name, Path(image.name).name, Path(image.name).stem, str(image.file)):
            places.setdefault(key, index)
    for index, image in enumerate(images):
        # the host makes a number of a name of digits, 7 of 000007; a picture that is called 7 has gone first
        if (stem := Path(image.name).stem).isdecimal():
            places.setdefault(str(int(stem)), index)
    rows: list[list[list[float]]] = [[] for _ in images]
    unknown: dict[str, None] = {}
    for number, entry in enumerate(content["boxes"] if own else content):
        try:
            key, label, box, confidence = parsed(entry, own, names, ids, files)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{file}: entry {number} is no box of the data: {error}. Expected image, class, four numbers "
                f"and a confidence."
            ) from error
        place = places.get(key, places.get(PurePosixPath(key.replace("\\", "/")).name))
        if place is None:
            unknown[key] = None
        else:
            rows[place].append([*box, confidence, label])
    if unknown:
        first = ", ".join(list(unknown)[:5])
        raise ValueError(
            f"{file} has boxes of {len(unknown)} images that the data lack: {first}. Name the data and split that "
            f"were predicted, with data= and split=."
        )
    return [np.array(own_rows, float).reshape(-1, 6) for own_rows in rows]


def load(file: Path) -> Any:
    """Content of a file of predictions."""
    if not file.is_file():
        raise FileNotFoundError(f"{file} does not exist. Expected predictions as JSON.")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is no JSON: {error}. Expected detections.json or COCO results.") from error
    if isinstance(content, list) or (isinstance(content, dict) and isinstance(content.get("boxes"), list)):
        return content
    raise ValueError(f"{file} holds no predictions. Expected a list as COCO's results, or detections.json.")


def parsed(
    entry: Mapping[str, Any],
    own: bool,
    names: Sequence[str],
    ids: Mapping[Hashable, int],
    files: Mapping[Hashable, str],
) -> tuple[str, int, list[float], float]:
    """Image, class index, xyxy px and confidence of an entry; a ValueError says what is wrong."""
    if own:
        if entry["class_name"] not in names:
            raise ValueError(f"the data have no class {entry['class_name']!r}")
        key, label = str(entry["image"]), list(names).index(entry["class_name"])
        box = [float(entry[f"{side}_px"]) for side in ("x1", "y1", "x2", "y2")]
        confidence = float(entry["confidence"])
    else:
        category = entry["category_id"]
        if (ids and category not in ids) or (not ids and not 1 <= category <= len(names)):
            raise ValueError(f"the data have no category id {category!r}")
        label = ids[category] if ids else int(category) - 1
        # newer hosts name the file too, which tells 7.png and 007.png apart
        key = str(entry.get("file_name", entry["image_id"]))
        key = files.get(entry["image_id"], key) if files else key
        x, y, width, height = map(float, entry["bbox"])
        box, confidence = [x, y, x + width, y + height], float(entry["score"])
    if not np.isfinite([*box, confidence]).all() or not 0 <= confidence <= 1 or box[2] < box[0] or box[3] < box[1]:
        raise ValueError(f"box {box} with confidence {confidence}")
    return key, label, box, confidence
