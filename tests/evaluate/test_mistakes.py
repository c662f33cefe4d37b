"""One mistake of each kind, and what it costs, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from crowd import CLASSES, scene

from gjadet_yolo.data.formats.boxes import LabelledImage
from gjadet_yolo.evaluate.mistakes import KINDS, costs, judge

FIRST, SECOND = [0, 0, 0, 10, 10], [1, 100, 100, 110, 110]


def picture(*labels):
    return LabelledImage(Path("x.png"), "x.png", 200, 200, np.array(labels, float).reshape(-1, 5))


def guess(box, confidence, label):
    return [*box, confidence, label]


CASES = {
    "right": guess((0, 0, 10, 10), 0.9, 0),
    "localisation": guess((5, 0, 15, 10), 0.9, 0),  # IoU 50/150
    "class": guess((0, 0, 10, 10), 0.9, 1),
    "background": guess((50, 50, 60, 60), 0.9, 0),
    "class and localisation": guess((5, 0, 15, 10), 0.9, 1),
}


@pytest.mark.parametrize("kind", CASES)
def test_kinds(kind):
    one = judge(picture(FIRST), np.array([CASES[kind]]))
    assert KINDS[one.kind[0]] == kind
    assert one.missed.tolist() == ([] if kind in ("right", "localisation", "class") else [0])


def test_the_second_on_one_object_is_a_duplicate():
    one = judge(picture(FIRST), np.array([guess((0, 0, 10, 10), 0.9, 0), guess((0, 0, 10, 9), 0.8, 0)]))
    assert [KINDS[kind] for kind in one.kind] == ["right", "duplicate"]


def lost(labels, *guesses):
    image = picture(*labels)
    return costs([image], [judge(image, np.array(guesses))], 2)


def test_a_localisation_mistake_costs_its_object():
    """Class 1 is whole. Class 0 has AP50 0; mended it is 1, so the mean over two classes wins 1/2."""
    found = lost((FIRST, SECOND), CASES["localisation"], guess((100, 100, 110, 110), 0.9, 1))
    assert found["localisation"] == pytest.approx(0.5)
    assert found["missed"] == found["class"] == found["background"] == pytest.approx(0)


def test_a_false_box_ahead_of_the_right_one_costs_half_of_its_class():
    """Precision is 1/2 at every recall of class 0; mended it is 1, over two classes 1/4."""
    found = lost((FIRST, SECOND), CASES["background"], guess((0, 0, 10, 10), 0.5, 0), guess((100, 100, 110, 110), 1, 1))
    assert found["background"] == pytest.approx(0.25)


def test_a_class_mistake_is_mended_in_both_classes():
    """Object 0 is taken for class 1, surer than the right one of class 1: AP50 0 and 1/2; mended 1 and 1."""
    found = lost((FIRST, SECOND), CASES["class"], guess((100, 100, 110, 110), 0.5, 1))
    assert found["class"] == pytest.approx(0.75)


def test_a_missed_object_costs_its_recall():
    """One of two objects of class 0 found: 51 of 101 recalls have precision 1, of which 50/101 are won."""
    other = [0, 60, 60, 70, 70]
    found = lost((FIRST, other), CASES["right"])
    assert found["missed"] == pytest.approx(50 / 101)


def test_costs_are_those_of_tidecv():
    """Stored figures of tidecv 1.0.1, ``TIDERun(...).fix_main_errors()``; its recalls are rounded otherwise."""
    generator = np.random.default_rng(5)
    scenes = [scene(generator) for _ in range(60)]
    for _, found in scenes:
        found[:, 4] = generator.random(len(found))  # ties have no order that both would share
    images = [image for image, _ in scenes]
    percent = {k: 100 * v for k, v in costs(images, [judge(*pair) for pair in scenes], CLASSES).items()}
    expected = {
        "localisation": 7.799028644,
        "class": 11.259914296,
        "duplicate": 10.413243957,
        "background": 0.224214268,
        "class and localisation": 0.092576462,
    }
    assert {k: percent[k] for k in expected} == pytest.approx(expected, abs=1e-6)
    assert percent["missed"] == pytest.approx(4.590718676, abs=0.02)
