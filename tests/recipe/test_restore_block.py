"""The restore block: defaults, refusals, sizes."""

from __future__ import annotations

import pytest

from gjadet_yolo.nn.restore import SIZES
from gjadet_yolo.recipe.recipe import Recipe
from gjadet_yolo.recipe.restore import FREE, SIZE_NAMES, RestoreConfig, degradations


def test_without_a_block_nothing_restores():
    assert Recipe.from_yaml({}).restore is None
    assert Recipe.from_yaml({"restore": False}).restore is None
    assert Recipe.from_yaml({"restore": {}}).restore == RestoreConfig(alpha=0.5, beta=0.5, loss="l1")


def test_sizes_are_those_of_the_network():
    assert tuple(SIZES) == SIZE_NAMES
    assert [RestoreConfig().size_for(scale) for scale in ("", "n", "l")] == ["n", "n", "l"]
    assert RestoreConfig(size="s").size_for("l") == "s"


def test_a_frozen_restorer_needs_one():
    schedule = [{"epochs": 1, "terms": "restore_loss"}, {"freeze": "restorer"}]
    assert Recipe.from_yaml({"restore": {}, "schedule": schedule}).schedule.stages[1].freeze == ("restorer",)
    with pytest.raises(ValueError, match="freeze has 'restorer', and there is none without a restore: block"):
        Recipe.from_yaml({"schedule": schedule})


def test_degradations_in_every_form():
    assert degradations({"fog": [0.1, 0.5], "blur": 0.3}) == (("fog", 0.1, 0.5), ("blur", 0.3, 0.3))
    assert degradations(["dust"]) == (("dust", 0.2, 0.8),)
    assert {name for name, *_ in FREE} == {"dust", "low_light", "blur", "noise", "compression"}


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"sise": "n"}, r"restore: has an unknown key 'sise'\. Did you mean 'size'"),
        ({"size": "nano"}, r"size is 'nano'\..* Allowed: auto, n, s, m, l, x"),
        ({"loss": "l3"}, r"loss is 'l3'\. Did you mean 'l"),
        ({"alpha": -1}, "alpha is -1, allowed: numbers from 0 to 1000"),
        ({"clean": 1.5}, "clean is 1.5, allowed: numbers from 0 to 1"),
        ({"lr": 0}, "lr is 0"),
        ({"gradient": "yes"}, "gradient is 'yes', allowed: true and false"),
        ({"degrade": {"frog": 0.5}}, r"degrade has 'frog'\. Did you mean 'fog'"),
        ({"degrade": {"fog": 2}}, r"degrade: fog is 2, allowed: a level from 0 to 1"),
        ({"degrade": {"fog": [0.8, 0.2]}}, r"fog is \[0\.8, 0\.2\]"),
        ({"degrade": {"fog": [0.1, 0.2, 0.3]}}, "fog is"),
        ({"degrade": {"fog": True}}, "fog is True"),
        ({"degrade": {}}, "degrade is {}, expected levels by name"),
        ({"degrade": [3]}, r"degrade has '3'"),
        ({"degrade": None}, "degrade has no value"),
        (True, "restore: is True, expected keys and values"),
    ],
)
def test_refusals(block, words):
    with pytest.raises(ValueError, match=words):
        RestoreConfig.from_yaml(block)
