"""Joint head: scores, priors, branches, what it shares with the host's head."""

from __future__ import annotations

import pytest
import torch
from ultralytics.nn.modules import Detect

from gjadet_yolo.nn.joint_detect import JointDetect
from gjadet_yolo.nn.row import Row

CHANNELS = (32, 64, 96)


def features(batch: int = 2) -> list[torch.Tensor]:
    return [torch.randn(batch, c, s, s) for c, s in zip(CHANNELS, (8, 4, 2), strict=True)]


def head(nc: int = 3, **settings) -> JointDetect:
    torch.manual_seed(0)
    module = JointDetect(nc, ch=CHANNELS, **settings)
    module.stride = torch.tensor([8.0, 16.0, 32.0])
    return module


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("reg_max", [1, 16])
def test_training_outputs(legacy, reg_max):
    out = head(legacy=legacy, reg_max=reg_max)(features())
    assert {key: tuple(out[key].shape) for key in ("boxes", "scores", "obj")} == {
        "boxes": (2, 4 * reg_max, 84),
        "scores": (2, 3, 84),
        "obj": (2, 1, 84),
    }


def test_score_is_objectness_times_class():
    module = head().eval()
    with torch.no_grad():
        decoded, raw = module(features())
    torch.testing.assert_close(decoded[:, 4:], raw["scores"].sigmoid() * raw["obj"].sigmoid())
    assert decoded.shape == (2, 7, 84)


def test_boxes_and_classes_are_the_hosts(monkeypatch):
    """With the same weights, boxes and class logits equal those of the host's head."""
    monkeypatch.setattr(Detect, "legacy", False)  # the host's parser leaves its last value on the class
    module = head().eval()
    stock = Detect(3, ch=CHANNELS)
    stock.stride = module.stride
    missing = stock.load_state_dict(module.state_dict(), strict=False)
    assert missing.missing_keys == []
    x = features()
    with torch.no_grad():
        (ours, raw), (theirs, stock_raw) = module(x), stock.eval()(x)
    torch.testing.assert_close(ours[:, :4], theirs[:, :4])
    torch.testing.assert_close(raw["scores"], stock_raw["scores"])


@pytest.mark.parametrize(("nc", "prior"), [(1, 0.5), (2, 0.5), (5, 0.2), (80, 1 / 80)])
def test_priors_by_hand(nc, prior):
    """Objectness: 5 targets per 640 px image; class 1 / nc; together the host's class prior (from two classes on)."""
    module = head(nc)
    module.bias_init()
    for cls, obj, stride in zip(module.cv3, module.obj, module.stride, strict=True):
        torch.testing.assert_close(cls[-1].bias.sigmoid(), torch.full((nc,), prior))
        cells = (640 / stride) ** 2
        torch.testing.assert_close(obj.bias.exp(), (5 / cells).reshape(1))
    joint = module.cv3[0][-1].bias.sigmoid()[0] * module.obj[0].bias.sigmoid()
    if nc > 1:
        assert joint.item() == pytest.approx(5 / nc / 80**2, rel=1e-3)


def test_end_to_end_branches_are_separate():
    module = head(end2end=True)
    module.bias_init()
    out = module(features())
    assert out["one2one"]["obj"].shape == out["one2many"]["obj"].shape == (2, 1, 84)
    assert module.one2one_obj[0].weight is not module.obj[0].weight
    torch.testing.assert_close(module.one2one_obj[0].bias, module.obj[0].bias)


def test_end_to_end_inference_and_fusing():
    module = head(end2end=True)
    module.end2end = True
    module.eval()
    x = features()
    with torch.no_grad():
        before = module(x)[0]
        module.fuse()
        after = module(x)[0]
    assert before.shape == (2, 84, 6)
    assert module.obj is None
    assert module.one2one_obj is not None
    torch.testing.assert_close(before, after)


def test_row_rule():
    settings = {"reg_max": 1, "end2end": True, "legacy": False}
    plan = JointDetect.plan(Row(9, (16, 32), (4,), head=settings))
    module = JointDetect(*plan.args)
    assert (module.nc, module.reg_max, module.nl, module.one2one_obj[0].in_channels) == (4, 1, 2, 16)


@pytest.mark.parametrize(("legacy", "first"), [(True, "Conv"), (False, "Sequential")])
def test_class_branch_style(legacy, first):
    assert type(head(legacy=legacy).cv3[0][0]).__name__ == first
