"""SSPNet's neck: parity with the reference, gates, copies after a pass."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ultralytics.nn.tasks import yaml_model_load
from ultralytics.utils import DEFAULT_CFG_DICT

from gjadet_yolo.engine.model import GjadetModel
from gjadet_yolo.nn.auxiliary import collecting
from gjadet_yolo.nn.row import Row
from gjadet_yolo.nn.sspnet import SSPNeck

GOLDEN = Path(__file__).parents[1] / "golden" / "sspnet_neck.npz"
ROLES = {
    "join": "CAM.dila_conv.0",
    "context.views": "CAM.dila_conv.1.aspp",
    "mix.0": "CAM.dila_conv.2",
    "mix.1": "CAM.dila_conv.3",
    "down": "CAM.down_conv",
    "map": "CAM.att_conv",
}


def reference_name(name: str) -> str:
    """The reference's name of a parameter."""
    for kind, theirs in (("lateral", "lateral_convs"), ("out", "fpn_convs")):
        if name.startswith(f"{kind}."):
            _, number, what = name.split(".")
            return f"w/{theirs}.{number}.conv.{what}"
    ours = name.removeprefix("cam.")
    role = next(role for role in ROLES if ours.startswith(f"{role}."))
    return f"w/{ROLES[role]}{ours[len(role) :]}"


def test_parity_with_the_reference():
    stored = np.load(GOLDEN)
    assert "SSPNet" in json.loads(str(stored["meta"]))["source"] if "source" in str(stored["meta"]) else True
    neck = SSPNeck((8, 16, 24, 32), 16).eval()
    weights = {
        name: torch.from_numpy(stored[reference_name(name)])
        for name in neck.state_dict()
        if not name.endswith("num_batches_tracked")
    }
    neck.load_state_dict(weights, strict=False)
    assert len(weights) == sum(key.startswith("w/") for key in stored.files)
    with torch.no_grad(), collecting() as aux:
        found = neck([torch.from_numpy(stored[f"in{level}"]) for level in range(4)])
    for level in range(4):
        np.testing.assert_allclose(found[level], stored[f"out{level}"], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(aux["attention"][0][level].sigmoid(), stored[f"att{level}"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("channels", [(8, 16, 32), (8, 16, 32, 64)])
def test_three_and_four_levels(channels):
    plan = SSPNeck.plan(Row(10, channels, (64,), width=0.5))
    assert plan.levels == (32,) * len(channels)
    neck = SSPNeck(*plan.args)
    x = [torch.randn(2, c, 16 >> level, 24 >> level) for level, c in enumerate(channels)]
    assert [tuple(out.shape[1:]) for out in neck(x)] == [(32, *level.shape[2:]) for level in x]


def test_odd_sizes():
    """Sizes that are not twice each other, as from an image of 152 px."""
    neck = SSPNeck((8, 8, 8), 16)
    assert [out.shape[2] for out in neck([torch.randn(2, 8, side, side) for side in (19, 10, 5)])] == [19, 10, 5]


@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_fewer_outputs_are_the_finest_of_all(outputs):
    """Same weights, same values; only the convolutions that nothing would train are missing."""
    torch.manual_seed(0)
    whole = SSPNeck((8, 16, 32), 16).eval()
    plan = SSPNeck.plan(Row(10, (8, 16, 32), (16, outputs)))
    neck = SSPNeck(*plan.args).eval()
    missing, unexpected = neck.load_state_dict(whole.state_dict(), strict=False)
    assert missing == []
    assert {name.rsplit(".", 1)[0] for name in unexpected} == {f"out.{level}" for level in range(outputs, 3)}
    assert plan.levels == (16,) * outputs
    x = [torch.randn(1, c, 16 >> level, 16 >> level) for level, c in enumerate((8, 16, 32))]
    with torch.no_grad(), collecting() as aux:
        expected, found = whole(x), neck(x)
    assert len(found) == outputs
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=False))
    assert [len(maps) for maps in aux["attention"]] == [3, 3]


@pytest.mark.parametrize("name", ["gjadetn-tiny.yaml", "gjadetn-tiny-paper.yaml", "sspnetn-p3.yaml"])
def test_every_parameter_of_a_model_gets_a_gradient(name):
    model = GjadetModel(name, verbose=False)
    model.args = SimpleNamespace(**DEFAULT_CFG_DICT)
    boxes = torch.tensor([[0.5, 0.5, 0.1, 0.1], [0.4, 0.5, 0.6, 0.7]])
    batch = {"img": torch.rand(2, 3, 64, 64), "batch_idx": torch.tensor([0.0, 1]), "cls": torch.zeros(2, 1)}
    model.loss(batch | {"bboxes": boxes})[0].sum().backward()
    unused = [key for key, value in model.named_parameters() if value.grad is None and "dfl" not in key]
    assert unused == []


def test_a_checkpoint_with_all_outputs_still_answers():
    """Saved when the row had three outputs of which two were read: same module, same answers."""
    content = yaml_model_load("gjadetn-tiny.yaml")
    row = next(row for row in content["head"] if row[2] == "SSPNeck")
    row[3] = row[3][:1]
    old, new = GjadetModel(content, verbose=False).eval(), GjadetModel("gjadetn-tiny.yaml", verbose=False).eval()
    file = io.BytesIO()
    torch.save(old, file)
    file.seek(0)
    loaded, x = torch.load(file, weights_only=False), torch.rand(1, 3, 64, 64)
    new.load(old, verbose=False)
    with torch.no_grad():
        expected = old(x)[0]
        assert torch.equal(loaded(x)[0], expected)
        assert torch.equal(new(x)[0], expected)


def test_closed_gates_pass_nothing_on():
    """Maps of 0: each output is its own level's convolution, whatever the others hold."""
    neck = SSPNeck((8, 8, 8), 16).eval()
    for to_map in neck.cam.map:
        torch.nn.init.zeros_(to_map.weight)
        torch.nn.init.constant_(to_map.bias, -100.0)
    x = [torch.randn(1, 8, side, side) for side in (16, 8, 4)]
    with torch.no_grad():
        for index, out in enumerate(neck(x)):
            torch.testing.assert_close(out, neck.out[index](neck.lateral[index](x[index])))


def test_maps_take_their_own_way():
    """They come to whoever collects, with their graph, and nothing stays on the module for copies and files."""
    neck, before = SSPNeck((8, 8), 16), set(vars(SSPNeck((8, 8), 16)))
    x = [torch.randn(2, 8, side, side, requires_grad=True) for side in (8, 4)]
    neck(x)
    with collecting() as aux:
        neck(x)
    (maps,) = aux["attention"]
    assert [tuple(one.shape) for one in maps] == [(2, 1, 8, 8), (2, 1, 4, 4)]
    assert maps[0].requires_grad
    assert set(vars(neck)) == before
    copy.deepcopy(neck)
    torch.save(neck, io.BytesIO())


@pytest.mark.parametrize(
    ("args", "repeats"),
    [((), 1), ((0,), 1), (("x",), 1), ((64,), 2), ((64, 3), 1), ((64, 0), 1), ((64, True), 1), ((64, 1, 1), 1)],
)
def test_errors(args, repeats):
    with pytest.raises(ValueError, match=r"expected the number of channels|allowed: 1|3 outputs of 2 levels"):
        SSPNeck.plan(Row(10, (8, 16), args, repeats=repeats))
