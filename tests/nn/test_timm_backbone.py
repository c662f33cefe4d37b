"""Backbones of timm: levels by stride, formats, the seven packaged YAMLs, errors."""

from __future__ import annotations

import builtins

import pytest
import torch
import yaml

from gjadet_yolo import locate
from gjadet_yolo.engine.model import GjadetModel
from gjadet_yolo.nn.row import Row
from gjadet_yolo.nn.timm_backbone import TimmBackbone, TimmStage

SEVEN = ("vgg16", "resnet50", "dla60", "convnext_tiny", "swin_tiny", "darknet53", "cspdarknet53")


@pytest.fixture
def timm():
    return pytest.importorskip("timm")


@pytest.mark.parametrize(
    ("name", "strides", "channels"),
    [
        ("test_resnet", (8, 16, 32), (48, 192, 96)),
        ("test_resnet", (4, 32), (32, 96)),
        ("resnet18", (8, 16, 32), (128, 256, 512)),
        ("dla34", (8, 16, 32), (128, 256, 512)),  # its outputs are numbered from 1
        ("swin_tiny_patch4_window7_224", (8, 16, 32), (192, 384, 768)),  # channels last, any image size
    ],
)
def test_levels_have_the_strides_and_channels(timm, name, strides, channels):
    plan = TimmBackbone.plan(Row(0, (3,), (name, False, list(strides))))
    assert plan.levels == channels
    with torch.no_grad():
        levels = TimmBackbone(*plan.args).eval()(torch.rand(1, 3, 64, 96))
    assert [tuple(level.shape) for level in levels] == [
        (1, c, 64 // s, 96 // s) for c, s in zip(channels, strides, strict=True)
    ]


def test_image_is_normalised(timm):
    """An image of timm's mean colour is 0 for the network."""
    module = TimmBackbone(3, "test_resnet").eval()
    grey = module.mean.expand(1, 3, 64, 64)
    with torch.no_grad():
        for ours, theirs in zip(module(grey), module.body(torch.zeros(1, 3, 64, 64)), strict=True):
            torch.testing.assert_close(ours, theirs)


def test_other_numbers_of_channels(timm):
    module = TimmBackbone(4, "test_resnet")
    assert module(torch.rand(1, 4, 64, 64))[0].shape[1] == 48


def test_packaged_backbones_differ_in_one_line():
    texts = [(locate.folder("cfg") / f"gjadet-{name}.yaml").read_text(encoding="utf-8").splitlines() for name in SEVEN]
    for text in texts[1:]:
        assert sum(a != b for a, b in zip(text, texts[0], strict=True)) == 1


def test_packaged_backbone_gives_a_model(timm):
    model = GjadetModel("gjadet-dla60.yaml", verbose=False)
    assert model.stride.tolist() == [8, 16, 32]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("resnet5",), r"no model 'resnet5'\. Did you mean 'resnet50'\? All \d+: python -c"),
        ((), "names no model"),
        (("test_resnet", False, [8, 64]), "no level of stride 64. It has: 2, 4, 8, 16, 32"),
        (("test_resnet", False, [16, 8]), "expected different numbers in rising order"),
        (("test_resnet", False, 8), "expected different numbers in rising order"),
        (("vit_tiny_patch16_224",), "no level of stride 8. It has: 16"),
    ],
)
def test_errors(timm, args, message):
    with pytest.raises(ValueError, match=message):
        TimmBackbone.plan(Row(0, (3,), args))


def test_error_without_timm(monkeypatch):
    stock = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "timm":
            raise ModuleNotFoundError(name)
        return stock(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ValueError, match=r"row 0 .*TimmBackbone needs timm. Run: pip install 'gjadet-yolo\[timm\]'"):
        GjadetModel("gjadet-resnet50.yaml", verbose=False)


def test_weights_that_cannot_be_loaded(timm, monkeypatch):
    def refuse(name, pretrained=False, **settings):
        raise OSError("no network")

    module = "gjadet_yolo.nn.timm_backbone"
    monkeypatch.setattr(f"{module}.stages", lambda *_: ([0], [8]))
    monkeypatch.setattr(f"{module}.create", refuse)
    with pytest.raises(
        ValueError, match=r"weights of timm's 'resnet18' cannot be loaded: no network .*pretrained: false"
    ):
        TimmBackbone(3, "resnet18", True)


def test_names_by_scale(timm):
    names = {"n": "test_resnet", "s": "resnet18"}
    plans = [TimmBackbone.plan(Row(0, (3,), (names,), scale=scale)) for scale in "ns"]
    assert [plan.args[1] for plan in plans] == ["test_resnet", "resnet18"]
    assert plans[0].levels != plans[1].levels
    for scale in ("x", ""):
        with pytest.raises(ValueError, match=r"its names are for the scales n, s, and the scale is '"):
            TimmBackbone.plan(Row(0, (3,), (names,), scale=scale))


def test_ccspnet_has_a_backbone_for_each_scale(timm):
    rows = yaml.safe_load(locate.files("cfg")["ccspnet"].read_text(encoding="utf-8"))
    assert set(rows["backbone"][0][3][0]) == set(rows["scales"]) == set(locate.SCALES)
    assert rows["backbone"][0][3][0]["l"] == "efficientvit_b2"  # the published one


@pytest.mark.usefixtures("timm")
class TestStage:
    def test_stages_in_a_row_are_the_backbone(self):
        """With the same weights, each level is what the whole backbone gives."""
        torch.manual_seed(0)
        whole = TimmBackbone(3, "test_resnet", False, [4, 8]).eval()
        stages = [TimmStage(3, "test_resnet", 1, 4).eval(), TimmStage(32, "test_resnet", 4, 8).eval()]
        for stage in stages:
            stage.layers.load_state_dict(whole.body.state_dict(), strict=False)
        x = torch.rand(1, 3, 64, 64)
        with torch.no_grad():
            first, second = whole(x)
            torch.testing.assert_close(stages[0](x), first)
            torch.testing.assert_close(stages[1](first), second)

    @pytest.mark.parametrize(
        ("args", "words"),
        [
            (("test_resnet",), "expected a model and two strides"),
            (("test_resnet", 8, 4), "expected a model and two strides"),
            (("test_resnet", 1, 5), "there is no level of stride 5. It has: 2, 4, 8, 16, 32"),
            (("swin_tiny_patch4_window7_224", 4, 8), "cannot be cut. Use TimmBackbone"),
        ],
    )
    def test_refusals(self, args, words):
        with pytest.raises(ValueError, match=words):
            TimmStage.plan(Row(0, (3,), args))
