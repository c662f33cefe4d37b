"""COCO annotation files: finding them, reading them, and what has to hold before their boxes can be used.

Format: https://cocodataset.org/#format-data.
"""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any

from gjadet_yolo.data.formats.boxes import HOST_SPLITS
from gjadet_yolo.data.formats.content import read_text
from gjadet_yolo.messages import bare, shown

# What each entry of a list has to state, as a number or a text.
KEYS = {"images": ("id", "file_name"), "categories": ("id", "name")}


def read_json(file: Path) -> dict[str, Any]:
    """Read one annotation file.

    Raises:
        ValueError: Not JSON, not a COCO detection file, or two images with one id; names the file and the fault.
    """
    try:
        content = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:  # also text that is not UTF-8, and numbers of 5000 digits
        raise ValueError(f"{file} is not valid JSON: {error}.") from error
    lists = ("images", "annotations", "categories")
    missing = [key for key in lists if not isinstance(as_dict(content).get(key), list)]
    if missing:
        raise ValueError(f"{file} is not a COCO detection file: it has no list {' and no list '.join(missing)}.")
    for key, needed in KEYS.items():
        for number, entry in enumerate(content[key]):
            for name in needed:
                if name not in as_dict(entry):
                    raise ValueError(f"{file}: entry {number} of '{key}' has no '{name}'.")
                if not isinstance(entry[name], (int, float, str)):
                    raise ValueError(
                        f"{file}: entry {number} of '{key}' has the {name} {shown(entry[name])}, "
                        f"expected a number or a text."
                    )
    refuse_shared_ids(content["images"], file)
    return content


def refuse_shared_ids(images: list[dict[str, Any]], file: Path) -> None:
    """Refuse two images with one id."""
    # Each would get the boxes of both; the same entry twice does no harm.
    first: dict[Hashable, dict[str, Any]] = {}
    for image in images:
        other = first.setdefault(image["id"], image)
        for key in ("file_name", "width", "height"):
            if other is not image and other.get(key) != image.get(key):
                raise ValueError(
                    f"{file}: two images have the id {shown(image['id'])}, with the {key} {shown(other.get(key))} and "
                    f"{shown(image.get(key))}, so that their boxes cannot be told apart. Give each image its own id."
                )


def as_dict(content: Any) -> dict[str, Any]:
    return content if isinstance(content, dict) else {}


def as_id(content: Any) -> Hashable:
    # Lists and mappings cannot be keys of a table.
    return content if isinstance(content, (int, float, str)) else None


def as_number(content: Any) -> float:
    """The content as a float: infinite where it is beyond one, not a number where it is none."""
    if isinstance(content, bool) or not isinstance(content, (int, float, str)):
        return math.nan
    try:
        return float(content)
    except ValueError:
        return math.nan
    except OverflowError:
        return math.inf


def class_table(contents: dict[str, dict[str, Any]]) -> tuple[dict[Hashable, int], list[str]]:
    """Index by category id, over all splits, and the names by index, in the order of the ids.

    Raises:
        ValueError: One id with two names.
    """
    # Ids need not be contiguous: those of COCO itself have gaps.
    by_id: dict[Hashable, str] = {}
    for split, content in contents.items():
        for category in content["categories"]:
            name = str(category["name"])
            if by_id.setdefault(category["id"], name) != name:
                raise ValueError(
                    f"Category id {bare(category['id'])} is '{bare(by_id[category['id']])}' in one split and "
                    f"'{bare(name)}' in {split}."
                )
    # numbers before texts, which Python does not compare with each other
    ids = sorted(by_id, key=lambda number: (isinstance(number, str), number))
    return {number: index for index, number in enumerate(ids)}, [by_id[number] for number in ids]


def find_annotations(source: Path) -> tuple[Path, dict[str, Path]]:
    """Root of a COCO tree, and its annotation files by what also names image folders (``train2017``).

    The source is a folder with ``annotations/*.json`` or ``*.json``, or one json file.

    Raises:
        FileNotFoundError: Nothing there, or no json file.
        ValueError: A file of another kind.
    """
    if not source.exists():
        raise FileNotFoundError(
            f"{source} does not exist. Expected a folder with annotations/train.json, val.json, ..."
        )
    if source.is_file():
        if source.suffix.lower() != ".json":
            raise ValueError(
                f"{source} is no json file. Expected a COCO json file, or a folder with annotations/train.json, "
                f"val.json, ... The data YAML of a YOLO tree is read with yolo=FILE."
            )
        files, root = [source], source.parent
    else:
        inner = source / "annotations"
        found = sorted((inner if inner.is_dir() else source).glob("*.json"))
        files, root = [file for file in found if not file.name.startswith(".")], source
    if not files:
        raise FileNotFoundError(
            f"{source} has no annotations/*.json. Published layout: annotations/train.json, val.json. "
            f"A YOLO tree is read with yolo={source / 'data.yaml'}."
        )
    # The images of a single file lie beside its folder, not in it.
    if root.name == "annotations":
        root = root.parent
    # The COCO download also holds captions and key points, under other names.
    files = [file for file in files if file.stem.startswith("instances_")] or files
    return root, {file.stem.removeprefix("instances_"): file for file in files}


def split_names(stems: Iterable[str]) -> dict[str, str]:
    """Split by file name: ``train2017`` is train, ``valid`` is val; two of one kind keep their own names."""
    stems = list(stems)
    known = {stem: next((split for split in HOST_SPLITS if stem.lower().startswith(split)), stem) for stem in stems}
    taken = list(known.values())
    return {stem: split if taken.count(split) == 1 else stem for stem, split in known.items()}
