"""The detection criterion: named terms, their weights and normalisers.

It subclasses the host's criterion and keeps its target preparation, box decoding, assigner and box losses. Mirrored:
``v8DetectionLoss.get_assigned_targets_and_loss`` in
https://github.com/ultralytics/ultralytics/blob/v8.4.190/ultralytics/utils/loss.py. Terms, all divided by the sum S of
the assigner's soft scores t, whose largest over classes at an anchor is q:

- box: CIoU as in the host, or another of ``losses/iou.py``, weighted by q; dfl (or l1): the host's;
- objectness on all anchors, target q: ``hyp.cls * obj_gain * sum(loss) / S``; ``obj_pw`` and ``box_pw`` weigh anchors
  of rare classes up in this and in the box term (``losses/weights.py``, as are the gains in force);
- class: on foreground anchors weighted by q (JointDetect), or on all anchors unweighted (host's form);
- attention: that of ``losses/attention_map.py`` on the maps of SSPNeck rows, with the published weights, not over S.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from ultralytics.utils.loss import BboxLoss, E2ELoss, v8DetectionLoss
from ultralytics.utils.metrics import bbox_iou
from ultralytics.utils.tal import make_anchors

from gjadet_yolo.losses.assign import SizeAwareAssigner
from gjadet_yolo.losses.attention_map import attention_loss
from gjadet_yolo.losses.balance import GradientBalance
from gjadet_yolo.losses.config import LossConfig
from gjadet_yolo.losses.iou import BOX_LOSSES
from gjadet_yolo.losses.negative_sampling import anchor_weights
from gjadet_yolo.losses.quality_focal import quality_focal_loss
from gjadet_yolo.losses.weights import box_weights, class_weights, term_gains
from gjadet_yolo.nn.sspnet import SSPNeck

Statistics = dict[str, dict[str, list[float]]]
"""Per head branch ("main", or "one2many" and "one2one"): accumulated gradients and ratio per class."""


@dataclass
class Assignment:
    """What the assigner decided for A anchors in B images.

    Attributes:
        anchors: Anchor points in grid units, (A, 2).
        strides: Stride of each anchor in px, (A, 1).
        imgsz: Height and width of the images in px, (2,).
        boxes: Predicted xyxy boxes in grid units, (B, A, 4).
        target_boxes: Assigned xyxy boxes in grid units, (B, A, 4).
        scores: Soft scores t, non-zero at the assigned class only, (B, A, C).
        foreground: Whether a target is assigned, (B, A).
        target_index: Index of the assigned target, (B, A).
        labels: Class of the assigned target, (B, A); on background of no meaning.
        total: S, at least 1.
        true_boxes: Labels, xyxy px, (B, M, 4); padding is 0.
    """

    anchors: torch.Tensor
    strides: torch.Tensor
    imgsz: torch.Tensor
    boxes: torch.Tensor
    target_boxes: torch.Tensor
    scores: torch.Tensor
    foreground: torch.Tensor
    target_index: torch.Tensor
    labels: torch.Tensor
    total: torch.Tensor
    true_boxes: torch.Tensor

    @property
    def valid(self) -> torch.Tensor:
        """Which labels are no padding, (B, M)."""
        return self.true_boxes.sum(2) > 0

    @property
    def quality(self) -> torch.Tensor:
        """Best soft score of each anchor, (B, A, 1); zero on background."""
        return self.scores.sum(-1, keepdim=True)


class BoxLoss(BboxLoss):
    """The host's box and distance terms with another IoU loss in the place of CIoU.

    Args:
        reg_max: Bins of the box distribution.
        config: Names the loss.
    """

    def __init__(self, reg_max: int, config: LossConfig) -> None:
        super().__init__(reg_max)
        settings = {"penalty": config.box_penalty} if config.box == "riou" else {}
        self.box_loss = functools.partial(BOX_LOSSES[config.box], **settings)

    def forward(
        self,
        pred_dist: torch.Tensor,
        pred_bboxes: torch.Tensor,
        anchor_points: torch.Tensor,
        target_bboxes: torch.Tensor,
        target_scores: torch.Tensor,
        target_scores_sum: torch.Tensor,
        fg_mask: torch.Tensor,
        *sizes: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Box and distance loss; arguments as in the host."""
        _, distance = super().forward(
            pred_dist, pred_bboxes, anchor_points, target_bboxes, target_scores, target_scores_sum, fg_mask, *sizes
        )
        where = fg_mask.nonzero(as_tuple=True)
        loss = self.box_loss(pred_bboxes[where], target_bboxes[where]) * target_scores[where].sum(-1)
        return loss.sum() / target_scores_sum, distance


class DetectionCriterion(v8DetectionLoss):
    """Criterion of models whose YAML has a ``loss:`` block or the head JointDetect.

    Args:
        model: Detection model with ``args``, ``yaml`` and a head as last layer.
        tal_topk: Candidates per target in the assigner.
        tal_topk2: Second limit of the one-to-one branch.
    """

    def __init__(self, model: nn.Module, tal_topk: int = 10, tal_topk2: int | None = None) -> None:
        super().__init__(model, tal_topk, tal_topk2)
        self.joint = hasattr(model.model[-1], "obj")
        self.config = LossConfig.from_yaml(model.yaml.get("loss")).resolved(self.joint)
        if self.config.assign == "nwd":
            self.assigner = SizeAwareAssigner.of(self.assigner)
        if self.config.box != "ciou":
            self.bbox_loss = BoxLoss(self.reg_max, self.config).to(self.device)
        self.class_loss = self.config.class_loss(self.nc).to(self.device)
        self.stated = getattr(model, "stated", ())
        counts = torch.tensor(getattr(model, "class_counts", ()) or [1] * self.nc, device=self.device)
        powers = self.config.box_pw, self.config.obj_pw
        self.box_weights, self.obj_weights = (box_weights(counts, power) if power else None for power in powers)  # (C,)
        if self.config.cls_pw and self.class_weights is None and "cls_pw" not in self.stated:
            self.class_weights = class_weights(counts, self.config.cls_pw).view(1, 1, -1)
        self.finest = float(self.stride[0])
        self.necks = [m for m in model.modules() if isinstance(m, SSPNeck)] if self.config.attention else []
        last = self.loss_names[-1]  # dfl_loss or l1_loss
        objectness, attention = ("obj_loss",) * self.joint, ("att_loss",) * bool(self.necks)
        self.loss_names = ("box_loss", *objectness, "cls_loss", last, *attention)

    def get_assigned_targets_and_loss(
        self, preds: dict[str, torch.Tensor], batch: dict[str, Any], **assign_kwargs: Any
    ) -> tuple[tuple[torch.Tensor, ...], torch.Tensor, dict[str, torch.Tensor]]:
        """Assign targets and form the terms.

        Args:
            preds: Raw head outputs ``boxes`` (B, 4 * reg_max, A), ``scores`` (B, C, A), ``feats`` and, from
                JointDetect, ``obj`` (B, 1, A).
            batch: ``batch_idx`` (N,), ``cls`` (N, 1) and ``bboxes`` (N, 4), xywh relative to the image.
            assign_kwargs: Passed to the host's assigner.

        Returns:
            Assigned targets as in the host, the weighted terms in the order of ``loss_names``, and the same by name.
        """
        distances = preds["boxes"].permute(0, 2, 1).contiguous()  # (B, A, 4 * reg_max)
        logits = preds["scores"].permute(0, 2, 1).contiguous()  # (B, A, C)
        objectness = preds["obj"].permute(0, 2, 1).contiguous() if self.joint else None  # (B, A, 1)
        found = self.assign(preds["feats"], distances, logits, objectness, batch, **assign_kwargs)
        box, distance = self.bbox_loss(
            distances,
            found.boxes,
            found.anchors,
            found.target_boxes,
            weighted(found, self.box_weights, found.scores),
            found.total,
            found.foreground,
            found.imgsz,
            found.strides,
        )
        gains = term_gains(self.config, self.hyp, self.stated)
        terms = [box * gains.box, self.class_term(logits, found) * gains.cls, distance * self.hyp.dfl]
        if objectness is not None:
            terms.insert(1, self.objectness_term(objectness, found) * gains.obj)
        if self.necks:
            terms.append(self.attention_term(preds["feats"], found))
        loss = torch.stack([term.float() for term in terms])
        targets = found.foreground, found.target_index, found.target_boxes * found.strides, found.anchors, found.strides
        return targets, loss, dict(zip(self.loss_names, loss.detach(), strict=True))

    def assign(
        self,
        feats: list[torch.Tensor],
        distances: torch.Tensor,
        logits: torch.Tensor,
        objectness: torch.Tensor | None,
        batch: dict[str, Any],
        **assign_kwargs: Any,
    ) -> Assignment:
        """Decode boxes and let the host's assigner choose anchors, by joint scores where there is an objectness."""
        anchors, strides = make_anchors(feats, self.stride, 0.5)
        imgsz = torch.tensor(feats[0].shape[2:], device=self.device, dtype=logits.dtype) * self.stride[0]
        targets = torch.cat((batch["batch_idx"].view(-1, 1), batch["cls"].view(-1, 1), batch["bboxes"]), 1)
        targets = self.preprocess(targets.to(self.device), logits.shape[0], scale_tensor=imgsz[[1, 0, 1, 0]])
        labels, true_boxes = targets.split((1, 4), 2)
        boxes = self.bbox_decode(anchors, distances)
        confidence = logits.detach().sigmoid()
        if objectness is not None:
            confidence = confidence * objectness.detach().sigmoid()
        _, target_boxes, scores, foreground, index = self.assigner(
            confidence,
            (boxes.detach() * strides).type(true_boxes.dtype),
            anchors * strides,
            labels,
            true_boxes,
            true_boxes.sum(2, keepdim=True).gt(0.0),
            **assign_kwargs,
        )
        total = scores.sum().clamp(min=1)
        foreground = foreground.bool()  # 8.4.130 gives floats where a batch has no target
        own, target_boxes = target_classes(labels, index), target_boxes / strides
        return Assignment(
            anchors, strides, imgsz, boxes, target_boxes, scores, foreground, index, own, total, true_boxes
        )

    def class_targets(self, found: Assignment) -> torch.Tensor:
        """Targets y of the class loss, (B, A, C)."""
        if self.config.cls_target == "score":
            return found.scores.float()
        own_class = (found.scores > 0).float()
        if self.config.cls_target == "onehot":
            return own_class
        iou = bbox_iou(found.boxes.detach().float(), found.target_boxes.float(), xywh=False)  # (B, A, 1)
        return own_class * iou.clamp(0, 1)

    def class_term(self, logits: torch.Tensor, found: Assignment) -> torch.Tensor:
        """Class loss over S, a scalar."""
        seen = found.quality if self.config.cls_anchors == "foreground" else self.negative_weights(logits, found)
        loss = self.class_loss(logits, self.class_targets(found), seen)
        if self.class_weights is not None:  # the host's cls_pw
            loss = loss * self.class_weights
        return loss.sum() / found.total

    def negative_weights(self, logits: torch.Tensor, found: Assignment) -> torch.Tensor | None:
        """Weights of anchors by weighted negative sampling, (B, A, 1), or None where it is off."""
        if not self.config.negatives:
            return None
        confidence, boxes = logits.detach().sigmoid().amax(-1), found.boxes.detach() * found.strides
        truth = found.true_boxes.float()
        weights = anchor_weights(boxes.float(), confidence.float(), found.foreground, truth, found.valid)
        return 1 + self.config.negatives * (weights[..., None] - 1)

    def objectness_term(self, objectness: torch.Tensor, found: Assignment) -> torch.Tensor:
        """Objectness loss over S, a scalar."""
        loss = quality_focal_loss(objectness, found.quality.float(), beta=2.0 if self.config.obj == "qfl" else 0.0)
        return weighted(found, self.obj_weights, loss).sum() / found.total

    def attention_term(self, feats: list[torch.Tensor], found: Assignment) -> torch.Tensor:
        """Weighted loss of the attention maps, a scalar."""
        height = feats[0].shape[2] * self.finest
        terms = []
        for neck in self.necks:
            strides = [height / level.shape[2] for level in neck.attention]
            terms.append(attention_loss(neck.attention, found.true_boxes.float(), found.valid, strides))
        return sum(terms) * self.config.attention


def target_classes(labels: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Class of each anchor's target, (B, A), from labels (B, M, 1) and the targets' indices (B, A); 0 without labels.

    Not from the scores: a target far from every prediction is assigned anchors with a score of 0.
    """
    index = index.long()  # 8.4.130 gives floats where a batch has no target
    return labels.squeeze(-1).long().gather(1, index) if labels.shape[1] else index


def weighted(found: Assignment, weights: torch.Tensor | None, values: torch.Tensor) -> torch.Tensor:
    """Values of anchors, (B, A, ...), times the weight, (C,), of their target's class; background weighs 1."""
    if weights is None:
        return values
    weight = torch.where(found.foreground, weights[found.labels], 1.0)
    return values * weight[..., None].to(values.dtype)


def build_criterion(model: nn.Module) -> DetectionCriterion | E2ELoss:
    """Criterion for a model: one, or one per branch with its own statistics for end-to-end heads."""
    if getattr(model.model[-1], "one2one_cv2", None) is not None:
        return E2ELoss(model, loss_fn=DetectionCriterion)
    return DetectionCriterion(model)


def branches(criterion: DetectionCriterion | E2ELoss) -> dict[str, DetectionCriterion]:
    """Criteria by head branch."""
    if isinstance(criterion, E2ELoss):
        return {"one2many": criterion.one2many, "one2one": criterion.one2one}
    return {"main": criterion}


def set_training(criterion: DetectionCriterion | E2ELoss, mode: bool) -> None:
    """Let statistics move, or hold them still."""
    for branch in branches(criterion).values():
        branch.class_loss.train(mode)


def hold_statistics(criterion: DetectionCriterion | E2ELoss, classes: Sequence[int]) -> None:
    """Keep the statistics of classes without any training instance at their start."""
    for branch in branches(criterion).values():
        if isinstance(branch.class_loss, GradientBalance):
            branch.class_loss.hold(classes)


def statistics(criterion: DetectionCriterion | E2ELoss) -> Statistics:
    """Statistics as plain numbers, which no averaging or half precision touches; empty for losses without any."""
    return {
        name: {key: value.tolist() for key, value in branch.class_loss.state_dict().items()}
        for name, branch in branches(criterion).items()
        if isinstance(branch.class_loss, GradientBalance)
    }


def load_statistics(criterion: DetectionCriterion | E2ELoss, state: Statistics) -> None:
    """Set statistics saved by :func:`statistics`.

    Raises:
        ValueError: They belong to another head or number of classes.
    """
    for name, branch in branches(criterion).items():
        if not isinstance(branch.class_loss, GradientBalance):
            continue
        if name not in state or len(state[name]["ratio"]) != branch.nc:
            found = {key: len(value["ratio"]) for key, value in state.items()} or "none"
            raise ValueError(
                f"Saved loss statistics do not fit: the model has branch '{name}' with {branch.nc} classes, "
                f"the checkpoint has {found}. Start a new training."
            )
        branch.class_loss.load_state_dict({key: torch.tensor(value) for key, value in state[name].items()})
