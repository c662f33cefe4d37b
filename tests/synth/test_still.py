"""Pictures: counts by class, what they refuse, looks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from gjadet_yolo.synth.paint.look import Look
from gjadet_yolo.synth.scenes.compose import SCENES
from gjadet_yolo.synth.still import SceneMix, draw_still
from gjadet_yolo.synth.world.scene import NAMES

SIZE = (256, 256)
OFTEN = {"point": 25.0, "bogie": 0.4, "wheel": 1.0, "absorber": 0.5, "rw": 0.4}


def test_frequencies_are_as_requested():
    """Means over 200 pictures; four standard errors of the request's own spread, and 10 % for what hides objects."""
    mix = SceneMix(OFTEN, square_px=(5.0, 20.0))
    counts = np.array(
        [
            np.bincount(draw_still(np.random.default_rng([1, i]), SIZE, mix)[1][:, 0].astype(int), minlength=5)
            for i in range(200)
        ]
    )
    error = counts.std(0) / np.sqrt(len(counts))
    wanted = np.array([OFTEN[name] for name in NAMES])
    assert (np.abs(counts.mean(0) - wanted) < 4 * error + 0.1 * wanted).all(), counts.mean(0)


def test_default_tail_is_as_long_as_that_of_crash2024():
    """`point` one to two orders of magnitude above the others."""
    per_image = SceneMix().per_image
    assert all(10 <= per_image["point"] / per_image[name] <= 500 for name in NAMES[1:])


@pytest.mark.parametrize("kind", SCENES)
def test_boxes_lie_in_the_picture(kind):
    mix = SceneMix({"point": 30.0}, {kind: 1.0}, (6.0, 12.0))
    for seed in range(6):
        image, labels, *_ = draw_still(np.random.default_rng(seed), SIZE, mix)
        assert image.shape == (256, 256, 3)
        assert image.dtype == np.uint8
        assert ((labels[:, 1:] >= 0) & (labels[:, 1:] <= 256)).all()
        assert (labels[:, 3:] - labels[:, 1:3] >= 3).all()


def test_sides_span_the_request():
    """Squares of 6 to 8 px, seen by cameras that tilt and roll: the median side lies within."""
    mix = SceneMix({"point": 30.0}, {"rig": 1.0}, (6.0, 8.0))
    boxes = np.concatenate([draw_still(np.random.default_rng(seed), SIZE, mix)[1] for seed in range(10)])
    side = np.sqrt((boxes[:, 3] - boxes[:, 1]) * (boxes[:, 4] - boxes[:, 2]))
    assert 5.5 < np.median(side) < 9


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        (SceneMix(scenes={"rigg": 1.0}), "no scene 'rigg'. Did you mean 'rig'?"),
        (SceneMix(per_image={"points": 3.0}), "no class 'points'. Did you mean 'point'?"),
        (SceneMix(scenes={"rig": 0.0}), "shares of scenes are {'rig': 0.0}"),
        (SceneMix(square_px=(2.0, 9.0)), "square_px is 2 to 9, allowed: above 3"),
        (SceneMix(square_px=(9.0, 5.0)), "square_px is 9 to 5"),
        (SceneMix(per_image={"point": 500.0}), "point=500 squares per image do not fit: allowed are 0 to"),
        (SceneMix(per_image={"point": 5.0, "wheel": 9.0}), "wheel=9 per image, allowed: 0 to"),
        (SceneMix({"point": 5.0, "rw": 0.5}, {"closeup": 1.0}), "rw=0.5 per image, allowed: 0 to 0"),
    ],
)
def test_refusals(mix, message):
    with pytest.raises(ValueError) as error:
        mix.check(SIZE)
    assert message in str(error.value)


def test_looks_keep_centroids():
    """Blur, noise, compression, Bayer: a bright square stays where it is, within 0.3 px in the mean of many looks."""
    shifts = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        look = Look.draw(rng, (120, 90), 30.0)
        look.light[:] = look.light.mean()  # uneven light moves what is bright
        scene = np.full((90, 120, 3), 20, np.float32)
        scene[30:60, 45:75] = 120
        picture = cv2.cvtColor(look.apply(scene, rng), cv2.COLOR_BGR2GRAY).astype(float)
        window = picture[15:75, 30:90] - np.median(picture[:10])
        weight = np.clip(window - 0.3 * window.max(), 0, None)
        rows, columns = np.indices(weight.shape) + 0.5
        shifts.append(((weight * columns).sum() / weight.sum() - 30, (weight * rows).sum() / weight.sum() - 30))
    assert np.abs(np.median(shifts, axis=0)).max() < 0.3


def test_plain_look_is_the_scene():
    scene = np.full((20, 30, 3), 100, np.float32)
    picture = Look.plain((30, 20)).apply(scene.copy(), np.random.default_rng(0))
    assert abs(picture.mean() - 100) < 1
