"""Writing data sets: the file half of the converters between COCO and YOLO."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

from gjadet_yolo.data.boxes import BoxDataset, LabelledImage, Report
from gjadet_yolo.data.coco import Progress, to_coco
from gjadet_yolo.data.yolo import label_file, label_lines, whole_folder, write_data_yaml

REPORT_FILE = "conversion.csv"


def place_image(source: Path, target: Path, copy: bool) -> None:
    """Copy an image, or link to it where the file system allows links.

    The link is relative, so that source and target can be moved together.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if not copy:
        try:
            target.symlink_to(relative_to(source.resolve(), target.parent.resolve()))
        except OSError:  # Windows without the privilege to link
            copy = True
    if copy:
        shutil.copyfile(source, target)


def relative_to(file: Path, folder: Path) -> Path:
    """A file as seen from a folder; as it is where no way leads there, from one drive of Windows to another."""
    try:
        return Path(os.path.relpath(file, folder))
    except ValueError:
        return file


def write_report(report: Report, file: Path) -> None:
    """Write every finding, one row each."""
    with file.open("w", newline="", encoding="utf-8", errors="backslashreplace") as stream:  # names can be any bytes
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
        ValueError: No image is left to write, or ``out`` holds the source images.
    """
    check_target(data, out)
    with whole_folder(out, force) as folder:
        for split, images in data.splits.items():
            (folder / "images" / split).mkdir(parents=True)
            (folder / "labels" / split).mkdir(parents=True)
            for image in progress(images, f"writing {split}"):
                target = folder / "images" / split / image.name
                place_image(image.file, target, copy)
                label = label_file(target)
                label.parent.mkdir(parents=True, exist_ok=True)
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
    with whole_folder(out, force) as folder:
        (folder / "annotations").mkdir()
        for split, images in data.splits.items():
            for image in progress(images, f"writing {split}"):
                place_image(image.file, folder / split / image.name, copy)
            file = folder / "annotations" / f"{split}.json"
            file.write_text(json.dumps(to_coco(images, data.names)), encoding="utf-8")
        write_report(data.report, folder / REPORT_FILE)
    return out / "annotations"


def check_target(data: BoxDataset, out: Path) -> None:
    """Refuse to write nothing, or over the images that are being read."""
    images: list[LabelledImage] = [image for split in data.splits.values() for image in split]
    if not images:
        raise ValueError(
            f"No image to write to {out}: see the findings above for why the source's images were left out."
        )
    if any(image.file.resolve().is_relative_to(out.resolve()) for image in images):
        raise ValueError(f"{out} holds the source images, and replacing it would delete them. Choose another folder.")
