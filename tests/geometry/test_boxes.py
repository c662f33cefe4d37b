"""Boxes: areas and overlaps by hand."""

from __future__ import annotations

import numpy as np

from gjadet_yolo.geometry.boxes import area, overlaps


def test_area_by_hand():
    """3 x 4, a line, and corners that are swapped along one axis or along both."""
    boxes = np.array([(1, 2, 4, 6), (1, 2, 4, 2), (4, 2, 1, 6), (4, 6, 1, 2)], dtype=float)
    assert area(boxes).tolist() == [12, 0, 0, 0]
    assert area(np.zeros((0, 4))).shape == (0,)


def test_overlaps_by_hand():
    """Inside, across a corner, along a common edge, at a common corner, apart along one axis only."""
    boxes = np.array([(2, 2, 3, 3), (-1, -1, 1, 1), (10, 0, 20, 10), (10, 10, 12, 12), (2, 11, 3, 12)], dtype=float)
    assert overlaps(boxes, np.array((0.0, 0, 10, 10))).tolist() == [True, True, False, False, False]
    assert overlaps(np.zeros((0, 4)), np.ones(4)).shape == (0,)
