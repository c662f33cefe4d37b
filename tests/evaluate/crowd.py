"""Pictures with objects and detections of all kinds, right and wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gjadet_yolo.data.formats.boxes import LabelledImage

CLASSES = 3


def scene(generator: np.random.Generator) -> tuple[LabelledImage, np.ndarray]:
    """Objects of 4 to 90 px, detections near most of them, twice near some, with ties in confidence."""
    number = int(generator.integers(0, 9))
    corner, side = generator.uniform(0, 500, (number, 2)), generator.uniform(4, 90, (number, 2))
    label = generator.integers(0, CLASSES, number)
    image = LabelledImage(Path("x.png"), "x.png", 640, 480, np.column_stack((label, corner, corner + side)))
    index = generator.integers(0, max(number, 1), 2 * number)
    boxes = image.labels[index, 1:] + generator.normal(0, 2.5, (2 * number, 4))
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    confidence = generator.integers(1, 40, 2 * number) / 40
    wrong = generator.random(2 * number) < 0.15
    guess = np.where(wrong, (label[index] + 1) % CLASSES, label[index]) if number else np.zeros(0)
    return image, np.column_stack((boxes, confidence, guess))
