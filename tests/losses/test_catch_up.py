"""Catch-up loss: parity with the release, by hand, limits."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from gjadet_yolo.losses.catch_up import catch_up_loss

GOLDEN = Path(__file__).parents[1] / "golden" / "lcp.npz"


def test_parity_with_the_release():
    """LCPDetector.forward_train_catch_up_learner: batch mean, weight 1."""
    stored = np.load(GOLDEN)
    pred, target = (torch.from_numpy(stored[name]) for name in ("kl_pred", "kl_target"))
    assert float(catch_up_loss(pred, target).mean()) == pytest.approx(float(stored["kl"]), rel=1e-5)


def test_by_hand():
    """Two values: p = (3/4, 1/4), q = (1/2, 1/2); one softmax over channels and positions alike."""
    favoured = torch.tensor([math.log(3.0), 0.0])
    expected = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    for shape in ((1, 2, 1, 1), (1, 1, 1, 2)):
        assert catch_up_loss(torch.zeros(shape), favoured.view(shape)).tolist() == pytest.approx([expected])


def test_alike_is_0_and_so_is_a_shift():
    x = torch.randn(3, 4, 5, 6)
    assert catch_up_loss(x, x + 7).abs().max() < 1e-5


def test_far_apart_is_finite():
    x = torch.zeros(2, 1, 1, 2)
    x[..., 0] = 100
    loss = catch_up_loss(x.flip(3).half().requires_grad_(), x.half())
    assert loss.tolist() == pytest.approx([100, 100])


def test_the_gradient_is_the_difference_of_shares():
    """d KL / d caught = q - p."""
    caught, favoured = torch.randn(1, 2, 3, 3, requires_grad=True), torch.randn(1, 2, 3, 3)
    catch_up_loss(caught, favoured).sum().backward()
    p, q = (one.detach().flatten().softmax(0) for one in (favoured, caught))
    torch.testing.assert_close(caught.grad.flatten(), q - p)
