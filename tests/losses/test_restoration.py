"""Distances of restored from clean images, and the PSNR."""

from __future__ import annotations

import pytest
import torch

from gjadet_yolo.losses.restoration import RESTORING_LOSSES, psnr


@pytest.mark.parametrize(("name", "expected"), [("l1", 0.5), ("l2", 0.25), ("charbonnier", 0.499)])
def test_by_hand(name, expected):
    loss = RESTORING_LOSSES[name](torch.tensor([0.75]), torch.tensor([0.25]))
    assert loss.item() == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("name", RESTORING_LOSSES)
def test_a_pair_that_agrees(name):
    x = torch.full((1, 3, 2, 2), 0.5, requires_grad=True)
    loss = RESTORING_LOSSES[name](x, x.detach()).mean()
    loss.backward()
    assert loss.item() == 0
    assert x.grad.isfinite().all()


def test_psnr():
    """An error of 0.1 everywhere has 20 dB; of none, the bound of 100 dB."""
    clean = torch.zeros(2, 3, 4, 4)
    restored = torch.stack((torch.full((3, 4, 4), 0.1), torch.zeros(3, 4, 4)))
    assert psnr(restored, clean).tolist() == pytest.approx([20, 100])
