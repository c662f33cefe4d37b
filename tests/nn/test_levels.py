"""Rows with several outputs: channels, indices, errors."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn
from ultralytics.nn.tasks import yaml_model_load

from gjadet_yolo.engine.model import GjadetModel
from gjadet_yolo.nn.levels import Level, Levels, check_order
from gjadet_yolo.nn.row import Row

THREE = Levels((16, 32, 64))


def test_levels_are_a_number_with_channels():
    assert THREE == 64
    for twin in (copy.deepcopy(THREE), pickle.loads(pickle.dumps(THREE))):
        assert twin.channels == (16, 32, 64)


@pytest.mark.parametrize(("index", "channels"), [(0, 16), (1, 32), (2, 64), (-1, 64), (-3, 16)])
def test_channels_of_the_output(index, channels):
    plan = Level.plan(Row(1, (THREE,), (index,)))
    assert plan.c_out == channels
    x = [torch.full((1, c, 1, 1), float(c)) for c in THREE.channels]
    assert Level(*plan.args)(x).mean() == channels


@pytest.mark.parametrize(
    ("source", "args", "message"),
    [
        (64, (0,), "one output only; name a row with several, such as TimmBackbone or DyHead"),
        (THREE, (3,), "no output 3; the input has 3, allowed: -3 to 2"),
        (THREE, (), "expected the number of an output"),
        (THREE, ("P3",), "expected the number of an output"),
    ],
)
def test_errors(source, args, message):
    with pytest.raises(ValueError, match=message):
        Level.plan(Row(1, (source,), args))


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
