"""Writing data sets: the file half of the converters between COCO and YOLO."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

from gjadet_yolo.data.formats.boxes import BoxDataset, Report
from gjadet_yolo.data.formats.coco import Progress, to_coco
from gjadet_yolo.data.formats.coco_json import find_annotations
from gjadet_yolo.data.formats.data_yaml import find_data_yaml, load_data_yaml
from gjadet_yolo.data.formats.yolo import label_file, label_lines, write_data_yaml
from gjadet_yolo.folders.whole import refuse_inputs, whole_folder

REPORT_FILE = "conversion.csv"


def place_image(source: Path, target: Path, copy: bool) -> None:
    """Copy an image, or link to it where the file system allows links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not copy:
        try:
            # Relative, so that source and target can be moved together.
            target.symlink_to(relative_to(source.resolve(), target.parent.resolve()))
        except OSError:  # Windows without the privilege to link
            copy = True
    if copy:
        shutil.copyfile(source, target)


def relative_to(file: Path, folder: Path) -> Path:
    try:
        return Path(os.path.relpath(file, folder))
    except ValueError:  # another drive of Windows
        return file


def write_report(report: Report, file: Path) -> None:
    with file.open("w", newline="", encoding="utf-8", errors="backslashreplace") as stream:  # names can be any bytes
        csv.writer(stream).writerows([("split", "what", "image", "detail"), *report.rows])


def write_yolo(
    data: BoxDataset, out: Path, copy: bool = False, force: bool = False, progress: Progress = lambda items, _: items
) -> Path:
    """Write a YOLO tree: ``images/``, ``labels/``, ``data.yaml`` and ``conversion.csv``; gives the data YAML.

    Images are linked to, or copied with ``copy``; ``force`` replaces an existing folder.

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
    """Write a COCO tree: ``annotations/SPLIT.json``, ``SPLIT/`` images and ``conversion.csv``; gives the first folder.

    Arguments and errors are those of :func:`write_yolo`.
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
    """Refuse to write nothing, or over the images that have been read."""
    images = [image for split in data.splits.values() for image in split]
    if not images:
        raise ValueError(
            f"No image to write to {out}: see the findings above for why the source's images were left out."
        )
    refuse_inputs(out, (image.file for image in images))


def sources(coco: Path | None, yolo: Path | None) -> list[Path]:
    """Existing files and folders that a conversion will read, as far as its arguments tell.

    Args:
        coco: Folder or json file of a COCO tree.
        yolo: Data YAML of a YOLO tree, its folder, or the name of a packaged one.
    """
    # For a check before anything is read. Not the tree's own folder: a new folder beside its images is a usual place
    # for the result.
    found = coco_sources(coco) if coco is not None else yolo_sources(yolo)
    return [path for path in found if path.exists()]


def coco_sources(coco: Path) -> list[Path]:
    try:
        root, files = find_annotations(coco)
    except (OSError, ValueError):  # left to the reader
        return [coco]
    folders = [root / "annotations", root / "images"]
    return [*folders, *files.values(), *(root / stem for stem in files)]


def yolo_sources(yolo: Path) -> list[Path]:
    try:
        file = find_data_yaml(yolo)
        images = [path for paths in load_data_yaml(file, Report()).sources.values() for path in paths]
    except (OSError, ValueError):  # left to the reader
        return [yolo]
    return [file, *images, *(label_file(path / "any.png").parent for path in images if path.is_dir())]
