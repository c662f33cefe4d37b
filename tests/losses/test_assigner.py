"""Assignment of small targets: the similarity by hand, its share by size, what small targets are taught."""

from __future__ import annotations

import math

import pytest
import torch
from heads import batch, outputs, plain
from ultralytics.utils.metrics import bbox_iou
from ultralytics.utils.tal import TaskAlignedAssigner

from gjadet_yolo.losses.assigner import LIMIT, SizeAwareAssigner, wasserstein_similarity
from gjadet_yolo.losses.criterion import DetectionCriterion


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ([10, 10, 16, 16], 1.0),
        ([13, 14, 19, 20], math.exp(-5 / 12.8)),  # shifted by 3 and 4 px
        ([10, 10, 22, 16], math.exp(-math.hypot(3, 3) / 12.8)),  # 6 px wider: middle by 3, half the width by 3
        ([1000, 10, 1006, 16], 0.0),
    ],
)
def test_similarity(box, expected):
    found = wasserstein_similarity(torch.tensor(box).float(), torch.tensor([10.0, 10, 16, 16]))
    assert found == pytest.approx(expected, abs=1e-6)


def assigners() -> tuple[TaskAlignedAssigner, SizeAwareAssigner]:
    return TaskAlignedAssigner(10, 3), SizeAwareAssigner.of(TaskAlignedAssigner(10, 3))


@pytest.mark.parametrize("side", [4, 8, 16, 32, 64])
def test_share_falls_with_the_size(side):
    """Target of a given side, box shifted by 2 px: from 32 px on the host's overlap."""
    target = torch.tensor([[100.0, 100, 100 + side, 100 + side]])
    box = target + torch.tensor([2.0, 0, 2, 0])
    stock, ours = (one.iou_calculation(target, box) for one in assigners())
    share = max(0.0, 1 - side / LIMIT)
    expected = (1 - share) * bbox_iou(target, box, xywh=False, CIoU=True) + share * math.exp(-2 / 12.8)
    torch.testing.assert_close(ours, expected[:, 0])
    assert (ours >= stock).all()
    assert (ours == stock).all() == (side >= LIMIT)


def test_small_targets_are_taught_higher_scores():
    """Predictions 2 px beside a target of 6 px: the host teaches their CIoU, this assigner more."""
    anchors = torch.tensor([[x + 4.0, 44.0] for x in range(0, 80, 8)])
    target = torch.tensor([[[41.0, 41, 47, 47]]])
    boxes = (target + torch.tensor([2.0, 0, 2, 0])).expand(1, 10, 4).contiguous()
    taught = []
    for assigner in assigners():
        scores = torch.full((1, 10, 3), 0.5)
        out = assigner(scores, boxes, anchors, torch.zeros(1, 1, 1), target, torch.ones(1, 1, 1, dtype=torch.bool))
        taught.append(out[2].max())
    assert taught[0] == pytest.approx(float(bbox_iou(target[0], boxes[0, :1], xywh=False, CIoU=True)), abs=1e-4)
    assert taught[1] > taught[0] + 0.2


def test_the_option_chooses_it():
    stock = DetectionCriterion(plain({"cls": "bce"}))
    ours = DetectionCriterion(plain({"cls": "bce", "assign": "nwd"}))
    assert type(stock.assigner) is TaskAlignedAssigner
    assert type(ours.assigner) is SizeAwareAssigner
    assert ours.assigner.topk == stock.assigner.topk
    preds = outputs(plain())
    assert ours(preds, batch())[0].isfinite().all()
