"""Weights of classes and gains: level, bounds, and what the user states."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from gjadet_yolo.losses.weights import BOX_SPREAD, CLASS_SPREAD, box_weights, class_weights, term_gains
from gjadet_yolo.recipe.loss import LossConfig

SETS = [(2531, 70, 60, 2), (5000, 300, 200, 100, 1), (40, 40, 40), (90, 0, 10), (0, 0), (1,)]


@pytest.mark.parametrize("counts", SETS)
@pytest.mark.parametrize("power", [0.0, 0.25, 0.5, 1.0])
def test_level_and_bounds(counts, power):
    """Mean of 1 over the training boxes in the box term and over classes in the class term; bounded spread."""
    n = torch.tensor(counts, dtype=torch.float64)
    box, cls = box_weights(counts, power).double(), class_weights(counts, power).double()
    for weights, spread in ((box, BOX_SPREAD), (cls, CLASS_SPREAD)):
        assert weights.isfinite().all()
        assert (weights > 0).all()
        if present := [float(weight) for weight, count in zip(weights, counts, strict=True) if count]:
            assert present == sorted(present)  # the rarer, the heavier; SETS fall
            assert max(present) / min(present) <= spread * (1 + 1e-6)
    if n.sum():
        assert float((n * box).sum() / n.sum()) == pytest.approx(1, rel=1e-6)
    assert float(cls.mean()) == pytest.approx(1, rel=1e-6)
    if power == 0 or len(set(counts)) == 1:
        assert box.tolist() == pytest.approx([1] * len(counts))


def test_box_weights_by_hand():
    """90, 10: exponent 1/2 gives 1 and 3, mean over boxes (90 + 30) / 100 = 1.2."""
    assert box_weights((90, 10), 0.5).tolist() == pytest.approx([1 / 1.2, 3 / 1.2])


def test_a_class_of_two_boxes_does_not_steer():
    """Weights of gjadet-plain.yaml on a small real set; without bounds 5.96 and 35.6 times the most frequent."""
    assert box_weights((2531, 70, 60, 2), 0.25).tolist() == pytest.approx([0.930, 2.280, 2.370, 3.719], abs=0.001)
    assert class_weights((2531, 70, 60, 2), 0.5).tolist() == pytest.approx([0.140, 0.844, 0.911, 2.105], abs=0.001)


def test_bounds_leave_the_measured_recipe_alone():
    """Training boxes of the rendered study in docs/benchmarks.md."""
    counts = torch.tensor([53685.0, 689, 347, 343, 295])
    free = (counts.max() / counts) ** 0.25
    torch.testing.assert_close(box_weights(counts, 0.25) / box_weights(counts, 0.25)[0], free)
    torch.testing.assert_close(class_weights(counts, 0.5), counts**-0.5 / (counts**-0.5).mean())


def test_absent_classes_weigh_the_mean():
    assert box_weights((90, 0, 10), 0.5)[1] == 1
    assert class_weights((90, 0, 10), 0.5)[1] == pytest.approx(1)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ((), (15.0, 8.0, 6.0)),
        (("cls",), (15.0, 2.0, 2.0)),
        (("box",), (7.5, 8.0, 6.0)),
        (("cls_pw",), (15.0, 8.0, 6.0)),
        (("box", "cls", "cls_pw"), (7.5, 2.0, 2.0)),
    ],
)
def test_what_the_user_states_is_not_multiplied(stated, expected):
    """cls=2 beside cls_gain 4 is 2, not 8; it is the gain of objectness too."""
    config, hyp = LossConfig(box_gain=2, cls_gain=4, obj_gain=3), SimpleNamespace(box=7.5, cls=2.0)
    assert term_gains(config, hyp, stated) == expected


def test_focal_stays_at_the_level_of_the_others():
    hyp = SimpleNamespace(box=7.5, cls=2.0)
    assert term_gains(LossConfig(cls="focal", cls_gain=3), hyp, ("cls",)).cls == 8.0
