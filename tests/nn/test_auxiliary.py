"""The aux mapping: from the module to the raw outputs, in every form that a head returns."""

from __future__ import annotations

import copy

import pytest
import torch

from gjadet_yolo.engine.model import GjadetModel
from gjadet_yolo.nn.auxiliary import attach, aux_of, collecting, give


def test_collecting():
    give("maps", 1)  # nobody asks
    with collecting() as outer:
        give("maps", 2)
        with collecting() as inner:
            give("maps", 3)
        give("maps", 4)
    assert (outer, inner) == ({"maps": [2, 4]}, {"maps": [3]})


def test_places():
    aux, y = {"maps": [1]}, torch.zeros(1)
    assert attach({"boxes": y}, aux)["aux"] is aux
    assert aux_of(attach((y, {"boxes": y}), aux)) is aux
    both = attach((y, {"one2many": {}, "one2one": {}}), aux)[1]
    assert both["one2many"]["aux"] is both["one2one"]["aux"] is aux
    assert attach(y, aux) is y  # an export
    assert "aux" not in attach({}, {})
    assert aux_of(y) == {}


@pytest.mark.parametrize("training", [True, False])
def test_a_model_returns_what_its_neck_gives(training):
    """Three levels of 64 px: maps of 8, 4 and 2 px; the next pass has its own."""
    model = GjadetModel("sspnetn-p3.yaml", verbose=False).train(training)
    first, second = (model(torch.rand(2, 3, 64, 64)) for _ in range(2))
    (maps,) = aux_of(first)["attention"]
    assert [tuple(level.shape[2:]) for level in maps] == [(8, 8), (4, 4), (2, 2)]
    assert aux_of(second)["attention"][0][0] is not maps[0]
    copy.deepcopy(model)
