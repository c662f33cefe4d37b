"""Weighted negative sampling: the formula, the draw, IoF, weights on anchors and their order with GJR's."""

from __future__ import annotations

import math

import pytest
import torch
from heads import batch, outputs, plain

from gjadet_yolo.losses.assignment import Predictions
from gjadet_yolo.losses.criterion import DetectionCriterion
from gjadet_yolo.losses.negative_sampling import (
    anchor_weights,
    intersection_over_foreground,
    negative_scores,
    sample_negatives,
)
from gjadet_yolo.losses.statistics import set_training
from gjadet_yolo.losses.terms.classes import class_targets, negative_weights


@pytest.mark.parametrize(
    ("iof", "confidence", "score"), [(0.0, 0.0, 1.0), (1.0, 1.0, math.e), (1.0, 0.0, 1.8221), (0.0, 1.0, 1.4918)]
)
def test_scores(iof, confidence, score):
    """exp(0.6) = 1.8221, exp(0.4) = 1.4918."""
    assert negative_scores(torch.tensor(iof), torch.tensor(confidence)) == pytest.approx(score, abs=1e-4)


def test_draw_follows_the_scores():
    """Of three negatives with scores 1, 1, 2 the last is drawn first in half of the draws; none is drawn twice."""
    generator = torch.Generator().manual_seed(0)
    draws = torch.stack([sample_negatives(torch.tensor([1.0, 1.0, 2.0]), 2, generator) for _ in range(2000)])
    assert (draws[:, 0] == 2).float().mean() == pytest.approx(0.5, abs=0.04)
    assert (draws[:, 0] != draws[:, 1]).all()
    assert len(sample_negatives(torch.ones(3), 9)) == 3


def test_intersection_over_foreground():
    """A box on half of an object of 10 x 10, one around it, one beside it; the best object counts, padding does not."""
    boxes = torch.tensor([[[0.0, 0, 5, 10], [0, 0, 100, 100], [50, 50, 60, 60], [0, 0, 10, 10]]])
    objects = torch.tensor([[[0.0, 0, 10, 10], [0, 0, 1000, 1000], [50, 50, 60, 60]]])
    iof = intersection_over_foreground(boxes, objects, torch.tensor([[True, True, False]]))
    torch.testing.assert_close(iof, torch.tensor([[0.5, 1.0, 1e-4, 1.0]]))
    assert not intersection_over_foreground(boxes, objects[:, :0], torch.zeros(1, 0, dtype=torch.bool)).any()


def test_weights_of_anchors():
    """Background on an object against background elsewhere: e^0.6 to 1, with a mean of 1; foreground 1."""
    boxes = torch.tensor([[[0.0, 0, 10, 10], [0, 0, 10, 10], [90, 90, 99, 99]]])
    weights = anchor_weights(
        boxes,
        torch.zeros(1, 3),
        torch.tensor([[True, False, False]]),
        torch.tensor([[[0.0, 0, 10, 10]]]),
        torch.ones(1, 1, dtype=torch.bool),
    )
    high, mean = math.exp(0.6), (math.exp(0.6) + 1) / 2
    torch.testing.assert_close(weights, torch.tensor([[1.0, high / mean, 1 / mean]]))


def criterion_of(loss: dict) -> DetectionCriterion:
    criterion = DetectionCriterion(plain(loss))
    set_training(criterion, True)
    return criterion


@pytest.mark.parametrize("cls", ["bce", "focal", "qfl", "eqlv2", "gjr"])
def test_it_works_with_every_class_loss(cls):
    model = plain({"cls": cls})
    preds = outputs(model)
    terms = [criterion_of({"cls": cls, "negatives": share})(preds, batch())[1] for share in (0.0, 1.0)]
    assert terms[0]["cls_loss"] != terms[1]["cls_loss"]
    torch.testing.assert_close(terms[0]["box_loss"], terms[1]["box_loss"])


def test_order_of_weights():
    """The class loss forms its own weights first, the anchors' weights multiply them, and the statistics of GJR count
    the product: what the loss sees.
    """
    model = plain({"cls": "gjr", "negatives": 1.0})
    preds, ours = outputs(model), criterion_of({"cls": "gjr", "negatives": 1.0})
    logits = preds["scores"].permute(0, 2, 1)
    found = ours.assign(Predictions.of(preds, joint=False), batch())
    weights = negative_weights(logits, found, 1.0)
    assert weights.shape == (*found.foreground.shape, 1)
    assert weights[~found.foreground].mean() == pytest.approx(1)
    by_hand = criterion_of({"cls": "gjr"}).class_loss
    expected = by_hand(logits, class_targets(found, "score"), weights).sum() / found.total * 0.5
    _, items = ours(preds, batch())
    torch.testing.assert_close(items["cls_loss"], expected.detach())
    torch.testing.assert_close(ours.class_loss.negative, by_hand.negative)
