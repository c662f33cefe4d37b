"""YOLO trees on disk: label lines, data YAML, reading a tree, and writing a set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml

from gjadet_yolo.data.boxes import BoxDataset, LabelledImage, Report, borrowed_splits, clean_labels
from gjadet_yolo.data.coco import Progress, image_size
from gjadet_yolo.data.media import write_image
from gjadet_yolo.folders import whole_folder

IMAGE_SUFFIXES = {".bmp", ".jp2", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
"""Formats that both the host and OpenCV read."""


def label_lines(labels: np.ndarray, width: int, height: int) -> str:
    """Text of a YOLO label file.

    Args:
        labels: (N, 5) class index and xyxy box in px.
        width: Image width in px.
        height: Image height in px.

    Returns:
        One line per box: class, centre and size relative to the image, precise to 1e-9.
    """
    lines = []
    for cls, x1, y1, x2, y2 in np.asarray(labels, dtype=np.float64).reshape(-1, 5):
        values = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
        lines.append(f"{int(cls)} " + " ".join(f"{value:.10g}" for value in values))
    return "".join(f"{line}\n" for line in lines)


def write_data_yaml(folder: Path, splits: Iterable[str], names: Sequence[str]) -> Path:
    """Write ``data.yaml`` without ``path:``, so that the tree can be moved.

    Args:
        folder: Root of the tree.
        splits: Splits present, e.g. ``train``, ``val``.
        names: Class names in the order of their indices.

    Returns:
        The file.
    """
    splits = list(splits)
    sources = {split: split for split in splits} | borrowed_splits(splits)
    content = {split: f"images/{source}" for split, source in sources.items()} | {"names": dict(enumerate(names))}
    file = folder / "data.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return file


def write_yolo_set(
    out: Path, splits: Mapping[str, Iterable[tuple[str, np.ndarray, np.ndarray]]], names: Sequence[str]
) -> Path:
    """Write images and labels as a YOLO tree.

    Args:
        out: Folder to create; it must not exist.
        splits: Per split: name without suffix, BGR image, labels (N, 5) of class and xyxy px.
        names: Class names.

    Returns:
        The data YAML.
    """
    with whole_folder(out) as folder:
        for split, scenes in splits.items():
            images, labels = folder / "images" / split, folder / "labels" / split
            images.mkdir(parents=True)
            labels.mkdir(parents=True)
            for stem, image, boxes in scenes:
                write_image(images / f"{stem}.png", image)
                height, width = image.shape[:2]
                (labels / f"{stem}.txt").write_text(label_lines(boxes, width, height), encoding="utf-8")
        write_data_yaml(folder, splits, names)
    return out / "data.yaml"


def read_labels(text: str, image: LabelledImage, names: int, split: str, report: Report) -> np.ndarray:
    """Boxes of one label file; polygons become their bounding boxes, faulty lines are noted and left out.

    Args:
        text: Content of the label file.
        image: The image, for its size.
        names: Number of classes.
        split: For the report.
        report: Takes the notes.

    Returns:
        (N, 5) class index and xyxy box in px.
    """
    boxes = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            cls, *values = map(float, line.split())
        except ValueError:
            cls, values = -1.0, []
        if not (
            cls.is_integer() and 0 <= cls < names and (len(values) == 4 or (len(values) >= 6 and len(values) % 2 == 0))
        ):
            report.add(split, "faulty label lines, dropped", image.name, f"line {number}: {line[:60]}")
            continue
        if len(values) == 4:
            x, y, w, h = values
            corners = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        else:
            report.add(split, "polygons turned into boxes", image.name, f"line {number}")
            corners = (min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2]))
        scale = (image.width, image.height) * 2
        boxes.append((cls, *(corner * side for corner, side in zip(corners, scale, strict=True))))
    return clean_labels(boxes, image, split, report)


def split_folders(data_yaml: Path) -> tuple[dict[str, Path], list[str]]:
    """Image folders by split, and class names, of a data YAML.

    Raises:
        FileNotFoundError: No such file, or an image folder is missing.
        ValueError: No class names, or images given in another way than a folder.
    """
    if not data_yaml.is_file():
        raise FileNotFoundError(f"{data_yaml} does not exist. Expected the data YAML of a YOLO tree.")
    content = yaml.safe_load(data_yaml.read_text(encoding="utf-8")) or {}
    names = content.get("names")
    if not isinstance(names, (dict, list)) or not names:
        raise ValueError(f"{data_yaml} has no 'names:', expected the class names by index.")
    root = data_yaml.parent / str(content.get("path") or "")
    folders: dict[str, Path] = {}
    for split in ("train", "val", "test"):
        value = content.get(split)
        if value is None or any(folder == root / str(value) for folder in folders.values()):
            continue
        if not isinstance(value, str) or value.endswith(".txt"):
            raise ValueError(f"{data_yaml}: {split}: {value!r} is not a folder, which is the only form read here.")
        folders[split] = root / value
        if not folders[split].is_dir():
            raise FileNotFoundError(f"{data_yaml}: {split}: {folders[split]} does not exist.")
    return folders, [str(names[key]) for key in sorted(names)] if isinstance(names, dict) else list(map(str, names))


def read_yolo(data_yaml: Path, progress: Progress = lambda items, _: items) -> BoxDataset:
    """Read a YOLO tree.

    Args:
        data_yaml: Its data YAML.
        progress: Wraps an iterable to show progress.

    Raises:
        FileNotFoundError: A file or folder is missing.
        ValueError: The data YAML cannot be used.
    """
    folders, names = split_folders(data_yaml)
    data = BoxDataset(names, {split: [] for split in folders})
    for split, folder in folders.items():
        present = sorted(path for path in folder.rglob("*") if path.is_file())
        files = [path for path in present if path.suffix.lower() in IMAGE_SUFFIXES]
        report_strays(folder, present, files, split, data.report)
        for file in progress(files, f"reading {split}"):
            size = image_size(file)
            if size is None:
                data.report.add(split, "unreadable images, left out", file.name)
                continue
            image = LabelledImage(file, file.relative_to(folder).as_posix(), *size, np.zeros((0, 5)))
            labels = label_file(file)
            text = labels.read_text(encoding="utf-8-sig") if labels.is_file() else ""
            image.labels = read_labels(text, image, len(names), split, data.report)
            data.splits[split].append(image)
    return data


def report_strays(folder: Path, present: list[Path], images: list[Path], split: str, report: Report) -> None:
    """Note files among the images that are none, and label files without an image."""
    for path in sorted(set(present) - set(images)):
        report.add(split, "files that are no images, left out", path.relative_to(folder).as_posix())
    expected = {label_file(image) for image in images}
    labels = label_file(folder / "any.png").parent
    if labels != folder:
        for path in sorted(set(labels.rglob("*.txt")) - expected):
            report.add(split, "label files without an image, left out", path.relative_to(labels).as_posix())


def label_file(image: Path) -> Path:
    """Label file of an image, as the host finds it: the last folder ``images`` becomes ``labels``."""
    parts = list(image.parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == "images":
            parts[index] = "labels"
            break
    return Path(*parts).with_suffix(".txt")
