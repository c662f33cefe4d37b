"""Kinds of markers that have a model, and how a fit of each begins."""

from __future__ import annotations

import numpy as np

from gjadet_yolo.measure.localise import marks
from gjadet_yolo.measure.localise.shapes import Shape, square, square_value

SHAPES: dict[str, Shape] = {
    "square": square,
    "quadrant": marks.plate(marks.quarters),
    "dot": marks.plate(marks.middle),
    "bowtie": marks.plate(marks.bowtie),
    "cross": marks.plate(marks.bars),
    "spots5": marks.plate(marks.spots(4)),
    "spots6": marks.plate(marks.spots(5)),
    "ring": marks.core,
}
REGIONS = dict.fromkeys(SHAPES, 3) | {"square": 13, "ring": 2}
KINDS = (*SHAPES, "patch")
FAR = {"ring": 0.95}
"""How far from the middle, in radii, pixels of a round marker count at most; 1.4 where it has a border."""
START = {"ring": 0.62}
"""Radius of the model against the marker's; 1 for the others."""
PERIOD = {"quadrant": 90.0, "bowtie": 180.0, "cross": 90.0, "spots5": 90.0, "spots6": 72.0}
"""Turn in degrees after which a marker looks the same, but for the order of its greys; others have none."""
STEP = 30.0  # degrees: the furthest that a fit finds back, with some to spare


def value_of(kind: str, u: np.ndarray, v: np.ndarray, blur: np.ndarray, greys: np.ndarray) -> np.ndarray:
    """Grey levels (K, n) of a shape, without derivatives."""
    return square_value(u, v, blur, greys) if kind == "square" else SHAPES[kind](u, v, blur, greys).value


def turns(kind: str) -> np.ndarray:
    """Angles in rad, against the direction of the edges, from which a kind is fitted."""
    period = PERIOD.get(kind, 0.0)
    count = max(1, int(np.ceil(period / STEP)))
    return np.radians(period * np.arange(count) / count)
