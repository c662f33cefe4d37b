"""Degradations: shape and type, geometry, identity at level 0, determinism, stronger with the level."""

from __future__ import annotations

import importlib.util

import cv2
import numpy as np
import pytest

from gjadet_yolo.data import degrade as module
from gjadet_yolo.data.degrade import DEGRADATIONS, bayer, degrade, jpeg, sensor_noise, shrink

LIBRARY = {"rain", "fog"}
NAMED = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            name in LIBRARY and importlib.util.find_spec("albumentations") is None, reason="needs Albumentations"
        ),
    )
    for name in DEGRADATIONS
]


@pytest.fixture
def picture() -> np.ndarray:
    """A white square from (60, 40) to (100, 80) on grey, 160 x 120."""
    image = np.full((120, 160, 3), 70, np.uint8)
    image[40:80, 60:100] = 230
    return image


@pytest.mark.parametrize("level", [0.3, 1.0])
@pytest.mark.parametrize("name", NAMED)
def test_shape_type_and_input(name, level, picture):
    before = picture.copy()
    result = DEGRADATIONS[name](picture, level, np.random.default_rng(0))
    assert (result.shape, result.dtype) == (picture.shape, np.uint8)
    assert (picture == before).all()
    assert (result != picture).any()


@pytest.mark.parametrize("level", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("hw", [(1, 1), (1, 7), (2, 3), (17, 1)])
@pytest.mark.parametrize("name", NAMED)
def test_any_size_keeps_shape_and_type(name, hw, level):
    result = DEGRADATIONS[name](np.full((*hw, 3), 90, np.uint8), level, np.random.default_rng(0))
    assert (result.shape, result.dtype) == ((*hw, 3), np.uint8)


@pytest.mark.parametrize("name", NAMED)
def test_boxes_stay(name, picture):
    """The square's centroid, in the mean of eight draws at level 0.5, moves by less than half a pixel."""
    places = []
    for seed in range(8):
        grey = cv2.cvtColor(degrade(picture, {name: 0.5}, np.random.default_rng(seed)), cv2.COLOR_BGR2GRAY)
        smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 2)
        window = smooth[25:95, 45:115].astype(float)
        level = (np.median(smooth[50:70, 70:90]) + np.median(smooth[:30])) / 2
        rows, columns = np.nonzero(window > level)
        places.append((columns.mean() + 45.5, rows.mean() + 25.5))
    assert np.abs(np.mean(places, axis=0) - (80, 60)).max() < 0.5


@pytest.mark.parametrize("name", NAMED)
def test_repeatable_and_none_at_level_0(name, picture):
    first, second = (degrade(picture, {name: 0.6}, np.random.default_rng(9)) for _ in range(2))
    assert (first == second).all()
    for same in (degrade(picture, {name: 0.0}, np.random.default_rng(9)), DEGRADATIONS[name](picture, 0.0, None)):
        assert (same == picture).all()


@pytest.mark.parametrize("name", NAMED)
def test_stronger_with_the_level(name, picture):
    """Mean distance from the clean picture, over six draws."""

    def distance(level: float) -> float:
        draws = [degrade(picture, {name: level}, np.random.default_rng(seed)) for seed in range(6)]
        return float(np.mean([np.abs(draw.astype(int) - picture).mean() for draw in draws]))

    assert distance(0.15) < distance(0.55) < distance(1.0)


def test_order_does_not_depend_on_the_mapping(picture):
    levels = {"compression": 0.5, "noise": 0.5, "blur": 0.3}
    turned = dict(reversed(levels.items()))
    first, second = (degrade(picture, one, np.random.default_rng(0)) for one in (levels, turned))
    assert (first == second).all()


def test_noise_has_the_stated_deviation():
    """20 grey levels at mid grey; black shows a quarter of the variance, of which half is cut off at 0."""
    grey = np.full((200, 200, 3), 128, np.float32)
    noisy = sensor_noise(grey, 20.0, np.random.default_rng(0)).astype(float)
    assert noisy.mean() == pytest.approx(128, abs=0.3)
    assert noisy.std() == pytest.approx(20, rel=0.03)
    dark = sensor_noise(grey * 0, 20.0, np.random.default_rng(0)).astype(float)
    assert dark.mean() == pytest.approx(10 / np.sqrt(2 * np.pi), rel=0.05)


def test_bayer_keeps_flat_colours():
    image = np.full((40, 40, 3), (30, 120, 220), np.uint8)
    assert (bayer(image)[2:-2, 2:-2] == (30, 120, 220)).all()


@pytest.mark.parametrize("factor", [0.7508, 0.8323])
def test_shrinking_does_not_stretch(factor):
    """A square near the right border stays in place to a tenth of a pixel."""
    image = np.zeros((40, 640, 3), np.uint8)
    image[10:30, 600:620] = 250
    weight = shrink(image, factor)[..., 0].astype(float)
    assert (weight.sum(0) @ (np.arange(640) + 0.5)) / weight.sum() == pytest.approx(610, abs=0.1)


def test_helpers_keep_the_shape(picture):
    assert shrink(picture[:, :-3], 0.7).shape == (120, 157, 3)
    assert jpeg(picture, 50).shape == picture.shape


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ({"fogg": 0.5}, "no degradation 'fogg'. Did you mean 'fog'?"),
        ({"blur": 1.5}, "level of blur is 1.5, allowed: 0"),
    ],
)
def test_refusals(levels, message, picture):
    with pytest.raises(ValueError) as error:
        degrade(picture, levels, np.random.default_rng(0))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("image", "levels", "message"),
    [
        (None, {}, r"image is None, expected a uint8 array \(H, W, 3\)\. cv2\.imread gives None"),
        ([[[0, 0, 0]]], {}, "image is .*, expected a uint8 array"),
        ("same", None, "levels are None, expected a level by name"),
        ("same", "rain", "levels are 'rain', expected a level by name"),
        ("same", {"dust": None}, "level of dust is None, expected a number from 0 to 1"),
        ("same", {"fog": "0.5"}, "level of fog is '0.5', expected a number"),
        ("same", {"blur": [0.5]}, r"level of blur is \[0\.5\], expected a number"),
        ("same", {"noise": 1 + 0j}, r"level of noise is \(1\+0j\), expected a number"),
        ("same", {"noise": np.ones(2)}, "level of noise is .*, expected a number"),
    ],
)
def test_wrong_types_name_the_argument(image, levels, message, picture):
    with pytest.raises(TypeError, match=message):
        degrade(picture if isinstance(image, str) else image, levels, np.random.default_rng(0))


def test_a_name_that_is_no_text(picture):
    with pytest.raises(ValueError, match=r"there is no degradation 1\. Allowed: rain, fog"):
        degrade(picture, {1: 0.5}, np.random.default_rng(0))


def test_refuses_other_pictures():
    with pytest.raises(ValueError, match=r"shape \(5, 5\) and type float64, expected \(H, W, 3\) and uint8"):
        degrade(np.zeros((5, 5)), {}, np.random.default_rng(0))


@pytest.mark.parametrize("name", DEGRADATIONS)
@pytest.mark.parametrize("shape", [(5, 5), (5, 5, 1)])
def test_grey_pictures_are_refused_with_the_remedy(name, shape):
    with pytest.raises(ValueError, match=r"expected \(H, W, 3\) and uint8. Grey pictures: cv2.cvtColor"):
        DEGRADATIONS[name](np.zeros(shape, np.uint8), 0.5, np.random.default_rng(0))


@pytest.mark.parametrize("levels", [{}, {"blur": 0.0}])
def test_nothing_to_do_gives_a_copy(levels, picture):
    result = degrade(picture, levels, np.random.default_rng(0))
    assert result is not picture
    assert not np.shares_memory(result, picture)
    assert (result == picture).all()


def test_missing_library_says_how_to_get_it(monkeypatch, picture):
    monkeypatch.setitem(__import__("sys").modules, "albumentations", None)
    module.albumentations.cache_clear()
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'gjadet-yolo\[degrade\]'"):
        degrade(picture, {"fog": 0.5}, np.random.default_rng(0))


def test_water_takes_red_first():
    """White minus black is 255 t: t = exp(-beta z), so that logarithms are as the attenuations, 0.07 to 0.1 to 0.4."""
    white, black = (
        DEGRADATIONS["underwater"](np.full((9, 9, 3), value, np.uint8), 0.25, np.random.default_rng(3)).astype(float)
        for value in (255, 0)
    )
    blue, green, red = np.log(((white - black) / 255).mean((0, 1)))
    assert red < green < blue < 0
    assert (green / blue, red / blue) == pytest.approx((0.1 / 0.07, 0.4 / 0.07), rel=0.05)


def test_far_in_water_there_is_veiling_light_only():
    """Of red nothing is left at 8 m: t is at most exp(-0.32 * 8 * 0.7) = 0.17, and mostly below 0.1."""
    image = DEGRADATIONS["underwater"](np.full((32, 32, 3), 255, np.uint8), 1.0, np.random.default_rng(0))
    assert image[..., 2].max() < 10 + 40 + 0.17 * 255
    assert image[..., :2].mean() > 2 * image[..., 2].mean()
