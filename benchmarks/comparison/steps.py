"""Optimiser steps of a training: rows of a study have as many, whatever their recipes repeat."""

from __future__ import annotations

from typing import Any

import numpy as np

from gjadet_yolo.data.augment.repeat import repeat_factors
from gjadet_yolo.data.formats.boxes import LabelledImage
from gjadet_yolo.recipe.augment import AugmentConfig


def boxes_by_image(items: list[LabelledImage], classes: int) -> np.ndarray:
    """Boxes of each image and class, (N, C)."""
    found = [np.bincount(item.labels[:, 0].astype(int), minlength=classes) for item in items]
    return np.array(found).reshape(-1, classes)


def steps_per_epoch(counts: np.ndarray, batch: int, augment: dict[str, Any] | None) -> int:
    """Steps of an epoch, by boxes of each image and class, (N, C), and an ``augment:`` block that may repeat images."""
    shown = repeat_factors(counts > 0, AugmentConfig.from_yaml(augment).repeat).sum()
    return -(-round(shown) // batch)
