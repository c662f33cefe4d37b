"""Own outcomes against faster-coco-eval, and the bootstrap against drawing by hand."""

from __future__ import annotations

import numpy as np
import pytest
from crowd import CLASSES, scene

pytest.importorskip("faster_coco_eval")

from gjadet_yolo.evaluate import average
from gjadet_yolo.evaluate.average import drawn_figures, figures_of, interval, weights
from gjadet_yolo.evaluate.outcomes import BINS_PX, outcomes
from gjadet_yolo.evaluate.scores import coco_tables, mean


@pytest.fixture(scope="module")
def crowd():
    generator = np.random.default_rng(5)
    images, found = zip(*(scene(generator) for _ in range(60)), strict=True)
    return list(images), list(found)


def test_figures_are_those_of_faster_coco_eval(crowd):
    """By class and size bin, to 1e-6."""
    precision, recall = coco_tables(*crowd, CLASSES, 320)
    for label, one in enumerate(outcomes(*crowd, CLASSES, 320)):
        for size in range(len(BINS_PX)):
            tables = precision[:, :, label, size]
            expected = [mean(tables), mean(tables[0]), mean(tables[5]), mean(recall[0, label, size])]
            assert figures_of(one, size) == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_a_draw_is_a_set_with_repeated_pictures(crowd):
    """Figures of a draw are those of the pictures, each as often as it was drawn."""
    images, found = crowd
    weight = weights(len(images), 3, seed=1)
    drawn = [drawn_figures(one, weight) for one in outcomes(images, found, CLASSES, 320)]
    for number, row in enumerate(weight.T.astype(int)):
        order = np.repeat(np.arange(len(images)), row)
        again = outcomes([images[i] for i in order], [found[i] for i in order], CLASSES, 320)
        for label, one in enumerate(again):
            # detections of one confidence have no order of their own, and repeated pictures stand elsewhere
            assert drawn[label][number] == pytest.approx(figures_of(one), abs=0.02)
            assert drawn[label][number, 3] == pytest.approx(figures_of(one)[3], abs=1e-6)


def test_weights_of_one_give_the_figures(crowd):
    images, found = crowd
    weight = np.ones((len(images), 2), np.float32)
    for one in outcomes(images, found, CLASSES, 320):
        assert drawn_figures(one, weight)[0] == pytest.approx(figures_of(one), abs=1e-6)


def test_many_places_are_thinned_without_harm(crowd, monkeypatch):
    """With 12 places on each curve, far fewer than the 101 recalls, AP moves by less than 0.03."""
    weight = np.ones((len(crowd[0]), 1), np.float32)
    exact = [figures_of(one)[:3] for one in outcomes(*crowd, CLASSES, 320)]
    monkeypatch.setattr(average, "MOST_PLACES", 12)
    for expected, one in zip(exact, outcomes(*crowd, CLASSES, 320), strict=True):
        assert drawn_figures(one, weight)[0, :3] == pytest.approx(expected, abs=0.03)


def test_draws_hold_as_many_pictures(crowd):
    assert weights(7, 100, seed=0).sum(0).tolist() == [7] * 100


def test_interval_of_known_values():
    assert interval(np.arange(1001) / 1000) == pytest.approx((0.025, 0.975))
