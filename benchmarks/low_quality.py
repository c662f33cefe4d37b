"""Sets of low quality out of a good one: favoured images of some scenes, degraded images of the others.

    python benchmarks/low_quality.py data=DATA.yaml out=DIR [kinds=fog,rain,low_light,underwater] [levels=0.4:0.9]
        [favoured=0.5] [seed=0]

A share of the training images, drawn by the seed, becomes DIR/favoured, as it is. The others become DIR/KIND, each
degraded once at a level out of the range, as the validation images are; their clean twins lie in DIR/KIND/clean, which
the data YAML names for ``restore:``, as it names the favoured images for ``crux:``. So one set serves every row of
``studies/lcp.yaml``. Fog and rain need ``pip install 'gjadet-yolo[degrade]'``.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import yaml

from gjadet_yolo.data.degrade import degrade
from gjadet_yolo.data.formats.boxes import LabelledImage
from gjadet_yolo.data.formats.images import decoded
from gjadet_yolo.data.formats.yolo import label_file, read_yolo
from gjadet_yolo.data.media import write_image

SETTINGS = {"data": "", "out": "", "kinds": "fog,rain,low_light,underwater", "levels": "0.4:0.9"}
SETTINGS |= {"favoured": "0.5", "seed": "0"}


def parted(count: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted indices of favoured images and of the others, out of so many."""
    order = np.random.default_rng(seed).permutation(count)
    cut = round(count * share)
    return np.sort(order[:cut]), np.sort(order[cut:])


def place(folder: Path, split: str, index: int) -> tuple[Path, Path]:
    """Files of an image and its labels in a set."""
    name = f"{index:05d}"
    return folder / "images" / split / f"{name}.png", folder / "labels" / split / f"{name}.txt"


def write_split(
    folder: Path, split: str, images: Sequence[LabelledImage], kind: str = "", low: float = 0, high: float = 0
) -> None:
    """Write images with their labels; degraded, with clean twins of the training images, where a kind is named."""
    for index, image in enumerate(images):
        file, labels = place(folder, split, index)
        for one in (file, labels):
            one.parent.mkdir(parents=True, exist_ok=True)
        clean = decoded(image.file)
        rng = np.random.default_rng((index, *kind.encode(), *split.encode()))  # the same whatever else is written
        write_image(file, degrade(clean, {kind: rng.uniform(low, high)}, rng) if kind else clean)
        if kind and split == "train":
            twin = folder / "clean" / file.name
            twin.parent.mkdir(exist_ok=True)
            write_image(twin, clean)
        if label_file(image.file).is_file():
            shutil.copyfile(label_file(image.file), labels)


def write_yaml(folder: Path, names: Sequence[str], **more: str) -> None:
    content = {"path": str(folder.resolve()), "train": "images/train", "val": "images/val", **more}
    (folder / "data.yaml").write_text(
        yaml.safe_dump(content | {"names": list(names)}, sort_keys=False), encoding="utf-8"
    )


def main(settings: dict[str, str]) -> None:
    """Write the sets; arguments as in the module's text."""
    data, out = read_yolo(Path(settings["data"])), Path(settings["out"])
    train = data.splits["train"]
    favoured, others = parted(len(train), float(settings["favoured"]), int(settings["seed"]))
    low, high = map(float, settings["levels"].split(":"))
    cv2.setNumThreads(1)
    write_split(out / "favoured", "train", [train[index] for index in favoured])
    write_split(out / "favoured", "val", data.splits["val"])
    write_yaml(out / "favoured", data.names)
    for kind in settings["kinds"].split(","):
        write_split(out / kind, "train", [train[index] for index in others], kind, low, high)
        write_split(out / kind, "val", data.splits["val"], kind, low, high)
        write_yaml(
            out / kind, data.names, favoured=str((out / "favoured" / "images" / "train").resolve()), clean="clean"
        )
        print(f"{out / kind / 'data.yaml'}: {len(others)} training images, {len(favoured)} favoured ones")


if __name__ == "__main__":
    main(SETTINGS | dict(argument.split("=", 1) for argument in sys.argv[1:]))
