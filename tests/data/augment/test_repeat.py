"""Repeat factors by hand, and their rounding in the mean."""

from __future__ import annotations

import numpy as np
import pytest

from gjadet_yolo.data.augment.repeat import MOST_REPEATS, effective_counts, extra_copies, repeat_factors
from gjadet_yolo.recipe.augment import AugmentConfig

PRESENT = np.array([[1, 0, 0]] * 96 + [[1, 1, 0]] * 3 + [[0, 0, 0]], bool)  # shares 0.99, 0.03, 0


def test_by_hand():
    """t = 0.27: the class in 3 % of the images is raised to sqrt(9) = 3, the frequent one is not."""
    factors = repeat_factors(PRESENT, 0.27)
    assert factors[:96].tolist() == [1.0] * 96
    np.testing.assert_allclose(factors[96:99], 3.0)
    assert factors[99] == 1


def test_threshold_0_is_off():
    assert (repeat_factors(PRESENT, 0.0) == 1).all()
    assert len(extra_copies(repeat_factors(PRESENT, 0.0), np.random.default_rng(0))) == 0


def test_one_image_in_ten_thousand_is_not_shown_55_times():
    """sqrt(0.3 * 10000) = 54.8 without the bound."""
    present = np.zeros((10000, 1), bool)
    present[7] = True
    factors = repeat_factors(present, 0.3)
    assert factors[7] == factors.max() == MOST_REPEATS == 10


def test_effective_counts_by_hand():
    """Two images, the second shown three times: 5 + 3 * 1 and 3 * 2 objects, and four images with 0.5 pasted each."""
    counts = np.array([[5, 0, 0], [1, 2, 0]])
    found = effective_counts(counts, np.array([1, 3]), np.array([0.0, 0.5, 0.0]))
    assert found.tolist() == [8, 6 + 2, 0]


def test_copies_by_hand():
    copies = extra_copies(np.array([1.0, 3.0, 1.0, 2.0]), np.random.default_rng(0))
    assert copies.tolist() == [1, 1, 3]


def test_fractions_are_right_in_the_mean():
    """0.3 and 0.75 of 4 images each: 4.2, rounded to 4 in every draw; the mean of 4000 is each image's share."""
    factors, rng = np.array([1.3] * 4 + [1.75] * 4), np.random.default_rng(0)
    draws = np.array([np.bincount(extra_copies(factors, rng), minlength=8) for _ in range(4000)])
    assert (draws.sum(1) == 4).all()
    assert draws.mean(0) == pytest.approx((factors - 1) * 4 / 4.2, abs=0.03)


def test_no_images():
    assert repeat_factors(np.zeros((0, 3), bool), 0.5).shape == (0,)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"repaet": 0.1}, "augment: has an unknown key 'repaet'. Did you mean 'repeat'?"),
        ({"repeat": 2}, "augment: repeat is 2, allowed: 0 to 1"),
        ({"repeat": True}, "augment: repeat is True"),
        ([1], "augment: is [1], expected keys and values"),
    ],
)
def test_refusals(block, message):
    with pytest.raises(ValueError) as error:
        AugmentConfig.from_yaml(block)
    assert message in str(error.value)


def test_no_block_changes_nothing():
    assert AugmentConfig.from_yaml(None) == AugmentConfig(repeat=0.0)
