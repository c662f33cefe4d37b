"""Strips: geometry by hand, and pixels that give it back."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gjadet_yolo.geometry.camera import Camera
from gjadet_yolo.synth.paint.layer import Layer
from gjadet_yolo.synth.paint.visible import visible_targets
from gjadet_yolo.synth.world.motion import BodyMotion, StepResponse
from gjadet_yolo.synth.world.pulse import Haversine
from gjadet_yolo.synth.world.strip import Strip

SIZE = (320, 240)
GREY = 128.0


def test_geometry_by_hand():
    strip = Strip(2, 10.0, (100.0, 50.0))
    np.testing.assert_allclose(strip.centres_mm, [[105, 55], [115, 55], [105, 65], [115, 65]])
    np.testing.assert_allclose(strip.squares_mm[1], [[110, 50], [120, 50], [120, 60], [110, 60]])
    assert (strip.colours[:, 0] > 100).tolist() == [False, True, True, False]


def test_quarter_turn():
    """The columns' direction x turns to y, the strip's direction y to -x."""
    strip = Strip(1, 10.0, angle_rad=math.pi / 2)
    np.testing.assert_allclose(strip.centres_mm, [[-5, 5], [-5, 15]], atol=1e-12)


def boxes_of(squares_mm: np.ndarray, camera: Camera) -> np.ndarray:
    """Boxes of squares with nothing in front of them."""
    return visible_targets(camera.project(squares_mm), np.zeros((SIZE[1], SIZE[0]), np.float32)).boxes


def test_boxes_by_hand():
    camera = Camera.facing(SIZE, 2.0)
    boxes = boxes_of(Strip(2, 20.0, (0.0, 0.0)).squares_mm, camera)
    np.testing.assert_allclose(
        boxes, [[160, 120, 170, 130], [170, 120, 180, 130], [160, 130, 170, 140], [170, 130, 180, 140]]
    )


def test_box_is_cut_at_the_border():
    boxes = boxes_of(Strip(1, 20.0, (-330.0, 0.0), columns=2).squares_mm, Camera.facing(SIZE, 2.0))
    np.testing.assert_allclose(boxes, [[0, 120, 5, 130], [5, 120, 15, 130]])


@pytest.mark.parametrize("view", [{}, {"roll_rad": 0.15, "k1": -0.1}, {"pan_rad": 0.3, "tilt_rad": 0.1}], ids=str)
def test_rendered_centroids_are_the_truth(view):
    """A light square alone on grey, at five times of a braked, pitching body: its centroid in the image against that of
    its projected outline, 0.02 px.
    """
    camera = Camera.facing(SIZE, 3.0, (200.0, 0.0), **view)
    body = BodyMotion((100.0, 20.0), (2.0, 0.0), Haversine(30.0, 0.1), pitch=StepResponse(0.1, 5.0, 8.0))
    strip = Strip(1, 30.0, (10.0, -10.0), columns=1, dark=(250.0, 250.0, 250.0))
    for time_s in np.linspace(0, 0.1, 5):
        corners = body.markers(np.array([time_s]), strip.squares_mm[0]).position_mm
        weight = painted(corners, strip.colours, camera)[..., 0] - GREY
        x = (weight.sum(0) @ (np.arange(SIZE[0]) + 0.5)) / weight.sum()
        y = (weight.sum(1) @ (np.arange(SIZE[1]) + 0.5)) / weight.sum()
        expected = outline_centroid(camera.project(corners[0]))
        assert np.hypot(x - expected[0], y - expected[1]) < 0.02


def painted(squares_mm: np.ndarray, colours: np.ndarray, camera: Camera) -> np.ndarray:
    """Squares on grey, (H, W, 3) float32."""
    image = np.full((SIZE[1], SIZE[0], 3), GREY, np.float32)
    layer = Layer.empty(np.zeros(2), np.array(SIZE), SIZE)
    layer.paint_patches(list(camera.project(squares_mm)), colours)
    layer.paint_onto(image)
    return image


def outline_centroid(corners: np.ndarray) -> np.ndarray:
    """Centroid of a polygon by the shoelace formula."""
    following = np.roll(corners, -1, axis=0)
    cross = corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]
    return ((corners + following) * cross[:, None]).sum(0) / (3 * cross.sum())


def test_strip_leaves_no_gap_between_squares():
    """White on white: seams between neighbours may not show the grey behind by more than 1 %."""
    camera = Camera.facing(SIZE, 3.0, roll_rad=0.2)
    strip = Strip(4, 30.0, (-30.0, -60.0), light=(250.0,) * 3, dark=(250.0,) * 3)
    image = painted(strip.squares_mm, strip.colours, camera)
    inside = camera.project(np.stack(np.meshgrid(np.linspace(-25, 25, 21), np.linspace(-55, 55, 41)), -1)).astype(int)
    assert image[inside[..., 1], inside[..., 0]].min() > 250 - 0.01 * (250 - GREY)


def test_bend_follows_an_arc():
    """A quarter of a circle of 100 mm: the strip starts downwards and ends leftwards, at (-100, 100) from its start."""
    rows, radius = 10, 100.0
    length = math.pi / 2 * radius / rows
    strip = Strip(rows, 1e-6, columns=1, row_mm=(length,) * rows, bend_per_mm=1 / radius)
    np.testing.assert_allclose(strip.squares_mm[0, 0], [0, 0], atol=1e-9)
    np.testing.assert_allclose(strip.squares_mm[-1, 3], [-radius, radius], atol=1e-4)
    chords = np.linalg.norm(strip.squares_mm[:, 3] - strip.squares_mm[:, 0], axis=1)
    np.testing.assert_allclose(chords, 2 * radius * math.sin(length / radius / 2), rtol=1e-6)


def test_rows_of_their_own_length():
    strip = Strip(3, 10.0, columns=1, row_mm=(10.0, 5.0, 2.5))
    np.testing.assert_allclose(strip.centres_mm, [[5, 5], [5, 12.5], [5, 16.25]])
    assert strip.size_mm == (10.0, 17.5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rows": 0}, "allowed: 1 row or more, 1 column or more, a side above 0"),
        ({"columns": 0}, "allowed: 1 row or more, 1 column or more, a side above 0"),
        ({"square_mm": 0.0}, "allowed: 1 row or more, 1 column or more, a side above 0"),
        ({"row_mm": (1.0,)}, "expected 2 lengths above 0"),
        ({"bend_per_mm": -0.1}, "folds a strip of 2 columns"),
    ],
)
def test_refusals(settings, message):
    with pytest.raises(ValueError, match=message):
        Strip(**{"rows": 2, "square_mm": 10.0} | settings)
