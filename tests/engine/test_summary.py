"""What counts as stated, and the line on the recipe in force."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from gjadet_yolo.engine.stages import Stage
from gjadet_yolo.engine.summary import recipe_line, stated_arguments
from gjadet_yolo.recipe.loss import LossConfig
from gjadet_yolo.recipe.recipe import Recipe

DEFAULTS = {"box": 7.5, "cls": 0.5, "cls_pw": 0.0, "epochs": 100}


@pytest.mark.parametrize(
    ("overrides", "args", "expected"),
    [
        ({"epochs": 3}, {}, ()),
        ({"cls": 0.5}, {}, ("cls",)),  # stated, though it is the default
        ({"cls_pw": 0}, {}, ("cls_pw",)),
        ({}, {"box": 5.0}, ("box",)),  # from a configuration file
        (DEFAULTS, {}, ("box", "cls", "cls_pw")),  # model.tune
    ],
)
def test_stated_arguments(overrides, args, expected):
    assert stated_arguments(overrides, DEFAULTS | args, DEFAULTS) == expected


def model(head: nn.Module | None = None, classes: int = 3, **changes) -> SimpleNamespace:
    """What the line reads of a model, with the block of gjadet-plain.yaml."""
    settings = {
        "model": [head or nn.Identity()],
        "recipe": Recipe(LossConfig(cls="bce", cls_gain=4.0, cls_pw=0.5, box_pw=0.25, obj_pw=0.25)),
        "args": SimpleNamespace(box=7.5, cls=0.5, cls_pw=0.0),
        "names": {number: f"c{number}" for number in range(classes)},
        "class_counts": (160, 10, 0, *range(20, classes + 17))[:classes],
        "class_weights": None,
        "stated": (),
    }
    return SimpleNamespace(**settings | changes)


def test_line_of_the_recipe():
    """160 and 10 boxes: n^-1/2 gives 1 to 4, with the absent class at their mean; 16^(1/4) is 2, the mean 180/170."""
    assert recipe_line(model(), (Stage(0, 10),)) == (
        "recipe: box ciou x7.5; class bce x2; cls_pw 0.5: c0 0.40, c1 1.60, c2 1.00; "
        "box_pw 0.25: c0 0.94, c1 1.89, c2 1.00; nothing else was stated"
    )


def test_line_with_stated_arguments():
    host = torch.tensor([0.5, 1.0, 1.5])
    args = SimpleNamespace(box=7.5, cls=2.0, cls_pw=0.3)
    line = recipe_line(model(args=args, stated=("cls", "cls_pw"), class_weights=host), (Stage(0, 10),))
    assert "class bce x2; cls_pw 0.3: c0 0.50, c1 1.00, c2 1.50; box_pw" in line
    assert line.endswith("cls=2.0, cls_pw=0.3 as stated, in the place of the model YAML's")
    line = recipe_line(model(stated=("cls_pw",)), (Stage(0, 10),))
    assert "cls_pw 0.5" not in line
    assert line.endswith("cls_pw=0.0 as stated, in the place of the model YAML's")


def test_line_with_objectness_stages_and_many_classes():
    head = nn.Identity()
    head.obj = head
    line = recipe_line(model(head, classes=30), (Stage(0, 3, (0, 1), 0.5), Stage(3, 10)))
    assert "; objectness bce x0.5; " in line
    assert "; obj_pw 0.25: " in line
    assert "(c0) to " in line
    assert "; epochs 1 to 3 with 2 layers frozen, learning rate x0.5; " in line
    assert "c5" not in line
