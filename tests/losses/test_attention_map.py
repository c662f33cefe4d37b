"""Loss on attention maps: parity with the reference, who answers for which object, limits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from gjadet_yolo.losses.attention_map import (
    attention_loss,
    attention_losses,
    attention_target,
    hardest_background,
)

STORED = np.load(Path(__file__).parents[1] / "golden" / "sspnet_attention_loss.npz")


def boxes() -> tuple[torch.Tensor, torch.Tensor]:
    """The reference's boxes, padded."""
    out, valid = torch.zeros(2, 3, 4), torch.zeros(2, 3, dtype=torch.bool)
    for index in range(2):
        found = torch.from_numpy(STORED[f"boxes{index}"])
        out[index, : len(found)], valid[index, : len(found)] = found, True
    return out, valid


@pytest.mark.parametrize("level", range(4))
def test_parity_with_the_reference(level):
    prob = torch.from_numpy(STORED[f"att{level}"]).double()
    target = attention_target(*boxes(), prob.shape[2:], 4.0 * 2**level, level == 0, level == 3)
    np.testing.assert_allclose(target, STORED[f"target{level}"], atol=1e-6)
    entropy, dice = attention_losses(prob.logit(), target)
    np.testing.assert_allclose(entropy, STORED["loss_bce"][level], rtol=1e-5)
    np.testing.assert_allclose(dice, STORED["loss_dice"][level], rtol=1e-5)


def test_sum_over_the_levels():
    logits = [torch.from_numpy(STORED[f"att{level}"]).logit() for level in range(4)]
    expected = STORED["loss_bce"].sum() + STORED["loss_dice"].sum()
    np.testing.assert_allclose(attention_loss(logits, *boxes(), (4, 8, 16, 32)), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("side", "levels"),
    [(3, [1, -1, -1]), (7, [1, -1, -1]), (20, [1, 1, -1]), (60, [1, 1, 1]), (100, [-1, 1, 1]), (250, [-1, -1, 1])],
)
def test_which_levels_answer(side, levels):
    """Strides 8, 16, 32: sizes 8 to 64, 16 to 128, 32 to 256 px; smaller ones the first, larger ones the last."""
    box = torch.tensor([[[10.0, 10, 10 + side, 10 + side]]])
    middle = 10 + side / 2
    for index, (stride, expected) in enumerate(zip((8, 16, 32), levels, strict=True)):
        shape, valid = (320 // stride, 320 // stride), torch.ones(1, 1, dtype=torch.bool)
        target = attention_target(box, valid, shape, stride, index == 0, index == 2)
        cell = target[0, 0, int(middle // stride), int(middle // stride)]
        assert cell * expected >= 0
        assert set(target.sign().unique().tolist()) <= {0.0, float(expected)}


def test_positives_win_where_boxes_overlap():
    """A small target on a large body stays bright on the fine level."""
    both = torch.tensor([[[0.0, 0, 160, 160], [64, 64, 96, 96]]])
    target = attention_target(both, torch.ones(1, 2, dtype=torch.bool), (20, 20), 8.0, True, False)[0, 0]
    assert (target[8:12, 8:12] == 1).all()
    assert target[0, 0] == -1


def test_padding_is_no_box():
    box = torch.tensor([[[0.0, 0, 32, 32]]])
    target = attention_target(box, torch.zeros(1, 1, dtype=torch.bool), (4, 4), 8.0, True, True)
    assert not target.any()


def test_hardest_background():
    """One positive: the three hardest of the rest. None: 5 % of 20 is one."""
    loss = torch.tensor([[9.0, 1, 5, 2, 4, 3] + [0.0] * 14] * 2)
    target = torch.zeros(2, 20)
    target[0, 0] = 1
    target[0, 2] = -1
    chosen = hardest_background(loss, target)
    assert chosen[0].nonzero().flatten().tolist() == [3, 4, 5]
    assert chosen[1].nonzero().flatten().tolist() == [0]


def test_limits():
    """A perfect map costs nothing, the opposite one much; logits of +-100 stay finite."""
    target = torch.zeros(1, 1, 8, 8)
    target[..., 2:4, 2:4] = 1
    right, wrong = (attention_losses(sign * (200 * target - 100), target) for sign in (1, -1))
    assert right[0] < 1e-6
    assert right[1] == pytest.approx(0, abs=1e-6)
    assert wrong[0] == pytest.approx(0.01 * 100, rel=1e-3)
    assert wrong[1] == pytest.approx(1 - 2 / 6, rel=1e-3)


def test_without_boxes_it_is_finite_with_a_graph():
    logits = [torch.zeros(2, 1, side, side, requires_grad=True) for side in (8, 4)]
    attention_loss(logits, torch.zeros(2, 0, 4), torch.zeros(2, 0, dtype=torch.bool), (8, 16)).backward()
    assert all(level.grad.isfinite().all() for level in logits)


def test_gradcheck():
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(-1, 2, (2, 1, 4, 5), generator=generator).double()
    logits = torch.randn(2, 1, 4, 5, generator=generator).double().requires_grad_()
    weights = torch.tensor([100.0, 1.0])  # float inside, so that the tolerance is that of float
    assert torch.autograd.gradcheck(
        lambda z: (torch.stack(attention_losses(z, target)).double() * weights).sum(), logits, eps=1e-2, atol=2e-2
    )
