"""COCO json to and from the in-memory form.

Boxes there are ``[x, y, width, height]`` in px from the top left corner.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from gjadet_yolo.data.formats.boxes import (
    BoxDataset,
    LabelledImage,
    Report,
    clean_labels,
    note_shared,
    note_splits,
    unique_names,
)
from gjadet_yolo.data.formats.coco_json import as_id, as_number, class_table, find_annotations, read_json, split_names
from gjadet_yolo.data.formats.images import refused_name, usable_size
from gjadet_yolo.messages import shown

Progress = Callable[[Iterable[Any], str], Iterable[Any]]
Boxes = list[tuple[float, ...]]


def group_boxes(
    content: dict[str, Any], indices: dict[Hashable, int], split: str, report: Report
) -> dict[Hashable, Boxes]:
    """Class index and xyxy box per annotation, by image id; crowd boxes and orphans are noted and left out."""
    known = {image["id"]: str(image["file_name"]) for image in content["images"]}
    boxes: dict[Hashable, Boxes] = {}
    for number, annotation in enumerate(content["annotations"]):
        if not isinstance(annotation, dict):
            report.add(split, "annotations that are no mapping, dropped", f"entry {number} of 'annotations'")
            continue
        image, category = as_id(annotation.get("image_id")), as_id(annotation.get("category_id"))
        where = known.get(image, f"image id {shown(annotation.get('image_id'))}")
        box, detail = annotation.get("bbox"), f"annotation id {shown(annotation.get('id'))}"
        if image not in known:
            report.add(split, "boxes of an unlisted image, dropped", where, detail)
        elif category not in indices:
            detail += f", category id {shown(annotation.get('category_id'))}"
            report.add(split, "boxes of an unlisted category, dropped", where, detail)
        elif annotation.get("iscrowd"):
            report.add(split, "crowd boxes, dropped", where, detail)
        elif not (isinstance(box, list) and len(box) == 4 and all(isinstance(side, (int, float)) for side in box)):
            report.add(split, "annotations without a box, dropped", where, detail)
        else:
            x, y, width, height = map(as_number, box)
            boxes.setdefault(image, []).append((indices[category], x, y, x + width, y + height))
    return boxes


def read_split(
    content: dict[str, Any],
    indices: dict[Hashable, int],
    split: str,
    find: Callable[[str], Path | None],
    report: Report,
    progress: Progress,
) -> list[LabelledImage]:
    """Images of one split of a COCO dictionary; those that are missing, repeated or not read by the host are noted.

    Args:
        indices: Class index by category id.
        find: Gives the file for a ``file_name``, or None.
    """
    boxes = group_boxes(content, indices, split, report)
    entries: dict[str, list[dict[str, Any]]] = {}
    for image in content["images"]:
        # Files written on Windows name images with backslashes.
        file_name = PurePosixPath(str(image["file_name"]).replace("\\", "/")).as_posix()
        # By file: entries of one file, at several sizes even, are merged.
        entries.setdefault(file_name, []).append(image)
    named = list(zip(entries.items(), unique_names(list(entries)), strict=True))
    images = []
    for (file_name, same), name in progress(named, f"reading {split}"):
        image = read_image(find(file_name), file_name, name, same, boxes, split, report)
        if image is not None:
            images.append(image)
    return images


def read_image(
    file: Path | None,
    file_name: str,
    name: str,
    entries: list[dict[str, Any]],
    boxes: dict[Hashable, Boxes],
    split: str,
    report: Report,
) -> LabelledImage | None:
    """One image with the boxes of all its entries, or None, with a note, where it has to be left out.

    Args:
        file: The image, or None where it was not found.
        file_name: Its name in the source.
        name: Its name in the target.
        entries: What the source lists about it.
        boxes: Boxes by image id.
    """
    own = {entry["id"]: entry for entry in entries}  # the same entry twice has the same boxes
    with_boxes = f"with {sum(len(boxes.get(number, [])) for number in own)} boxes"
    if file is None:
        report.add(split, "missing images, left out", file_name, with_boxes)
        return None
    if fault := refused_name(name):
        report.add(split, "images that Ultralytics does not read, left out", file_name, f"{fault}, {with_boxes}")
        return None
    size = usable_size(file, file_name, split, report, with_boxes)
    if size is None:
        return None
    if len(entries) > 1:
        report.add(split, "images listed more than once, merged", file_name, f"{len(entries)} entries")
    if name != PurePosixPath(file_name).name:
        report.add(split, "repeated file names, renamed", file_name, name)
    found = in_file_px(list(own.values()), boxes, file_name, size, split, report)
    image = LabelledImage(file, name, *size, np.zeros((0, 5)))
    image.labels = clean_labels(found, image, split, report)
    return image


def in_file_px(
    entries: list[dict[str, Any]],
    boxes: dict[Hashable, Boxes],
    file_name: str,
    size: tuple[int, int],
    split: str,
    report: Report,
) -> Boxes:
    """Boxes of all entries of one file, each scaled from the size its entry lists to that of the file."""
    scaled: Boxes = []
    others: list[str] = []
    for entry in entries:
        listed = [as_number(entry.get(key)) for key in ("width", "height")]
        if not all(0 < side < np.inf for side in listed):
            if any(entry.get(key) is not None for key in ("width", "height")):
                report.add(split, "images with an impossible size, taken as in the file", file_name)
            listed = list(size)
        if tuple(listed) != size:
            others.append(f"json {listed[0]:.10g}x{listed[1]:.10g}")
        # An entry may list another size than the file has; its boxes are in px of the listed one.
        sides = (size[0] / listed[0], size[1] / listed[1]) * 2
        for cls, *box in boxes.get(entry["id"], []):
            scaled.append((cls, *(value * side for value, side in zip(box, sides, strict=True))))
    if others:
        detail = f"{', '.join(others)}, file {size[0]}x{size[1]}"
        report.add(split, "images of another size than listed, boxes scaled along", file_name, detail)
    return scaled


def image_finder(root: Path, split: str) -> Callable[[str], Path | None]:
    """Look-up of image files: in the split's folder, in ``images/``, or at the root."""
    folders = [root / split, root / "images" / split, root / "images", root]

    def find(file_name: str) -> Path | None:
        try:
            return next((folder / file_name for folder in folders if (folder / file_name).is_file()), None)
        except OSError:  # a name longer than the file system allows
            return None

    return find


def read_coco(source: Path, progress: Progress = lambda items, _: items) -> BoxDataset:
    """Read a COCO tree from its folder or json file, see :func:`find_annotations`.

    Raises:
        FileNotFoundError: No annotations.
        ValueError: A faulty annotation file, or none at all.
    """
    root, files = find_annotations(source)
    contents = {split: read_json(file) for split, file in files.items()}
    # Over all splits at once: a split may lack a class that another has.
    indices, names = class_table(contents)
    report = Report()
    splits = {
        split: read_split(contents[stem], indices, split, image_finder(root, stem), report, progress)
        for stem, split in split_names(files).items()
    }
    note_splits(splits, report)
    note_shared(splits, report)
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
