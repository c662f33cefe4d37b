"""Small targets in large frames: plain resizing, full size, tiles of this package, and SAHI; AP and seconds per frame.

    python benchmarks/tiles.py data=DATA.yaml model=best.pt [tile=640] [images=40] [sahi=1] [out=tiles.md]

Needs faster-coco-eval, and SAHI (``pip install sahi``) where ``sahi=1``. Sizes of the bins are px of the frame.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ultralytics import YOLO

from gjadet_yolo.data.formats.boxes import LabelledImage
from gjadet_yolo.data.formats.yolo import read_yolo
from gjadet_yolo.engine.tiles import Tiles
from gjadet_yolo.evaluate.checkpoint import PREDICTION
from gjadet_yolo.evaluate.scores import MAX_DET, class_counts, score
from gjadet_yolo.evaluate.tables import table
from gjadet_yolo.host.sliced import sliced_predictor

Finder = Callable[[LabelledImage], np.ndarray]


def plain(model: YOLO, imgsz: int) -> Finder:
    """The host's prediction at an image size."""
    return lambda item: model.predict(str(item.file), imgsz=imgsz, **PREDICTION)[0].boxes.data.numpy()


def tiled(model: YOLO, tile: int) -> Finder:
    """Tiles of this package."""
    predictor = sliced_predictor(Tiles(tile, tile // 5))
    return lambda item: model.predict(str(item.file), predictor=predictor, **PREDICTION)[0].boxes.data.numpy()


def sahi(weights: str, tile: int) -> Finder:
    """SAHI with its defaults, but for tile, overlap and confidence."""
    from sahi import AutoDetectionModel
    from sahi.predict import get_sliced_prediction

    settings = {"confidence_threshold": PREDICTION["conf"], "device": "cpu", "image_size": tile}
    model = AutoDetectionModel.from_pretrained("ultralytics", model_path=weights, **settings)

    def find(item: LabelledImage) -> np.ndarray:
        cut = {"slice_height": tile, "slice_width": tile, "overlap_height_ratio": 0.2, "overlap_width_ratio": 0.2}
        found = get_sliced_prediction(str(item.file), model, verbose=0, **cut).object_prediction_list
        rows = [(*box.bbox.to_xyxy(), box.score.value, box.category.id) for box in found]
        return np.array(sorted(rows, key=lambda row: -row[4])[:MAX_DET], float).reshape(-1, 6)

    return find


def main() -> None:
    """Measure and print the table."""
    settings = {"tile": "640", "images": "40", "sahi": "", "out": ""}
    settings |= dict(arg.split("=", 1) for arg in sys.argv[1:])
    data, tile = read_yolo(Path(settings["data"])), int(settings["tile"])
    items = data.splits["val"][: int(settings["images"])]
    side = max(max(item.width, item.height) for item in items)
    weights = settings["model"]
    ways = {
        f"resized to {tile} px": plain(YOLO(weights), tile),
        f"whole, {side} px": plain(YOLO(weights), side),
        f"tiles of {tile} px": tiled(YOLO(weights), tile),
    }
    if settings["sahi"]:
        ways[f"SAHI, slices of {tile} px"] = sahi(weights, tile)
    count = class_counts(items, len(data.names))
    rows = []
    for name, find in ways.items():
        find(items[0])  # not timed: the first call sets the predictor up
        found, seconds = [], []
        for item in items:
            start = time.perf_counter()
            found.append(find(item))
            seconds.append(time.perf_counter() - start)
        s = score(items, found, data.names, count, side)
        sizes = [f"{100 * value:.1f}" for value in s.by_size.values()]
        classes = [f"{100 * value:.1f}" for value in s.by_class.values()]
        rows.append([name, *(f"{100 * v:.1f}" for v in (s.ap, s.ap50)), *classes, *sizes])
        rows[-1].append(f"{statistics.median(seconds):.2f}")
        print(" | ".join(rows[-1]), flush=True)
    text = table(["way", "AP50-95", "AP50", *data.names, *(f"{size} px" for size in s.by_size), "s per frame"], rows)
    print(text)
    if settings["out"]:
        Path(settings["out"]).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
