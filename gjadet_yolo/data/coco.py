"""COCO json to and from the in-memory form; reading and writing of trees is at the end.

Format: https://cocodataset.org/#format-data. Boxes there are ``[x, y, width, height]`` in px from the top left corner.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from gjadet_yolo.data.boxes import BoxDataset, LabelledImage, Report, borrowed_splits, clean_labels, unique_names

Progress = Callable[[Iterable[Any], str], Iterable[Any]]


def read_json(file: Path) -> dict[str, Any]:
    """Read one annotation file.

    Raises:
        ValueError: Not JSON, or not a COCO detection file; names the file and what is missing.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is not valid JSON: {error}.") from error
    missing = [
        key for key in ("images", "annotations", "categories") if not isinstance(as_dict(content).get(key), list)
    ]
    if missing:
        raise ValueError(f"{file} is not a COCO detection file: it has no list {' and no list '.join(missing)}.")
    for key, needed in (("images", ("id", "file_name")), ("categories", ("id", "name"))):
        for number, entry in enumerate(content[key]):
            for name in needed:
                if name not in as_dict(entry):
                    raise ValueError(f"{file}: entry {number} of '{key}' has no '{name}'.")
    return content


def as_dict(content: Any) -> dict[str, Any]:
    """The content if it is a mapping, else an empty one."""
    return content if isinstance(content, dict) else {}


def class_table(contents: dict[str, dict[str, Any]]) -> tuple[dict[int, int], list[str]]:
    """Class indices for category ids, over all splits, in the order of the ids (which need not be contiguous).

    Args:
        contents: COCO dictionaries by split.

    Returns:
        Index by category id, and the names by index.

    Raises:
        ValueError: One id with two names.
    """
    by_id: dict[int, str] = {}
    for split, content in contents.items():
        for category in content["categories"]:
            name = str(category["name"])
            if by_id.setdefault(category["id"], name) != name:
                raise ValueError(
                    f"Category id {category['id']} is '{by_id[category['id']]}' in one split and '{name}' in {split}."
                )
    ids = sorted(by_id)
    return {number: index for index, number in enumerate(ids)}, [by_id[number] for number in ids]


def group_boxes(
    content: dict[str, Any], indices: dict[int, int], split: str, report: Report
) -> dict[Any, list[tuple[float, ...]]]:
    """Class index and xyxy box per annotation, by image id; crowd boxes and orphans are noted and left out."""
    known = {image["id"]: image["file_name"] for image in content["images"]}
    boxes: dict[Any, list[tuple[float, ...]]] = {}
    for annotation in content["annotations"]:
        image, category, box = (annotation.get(key) for key in ("image_id", "category_id", "bbox"))
        where, detail = known.get(image, f"image id {image}"), f"annotation id {annotation.get('id')}"
        if image not in known:
            report.add(split, "boxes of an unlisted image, dropped", where, detail)
        elif category not in indices:
            report.add(split, "boxes of an unlisted category, dropped", where, f"{detail}, category id {category}")
        elif annotation.get("iscrowd"):
            report.add(split, "crowd boxes, dropped", where, detail)
        elif not (isinstance(box, list) and len(box) == 4 and all(isinstance(side, (int, float)) for side in box)):
            report.add(split, "annotations without a box, dropped", where, detail)
        else:
            x, y, width, height = map(float, box)
            boxes.setdefault(image, []).append((indices[category], x, y, x + width, y + height))
    return boxes


def read_split(
    content: dict[str, Any],
    indices: dict[int, int],
    split: str,
    find: Callable[[str], Path | None],
    report: Report,
    progress: Progress,
) -> list[LabelledImage]:
    """Images of one split; missing, unreadable and repeated ones are noted.

    Args:
        content: COCO dictionary.
        indices: Class index by category id.
        split: Name of the split.
        find: Gives the file for a ``file_name``, or None.
        report: Takes the notes.
        progress: Wraps an iterable to show progress.
    """
    boxes = group_boxes(content, indices, split, report)
    entries: dict[str, list[dict[str, Any]]] = {}
    for image in content["images"]:
        entries.setdefault(str(image["file_name"]).replace("\\", "/"), []).append(image)
    images = []
    named = list(zip(entries.items(), unique_names(list(entries)), strict=True))
    for (file_name, same), name in progress(named, f"reading {split}"):
        count = sum(len(boxes.get(image["id"], [])) for image in same)
        file = find(file_name)
        if file is None:
            report.add(split, "missing images, left out", file_name, f"with {count} boxes")
            continue
        size = image_size(file)
        if size is None:
            report.add(split, "unreadable images, left out", file_name, f"with {count} boxes")
            continue
        if len(same) > 1:
            report.add(split, "images listed more than once, merged", file_name, f"{len(same)} entries")
        if name != Path(file_name).name:
            report.add(split, "repeated file names, renamed", file_name, name)
        width, height = int(same[0].get("width") or size[0]), int(same[0].get("height") or size[1])
        if (width, height) != size:
            detail = f"json {width}x{height}, file {size[0]}x{size[1]}"
            report.add(split, "images of another size than listed, boxes scaled along", file_name, detail)
        image = LabelledImage(file, name, width, height, np.zeros((0, 5)))
        image.labels = clean_labels([box for entry in same for box in boxes.get(entry["id"], [])], image, split, report)
        images.append(image)
    return images


def image_size(file: Path) -> tuple[int, int] | None:
    """Width and height in px as the host will read the image, or None where it cannot be decoded."""
    data = np.fromfile(file, dtype=np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    return None if image is None else (image.shape[1], image.shape[0])


def find_annotations(source: Path) -> tuple[Path, dict[str, Path]]:
    """Root of a COCO tree and its annotation files.

    Where files are named ``instances_*.json``, as in the COCO download, others (captions, keypoints) are passed over.

    Args:
        source: A folder with ``annotations/*.json`` or ``*.json``, or one json file.

    Returns:
        Root folder, and the files by the part of their names that also names image folders (``train2017``).

    Raises:
        FileNotFoundError: Nothing there, or no json file.
    """
    if not source.exists():
        raise FileNotFoundError(
            f"{source} does not exist. Expected a folder with annotations/train.json, val.json, ..."
        )
    if source.is_file():
        files, root = [source], source.parent
    else:
        inner = source / "annotations"
        files, root = sorted((inner if inner.is_dir() else source).glob("*.json")), source
    if not files:
        raise FileNotFoundError(
            f"{source} has no annotations/*.json. Published layout: annotations/train.json, val.json."
        )
    if root.name == "annotations":
        root = root.parent
    files = [file for file in files if file.stem.startswith("instances_")] or files
    return root, {file.stem.removeprefix("instances_"): file for file in files}


def split_names(stems: Iterable[str]) -> dict[str, str]:
    """Split by file name: ``train2017`` is train, ``valid`` is val; two of one kind keep their own names."""
    stems = list(stems)
    known = ("train", "val", "test")
    short = {stem: next((split for split in known if stem.lower().startswith(split)), stem) for stem in stems}
    taken = list(short.values())
    return {stem: split if taken.count(split) == 1 else stem for stem, split in short.items()}


def image_finder(root: Path, split: str) -> Callable[[str], Path | None]:
    """Look-up of image files: in the split's folder, in ``images/``, or at the root."""
    folders = [root / split, root / "images" / split, root / "images", root]

    def find(file_name: str) -> Path | None:
        return next((folder / file_name for folder in folders if file_name and (folder / file_name).is_file()), None)

    return find


def read_coco(source: Path, progress: Progress = lambda items, _: items) -> BoxDataset:
    """Read a COCO tree.

    Args:
        source: Folder or json file, see :func:`find_annotations`.
        progress: Wraps an iterable to show progress.

    Raises:
        FileNotFoundError: No annotations.
        ValueError: Faulty annotation file.
    """
    root, files = find_annotations(source)
    contents = {split: read_json(file) for split, file in files.items()}
    indices, names = class_table(contents)
    report = Report()
    splits = {
        split: read_split(contents[stem], indices, split, image_finder(root, stem), report, progress)
        for stem, split in split_names(files).items()
    }
    for needed, source_split in borrowed_splits(list(splits)).items():
        report.add(needed, "splits that do not exist, filled with another in data.yaml", "", source_split)
    return BoxDataset(names, splits, report)


def to_coco(images: list[LabelledImage], names: list[str]) -> dict[str, Any]:
    """COCO dictionary of one split; category ids are class index + 1."""
    annotations = []
    for number, image in enumerate(images, 1):
        for cls, x1, y1, x2, y2 in image.labels.tolist():
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": int(cls) + 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": 0,
                }
            )
    entries = [
        {"id": number, "file_name": image.name, "width": image.width, "height": image.height}
        for number, image in enumerate(images, 1)
    ]
    categories = [{"id": index + 1, "name": name} for index, name in enumerate(names)]
    return {"images": entries, "annotations": annotations, "categories": categories}
