"""Frames per second of ``predict`` on videos of some sizes, several models in turn.

    python benchmarks/predict_speed.py models=gjadetn-crash.pt,yolov8n.yaml [sizes=640,1280,1920] [frames=12] [rounds=3]
        [threads=2]

Rendered scenes are enlarged to the width of each video and predicted at that image size, without decoding or drawing:
what is timed is what ``YOLO(model).predict`` does with a frame. Models take turns; medians of the rounds, the last
column against the last model. A model YAML stands for its network with random weights.
"""

from __future__ import annotations

import statistics
import sys
import time

import cv2
import numpy as np
import torch
from ultralytics import YOLO

from gjadet_yolo.synth.still import SceneMix, draw_still

CONFIDENCE = 0.25


def frames(width: int, count: int) -> list[np.ndarray]:
    """Frames of a width, 4 : 3."""
    scenes = [draw_still(np.random.default_rng(index), (640, 640), SceneMix()).image for index in range(min(count, 6))]
    small = [cv2.resize(scene[80:560], (width, width * 3 // 4)) for scene in scenes]
    return [small[index % len(small)] for index in range(count)]


def seconds(model: YOLO, pictures: list[np.ndarray], imgsz: int) -> float:
    """Time for a frame."""
    start = time.perf_counter()
    for picture in pictures:
        model.predict(picture, imgsz=imgsz, conf=CONFIDENCE, max_det=1000, device="cpu", verbose=False)
    return (time.perf_counter() - start) / len(pictures)


def main() -> None:
    """Print the table."""
    settings = {"models": "", "sizes": "640,1280,1920", "frames": "12", "rounds": "3", "threads": "2"}
    settings |= dict(argument.split("=", 1) for argument in sys.argv[1:])
    torch.set_num_threads(int(settings["threads"]))
    names = settings["models"].split(",")
    models = [YOLO(name) for name in names]
    print("| model | video | frames/s | time against the last |\n|---|---|---|---|")
    for size in map(int, settings["sizes"].split(",")):
        pictures, times = frames(size, int(settings["frames"])), []
        for model in models:
            seconds(model, pictures[:1], size)  # the first call builds the predictor
        for _ in range(int(settings["rounds"])):
            times.append([seconds(model, pictures, size) for model in models])
        for index, name in enumerate(names):
            per_frame = statistics.median(row[index] for row in times)
            ratio = statistics.median(row[index] / row[-1] for row in times)
            print(f"| `{name}` | {size} px | {1 / per_frame:.1f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
