"""YOLO trees on disk: label lines, data YAML, reading a tree, and writing a set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from os.path import commonpath, lexists
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from gjadet_yolo.data.formats.boxes import BoxDataset, LabelledImage, Report, clean_labels, host_splits, note_shared
from gjadet_yolo.data.formats.coco import Progress
from gjadet_yolo.data.formats.content import read_text
from gjadet_yolo.data.formats.data_yaml import find_data_yaml, load_data_yaml
from gjadet_yolo.data.formats.images import files_below, refused_name, usable_size
from gjadet_yolo.data.media import write_image
from gjadet_yolo.folders.whole import whole_folder


def label_lines(labels: np.ndarray, width: int, height: int) -> str:
    """Text of a YOLO label file, from labels (N, 5) of class index and xyxy box in px.

    One line per box: class, centre and size relative to the image, precise to 1e-9.
    """
    lines = []
    for cls, x1, y1, x2, y2 in np.asarray(labels, dtype=np.float64).reshape(-1, 5):
        values = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
        lines.append(f"{int(cls)} " + " ".join(f"{value:.10g}" for value in values))
    return "".join(f"{line}\n" for line in lines)


def write_data_yaml(folder: Path, splits: Iterable[str], names: Sequence[str]) -> Path:
    """Write ``data.yaml`` for splits such as ``train``, ``train_extra``, ``val`` into the root of a tree."""
    folders = {kind: [f"images/{split}" for split in group] for kind, group in host_splits(splits).items()}
    content: dict[str, Any] = {kind: group if len(group) > 1 else group[0] for kind, group in folders.items()}
    # No path: beside the splits, so that the tree can be moved.
    content["names"] = dict(enumerate(names))
    file = folder / "data.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return file


def write_yolo_set(
    out: Path, splits: Mapping[str, Iterable[tuple[str, np.ndarray, np.ndarray]]], names: Sequence[str]
) -> Path:
    """Write images and labels as a YOLO tree into a folder that must not exist; gives its data YAML.

    Splits hold names without suffix, BGR images, and labels (N, 5) of class and xyxy px.
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


def read_labels(
    text: str, image: LabelledImage, indices: Mapping[int, int], keypoint_values: int, split: str, report: Report
) -> np.ndarray:
    """Boxes of one label file, (N, 5) class index and xyxy px; faulty lines are noted and left out.

    Args:
        indices: Class index by the index in the file.
        keypoint_values: Numbers behind the box in a line with key points; 0 where the set has none.
    """
    boxes = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            cls, *values = map(float, line.split())
        except ValueError:
            cls, values = -1.0, []
        index = indices.get(int(cls)) if cls.is_integer() else None
        # Polygons have six numbers and more, and an even count; a line of key points can look like one, so the data
        # YAML decides.
        pose = keypoint_values > 0 and len(values) == 4 + keypoint_values
        if index is None or not (len(values) == 4 or pose or (len(values) >= 6 and len(values) % 2 == 0)):
            report.add(split, "faulty label lines, dropped", image.name, f"line {number}: {line[:60]}")
            continue
        if pose:
            report.add(split, "key points left out, boxes kept", image.name, f"line {number}")
        elif len(values) > 4:
            report.add(split, "polygons turned into boxes", image.name, f"line {number}")
        corners = box_corners(values[:4] if pose else values)
        scale = (image.width, image.height) * 2
        boxes.append((index, *(corner * side for corner, side in zip(corners, scale, strict=True))))
    return clean_labels(boxes, image, split, report)


def box_corners(values: Sequence[float]) -> tuple[float, ...]:
    if len(values) > 4:
        return min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2])
    x, y, w, h = values
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2


def read_yolo(data_yaml: Path, progress: Progress = lambda items, _: items) -> BoxDataset:
    """Read a YOLO tree, by its data YAML, the folder that holds it, or the bare name of a packaged one.

    Raises:
        FileNotFoundError: A file or folder is missing.
        ValueError: The data YAML cannot be used.
    """
    report = Report()
    content = load_data_yaml(find_data_yaml(data_yaml), report)
    indices = {key: index for index, key in enumerate(content.names)}
    splits: dict[str, list[LabelledImage]] = {}
    for split, sources in content.sources.items():
        splits[split] = []
        files = find_images(sources, split, report)
        for file, name in progress(files, f"reading {split}"):
            size = usable_size(file, name, split, report)
            text = label_text(file, name, split, report) if size else None
            if size and text is not None:
                image = LabelledImage(file, name, *size, np.zeros((0, 5)))
                image.labels = read_labels(text, image, indices, content.keypoint_values, split, report)
                splits[split].append(image)
    note_shared(splits, report)
    return BoxDataset(list(content.names.values()), splits, report)


def label_text(image: Path, name: str, split: str, report: Report) -> str | None:
    """Content of an image's label file; empty where it has none, None, with a note, where it cannot be read."""
    file = label_file(image)
    if not lexists(file):
        return ""
    try:
        return read_text(file)
    except (OSError, UnicodeDecodeError) as error:
        # An image whose labels are lost is no background; the host leaves it out too.
        report.add(split, "images with an unreadable label file, left out", name, f"{file}: {error}")
        return None


def find_images(sources: Sequence[Path], split: str, report: Report) -> list[tuple[Path, str]]:
    """Images of folders, or of text files that list them, with their names below the folder that holds them all."""
    listed: list[Path] = []
    for source in sources:
        listed += folder_images(source, split, report) if source.is_dir() else listed_images(source, split, report)
    counted = Counter(listed)
    for file, count in counted.items():
        if count > 1:
            report.add(split, "images listed more than once, merged", file.name, f"{count} times")
    files = sorted(counted)
    lone = len(sources) == 1 and sources[0].is_dir()
    root = sources[0] if lone else Path(commonpath([file.parent for file in files])) if files else Path()
    return [(file, file.relative_to(root).as_posix()) for file in files]


def folder_images(folder: Path, split: str, report: Report) -> list[Path]:
    """Images below a folder; other files, and label files without an image, are noted."""
    present = files_below(folder)
    images = [path for path in present if not refused_name(path.relative_to(folder).as_posix())]
    expected = {label_file(image) for image in images}
    for path in sorted(set(present) - set(images) - expected):
        name = path.relative_to(folder).as_posix()
        report.add(split, "files that Ultralytics does not read, left out", name, refused_name(name))
    labels = label_file(folder / "any.png").parent
    if labels != folder:
        for path in sorted(set(labels.rglob("*.txt")) - expected):
            report.add(split, "label files without an image, left out", path.relative_to(labels).as_posix())
    return images


def listed_images(file: Path, split: str, report: Report) -> list[Path]:
    """Images that a text file lists, relative to the current folder or, with ``./`` in front, to the text file."""
    try:
        lines = read_text(file).split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is no text in UTF-8: {error}. Expected one image per line.") from error
    images = []
    for line in filter(None, map(str.strip, lines)):
        path = (file.parent / line) if line.startswith("./") or not Path(line).exists() else Path(line)
        if fault := refused_name(path.name.lstrip(".")):  # a hidden name in a list is read
            report.add(split, "files that Ultralytics does not read, left out", line, fault)
        elif not path.is_file():
            report.add(split, "missing images, left out", line, f"listed in {file}")
        else:
            images.append(path.absolute())
    return images


def label_file(image: Path) -> Path:
    """Label file of an image, as the host finds it: the last folder ``images`` becomes ``labels``."""
    parts = list(image.parts)
    for index in range(len(parts) - 2, -1, -1):  # the last one: the host splits the path from its right end
        if parts[index] == "images":
            parts[index] = "labels"
            break
    return Path(*parts).with_suffix(".txt")
