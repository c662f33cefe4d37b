"""How a checkpoint does on one labelled picture at every image size.

    python benchmarks/image_sizes.py model=gjadetn-crash-synth.pt image=FRAME.jpg labels=FRAME.txt [sizes=320,480,...]
        [conf=0.25] [iou=0.6] [class=0]

``labels`` is a YOLO label file. Prints, for one class and per size: recall at IoU 0.5, and the share of detections with
their centre on a labelled target (grown by an eighth of its size on each side).
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from ultralytics import YOLO

from gjadet_yolo.evaluate.matching import match

SIZES = "320,416,480,640,800,960,1120,1280"


def on_target(truth: np.ndarray, found: np.ndarray) -> float:
    """Share of detections (M, 6) with their centre on one of the boxes (N, 5); nan without detections."""
    if not len(found):
        return float("nan")
    centre, margin = (found[:, :2] + found[:, 2:4]) / 2, 0.125 * (truth[:, 3:] - truth[:, 1:3])
    inside = (centre[:, None] >= truth[None, :, 1:3] - margin) & (centre[:, None] <= truth[None, :, 3:] + margin)
    return float(inside.all(-1).any(1).mean())


def main(
    model: str, image: str, labels: str, sizes: str = SIZES, conf: str = "0.25", iou: str = "0.6", **more: str
) -> None:
    """Print one line per size."""
    label, picture = int(more.get("class", 0)), cv2.imread(image)
    height, width = picture.shape[:2]
    rows = np.array(Path(labels).read_text().split(), dtype=float).reshape(-1, 5)
    rows = rows[rows[:, 0] == label]
    centre, side = rows[:, 1:3] * (width, height), rows[:, 3:] * (width, height)
    truth = np.concatenate((rows[:, :1], centre - side / 2, centre + side / 2), 1)
    detector = YOLO(model)
    print(f"{'imgsz':>6}{'side px':>9}{'recall':>8}{'on target':>11}{'detections':>12}   of {len(truth)} targets")
    for size in map(int, sizes.split(",")):
        settings = {"imgsz": size, "conf": float(conf), "iou": float(iou), "max_det": 1000, "device": "cpu"}
        found = detector.predict(picture, verbose=False, **settings)[0].boxes.data.numpy().astype(float)
        found = found[found[:, 5] == label]
        recall = 1 - len(match(truth, found).missed) / len(truth)
        seen_px = float(np.median(np.sqrt(side.prod(1)))) * size / max(width, height)
        print(f"{size:>6}{seen_px:>9.1f}{recall:>8.3f}{on_target(truth, found):>11.3f}{len(found):>12}", flush=True)


if __name__ == "__main__":
    main(**dict(word.split("=", 1) for word in sys.argv[1:]))
