"""The tone curve of a camera, found from the sizes of light and dark squares."""

import cv2
import numpy as np
import pytest

from gjadet_yolo.measure.localise.pool import Pool
from gjadet_yolo.measure.localise.tone import power_of, toned

SIDE, FINE = 14, 8


def strip(gamma, blur=1.2):
    """A strip of 2 x 6 squares of 14 px on dark ground, blurred in light, through a tone curve; boxes and middles."""
    light = np.full((128 * FINE, 64 * FINE), 12.0, np.float32)
    middles = []
    for row in range(6):
        for column in range(2):
            x, y = (10.3 + SIDE * column) * FINE, (20.6 + SIDE * row) * FINE
            x, y, side = round(x), round(y), SIDE * FINE
            light[y : y + side, x : x + side] = 190.0 if (row + column) % 2 else 30.0
            middles.append(((x + side / 2) / FINE, (y + side / 2) / FINE))
    light = cv2.resize(cv2.GaussianBlur(light, (0, 0), blur * FINE), (64, 128), interpolation=cv2.INTER_AREA)
    middles = np.array(middles)
    return 255 * (light / 255) ** np.float32(gamma), np.hstack((middles - SIDE / 2, middles + SIDE / 2)), middles


@pytest.mark.parametrize("gamma", [0.7, 1.0, 1.5])
def test_power_that_undoes_a_curve_is_found(gamma):
    grey, boxes, _ = strip(gamma)
    assert power_of(grey, boxes) == pytest.approx(1 / gamma, rel=0.12)


def test_too_few_squares_tell_nothing():
    grey, boxes, _ = strip(0.7)
    assert power_of(grey, boxes[:3]) == 1.0
    assert power_of(grey, boxes[:0]) == 1.0


def test_places_are_those_of_light_and_not_of_grey_levels():
    """Squares at the rim of a strip on darker ground: the curve moves their outer edges outwards."""
    grey, boxes, middles = strip(0.7, 1.6)
    pool = Pool()
    part = pool.learn(grey, boxes)
    assert pool.power > 1.25
    assert np.abs(pool.templates.model.middle_px - middles).max() < 0.05
    assert np.abs(part.locate(grey, middles, None).position_px - middles).max() < 0.05


def test_ends_of_the_scale_stay_and_no_power_changes_nothing():
    grey = np.array([[0.0, 127.5, 255.0]], np.float32)
    assert toned(grey, 1.0) is grey
    np.testing.assert_allclose(toned(grey, 2.0), [[0.0, 63.75, 255.0]], atol=0.1)
