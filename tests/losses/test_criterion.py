"""The criterion: parity with the host, terms by hand, who gets gradients, when statistics move."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from heads import OnlyHead, batch, joint, outputs, plain
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.utils.loss import E2ELoss, v8DetectionLoss

from gjadet_yolo.losses.assignment import Predictions
from gjadet_yolo.losses.criterion import DetectionCriterion, build_criterion, set_active
from gjadet_yolo.losses.statistics import branches, load_statistics, set_training, statistics
from gjadet_yolo.losses.terms import TERMS, LossTerm
from gjadet_yolo.losses.terms.box import BoxLoss
from gjadet_yolo.losses.terms.classes import class_targets
from gjadet_yolo.losses.terms.term import score_sum
from gjadet_yolo.losses.weights import class_weights
from gjadet_yolo.recipe.loss import RANGES


@pytest.mark.parametrize("reg_max", [1, 16])
def test_host_parity_on_the_plain_head(reg_max):
    """The block ``cls: bce`` on the host's head is the host's criterion, value and gradient."""
    model = plain({"cls": "bce"}, reg_max=reg_max)
    results = []
    for criterion in (DetectionCriterion(model), v8DetectionLoss(model)):
        model.zero_grad()
        loss, items = criterion(outputs(model), batch())
        loss.sum().backward()
        results.append((loss, items, [p.grad for p in model.parameters() if p.requires_grad]))
    (ours, our_items, our_grads), (host, host_items, host_grads) = results
    torch.testing.assert_close(ours, host)
    assert list(our_items) == list(host_items)
    for a, b in zip(our_grads, host_grads, strict=True):
        torch.testing.assert_close(a, b)


def test_class_weights_of_the_host_act():
    model = plain({"cls": "bce"})
    model.class_weights = torch.tensor([0.5, 1.0, 1.5])
    torch.testing.assert_close(
        DetectionCriterion(model)(outputs(model), batch())[0], v8DetectionLoss(model)(outputs(model), batch())[0]
    )


def test_class_weights_of_the_block_are_those_of_the_host():
    """Boxes 90, 0, 10 and exponent 1/2: n^-1/2 is 0.105 and 0.316, and the absent class gets the mean of both."""
    expected = np.array([90**-0.5, (90**-0.5 + 10**-0.5) / 2, 10**-0.5])
    expected /= expected.mean()
    torch.testing.assert_close(class_weights(torch.tensor([90, 0, 10]), 0.5), torch.tensor(expected).float())
    trainer = SimpleNamespace(args=SimpleNamespace(cls_pw=0.5))
    host = DetectionTrainer.compute_class_weights(trainer, np.array([90.0, 40.0, 10.0]))
    np.testing.assert_allclose(class_weights(torch.tensor([90, 40, 10]), 0.5), host / host.mean(), rtol=1e-6)
    model = plain({"cls": "bce", "cls_pw": 0.5})
    model.class_counts = (90, 0, 10)
    ours = DetectionCriterion(model)(outputs(model), batch())[0]
    model.class_weights = torch.tensor(expected).float()
    torch.testing.assert_close(ours, v8DetectionLoss(model)(outputs(model), batch())[0])


def found_by(criterion: DetectionCriterion, preds: dict):
    """Assignment for raw outputs, as the criterion makes it."""
    predictions = Predictions.of(preds, joint=True)
    return criterion.assign(predictions, batch()), predictions.logits, predictions.objectness


@pytest.mark.parametrize(("obj", "beta"), [("bce", 0.0), ("qfl", 2.0)])
def test_joint_terms_by_hand(obj, beta):
    """Fresh EQL v2 weights are 1: class term = sum over foreground of q * BCE, objectness over all, both over S."""
    model = joint({"cls": "eqlv2", "obj": obj, "cls_gain": 3.0, "obj_gain": 2.0})
    criterion = DetectionCriterion(model)
    preds = outputs(model)
    found, logits, objectness = found_by(criterion, preds)
    q = found.scores.amax(-1, keepdim=True)
    assert 0 < found.foreground.sum() < found.foreground.numel()
    own = F.one_hot(found.scores.argmax(-1), 3).float()
    bce = F.binary_cross_entropy_with_logits
    cls = (bce(logits, own, reduction="none") * q)[found.foreground].sum() / found.scores.sum().clamp(min=1)
    modulation = (q - objectness.sigmoid()).abs() ** beta
    obj_term = (bce(objectness, q, reduction="none") * modulation).sum() / found.scores.sum().clamp(min=1)
    _, items = criterion(preds, batch())
    torch.testing.assert_close(items["cls_loss"], cls.detach() * 0.5 * 3.0)
    torch.testing.assert_close(items["obj_loss"], obj_term.detach() * 0.5 * 2.0)
    assert list(items) == ["box_loss", "obj_loss", "cls_loss", "dfl_loss"]


def test_iou_target_lies_between_zero_and_onehot():
    found, *_ = found_by(DetectionCriterion(joint()), outputs(joint()))
    iou, onehot = (class_targets(found, kind) for kind in ("iou", "onehot"))
    assert ((iou >= 0) & (iou <= onehot)).all()
    assert iou.max() > 0
    assert not (iou[~found.foreground]).any()


@pytest.mark.parametrize(("anchors", "sees_background"), [("foreground", False), ("all", True)])
def test_who_gets_class_gradients(anchors, sees_background):
    model = joint({"cls": "gjr", "cls_anchors": anchors})
    criterion = DetectionCriterion(model)
    preds = outputs(model)
    preds["scores"].retain_grad()
    preds["obj"].retain_grad()
    found, *_ = found_by(criterion, preds)
    criterion(preds, batch())[0].sum().backward()
    background = ~found.foreground
    assert preds["scores"].grad.permute(0, 2, 1)[background].any().item() is sees_background
    assert preds["scores"].grad.permute(0, 2, 1)[found.foreground].any()
    assert preds["obj"].grad.permute(0, 2, 1)[background].all()


def test_assigner_sees_joint_scores():
    """An anchor with no objectness cannot win by its class score."""
    model = joint()
    criterion = DetectionCriterion(model)
    preds = outputs(model)
    seen = []
    stock = criterion.assigner.forward
    criterion.assigner.forward = lambda scores, *rest, **extra: (seen.append(scores), stock(scores, *rest, **extra))[1]
    criterion(preds, batch())
    expected = preds["scores"].sigmoid() * preds["obj"].sigmoid()
    torch.testing.assert_close(seen[0], expected.permute(0, 2, 1).detach())


@pytest.mark.parametrize("block", [{"cls": "gjr"}, {"cls": "eqlv2", "obj": "qfl"}, {"cls": "bce"}])
@pytest.mark.parametrize("make", [joint, plain])
def test_batch_without_targets(make, block):
    model = make(block)
    loss, items = DetectionCriterion(model)(outputs(model), batch(0))
    loss.sum().backward()
    assert all(value.isfinite() for value in items.values())
    assert items["box_loss"] == 0
    assert model.model[0].cv3[0][-1].weight.grad.isfinite().all()


def test_statistics_move_in_training_only():
    model = joint({"cls": "gjr"})
    criterion = DetectionCriterion(model)
    set_training(criterion, False)
    criterion(outputs(model), batch())
    assert statistics(criterion)["main"]["ratio"] == [100.0] * 3
    set_training(criterion, True)
    criterion(outputs(model), batch())
    assert statistics(criterion)["main"]["ratio"] != [100.0] * 3


def test_statistics_float32_under_autocast():
    model = joint({"cls": "gjr"})
    criterion = DetectionCriterion(model)
    with torch.autocast("cpu", torch.bfloat16):
        loss, _ = criterion(outputs(model), batch())
    assert loss.dtype == torch.float32
    assert {buffer.dtype for buffer in criterion.class_loss.buffers()} == {torch.float32}


def test_end_to_end_branches_have_their_own_statistics():
    model = joint({"cls": "gjr"}, end2end=True, reg_max=1)
    criterion = build_criterion(model)
    assert isinstance(criterion, E2ELoss)
    _, items = criterion(outputs(model), batch())
    assert list(items) == ["box_loss", "obj_loss", "cls_loss", "l1_loss"]
    state = statistics(criterion)
    assert set(state) == {"one2many", "one2one"}
    assert state["one2many"]["positive"] != state["one2one"]["positive"]
    criterion.update()
    assert statistics(criterion) == state


def test_statistics_make_the_round_trip():
    model = joint({"cls": "gjr"}, end2end=True)
    first, second = build_criterion(model), build_criterion(model)
    first(outputs(model), batch())
    load_statistics(second, statistics(first))
    assert statistics(second) == statistics(first)
    a, b = first(outputs(model, 1), batch()), second(outputs(model, 1), batch())
    assert torch.equal(a[0], b[0])


def test_statistics_of_another_model_are_refused():
    other = DetectionCriterion(joint({"cls": "gjr"}, nc=5))
    with pytest.raises(ValueError, match=r"'main' with 3 classes, the checkpoint has \{'main': 5\}"):
        load_statistics(DetectionCriterion(joint({"cls": "gjr"})), statistics(other))
    with pytest.raises(ValueError, match="has none"):
        load_statistics(DetectionCriterion(joint({"cls": "gjr"})), {})


def test_bce_has_no_statistics():
    assert statistics(DetectionCriterion(joint({"cls": "bce"}))) == {}
    assert list(branches(DetectionCriterion(joint()))) == ["main"]


def loss_of(model: OnlyHead, out: dict) -> torch.Tensor:
    return build_criterion(model)(out, batch())[0]


@pytest.mark.parametrize("head", [joint, plain])
@pytest.mark.parametrize("box", ["iou", "giou", "diou", "ciou", "riou"])
def test_box_losses_change_the_box_term_alone(head, box):
    """The others stay as they are to the last bit; CIoU by name is the host's."""
    out = outputs(head())
    stock, other = loss_of(head(), out), loss_of(head({"box": box}), out)
    assert torch.equal(stock[1:], other[1:])
    assert (box == "ciou") == bool(torch.equal(stock[0], other[0]))
    assert torch.isfinite(other).all()


def test_box_term_is_the_hosts_for_the_same_loss():
    """CIoU from losses/iou.py in the place of the host's own gives the host's term."""
    out, model = outputs(joint()), joint()
    criterion = build_criterion(model)
    stock = criterion(out, batch())[0]
    criterion.bbox_loss = BoxLoss(16, "ciou", "ciou")
    torch.testing.assert_close(criterion(out, batch())[0], stock, rtol=1e-5, atol=1e-6)


def test_gains_scale_their_term():
    out = outputs(joint())
    once, thrice = loss_of(joint(), out), loss_of(joint({"box_gain": 3}), out)
    torch.testing.assert_close(thrice[0], 3 * once[0])
    assert torch.equal(once[1:], thrice[1:])


@pytest.mark.parametrize("cls", ["focal", "qfl"])
def test_focal_losses_without_modulation_are_bce(cls):
    """focal: gamma 0, alpha 1/2 at 4 times the level is twice BCE; qfl: beta 0."""
    block = {"focal": {"cls": "focal", "gamma": 0, "alpha": 0.5}, "qfl": {"cls": "qfl", "beta": 0}}[cls]
    out = outputs(joint())
    bce, other = loss_of(joint({"cls": "bce"}), out), loss_of(joint(block), out)
    torch.testing.assert_close(other[2], bce[2] * (2 if cls == "focal" else 1))


def test_rare_targets_weigh_more_in_objectness_and_box():
    """Boxes 90, 10, 30: with exponent 1/2, class 1 weighs 3 and class 2 sqrt(3) times class 0, background 1.

    The mean over the boxes is 1: 90 + 10 * 3 + 30 * sqrt(3) of 130.
    """
    sums = {}
    for power in (0.0, 0.5):
        model = joint({"cls": "bce", "obj_pw": power, "box_pw": power})
        model.class_counts = (90, 10, 30)
        criterion = DetectionCriterion(model)
        preds = outputs(model)
        found, _, objectness = found_by(criterion, preds)
        sums[power] = criterion(preds, batch())[1]
    weight = torch.tensor([1.0, 3.0, 3**0.5]) * 130 / (90 + 30 + 30 * 3**0.5)
    weight = torch.where(found.foreground, weight[found.labels], 1.0)[..., None]
    each = F.binary_cross_entropy_with_logits(objectness, found.quality, reduction="none")
    expected = (each * weight).sum() / found.total * 0.5
    torch.testing.assert_close(sums[0.5]["obj_loss"], expected.detach())
    assert sums[0.0]["box_loss"] != sums[0.5]["box_loss"]
    torch.testing.assert_close(sums[0.0]["cls_loss"], sums[0.5]["cls_loss"])


def test_a_target_without_a_score_has_the_weight_of_its_class():
    """Predictions that overlap no target: anchors are assigned with a score of 0, all of them to the rare class 2."""
    model = joint({"cls": "bce", "obj_pw": 0.5})
    model.class_counts = (90, 90, 10)
    criterion = DetectionCriterion(model)
    preds, targets = outputs(model), {"batch_idx": torch.zeros(1), "cls": torch.tensor([[2.0]])}
    targets["bboxes"] = torch.tensor([[0.5, 0.5, 0.9, 0.9]])
    stock = criterion.assigner.forward

    def without_scores(*args: torch.Tensor) -> tuple[torch.Tensor, ...]:
        labels, boxes, scores, foreground, index = stock(*args)
        return labels, boxes, scores * 0, foreground, index

    criterion.assigner.forward = without_scores
    term = criterion(preds, targets)[1]["obj_loss"]
    predictions = Predictions.of(preds, joint=True)
    found = criterion.assign(predictions, targets)
    assert found.foreground.any()
    assert (found.labels[found.foreground] == 2).all()
    each = F.binary_cross_entropy_with_logits(
        predictions.objectness, torch.zeros_like(predictions.objectness), reduction="none"
    )
    weight = torch.where(found.foreground, criterion.obj_weights[2], 1.0)[..., None]
    torch.testing.assert_close(term, ((each * weight).sum() * 0.5).detach())
    assert criterion.obj_weights[2] / criterion.obj_weights[0] == pytest.approx(3)


@pytest.mark.parametrize("head", [joint, plain])
def test_values_at_the_upper_end_stay_finite(head):
    """Every number of the block at the end of its range."""
    ends = {key: high for key, (_, high) in RANGES.items() if key != "negatives"}
    for block in ({"cls": "gjr"}, {"cls": "focal"}, {"cls": "qfl"}):
        known = ("gamma", "mu", "alpha", "beta") if block["cls"] == "gjr" else ()
        keys = [key for key in ends if key in known or key not in ("gamma", "mu", "alpha", "beta")]
        model = head(block | {key: ends[key] for key in keys})
        model.class_counts = (2531, 70, 1)
        loss, _ = DetectionCriterion(model)(outputs(model), batch())
        loss.sum().backward()
        assert loss.isfinite().all()
        assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_stated_gains_and_weights_win():
    """cls=2 is the gain of class term and objectness, box=3 that of the box term, cls_pw=0 leaves classes equal."""
    block, out = {"cls": "bce", "cls_gain": 4, "obj_gain": 3, "box_gain": 5, "cls_pw": 0.5}, outputs(joint())
    bare, model = joint({"cls": "bce"}), joint(block)
    for one in (bare, model):
        one.args.cls, one.args.box, one.class_counts = 2.0, 3.0, (90, 10, 30)
    model.stated = ("box", "cls", "cls_pw")
    torch.testing.assert_close(loss_of(model, out), loss_of(bare, out))
    model.stated = ()
    multiplied = loss_of(model, out) / loss_of(bare, out)
    assert multiplied[[0, 1]].tolist() == pytest.approx([5, 3])


def test_without_counts_every_class_weighs_the_same():
    """A criterion outside of a training knows no counts."""
    terms = [
        DetectionCriterion(joint({"cls": "bce", "obj_pw": p, "box_pw": p}))(outputs(joint()), batch()) for p in (0, 1)
    ]
    torch.testing.assert_close(terms[0][0], terms[1][0])


class TestTerms:
    def test_they_come_in_the_order_of_the_log(self):
        assert list(DetectionCriterion(plain()).terms) == ["box_loss", "cls_loss", "dfl_loss"]
        assert list(DetectionCriterion(joint()).terms) == ["box_loss", "obj_loss", "cls_loss", "dfl_loss"]

    def test_a_new_one_needs_its_function_and_the_list_only(self, monkeypatch):
        """Half the sum of the logits, over S."""

        def own_terms(setting):
            return (LossTerm("own_loss", lambda given, found, batch: given.logits.sum(), lambda: 0.5, score_sum),)

        monkeypatch.setattr("gjadet_yolo.losses.terms.TERMS", (*TERMS, own_terms))
        model = joint()
        criterion, preds = DetectionCriterion(model), outputs(joint())
        found, logits, _ = found_by(criterion, preds)
        _, items = criterion(preds, batch())
        assert list(items) == ["box_loss", "obj_loss", "cls_loss", "dfl_loss", "own_loss"]
        torch.testing.assert_close(items["own_loss"], (logits.sum() / found.total * 0.5).detach())

    def test_only_active_ones_teach(self):
        """The class term alone: the others are 0 to the last bit, and the box branch gets no gradient."""
        model, all_of_them = joint(), DetectionCriterion(joint())
        criterion, preds = DetectionCriterion(model), outputs(model)
        set_active(criterion, ("cls_loss",))
        loss, items = criterion(preds, batch())
        assert {name: bool(value) for name, value in items.items()} == {
            "box_loss": False,
            "obj_loss": False,
            "cls_loss": True,
            "dfl_loss": False,
        }
        assert torch.equal(items["cls_loss"], all_of_them(outputs(joint()), batch())[1]["cls_loss"])
        loss.sum().backward()
        head = model.model[0]
        assert all(weight.grad is None or not weight.grad.any() for weight in head.cv2.parameters())
        assert any(weight.grad is not None and weight.grad.any() for weight in head.cv3.parameters())
        set_active(criterion, ())
        assert criterion.active is None

    def test_unknown_ones_are_refused(self):
        with pytest.raises(ValueError, match=r"terms has 'class_loss'\. Did you mean 'cls_loss'\?"):
            set_active(build_criterion(joint(end2end=True)), ("class_loss",))
