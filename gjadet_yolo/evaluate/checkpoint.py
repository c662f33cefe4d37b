"""Score of a checkpoint on a data set: it predicts and reads files; ``evaluate/scores.py`` does the computing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ultralytics import YOLO

from gjadet_yolo.data.formats.boxes import LabelledImage
from gjadet_yolo.data.formats.yolo import read_yolo
from gjadet_yolo.evaluate.scores import MAX_DET, Score, class_counts, library, score

# Settings of the host under which scores compare: nearly every box counts, because AP looks at all confidences.
PREDICTION: dict[str, Any] = {"conf": 0.001, "iou": 0.7, "max_det": MAX_DET, "device": "cpu", "verbose": False}


def score_checkpoint(checkpoint: str | Path, data_yaml: str | Path, imgsz: int, split: str = "val") -> Score:
    """Score a checkpoint on a split of a data set.

    Args:
        data_yaml: Data YAML, the folder that holds it, or the bare name of a packaged one.
        imgsz: Longer side of an image at the network's input, px.
        split: ``val`` or ``test``.

    Raises:
        FileNotFoundError: A file or folder is missing.
        ValueError: The data YAML cannot be used, or has no images for training or of the split.
        ModuleNotFoundError: faster-coco-eval is not installed.
    """
    library()  # predicting takes minutes, so that a missing library is better known before
    data = read_yolo(Path(data_yaml))
    # Groups of rare and frequent classes come from the training boxes.
    for needed in ("train", split):
        if not data.splits.get(needed):
            raise ValueError(f"{data_yaml} has no images of the split '{needed}', which a score needs.")
    images = data.splits[split]
    count = class_counts(data.splits["train"], len(data.names))
    return score(images, predict(checkpoint, images, imgsz), data.names, count, imgsz)


def predict(checkpoint: str | Path, images: Sequence[LabelledImage], imgsz: int) -> list[np.ndarray]:
    """Boxes of each image, (N, 6): xyxy px of the file, confidence and class index."""
    model = YOLO(checkpoint)
    return [model.predict(str(image.file), imgsz=imgsz, **PREDICTION)[0].boxes.data.cpu().numpy() for image in images]
