"""Writing data sets: the file half of the converters between COCO and YOLO."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import yaml

from gjadet_yolo.data.boxes import BoxDataset, Report
from gjadet_yolo.data.coco import Progress, to_coco
from gjadet_yolo.data.yolo import label_file, label_lines, write_data_yaml
from gjadet_yolo.folders import refuse_inputs, whole_folder

REPORT_FILE = "conversion.csv"


def place_image(source: Path, target: Path, copy: bool) -> None:
    """Copy an image, or link to it where the file system allows links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not copy:
        try:
            target.symlink_to(source.resolve())
        except OSError:  # Windows without the privilege to link
            copy = True
    if copy:
        shutil.copyfile(source, target)


def write_report(report: Report, file: Path) -> None:
    """Write every finding, one row each."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("split", "what", "image", "detail"), *report.rows])


def write_yolo(
    data: BoxDataset, out: Path, copy: bool = False, force: bool = False, progress: Progress = lambda items, _: items
) -> Path:
    """Write a YOLO tree: ``images/``, ``labels/``, ``data.yaml`` and ``conversion.csv``.

    Args:
        data: The data set.
        out: Folder to create.
        copy: Copy images instead of linking to them.
        force: Replace an existing folder.
        progress: Wraps an iterable to show progress.

    Returns:
        The data YAML.

    Raises:
        FileExistsError: ``out`` exists and ``force`` is not set.
        ValueError: No image is left to write, or ``out`` is where images were read.
    """
    check_target(data, out)
    with whole_folder(out, force, tool="gjadet convert", settings={"copy": copy}) as folder:
        for split, images in data.splits.items():
            (folder / "images" / split).mkdir(parents=True)
            (folder / "labels" / split).mkdir(parents=True)
            for image in progress(images, f"writing {split}"):
                place_image(image.file, folder / "images" / split / image.name, copy)
                label = (folder / "labels" / split / image.name).with_suffix(".txt")
                label.write_text(label_lines(image.labels, image.width, image.height), encoding="utf-8")
        write_data_yaml(folder, data.splits, data.names)
        write_report(data.report, folder / REPORT_FILE)
    return out / "data.yaml"


def write_coco(
    data: BoxDataset, out: Path, copy: bool = False, force: bool = False, progress: Progress = lambda items, _: items
) -> Path:
    """Write a COCO tree: ``annotations/SPLIT.json``, ``SPLIT/`` images and ``conversion.csv``; arguments as above.

    Returns:
        The folder of the annotations.
    """
    check_target(data, out)
    with whole_folder(out, force, tool="gjadet convert", settings={"copy": copy}) as folder:
        (folder / "annotations").mkdir()
        for split, images in data.splits.items():
            for image in progress(images, f"writing {split}"):
                place_image(image.file, folder / split / image.name, copy)
            file = folder / "annotations" / f"{split}.json"
            file.write_text(json.dumps(to_coco(images, data.names)), encoding="utf-8")
        write_report(data.report, folder / REPORT_FILE)
    return out / "annotations"


def check_target(data: BoxDataset, out: Path) -> None:
    """Refuse to write nothing, or over the images that have been read.

    Raises:
        ValueError: Says why there are no images, or names the image.
    """
    images = [image for split in data.splits.values() for image in split]
    if not images:
        raise ValueError(
            f"No image to write to {out}: see the findings above for why the source's images were left out."
        )
    refuse_inputs(out, (image.file for image in images))


def sources(coco: Path | None, yolo: Path | None) -> list[Path]:
    """What a conversion will read, as far as its arguments tell; for a check before anything is read.

    Args:
        coco: Folder or json file of a COCO tree.
        yolo: Data YAML of a YOLO tree.

    Returns:
        Existing files and folders: the tree, and the folders of its images, labels and annotations.
    """
    found = coco_sources(coco) if coco is not None else [yolo, *(yolo_sources(yolo) if yolo.is_file() else ())]
    return [path for path in found if path.exists()]


def coco_sources(coco: Path) -> list[Path]:
    """Root of a COCO tree; for a json file that lies in none, the file and the folders that may hold its images."""
    folder = coco.parent if coco.is_file() else coco
    if folder.name == "annotations":
        return [folder.parent]
    return [folder] if coco.is_dir() else [coco, folder / coco.stem.removeprefix("instances_"), folder / "images"]


def yolo_sources(data_yaml: Path) -> list[Path]:
    """Root, images and labels of a YOLO tree; faults of the data YAML are left to its reader."""
    try:
        content = yaml.safe_load(data_yaml.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        return []
    content = content if isinstance(content, dict) else {}
    root = data_yaml.parent / str(content.get("path") or "")
    found = [root]
    for split in ("train", "val", "test"):
        values = content.get(split) or ()
        for value in [values] if isinstance(values, str) else values if isinstance(values, list) else ():
            images = root / str(value)
            found += [images, label_file(images / "any.png").parent]
    return found
