"""Thresholds and calibration of a few detections, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gjadet_yolo.evaluate.operating import calibration_error, reliability, thresholds
from gjadet_yolo.evaluate.outcomes import BINS_PX, IOUS, Outcomes


def ranked(confidence, right, objects):
    """Detections in one picture, and its objects."""
    shape = (len(BINS_PX), len(IOUS), len(right))
    outcome = np.broadcast_to(np.array(right, bool), shape)
    return Outcomes(
        np.array(confidence, float),
        np.zeros(len(right), int),
        outcome,
        np.ones(shape, bool),
        np.full((len(BINS_PX), 1), objects),
    )


def test_best_f1_and_wanted_precision():
    """Right, false, right of 2 objects: F1 2/3, 2/4, 4/5; precision 0.9 holds for the first only."""
    best, wanted = thresholds(ranked([0.9, 0.6, 0.4], [1, 0, 1], 2), 0.9)
    assert (best.confidence, best.f1, best.precision, best.recall) == pytest.approx((0.4, 0.8, 2 / 3, 1))
    assert (wanted.confidence, wanted.precision, wanted.recall) == pytest.approx((0.9, 1, 0.5))


def test_detections_of_one_confidence_stand_or_fall_together():
    best, _ = thresholds(ranked([0.5, 0.5], [1, 0], 1), 0.9)
    assert (best.precision, best.recall) == pytest.approx((0.5, 1))


def test_nothing_to_find_has_no_threshold():
    assert all(math.isnan(point.confidence) for point in thresholds(ranked([0.5], [0], 0), 0.9))


def test_calibration_error_by_hand():
    """Bin 0.9: two at 0.95, one right: |1.9 - 1|; bin 0.2: one at 0.25, false: 0.25; over 3 detections."""
    table = reliability([ranked([0.95, 0.95, 0.25], [1, 0, 0], 1)], 1)
    assert calibration_error(table.sum(1)) == pytest.approx((0.9 + 0.25) / 3)
