"""Two-pronged neck: shapes, what reaches what in one and in two layers, its cost against the host's neck."""

from __future__ import annotations

import pytest
import torch
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.torch_utils import get_flops

from gjadet_yolo.engine.model import GjadetModel
from gjadet_yolo.nn.row import Row
from gjadet_yolo.nn.tpnet import TPNeck


def test_shapes_and_channels():
    plan = TPNeck.plan(Row(10, (8, 16, 32), ([64, 128, 256], 2), repeats=2, width=0.25))
    assert plan.levels == (16, 32, 64)
    x = [torch.randn(2, c, *size) for c, size in ((8, (8, 12)), (16, (4, 6)), (32, (2, 3)))]
    assert [tuple(level.shape) for level in TPNeck(*plan.args)(x)] == [(2, 16, 8, 12), (2, 32, 4, 6), (2, 64, 2, 3)]


@pytest.mark.parametrize(("layers", "reach"), [(1, 1), (2, 2), (3, 3)])
def test_each_layer_passes_on_by_one_level_both_ways(layers, reach):
    torch.manual_seed(0)
    neck = TPNeck((8,) * 4, (16,) * 4, layers).eval()
    for level in range(4):
        x = [torch.randn(1, 8, side, side, requires_grad=True) for side in (16, 8, 4, 2)]
        neck(x)[level].square().sum().backward()
        assert [one.grad is not None and bool(one.grad.abs().sum() > 0) for one in x] == [
            abs(other - level) <= reach for other in range(4)
        ]


@pytest.mark.parametrize("scale", ["n", "m"])
def test_cost_against_the_hosts_neck(scale):
    """At most 1.15 of the PAFPN's GFLOPs; the backbone and the head are the same, so the difference is the neck's."""
    host, ours = (
        DetectionModel(f"yolov8{scale}.yaml", nc=5, verbose=False),
        GjadetModel(f"tpnet{scale}.yaml", verbose=False),
    )
    pafpn = {"n": 1.99, "m": 24.45}[scale]  # measured by itself
    assert get_flops(ours, 640) - get_flops(host, 640) <= 0.15 * pafpn


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "one number for each of the 3 levels"),
        (([64, 64],), "one number for each of the 3 levels"),
        (([64, 64, 64], 0), "layers are 0"),
    ],
)
def test_errors(args, message):
    with pytest.raises(ValueError, match=message):
        TPNeck.plan(Row(10, (8, 16, 32), args))
