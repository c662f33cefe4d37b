"""The crux block: defaults and refusals."""

from __future__ import annotations

import pytest

from gjadet_yolo.recipe.crux import CruxConfig
from gjadet_yolo.recipe.recipe import Recipe


def test_without_a_block_there_are_none():
    assert Recipe.from_yaml({}).crux is None
    assert Recipe.from_yaml({"crux": False}).crux is None
    assert Recipe.from_yaml({"crux": {}}).crux == CruxConfig("P2", "P3", temperature=10, threshold=0.5)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"shalow": 2}, r"crux: has an unknown key 'shalow'\. Did you mean 'shallow'"),
        ({"shallow": "P9"}, "shallow is 'P9', allowed: layer numbers, and P1 to P6"),
        ({"medium": -1}, "medium is -1, allowed: layer numbers"),
        ({"medium": True}, "medium is True"),
        ({"temperature": 0}, "temperature is 0, allowed: numbers from 0.01 to 1000"),
        ({"threshold": "a"}, "threshold is 'a'"),
        ({"weight": -1}, "weight is -1, allowed: numbers from 0 to 100000"),
        ({"stride": 2.5}, "stride is 2.5, allowed: whole numbers from 1 on"),
        ({"reduce": True}, "reduce is True, allowed"),
        ({"stride": 64}, "stride is 64, allowed: numbers from 1 to 32"),
        ({"favoured": 3}, "favoured is 3, expected a data YAML, a folder or a video"),
        ({"favoured": None}, "favoured has no value"),
        (True, "crux: is True, expected keys and values"),
    ],
)
def test_refusals(block, words):
    with pytest.raises(ValueError, match=words):
        CruxConfig.from_yaml(block)


def test_no_schedule_beside_it():
    with pytest.raises(ValueError, match="crux: has phases of its own"):
        Recipe.from_yaml({"crux": {}, "schedule": [{"epochs": 1}, {}]})
