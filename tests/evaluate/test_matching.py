"""Detections against truth: counts and distances by hand."""

from __future__ import annotations

import math

import numpy as np

from gjadet_yolo.evaluate.matching import match, measure, table

TRUTH = np.array([(0, 0, 0, 10, 10), (0, 20, 0, 30, 10), (1, 0, 0, 10, 10)], dtype=float)


def detection(x1, y1, x2, y2, confidence=0.9, label=0):
    return (x1, y1, x2, y2, confidence, label)


def test_by_hand():
    """IoU 9/11 with the first point; one point missed; the wheel box is of the wrong class for the second."""
    found = np.array([detection(1, 0, 11, 10), detection(20, 0, 30, 10, label=1)])
    outcome = match(TRUTH, found)
    assert outcome.partner.tolist() == [0, -1]
    assert outcome.missed.tolist() == [1, 2]
    rows = measure([(TRUTH, found)], ["point", "bogie"])
    assert (rows[0].objects, rows[0].found, rows[0].false, rows[0].centre_error_px) == (2, 1, 0, 1.0)
    assert (rows[1].objects, rows[1].found, rows[1].false) == (1, 0, 1)
    assert (rows[0].recall, rows[0].precision) == (0.5, 1.0)
    assert math.isnan(rows[1].centre_error_px)
    assert rows[1].precision == 0


def test_the_surer_detection_wins_and_the_other_is_false():
    found = np.array([detection(0, 0, 10, 9, 0.5), detection(0, 0, 10, 8, 0.8)])
    assert match(TRUTH[:1], found).partner.tolist() == [-1, 0]


def test_threshold():
    """IoU is a half."""
    found = np.array([detection(0, 0, 10, 5)])
    assert match(TRUTH[:1], found, 0.5).partner.tolist() == [0]
    assert match(TRUTH[:1], found, 0.51).partner.tolist() == [-1]


def test_nothing_there_or_nothing_found():
    empty = np.zeros((0, 6))
    assert match(TRUTH, empty).missed.tolist() == [0, 1, 2]
    assert match(np.zeros((0, 5)), np.array([detection(0, 0, 1, 1)])).partner.tolist() == [-1]
    rows = measure([(np.zeros((0, 5)), empty)], ["point"])
    assert math.isnan(rows[0].recall)
    assert table(rows).count("\n") == 0


def test_table_names_the_classes_that_occur():
    text = table(measure([(TRUTH, np.array([detection(0, 0, 10, 10)]))], ["point", "bogie", "wheel"]))
    assert [line.split()[0] for line in text.splitlines()][:3] == ["class", "point", "bogie"]
    assert text.splitlines()[1].split() == ["point", "2", "0.500", "1.000", "0.00"]


def test_table_never_prints_nan_and_says_why_figures_are_missing():
    """Point: one of two found. Bogie: in the truth, none found. Wheel: not in the truth, two false detections."""
    found = np.array([detection(0, 0, 10, 10), detection(50, 0, 60, 10, label=2), detection(70, 0, 80, 10, label=2)])
    lines = table(measure([(TRUTH, found)], ["point", "bogie", "wheel"])).splitlines()
    assert [line.split() for line in lines[1:4]] == [
        ["point", "2", "0.500", "1.000", "0.00"],
        ["bogie", "1", "0.000", "-", "-"],
        ["wheel", "0", "-", "-", "-"],
    ]
    assert lines[4:] == ["Not in the truth: wheel (2 false)", "Not one found: bogie"]
    assert not any("nan" in line for line in lines)
