"""Rows with several outputs: channels, indices, errors."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from ultralytics.nn.tasks import parse_model, yaml_model_load

from gjadet_yolo.engine.model import GjadetModel
from gjadet_yolo.nn.levels import Level, check_order
from gjadet_yolo.nn.row import Plan, Row

THREE = (16, 32, 64)


def test_the_host_gets_the_channels_of_the_last_level():
    assert Plan.of_levels((1, 2), [16, 32, 64]) == Plan((1, 2), 64, 1, THREE)


def with_neck(*head: list) -> nn.Sequential:
    """Row 0 is a stem, row 1 a neck with levels of 8 and 16 channels."""
    rows = [[-1, 1, "Conv", [8, 3, 2]], [[0, 0], 1, "TPNeck", [[8, 16], 1]]]
    return parse_model({"nc": 1, "backbone": rows, "head": list(head)}, 3, verbose=False)[0]


def test_the_parser_hands_levels_to_the_rows_that_pick_one():
    layers = with_neck([-1, 1, "Level", [1]], [-1, 1, "Conv", [4]], [1, 1, "Level", [0]], [-1, 1, "Conv", [4]])
    assert (layers[3].conv.in_channels, layers[5].conv.in_channels) == (16, 8)
    with pytest.raises(ValueError, match=r"row 2 .*its input has one output only"):
        with_neck([0, 1, "Level", [0]])


@pytest.mark.parametrize(("index", "channels"), [(0, 16), (1, 32), (2, 64), (-1, 64), (-3, 16)])
def test_channels_of_the_output(index, channels):
    plan = Level.plan(Row(1, (64,), (index,), levels=THREE))
    assert plan.c_out == channels
    x = [torch.full((1, c, 1, 1), float(c)) for c in THREE]
    assert Level(*plan.args)(x).mean() == channels


@pytest.mark.parametrize(
    ("outputs", "args", "message"),
    [
        ((), (0,), "one output only; name a row with several, such as TimmBackbone or DyHead"),
        (THREE, (3,), "no output 3; the input has 3, allowed: -3 to 2"),
        (THREE, (), "expected the number of an output"),
        (THREE, ("P3",), "expected the number of an output"),
    ],
)
def test_errors(outputs, args, message):
    with pytest.raises(ValueError, match=message):
        Level.plan(Row(1, (64,), args, levels=outputs))


@pytest.mark.parametrize("heights", [(8, 4, 2), (19, 10, 5), (5,)])
def test_order_of_levels(heights):
    check_order(nn.Identity(), [torch.zeros(1, 1, height, 3) for height in heights])


@pytest.mark.parametrize(
    ("name", "row", "source", "strides"),
    [
        ("sspnetn-p3.yaml", 0, [6, 4, 9], "1, 0.5, 2"),
        ("sspnetn-p3.yaml", 0, [2, 6, 9], "1, 4, 8"),
        ("tpnetn.yaml", 0, [9, 6, 4], "1, 0.5, 0.25"),
        ("gjadetn-dyhead.yaml", 6, [9, 12, 15], "1, 0.5, 0.25"),
    ],
)
def test_wrong_levels_are_refused_while_the_model_is_built(name, row, source, strides):
    content = yaml_model_load(name)
    content["head"][row][0] = source
    with pytest.raises(ValueError, match=rf"row 1\d \w+, from \[.*\]: levels have strides {strides} \(relative"):
        GjadetModel(content, verbose=False)
