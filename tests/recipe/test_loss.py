"""The loss block: defaults, refusals, and what the head decides."""

from __future__ import annotations

from dataclasses import fields

import pytest

from gjadet_yolo.losses.equalization import EqualizationLoss
from gjadet_yolo.losses.gjr import GJRLoss
from gjadet_yolo.recipe.loss import RANGES, LossConfig


def test_empty_block_is_the_host():
    assert LossConfig.from_yaml(None) == LossConfig.from_yaml({}) == LossConfig(cls="bce", cls_gain=1.0)


@pytest.mark.parametrize(("joint", "anchors", "target"), [(True, "foreground", "onehot"), (False, "all", "score")])
def test_auto_follows_the_head(joint, anchors, target):
    config = LossConfig.from_yaml({"cls": "gjr"}).resolved(joint)
    assert (config.cls_anchors, config.cls_target) == (anchors, target)


def test_explicit_values_stay():
    config = LossConfig(cls_anchors="all", cls_target="iou").resolved(joint=True)
    assert (config.cls_anchors, config.cls_target) == ("all", "iou")


def test_foreground_needs_objectness():
    with pytest.raises(ValueError, match=r"no objectness branch.*Use the head JointDetect"):
        LossConfig(cls_anchors="foreground").resolved(joint=False)


def test_published_and_own_hyper_parameters():
    gjr, eql = LossConfig(cls="gjr").class_loss(5), LossConfig(cls="eqlv2").class_loss(5)
    assert (type(gjr), gjr.gamma, gjr.mu, gjr.alpha, gjr.beta) == (GJRLoss, 5.0, 0.8, 4.0, 2.0)
    assert (type(eql), eql.gamma, eql.beta) == (EqualizationLoss, 12.0, 0.0)
    assert LossConfig(cls="gjr", gamma=12, beta=0).class_loss(5).gamma == 12


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"clss": "gjr"}, r"unknown key 'clss'\. Did you mean 'cls'"),
        ({"cls": "grj"}, r"cls is 'grj'\. Did you mean 'gjr'"),
        ({"cls": None}, "cls has no value"),
        ({"obj": "focal"}, r"obj is 'focal'\..*Allowed: bce, qfl"),
        ({"box": "rio"}, r"box is 'rio'\. Did you mean 'riou'"),
        ({"box": "giou", "box_penalty": "none"}, r"box_penalty does not belong to box: giou\. Use box: riou"),
        ({"box": "riou", "box_penalty": "l2"}, r"box_penalty is 'l2'\..*Allowed: ciou, diou, none"),
        ({"cls": "focal", "mu": 0.8}, r"mu does not belong to cls: focal\. Its hyper-parameters: gamma, alpha"),
        ({"cls_gain": -1}, "cls_gain is -1, allowed: numbers from 0 to 1000"),
        ({"cls_gain": 10**400}, "cls_gain is a number of very many digits, allowed: numbers from 0 to 1000"),
        ({"cls_gain": "two"}, "cls_gain is 'two'"),
        ({"obj_gain": float("nan")}, "obj_gain is nan"),
        ({"cls": "gjr", "gamma": True}, "gamma is True"),
        ({"cls": "gjr", "beta": 0.5}, "beta is 0.5, allowed: 0, or 1 and more"),
        ({"cls": "eqlv2", "beta": 2}, r"beta does not belong to cls: eqlv2\. Its hyper-parameters: gamma, mu, alpha"),
        ({"cls": "focal", "alpha": 2}, "alpha is 2, allowed with cls: focal: numbers from 0 to 1"),
        ({"cls": "bce", "mu": 0.8}, r"mu does not belong to cls: bce\. Its hyper-parameters: none"),
        (["gjr"], r"loss: is \['gjr'\], expected keys and values"),
    ],
)
def test_refusals(block, words):
    with pytest.raises(ValueError, match=words):
        LossConfig.from_yaml(block)


def test_every_number_has_a_range():
    """Fields with a number as value, or with None for the loss's own, and no others."""
    numbers = {field.name for field in fields(LossConfig) if not isinstance(field.default, str)}
    assert set(RANGES) == numbers


@pytest.mark.parametrize("key", RANGES)
@pytest.mark.parametrize("value", [1e300, float("inf"), -1e-9])
def test_values_outside_of_their_range_are_named(key, value):
    low, high = RANGES[key]
    with pytest.raises(ValueError) as error:
        LossConfig.from_yaml({"cls": "gjr", key: value})
    assert str(error.value) == f"loss: {key} is {value!r}, allowed: numbers from {low:g} to {high:g}."
