"""A data set with its classes thinned: the tuned host against a recipe, at equal steps, AP50-95 of each class.

    python benchmarks/thinned.py data=DATA.yaml out=DIR counts=fly:60,wasp:2 [epochs=15] [imgsz=320] [batch=8]
        [seeds=0] [model=gjadetn.yaml] [host=yolov8n.yaml] [device=cpu] [jobs=1] [threads=1] [weights=FILE layers=10]

``counts`` names the training boxes that a class keeps at most; the others keep what is left. Images that hold more are
left out as a whole, so that no object stays unlabelled; which, is drawn by the first seed. The validation split stays
as it is. The host has ``cls=2 cls_pw=0.5`` (docs/benchmarks.md), and as many more epochs as the recipe's repetitions
make an epoch longer. ``weights`` and ``layers`` are a checkpoint and how many of its layers both start from.

The thinned set, the runs (finished ones are not repeated) and the table, beside the set, are in DIR.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from compare import report
from comparison.queue import work
from comparison.result import read_result
from comparison.steps import boxes_by_image, steps_per_epoch
from comparison.study import Study, Variant, runs

from gjadet_yolo.data.formats.yolo import read_yolo, write_yolo_set
from gjadet_yolo.messages import suggestion

SETTINGS = {"data": "", "out": "", "counts": "", "epochs": "15", "imgsz": "320", "batch": "8", "seeds": "0"}
SETTINGS |= {"model": "gjadetn.yaml", "host": "yolov8n.yaml", "weights": "", "layers": "10"}
SETTINGS |= {"device": "cpu", "jobs": "1", "threads": "1"}


def thin(counts: np.ndarray, most: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Images to keep so that no class exceeds its limit.

    Images are taken in random order, those with the scarcest class first, and each that would exceed a limit is left.

    Args:
        counts: Boxes of each image and class, (N, C).
        most: Limit of each class, (C,); inf where there is none.

    Returns:
        Sorted indices, (K,).
    """
    scarcest = np.where(counts > 0, most, np.inf).min(1)
    total, kept = np.zeros(counts.shape[1]), []
    # taken first, images with the scarcest class are not crowded out by limits of the frequent ones
    for index in np.lexsort((rng.random(len(counts)), scarcest)):
        if (total + counts[index] <= most).all():
            total += counts[index]
            kept.append(index)
    return np.sort(np.array(kept, int))


def limits(text: str, names: list[str]) -> np.ndarray:
    """Limits of the classes from ``name:count,...``, (C,) float64.

    Raises:
        ValueError: An unknown class, or no whole number.
    """
    found = np.full(len(names), np.inf)
    for part in filter(None, text.split(",")):
        name, _, count = part.rpartition(":")
        if name not in names:
            raise ValueError(f"counts: '{name}' is no class of the data.{suggestion(name, names)}")
        if not count.isdecimal():
            raise ValueError(f"counts: '{part}', expected a class and a whole number, as in counts={name}:60")
        found[names.index(name)] = int(count)
    return found


def write(data_yaml: Path, out: Path, text: str, seed: int) -> Path:
    """Write the thinned set and say what it holds, or find it; gives its data YAML."""
    data = read_yolo(data_yaml)
    train = data.splits["train"]
    counts = boxes_by_image(train, len(data.names))
    kept = thin(counts, limits(text, data.names), np.random.default_rng(seed))
    left = ", ".join(f"{name} {count}" for name, count in zip(data.names, counts[kept].sum(0), strict=True))
    print(f"{len(kept)} of {len(train)} training images: {left}")
    folder = out / re.sub(r"\W+", "_", f"thinned {text} seed {seed}")
    if folder.exists():  # written whole or not at all
        return folder / "data.yaml"
    splits = {"train": [train[index] for index in kept], "val": data.splits["val"]}
    scenes = {
        split: ((f"{n:05}", cv2.imread(str(item.file)), item.labels) for n, item in enumerate(items))
        for split, items in splits.items()
    }
    return write_yolo_set(folder, scenes, data.names)


def study(data_yaml: Path, settings: dict[str, str]) -> Study:
    """Host and recipe at equal steps on a data set."""
    data = read_yolo(data_yaml)
    counts = boxes_by_image(data.splits["train"], len(data.names))
    batch, epochs = int(settings["batch"]), int(settings["epochs"])
    recipe = Variant(settings["model"], settings["model"])
    steps = [steps_per_epoch(counts, batch, augment) for augment in (None, recipe.model_yaml().get("augment"))]
    longer = round(epochs * steps[1] / steps[0])
    print(f"steps: host {longer} x {steps[0]}, {recipe.name} {epochs} x {steps[1]}")
    host = Variant("host tuned", settings["host"], train={"epochs": longer, "cls": 2.0, "cls_pw": 0.5})
    train: dict[str, Any] = {"epochs": epochs, "imgsz": int(settings["imgsz"]), "batch": batch, "nbs": batch}
    start = {"weights": settings["weights"], "layers": int(settings["layers"])} if settings["weights"] else {}
    seeds = tuple(map(int, settings["seeds"].split(",")))
    return Study(data_yaml, train | {"device": settings["device"]}, seeds, (host, recipe), start)


def main() -> None:
    """Thin, train and print the table."""
    settings = SETTINGS | dict(argument.partition("=")[::2] for argument in sys.argv[1:])
    if unknown := [key for key in settings if key not in SETTINGS]:
        raise ValueError(f"'{unknown[0]}' is no setting.{suggestion(unknown[0], list(SETTINGS))}")
    if not (settings["data"] and settings["out"]):
        raise ValueError("Name a data YAML and a folder: data=DATA.yaml out=DIR counts=fly:60")
    out = Path(settings["out"])
    seed = int(settings["seeds"].split(",")[0])
    chosen = study(write(Path(settings["data"]), out, settings["counts"], seed), settings)
    todo = runs(chosen)
    for line in work(chosen, todo, out, int(settings["jobs"]), int(settings["threads"])):
        print(line, flush=True)
    print(report(chosen, todo, chosen.data.parent, {"cost": ""}))
    if missing := sum(read_result(out, run) is None for _, run in todo):
        sys.exit(f"Error: {missing} of {len(todo)} runs have no result; their log.txt in {out / 'runs'} says why.")


if __name__ == "__main__":
    try:
        main()
    except (ValueError, ModuleNotFoundError) as error:
        sys.exit(f"Error: {error}")
