"""Thinning by hand; training is that of the comparison."""

from __future__ import annotations

import numpy as np
import pytest
from thinned import limits, thin

COUNTS = np.array([[5, 1]] * 4 + [[3, 0]] * 6 + [[0, 0]] * 2 + [[0, 2]] * 3)  # images of classes a and b


def test_no_class_exceeds_its_limit():
    """Two b: one image of two or two of one. Then a fills up to 20; images without any object stay."""
    for seed in range(20):
        kept = thin(COUNTS, np.array([20, 2]), np.random.default_rng(seed))
        a, b = COUNTS[kept].sum(0)
        assert b == 2
        assert 18 <= a <= 20
        assert {10, 11} <= set(kept.tolist())
    assert (thin(COUNTS, np.array([np.inf, np.inf]), np.random.default_rng(0)) == np.arange(15)).all()


def test_it_follows_the_seed():
    kept = [thin(COUNTS, np.array([12, 3]), np.random.default_rng(seed)).tolist() for seed in (0, 0, 1)]
    assert kept[0] == kept[1] != kept[2]


def test_limits():
    assert limits("wasp:2", ["fly", "wasp"]).tolist() == [np.inf, 2]
    assert limits("", ["fly"]).tolist() == [np.inf]
    with pytest.raises(ValueError, match=r"'wsap' is no class of the data\. Did you mean 'wasp'"):
        limits("wsap:2", ["fly", "wasp"])
    with pytest.raises(ValueError, match="'wasp:many', expected a class and a whole number"):
        limits("wasp:many", ["fly", "wasp"])
