"""Overlays: colours where they belong, sheets of the right size."""

from __future__ import annotations

import numpy as np
import pytest

from gjadet_yolo.evaluate.overlay import FALSE, MISSED, RIGHT, draw_match, sheet


def test_colours_by_hand():
    image = np.zeros((120, 120, 3), np.uint8)
    truth = np.array([(0, 10, 40, 30, 60), (0, 60, 40, 80, 60)], dtype=float)
    found = np.array([(10, 40, 30, 60, 0.9, 0), (10, 80, 30, 100, 0.9, 0)])
    picture = draw_match(image, truth, found)
    assert tuple(picture[40, 20]) == RIGHT
    assert tuple(picture[80, 20]) == FALSE
    assert tuple(picture[40, 70]) == MISSED
    assert not picture[70].any()
    assert not image.any()


def test_sheet_by_hand():
    pictures = [np.full((10, 20, 3), value, np.uint8) for value in (10, 20, 30)]
    page = sheet(pictures, 2, gap=4)
    assert page.shape == (24, 44, 3)
    assert (page[0, 0, 0], page[0, 24, 0], page[14, 0, 0], page[14, 24, 0], page[0, 21, 0]) == (10, 20, 30, 255, 255)


def test_sheet_refuses_mixed_sizes():
    with pytest.raises(ValueError, match=r"one size, found \[\(1, 1, 3\), \(2, 2, 3\)\]"):
        sheet([np.zeros((1, 1, 3), np.uint8), np.zeros((2, 2, 3), np.uint8)], 1)
