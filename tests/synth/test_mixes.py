"""Mixes of scenes: objects per class as stated, negatives without labels, seeds that repeat a picture."""

from __future__ import annotations

import numpy as np
import pytest

from gjadet_yolo.cli.main import parse
from gjadet_yolo.cli.synth import request_of, with_empty
from gjadet_yolo.synth.defaults import MIXES, SHARES
from gjadet_yolo.synth.still import SceneMix, draw_still
from gjadet_yolo.synth.world.scene import NAMES

SIZE = (256, 256)
SQUARES = (5.0, 20.0)


def test_balanced_mix_holds_what_it_states():
    """Means over 110 pictures; four standard errors, and 10 % for what hides objects."""
    per_image, scenes = MIXES["balanced"]
    mix = SceneMix(per_image, scenes, SQUARES)
    mix.check(SIZE)
    classes = [draw_still(np.random.default_rng([7, i]), SIZE, mix).labels[:, 0].astype(int) for i in range(110)]
    counts = np.array([np.bincount(found, minlength=5) for found in classes])
    error, wanted = counts.std(0) / np.sqrt(len(counts)), np.array([per_image[name] for name in NAMES])
    assert (np.abs(counts.mean(0) - wanted) < 4 * error + 0.1 * wanted).all(), counts.mean(0)
    assert 0.05 < np.mean(counts.sum(1) == 0) < 0.25


def test_large_classes_are_within_one_order_of_magnitude_of_each_other():
    per_image, scenes = MIXES["balanced"]
    large = [per_image[name] for name in NAMES[1:]]
    assert max(large) / min(large) < 3
    assert per_image["point"] / sum(large) < 10
    assert sum(scenes.values()) == pytest.approx(1)
    assert 0.1 <= scenes["empty"] <= 0.15


def test_negatives_have_no_label():
    mix = SceneMix({}, {"empty": 1.0}, SQUARES)
    mix.check(SIZE)
    for seed in range(40):
        still = draw_still(np.random.default_rng(seed), SIZE, mix)
        assert still.labels.shape == (0, 5)
        assert still.image.std() > 1  # something is to be seen


@pytest.mark.parametrize("kind", ["gear", "empty", "train", "rig"])
def test_a_seed_repeats_a_picture(kind):
    mix = SceneMix({"point": 20.0} if kind != "empty" else {}, {kind: 1.0}, SQUARES)
    first, second = (draw_still(np.random.default_rng(5), SIZE, mix) for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.labels, second.labels)


def test_every_bogie_has_its_wheels_where_enough_are_asked_for():
    mix = SceneMix({"bogie": 0.6, "wheel": 1.4}, {"gear": 1.0})
    rng = np.random.default_rng(0)
    drawn = [mix.wanted(rng, SIZE, "gear", 10.0) for _ in range(2000)]
    assert all(each.wheel >= 2 * each.bogie for each in drawn)
    # what is seen of them is 0.98 and 0.95 of what is placed
    assert np.mean([each.bogie for each in drawn]) == pytest.approx(0.6 / 0.98, abs=0.06)
    assert np.mean([each.wheel for each in drawn]) == pytest.approx(1.4 / 0.95, abs=0.12)


def test_share_of_empty_pictures():
    scenes = with_empty(SHARES, 0.2)
    assert scenes["empty"] == 0.2
    assert sum(scenes.values()) == pytest.approx(1)
    assert scenes["rig"] / scenes["closeup"] == pytest.approx(SHARES["rig"] / SHARES["closeup"])
    assert with_empty(SHARES, None) == SHARES
    assert "empty" not in with_empty(MIXES["balanced"][1], 0.0)
    assert with_empty({"empty": 1.0}, 0.3) == {"empty": 1.0}


def test_command_line_takes_a_mix():
    mix = request_of(parse(["synth", "out=x", "mix=balanced", "empty=0.15", "imgsz=320", "wheel=1.2"])).mix
    assert mix.scenes["empty"] == 0.15
    assert mix.per_image["bogie"] == MIXES["balanced"][0]["bogie"]
    assert mix.per_image["wheel"] == 1.2
