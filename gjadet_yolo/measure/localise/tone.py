"""The tone curve of a camera, found from checkerboards: light squares are no larger than dark ones.

Lenses blur light, and cameras then bend its scale: an edge whose blur is even in light is uneven in grey levels, and
lies where it looks half way only if it is judged in light. Between squares that shift is the same on all sides and
leaves their middles alone; before ground of another grey it is not. A power of the grey level undoes most curves, and
the right power is the one that makes light and dark squares of a strip alike in size. Over-exposed squares look large
for another reason and are not asked.
"""

from __future__ import annotations

import numpy as np

from gjadet_yolo.measure.localise.fit import fit
from gjadet_yolo.measure.localise.model import Fit

POWERS = (0.8, 1.25)  # between which the right one is sought along a line, in logarithms
MOST = 1.7  # and its inverse: what is found beyond is due to glare, not to a camera's curve
BURNT = 240.0  # grey level of squares that may be over-exposed
SQUARE, NEAR = 0.97, 1.7  # explained share of what is a square, and sides to its neighbours
LEAST, LEAST_CHANGE = 6, 1e-3  # squares, and of a side between both powers: less tells nothing
STEPS = 16  # of the table, per grey level


def power_of(grey: np.ndarray, boxes_xyxy: np.ndarray) -> float:
    """Power of the grey level (H, W), 0 to 255, in which squares in boxes (K, 4) are even; 1 where they do not tell."""
    models = [fit(toned(grey, power), boxes_xyxy) for power in POWERS]
    burnt = [255 * (BURNT / 255) ** power for power in POWERS]
    low, high = (excess_of_light(model, limit) for model, limit in zip(models, burnt, strict=True))
    if not np.isfinite((low, high)).all() or low - high < LEAST_CHANGE:
        return 1.0
    first, last = np.log(POWERS)
    found = float(np.exp(first + (last - first) * low / (low - high)))
    return found if 1 / MOST < found < MOST else 1.0


def excess_of_light(model: Fit, burnt: float) -> float:
    """By how much of a side light squares are larger than dark ones around them; NaN where too few tell."""
    grey, length = model.greys[:, 4], np.linalg.norm(model.frame, axis=1)
    # a frame's columns may come in either order
    swap = np.abs(model.frame[:, 0, 0]) < np.abs(model.frame[:, 0, 1])
    length = np.where(swap[:, None], length[:, ::-1], length)
    use = (model.kind == 0) & (model.explained > SQUARE) & (grey < burnt) & np.isfinite(model.middle_px).all(1)
    place, side = model.middle_px[use], 2 * length[use].mean(1)
    grey, length = grey[use], length[use]
    away = np.hypot(*np.moveaxis(place[:, None] - place[None], -1, 0))
    near = (away < NEAR * side[:, None]) & ~np.eye(len(place), dtype=bool)
    middle = (near * grey).sum(1) / np.maximum(near.sum(1), 1)
    light = grey > middle
    other = near & (light[:, None] != light[None])
    some = other.any(1)
    if some.sum() < LEAST:
        return float("nan")
    mean = (other[:, :, None] * length[None]).sum(1) / np.maximum(other.sum(1), 1)[:, None]
    excess = (length - mean) / side[:, None] * np.where(light, 1, -1)[:, None]
    return float(np.median(excess[some]))


def toned(grey: np.ndarray, power: float) -> np.ndarray:
    """A picture (H, W) float32 from 0 to 255 with its grey levels raised to a power."""
    if power == 1:
        return grey
    table = 255 * (np.arange(256 * STEPS) / (255.0 * STEPS)) ** power
    return table.astype(np.float32)[(np.clip(grey, 0, 255) * STEPS).astype(np.uint16)]
