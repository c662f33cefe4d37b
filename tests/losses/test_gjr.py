"""GJR, EQL v2, quality focal loss and BCE: reference numbers, hand-made values, limits, gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

from gjadet_yolo.losses.balance import balance_weights
from gjadet_yolo.losses.binary import BinaryCrossEntropy
from gjadet_yolo.losses.equalization import EqualizationLoss
from gjadet_yolo.losses.gjr import GJRLoss, gjr_loss
from gjadet_yolo.losses.quality_focal import quality_focal_loss


@pytest.mark.parametrize(("name", "build"), [("gjr_loss", GJRLoss), ("eqlv2_loss", EqualizationLoss)])
def test_reference_numbers_over_six_steps(golden, name, build):
    """GJADet-crash-pytorch create_losses/GJR_loss.py and Eql_loss.py, state carried over; the sum over n."""
    numbers = golden(name)
    loss = build(5)
    for step in range(6):
        logits = torch.from_numpy(numbers["logits"][step]).requires_grad_()
        value = loss(logits, torch.from_numpy(numbers["targets"][step])).sum() / len(logits)
        value.backward()
        close = {"rtol": 1e-5, "atol": 1e-7}
        np.testing.assert_allclose(value.item(), numbers["loss"][step], **close)
        np.testing.assert_allclose(logits.grad, numbers["grad_logits"][step], **close)
        np.testing.assert_allclose(loss.positive, numbers["pos_grad"][step], **close)
        np.testing.assert_allclose(loss.negative, numbers["neg_grad"][step], **close)
        np.testing.assert_allclose(loss.ratio, numbers["ratio"][step], **close)


def test_weights_by_hand():
    """At g = mu the function is 1/2: r = 1/2 and q = 1 + 4/2 = 3; at the start value all weights are 1."""
    q, r = balance_weights(torch.tensor([0.8, 100.0, 0.0]), gamma=12, mu=0.8, alpha=4)
    torch.testing.assert_close(r, torch.tensor([0.5, 1.0, 1 / (1 + math.exp(9.6))]))
    torch.testing.assert_close(q, torch.tensor([3.0, 1.0, 1 + 4 * (1 - 1 / (1 + math.exp(9.6)))]))


def test_value_by_hand():
    """Logit 0, target 1: s = 1/2, BCE = ln 2, |y - s|^2 = 1/4, weight 3."""
    loss = gjr_loss(torch.zeros(1), torch.ones(1), torch.tensor([3.0]), beta=2.0)
    assert loss.item() == pytest.approx(3 * 0.25 * math.log(2))


def test_statistics_by_hand():
    """Two samples, logits 0: d = 1/2 each; one positive and one negative of class 0, two negatives of class 1."""
    loss = EqualizationLoss(2)
    loss(torch.zeros(2, 2), torch.tensor([[1.0, 0.0], [0.0, 0.0]]))
    assert loss.positive.tolist() == [0.5, 0.0]
    assert loss.negative.tolist() == [0.5, 1.0]
    torch.testing.assert_close(loss.ratio, torch.tensor([1.0, 0.0]))


def test_limits():
    """Fresh GJR with beta 0 is BCE; so is EQL v2; weights 1 give the quality focal loss; perfect predictions cost 0."""
    torch.manual_seed(0)
    logits, targets = torch.randn(7, 3), torch.rand(7, 3)
    bce = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    for loss in (GJRLoss(3, beta=0.0), EqualizationLoss(3), BinaryCrossEntropy(3)):
        torch.testing.assert_close(loss(logits, targets), bce)
    torch.testing.assert_close(quality_focal_loss(logits, targets, beta=0.0), bce)
    torch.testing.assert_close(GJRLoss(3)(logits, targets), quality_focal_loss(logits, targets))
    certain = torch.tensor([[100.0, -100.0]])
    assert GJRLoss(2)(certain, torch.tensor([[1.0, 0.0]])).sum() == 0


@pytest.mark.parametrize("beta", [0.0, 1.0, 2.0])
def test_gradient_in_double_precision(beta):
    torch.manual_seed(0)
    logits = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    targets, weights = torch.rand(6, 3, dtype=torch.float64), torch.rand(6, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda z: gjr_loss(z, targets, weights, beta), (logits,))


@pytest.mark.parametrize("loss", [GJRLoss(2), EqualizationLoss(2), BinaryCrossEntropy(2)], ids=["gjr", "eqlv2", "bce"])
def test_extreme_logits_stay_finite(loss):
    logits = torch.tensor([[100.0, -100.0], [-100.0, 100.0]], requires_grad=True)
    value = loss(logits, torch.tensor([[1.0, 1.0], [1.0, 0.0]])).sum()
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("build", [GJRLoss, EqualizationLoss])
class TestStatistics:
    def test_hold_still_in_evaluation(self, build):
        loss = build(3).eval()
        loss(torch.randn(5, 3), torch.rand(5, 3))
        assert loss.positive.tolist() == loss.negative.tolist() == [0, 0, 0]
        assert loss.ratio.tolist() == [100, 100, 100]

    def test_survive_a_class_without_positives(self, build):
        """Its accumulated positives stay; nothing becomes undefined."""
        loss = build(2)
        loss(torch.zeros(4, 2), torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]))
        before = loss.positive.clone()
        loss(torch.zeros(4, 2), torch.tensor([[1.0, 0.0]]).expand(4, 2))
        assert loss.positive[1] == before[1]
        assert loss.positive[0] > before[0]
        assert loss.ratio.isfinite().all()

    def test_empty_batch_is_finite_with_a_graph(self, build):
        logits = torch.zeros(0, 3, requires_grad=True)
        loss = build(3)
        value = loss(logits, torch.zeros(0, 3)).sum()
        value.backward()
        assert value.item() == 0
        assert logits.grad.shape == (0, 3)
        assert loss.positive.tolist() == [0, 0, 0]
        assert loss.ratio.tolist() == [100, 100, 100]

    def test_batch_of_background_alone_keeps_the_start(self, build):
        """Samples of weight 0 count as not seen."""
        loss = build(3)
        loss(torch.randn(5, 3), torch.zeros(5, 3), torch.zeros(5, 1))
        assert loss.ratio.tolist() == [100, 100, 100]

    def test_broken_step_leaves_no_trace(self, build):
        loss = build(2)
        loss(torch.zeros(4, 2), torch.tensor([[1.0, 0.0]]).expand(4, 2))
        before = loss.ratio.clone()
        assert loss(torch.full((4, 2), float("nan")), torch.ones(4, 2)).isnan().all()
        assert torch.equal(loss.ratio, before)

    def test_no_host_synchronisation(self, build):
        """Tensors without values: reading one on the host raises."""
        with FakeTensorMode():
            loss, logits = build(3), torch.randn(2, 7, 3, requires_grad=True)
            loss(logits, torch.rand(2, 7, 3), torch.rand(2, 7, 1)).sum().backward()
            with pytest.raises(DataDependentOutputException):
                loss.ratio[0].item()

    def test_stay_float32_under_autocast_and_half(self, build):
        loss = build(3)
        loss.positive.copy_(torch.tensor([1e5, 1.2345678, 3.0]))
        loss = loss.to(torch.bfloat16).half()
        assert loss.positive.tolist() == pytest.approx([1e5, 1.2345678, 3.0], rel=1e-7)
        layer = torch.nn.Linear(4, 3)
        with torch.autocast("cpu", torch.bfloat16):
            logits = layer(torch.randn(5, 4))
            value = loss(logits, torch.rand(5, 3))
        assert logits.dtype == torch.bfloat16
        assert {value.dtype, *(buffer.dtype for buffer in loss.buffers())} == {torch.float32}

    def test_samples_of_weight_zero_are_not_seen(self, build):
        torch.manual_seed(0)
        logits, targets = torch.randn(6, 3), (torch.rand(6, 3) > 0.5).float()
        seen = torch.tensor([1.0, 1, 1, 1, 0, 0])[:, None]
        masked, short = build(3), build(3)
        torch.testing.assert_close(masked(logits, targets, seen).sum(), short(logits[:4], targets[:4]).sum())
        torch.testing.assert_close(masked.positive, short.positive)
        torch.testing.assert_close(masked.negative, short.negative)

    def test_batch_and_anchor_dimensions_do_not_matter(self, build):
        torch.manual_seed(0)
        logits, targets = torch.randn(2, 5, 3), torch.rand(2, 5, 3)
        flat, deep = build(3), build(3)
        flat(logits.reshape(10, 3), targets.reshape(10, 3))
        deep(logits, targets)
        torch.testing.assert_close(flat.ratio, deep.ratio)


def test_held_classes_stay_at_their_start():
    """Class 1 is held: its numbers stay, those of the others move as without it."""
    free, held = GJRLoss(3), GJRLoss(3)
    held.hold([1])
    logits = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    targets = torch.eye(3)[[0, 0, 2, 0, 2, 0]]
    for loss in (free, held):
        loss(logits, targets)
    assert (float(held.ratio[1]), float(held.positive[1]), float(held.negative[1])) == (100.0, 0.0, 0.0)
    assert float(free.ratio[1]) == 0
    torch.testing.assert_close(held.ratio[[0, 2]], free.ratio[[0, 2]])
    held.hold([])
    held(logits, targets)
    assert float(held.ratio[1]) == 0
    assert set(held.state_dict()) == {"positive", "negative", "ratio"}
