"""Markers of every kind that is rendered are placed, with their kind: turned, seen from the side, white or yellow."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from gjadet_yolo.measure.localise import Templates, refine
from gjadet_yolo.measure.localise.kinds import KINDS
from gjadet_yolo.synth.paint.layer import Layer
from gjadet_yolo.synth.world.marker import MARKERS, marker

WHITE, YELLOW, BLACK = (235.0,) * 3, (60.0, 205.0, 240.0), (25.0,) * 3
SIDE = 96
GOAL_PX = {"ring": 0.05}  # of a coded ring only the middle is used; 0.03 for all others
TURNED = (0.9, 0.6)  # narrower by a tenth along 34 degrees


def drawn(kind: str, centre: tuple[float, float], diameter_px: float, light=WHITE, turned=TURNED, angle_rad=0.4):
    """Picture of one marker, and its box."""
    made = marker(kind, np.random.default_rng(1), centre, diameter_px / 2, light, BLACK, angle_rad, turned)
    layer = Layer.empty(np.zeros(2), np.full(2, float(SIDE)), (SIDE, SIDE))
    layer.paint_patches(list(made.patches_mm), made.colours)
    layer.paint_patches(list(made.tops_mm), made.top_colours)
    image = np.full((SIDE, SIDE, 3), 120.0, np.float32)
    layer.paint_onto(image)
    outline = made.outlines_mm[0]
    return np.round(cv2.GaussianBlur(image, (0, 0), 0.7)).astype(np.uint8), np.r_[outline.min(0), outline.max(0)]


def test_every_rendered_kind_has_a_model():
    assert set(MARKERS) <= set(KINDS)


@pytest.mark.parametrize("kind", list(MARKERS))
@pytest.mark.parametrize(("light", "centre"), [(WHITE, (48.3, 47.6)), (YELLOW, (47.1, 48.9))], ids=["white", "yellow"])
def test_clean_marker_is_placed(kind, light, centre):
    """24 px wide, box half a pixel off: within 0.03 px, a coded ring within 0.05."""
    image, box = drawn(kind, centre, 24.0, light)
    found = refine(image, (box + 0.5)[None])
    assert np.abs(found.position_px[0] - centre).max() < GOAL_PX.get(kind, 0.03)
    assert np.isfinite(found.sigma_px).all() and (found.sigma_px < 0.2).all()


@pytest.mark.parametrize("kind", list(MARKERS))
def test_kind_is_recognised(kind):
    image, box = drawn(kind, (48.3, 47.6), 32.0)
    assert Templates.learn(image, box[None]).kind == (kind,)
