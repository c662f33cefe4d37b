"""Filters as users type them."""

from __future__ import annotations

import pytest

from gjadet_yolo.measure.filters import Filter


@pytest.mark.parametrize(
    "text", ["cfc60", "cfc180", "cfc60:iso", "100hz", "12.5hz", "spline", "kalman", "auto", "none"]
)
def test_round_trip(text):
    assert str(Filter.parse(text)) == text


def test_forms_of_typing():
    assert Filter.parse(" CFC60 ") == Filter.parse("cfc60:j211") == Filter("cfc", 60.0)
    assert Filter.parse("100 Hz") == Filter("hz", 100.0)


@pytest.mark.parametrize(
    ("text", "hint"),
    [("kalmann", "'kalman'"), ("cfc61", "'cfc60'"), ("0hz", "Allowed"), (None, "Allowed"), ("cfc60:din", "'cfc60")],
)
def test_unknown(text, hint):
    with pytest.raises(ValueError, match=hint):
        Filter.parse(text)


def test_fitted_filters_have_no_operator():
    assert Filter.parse("auto").linear(1000) is None
    with pytest.raises(ValueError, match="cfc180 needs at least fps=1800"):
        Filter.parse("cfc180").linear(1000)
