"""Rows with several outputs: channels, indices, errors."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

from gjadet_yolo.nn.levels import Level, Levels
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
