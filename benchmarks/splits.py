"""A data set in three splits: training, tuning (``val``) and test; studies choose on one and report on another.

    python benchmarks/splits.py data=DATA.yaml out=DIR tuning=60 [of=train] [imgsz=0] [seed=0]

``tuning`` pictures, drawn by the seed, become the tuning split: out of the training pictures (``of=train``), whose
validation pictures are then the test split, or out of the validation pictures (``of=val``), the rest of which is. With
``imgsz`` larger pictures are made smaller, so that their longer side has so many px; trainings then read them faster.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from gjadet_yolo.data.formats.boxes import LabelledImage
from gjadet_yolo.data.formats.images import decoded
from gjadet_yolo.data.formats.yolo import read_yolo, write_yolo_set
from gjadet_yolo.messages import suggestion

SETTINGS = {"data": "", "out": "", "tuning": "", "of": "train", "imgsz": "0", "seed": "0"}


def parted(count: int, chosen: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted indices of the pictures drawn and of the others.

    Raises:
        ValueError: As many are to be drawn as there are, or none.
    """
    if not 0 < chosen < count:
        raise ValueError(f"tuning={chosen}, expected 1 to {count - 1}: the split has {count} pictures.")
    order = np.random.default_rng(seed).permutation(count)
    return np.sort(order[:chosen]), np.sort(order[chosen:])


def scenes(items: Sequence[LabelledImage], longest: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, picture and labels (N, 5) of class and xyxy px of each; pictures have at most ``longest`` px a side."""
    for number, item in enumerate(items):
        image, labels = decoded(item.file), item.labels.copy()
        if 0 < longest < max(image.shape[:2]):
            factor = longest / max(image.shape[:2])
            size = [round(side * factor) for side in image.shape[1::-1]]
            labels[:, 1:] *= np.tile(np.divide(size, image.shape[1::-1]), 2)
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        yield f"{number:05}", image, labels


def main() -> None:
    """Write the set; arguments as in the module's text."""
    settings = SETTINGS | dict(argument.partition("=")[::2] for argument in sys.argv[1:])
    if unknown := [key for key in settings if key not in SETTINGS]:
        raise ValueError(f"'{unknown[0]}' is no setting.{suggestion(unknown[0], list(SETTINGS))}")
    if not (settings["data"] and settings["out"] and settings["tuning"].isdecimal()):
        raise ValueError("Name a data YAML, a folder and a number: data=DATA.yaml out=DIR tuning=60")
    if settings["of"] not in ("train", "val"):
        raise ValueError(f"of is '{settings['of']}', allowed: train, val.")
    data = read_yolo(Path(settings["data"]))
    splits = {name: data.splits[name] for name in ("train", "val")}
    source = splits[settings["of"]]
    drawn, rest = parted(len(source), int(settings["tuning"]), int(settings["seed"]))
    splits["test"] = splits["val"]
    splits[settings["of"] if settings["of"] == "train" else "test"] = [source[index] for index in rest]
    splits["val"] = [source[index] for index in drawn]
    longest = int(settings["imgsz"])
    made = write_yolo_set(
        Path(settings["out"]), {name: scenes(items, longest) for name, items in splits.items()}, data.names
    )
    print(f"{made}: " + ", ".join(f"{len(items)} {name}" for name, items in splits.items()))


if __name__ == "__main__":
    try:
        main()
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"Error: {error}")
