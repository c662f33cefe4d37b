"""Values in messages: short whatever they are, and in words."""

from __future__ import annotations

import pytest
import yaml

from gjadet_yolo.messages import bare, is_name, shown, suggestion
from gjadet_yolo.recipe.augment import AugmentConfig
from gjadet_yolo.recipe.loss import LossConfig
from gjadet_yolo.recipe.schedule import ScheduleConfig

ALIASES = "[&a0 [lol], " + ", ".join(f"&a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)) + "]"
ENDLESS = {
    "a number of 6,000 digits": 16**5000,
    "lists in lists": yaml.safe_load("[" * 200 + "]" * 200),
    "deeper than the stack": None,  # made below: PyYAML itself cannot
    "itself": yaml.safe_load("&loop [*loop]"),
    "10^9 aliases": yaml.safe_load(ALIASES),
    "a long text": "x" * 5000,
    "many keys": {number: "x" * 500 for number in range(1000)},
}
for _ in range(5000):
    ENDLESS["deeper than the stack"] = [ENDLESS["deeper than the stack"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5"),
        ("a\nb", r"'a\nb'"),
        (None, "None"),
        (10**30, "1" + "0" * 30),
        ([-1, 1, "Conv", [8, [3, [2]]]], "[-1, 1, 'Conv', [8, [3, [2]]]]"),
        ([[[[[1]]]]], "[[[[[...]]]]]"),
        (list(range(9)), "[0, 1, 2, 3, 4, 5, 6, 7, ...]"),
        ({"a": 1}, "{'a': 1}"),
        (10**400, "a number of very many digits"),
    ],
)
def test_values_as_shown(value, text):
    assert shown(value) == text
    assert bare(value) == (value if isinstance(value, str) else text)


@pytest.mark.parametrize("kind", ENDLESS)
def test_no_value_makes_a_long_message(kind):
    value = ENDLESS[kind]
    assert 0 < len(shown(value)) <= 120
    assert 0 < len(bare(value, 40)) <= 40
    assert suggestion(value, ["a", "b"]) == " Allowed: a, b."
    for read, block in (
        (LossConfig.from_yaml, {"box": value}),
        (LossConfig.from_yaml, {"gamma": value}),
        (LossConfig.from_yaml, {"obj": value}),
        (AugmentConfig.from_yaml, {"repeat": value}),
        (ScheduleConfig.from_yaml, {"freeze": [[value]], "epochs": 0.5}),
        (ScheduleConfig.from_yaml, {"freeze": "backbone", "epochs": value}),
        (ScheduleConfig.from_yaml, [{"terms": [[value]], "epochs": 1}, {}]),
    ):
        with pytest.raises(ValueError, match=r"^(loss|augment|schedule): ") as error:
            read(block)
        assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    ("value", "fits"), [("car", True), (3, True), (None, False), ([], False), (16**5000, False)], ids=lambda value: ""
)
def test_what_can_name_a_class(value, fits):
    assert is_name(value) is fits
