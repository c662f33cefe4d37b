"""Small valid inputs, which the mutations start from."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

WIDTH, HEIGHT = 16, 12
CLASSES = ["point", "wheel"]
BOXES = ([1.0, 2.0, 4.0, 5.0], [6.5, 3.0, 8.0, 7.5], [0.0, 0.0, 16.0, 12.0])  # x, y, width, height in px


@functools.cache
def picture(suffix: str = ".png", height: int = HEIGHT, width: int = WIDTH) -> bytes:
    """An encoded picture."""
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    done, data = cv2.imencode(suffix, noise)
    if not done:
        raise RuntimeError(f"this OpenCV does not write {suffix} of {width} x {height} px.")
    return data.tobytes()


def coco_content(files: list[str]) -> dict[str, Any]:
    """A COCO dictionary with two boxes in each image."""
    images = [{"id": n, "file_name": file, "width": WIDTH, "height": HEIGHT} for n, file in enumerate(files, 1)]
    annotations = [
        {
            "id": 2 * n + k,
            "image_id": n,
            "category_id": 3 + 4 * k,
            "bbox": BOXES[(n + k) % 3],
            "area": 20.0,
            "iscrowd": 0,
        }
        for n in range(1, len(files) + 1)
        for k in range(2)
    ]
    categories = [{"id": 3 + 4 * k, "name": name} for k, name in enumerate(CLASSES)]
    return {"images": images, "annotations": annotations, "categories": categories}


Writer = Callable[[Any], str]


def write_coco_tree(
    root: Path, contents: dict[str, Any], pictures: dict[str, bytes], text: Writer = json.dumps
) -> dict[str, Path]:
    """A COCO tree; returns its annotation files by split.

    Args:
        root: Folder to create.
        contents: COCO dictionary by split.
        pictures: Files by their path below the root.
        text: Turns a dictionary into the text of its file.
    """
    (root / "annotations").mkdir(parents=True)
    files = {}
    for split, content in contents.items():
        files[split] = root / "annotations" / f"{split}.json"
        files[split].write_text(text(content), encoding="utf-8")
    write_pictures(root, pictures)
    return files


def write_pictures(root: Path, pictures: dict[str, bytes]) -> None:
    """Write files by their path below the root."""
    for name, data in pictures.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def label_text(index: int) -> str:
    """Two boxes in a label file."""
    lines = []
    for cls in range(2):
        x, y, w, h = BOXES[(index + cls) % 3]
        lines.append(f"{cls} {(x + w / 2) / WIDTH:g} {(y + h / 2) / HEIGHT:g} {w / WIDTH:g} {h / HEIGHT:g}\n")
    return "".join(lines)


def data_content() -> dict[str, Any]:
    """A data YAML."""
    return {"train": "images/train", "val": "images/val", "names": dict(enumerate(CLASSES))}


def write_yolo_tree(root: Path, content: Any, files: dict[str, str], text: Writer = yaml.safe_dump) -> Path:
    """A YOLO tree; returns its data YAML.

    Args:
        root: Folder to create.
        content: Of the data YAML.
        files: Label text by the image's path below ``images/``.
        text: Turns the content into the text of the file.
    """
    for name, labels in files.items():
        image = root / "images" / name
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(picture())
        label = (root / "labels" / name).with_suffix(".txt")
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text(labels, encoding="utf-8")
    data = root / "data.yaml"
    data.write_text(text(content), encoding="utf-8")
    return data


def model_content() -> dict[str, Any]:
    """A model YAML of a few thousand parameters, with every block and two rows of this package."""
    return {
        "nc": 2,
        "names": list(CLASSES),
        "reg_max": 4,
        "scales": {"n": [0.33, 0.25, 64]},
        "loss": {"cls": "gjr", "cls_gain": 2.0, "box": "riou", "box_penalty": "diou", "gamma": 2.0, "obj": "qfl"},
        "augment": {"repeat": 0.3, "paste": 0.5},
        "schedule": {"freeze": ["backbone", 1], "epochs": 0.2, "lr": 0.5},
        "backbone": [
            [-1, 1, "Conv", [32, 3, 2]],
            [-1, 1, "Conv", [32, 3, 2]],
            [-1, 1, "C2f", [32, True]],
            [-1, 1, "Conv", [64, 3, 2]],
        ],
        "head": [
            [-1, 1, "nn.Upsample", ["None", 2, "nearest"]],
            [[-1, 2], 1, "AdaptiveModule", []],
            [[5, 3], 1, "SSPNeck", [32]],
            [6, 1, "Level", [0]],
            [6, 1, "Level", [1]],
            [[7, 8], 1, "JointDetect", ["nc"]],
        ],
    }
