"""Box losses: by hand, limits, gradients, the host's CIoU, and the stated properties of the rectified IoU."""

from __future__ import annotations

import math

import pytest
import torch
from torch.autograd import gradcheck
from torchvision.ops import complete_box_iou_loss, distance_box_iou_loss, generalized_box_iou_loss
from ultralytics.utils.metrics import bbox_iou

from gjadet_yolo.losses.iou import BOX_LOSSES, PENALTIES, rectified, riou_loss

BOX, SHIFTED = torch.tensor([0.0, 0.0, 10.0, 10.0]), torch.tensor([5.0, 0.0, 15.0, 10.0])


@pytest.fixture
def pairs() -> tuple[torch.Tensor, torch.Tensor]:
    """200 random boxes and targets in float64, some of which overlap."""
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(2, 200, 2, generator=generator, dtype=torch.float64) * 20
    sizes = torch.rand(2, 200, 2, generator=generator, dtype=torch.float64) * 15 + 1
    boxes = torch.cat((corners, corners + sizes), -1)
    return boxes[0], boxes[1]


def test_by_hand():
    """Half of the box overlaps: IoU 50 / 150, hull 150, centres 5 apart, diagonal² 15² + 10² = 325."""
    losses = {name: float(loss(BOX, SHIFTED)) for name, loss in BOX_LOSSES.items()}
    assert losses["iou"] == pytest.approx(2 / 3)
    assert losses["giou"] == pytest.approx(2 / 3)
    assert losses["diou"] == pytest.approx(2 / 3 + 25 / 325)
    assert losses["ciou"] == pytest.approx(2 / 3 + 25 / 325)
    # rectified by hand: G = 2, tail 2 * 0.05 / 2, rise (0.95² - 1/9) + 0.1 * (0.95 - 1/3)
    expected = 0.05 + (0.95**2 - 1 / 9) + 0.1 * (0.95 - 1 / 3)
    assert float(riou_loss(BOX, SHIFTED, "none")) == pytest.approx(expected, rel=1e-5)


def test_aspect_by_hand():
    """Equal centres, 10 x 10 against 20 x 5: IoU 50 / 150, v = 4 / pi² (atan 4 - atan 1)²."""
    target = torch.tensor([-5.0, 2.5, 15.0, 7.5])
    v = 4 / math.pi**2 * (math.atan(4) - math.atan(1)) ** 2
    expected = 2 / 3 + v**2 / (2 / 3 + v)
    assert float(BOX_LOSSES["ciou"](BOX, target)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "reference"),
    [("giou", generalized_box_iou_loss), ("diou", distance_box_iou_loss), ("ciou", complete_box_iou_loss)],
)
def test_as_in_torchvision(name, reference, pairs):
    torch.testing.assert_close(BOX_LOSSES[name](*pairs), reference(*pairs), rtol=1e-5, atol=1e-6)


def test_as_in_the_host(pairs):
    host = 1 - bbox_iou(*pairs, xywh=False, CIoU=True).squeeze(-1)
    torch.testing.assert_close(BOX_LOSSES["ciou"](*pairs), host, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", BOX_LOSSES)
def test_identical_boxes_cost_nothing(name):
    for box in (BOX, torch.tensor([3.0, 4.0, 3.5, 4.25]), torch.tensor([100.0, 0.0, 101.0, 640.0])):
        assert abs(float(BOX_LOSSES[name](box, box))) < 1e-5


@pytest.mark.parametrize("name", BOX_LOSSES)
def test_gradients_are_finite_where_boxes_are_odd(name):
    """Disjoint, without width, without any area, inside out, far away."""
    odd = torch.tensor(
        [[30.0, 0, 40, 10], [5.0, 0, 5, 10], [5.0, 5, 5, 5], [8.0, 8, 2, 2], [1e4, 1e4, 2e4, 2e4]], requires_grad=True
    )
    loss = BOX_LOSSES[name](odd, BOX.expand(5, 4))
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert torch.isfinite(odd.grad).all()
    if name in ("giou", "diou", "ciou", "riou"):
        assert odd.grad[0].abs().sum() > 0  # disjoint boxes are drawn together


@pytest.mark.parametrize("name", BOX_LOSSES)
def test_gradcheck(name, pairs):
    """Against numerical gradients in float64; CIoU's alpha counts as a constant, so it is left to the test below."""
    boxes, targets = (side[:20].clone() for side in pairs)
    loss = (lambda b: riou_loss(b, targets, "diou")) if name == "riou" else (lambda b: BOX_LOSSES[name](b, targets))
    if name != "ciou":
        assert gradcheck(loss, (boxes.requires_grad_(),), eps=1e-7, atol=1e-4)


def test_ciou_gradient_is_the_hosts(pairs):
    gradients = []
    for loss in (BOX_LOSSES["ciou"], lambda b, t: 1 - bbox_iou(b, t, xywh=False, CIoU=True)):
        boxes = pairs[0].clone().requires_grad_()
        loss(boxes, pairs[1]).sum().backward()
        gradients.append(boxes.grad)
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-5)


def slope(u: torch.Tensor) -> torch.Tensor:
    """-dL/du of the rectified loss."""
    u = u.clone().requires_grad_()
    rectified(u).sum().backward()
    return -u.grad


def test_rectified_by_hand():
    """Values of the specification: g(0) = 0.1, g(0.5) = 1.1, peak 2.0, L(0) = 1.0475, L(1) = 0."""
    u = torch.tensor([0.0, 0.5, 0.95, 0.975, 1.0], dtype=torch.float64)
    torch.testing.assert_close(slope(u), torch.tensor([0.1, 1.1, 2.0, 1.0, 0.0], dtype=torch.float64))
    values = rectified(u)
    assert float(values[0]) == pytest.approx(1.0475)
    assert float(values[-1]) == 0


def test_rectified_has_the_stated_properties():
    """1: four shapes and beta = 0.95. 2: g rises below beta, falls above, crosses 1. 3: concave, then convex."""
    u = torch.linspace(0, 1, 2001, dtype=torch.float64)
    g, below = slope(u), u < 0.95
    assert (g[below].diff() > 0).all()
    assert (g[~below][1:].diff() < 0).all()
    assert (g[u < 0.4] < 1).all()
    assert (g[(u > 0.5) & (u < 0.95)] > 1).all()
    loss = rectified(u)
    assert loss.diff().abs().max() < 2.1 / 2000  # continuous
    bend = loss.diff().diff()
    assert (bend[:1890] < 1e-12).all()
    assert (bend[1905:] > -1e-12).all()
    numerical = -(loss[2:] - loss[:-2]) / (u[2:] - u[:-2])
    torch.testing.assert_close(numerical[:1890], g[1:1891], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("a", "b", "c", "k"), [(2, 1, 0.1, 1), (1.5, 2, 0.3, 3), (3, 0.5, 0.01, 0.5)])
def test_rectified_is_continuous_for_any_shape(a, b, c, k):
    around = torch.tensor([0.95 - 1e-9, 0.95 + 1e-9], dtype=torch.float64, requires_grad=True)
    loss = rectified(around, a, b, c, k)
    loss.sum().backward()
    assert abs(float(loss[0] - loss[1])) < 1e-7
    assert float(around.grad[0]) == pytest.approx(float(around.grad[1]), rel=1e-5)
    assert float(rectified(torch.ones(1, dtype=torch.float64), a, b, c, k)) == 0


def test_penalties_add_up(pairs):
    none, diou, ciou = (riou_loss(*pairs, penalty) for penalty in reversed(PENALTIES))
    torch.testing.assert_close(diou - none, BOX_LOSSES["diou"](*pairs) - BOX_LOSSES["iou"](*pairs))
    torch.testing.assert_close(ciou - none, BOX_LOSSES["ciou"](*pairs) - BOX_LOSSES["iou"](*pairs))


@pytest.mark.parametrize("name", BOX_LOSSES)
def test_half_precision_is_computed_in_float32(name):
    loss = BOX_LOSSES[name](BOX.half(), SHIFTED.half())
    assert loss.dtype == torch.float32
    assert BOX_LOSSES[name](BOX[None][:0], BOX[None][:0]).shape == (0,)
