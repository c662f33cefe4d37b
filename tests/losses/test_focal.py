"""Focal loss: by hand, limits, torchvision's, gradients."""

from __future__ import annotations

import math

import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional as F
from torchvision.ops import sigmoid_focal_loss

from gjadet_yolo.losses.focal import FocalLoss, focal_loss

LOGITS = torch.tensor([0.0, 2.0, -3.0, 100.0, -100.0])
TARGETS = torch.tensor([1.0, 0.0, 1.0, 0.0, 1.0])


def test_by_hand():
    """Logit 0, a positive: 0.25 * 0.5² * ln 2."""
    assert float(focal_loss(LOGITS[:1], TARGETS[:1], 2.0)) == pytest.approx(0.25 * 0.25 * math.log(2))


def test_gamma_0_is_bce():
    expected = F.binary_cross_entropy_with_logits(LOGITS, TARGETS, reduction="none")
    torch.testing.assert_close(focal_loss(LOGITS, TARGETS, 0.0, alpha=-1), expected)


def test_as_in_torchvision():
    torch.testing.assert_close(focal_loss(LOGITS, TARGETS, 2.0), sigmoid_focal_loss(LOGITS, TARGETS))


@pytest.mark.parametrize("gamma", [0.5, 1.5, 2.0])
def test_gradient(gamma):
    logits = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    targets = torch.rand(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert gradcheck(lambda z: focal_loss(z, targets, gamma), (logits,))


def test_large_logits_are_finite():
    logits = LOGITS.clone().requires_grad_()
    focal_loss(logits, TARGETS, 0.5).sum().backward()
    assert torch.isfinite(logits.grad).all()


def test_module_is_the_function():
    torch.testing.assert_close(FocalLoss(5, 2.0)(LOGITS, TARGETS), focal_loss(LOGITS, TARGETS, 2.0))
    torch.testing.assert_close(FocalLoss(5)(LOGITS, TARGETS, torch.zeros(5)), torch.zeros(5))
    assert focal_loss(LOGITS.half(), TARGETS.half()).dtype == torch.float32
