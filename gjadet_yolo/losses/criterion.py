"""The detection criterion: an ordered mapping of named terms (``losses/terms``) on one assignment.

It subclasses the host's criterion and keeps its target preparation, box decoding, assigner and box losses. Mirrored:
``v8DetectionLoss.get_assigned_targets_and_loss`` in
https://github.com/ultralytics/ultralytics/blob/v8.4.190/ultralytics/utils/loss.py.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from torch import nn
from ultralytics.utils.loss import E2ELoss, v8DetectionLoss
from ultralytics.utils.tal import make_anchors

from gjadet_yolo.losses.assigner import SizeAwareAssigner
from gjadet_yolo.losses.assignment import Assignment, Predictions, target_classes
from gjadet_yolo.losses.statistics import branches
from gjadet_yolo.losses.terms import LossTerm, build_terms
from gjadet_yolo.losses.terms.box import BoxLoss
from gjadet_yolo.losses.terms.catching_up import CATCHING_UP
from gjadet_yolo.losses.terms.restoring import PSNR, RESTORING, restored_psnr
from gjadet_yolo.losses.weights import Gains, box_weights, class_weights, term_gains
from gjadet_yolo.messages import suggestion


class DetectionCriterion(v8DetectionLoss):
    """Criterion of models whose YAML has a ``loss:`` block or the head JointDetect; arguments as in the host.

    Attributes:
        terms: Loss terms by name, in the order of the log.
        active: Names of the terms that act in the current stage; None for all. The others are not computed.
    """

    def __init__(self, model: nn.Module, tal_topk: int = 10, tal_topk2: int | None = None) -> None:
        super().__init__(model, tal_topk, tal_topk2)
        self.joint = hasattr(model.model[-1], "obj")
        self.config = model.recipe.loss.resolved(self.joint)
        self.restore, self.crux = model.recipe.restore, model.recipe.crux
        if self.config.assign == "nwd":
            self.assigner = SizeAwareAssigner.of(self.assigner)
        if self.config.box != "ciou":
            self.bbox_loss = BoxLoss(self.reg_max, self.config.box, self.config.box_penalty).to(self.device)
        self.class_loss = self.config.class_loss(self.nc).to(self.device)
        self.stated = getattr(model, "stated", ())
        # Equal counts, and so weights of 1, where no trainer has counted: a criterion can be built from a model alone.
        counts = torch.tensor(getattr(model, "class_counts", ()) or [1] * self.nc, device=self.device)
        powers = self.config.box_pw, self.config.obj_pw
        self.box_weights, self.obj_weights = (box_weights(counts, power) if power else None for power in powers)
        # What the user states as cls_pw= wins; the host has turned it into class_weights by now.
        if self.config.cls_pw and self.class_weights is None and "cls_pw" not in self.stated:
            self.class_weights = class_weights(counts, self.config.cls_pw).view(1, 1, -1)
        self.gives_attention = any("attention" in getattr(module, "gives", ()) for module in model.modules())
        self.distance_name = self.loss_names[-1]  # dfl_loss, or l1_loss of heads without a distribution
        self.terms: dict[str, LossTerm] = build_terms(self)
        self.loss_names = tuple(self.terms)
        self.active: Collection[str] | None = None

    @property
    def gains(self) -> Gains:
        return term_gains(self.config, self.hyp, self.stated)

    def get_assigned_targets_and_loss(
        self, preds: dict[str, Any], batch: dict[str, Any], **assign_kwargs: Any
    ) -> tuple[tuple[torch.Tensor, ...], torch.Tensor, dict[str, torch.Tensor]]:
        """Assigned targets as in the host, the weighted terms in the order of ``loss_names``, and the same by name.

        Models with a restorer also have the PSNR of restored images among the latter, which is no part of the loss.

        Args:
            preds: Raw head outputs ``boxes`` (B, 4 * reg_max, A), ``scores`` (B, C, A), ``feats``, from JointDetect
                ``obj`` (B, 1, A), and ``aux`` where modules gave something for the loss.
            batch: ``batch_idx`` (N,), ``cls`` (N, 1) and ``bboxes`` (N, 4), xywh relative to the image.
            assign_kwargs: Passed to the host's assigner.
        """
        predictions = Predictions.of(preds, self.joint)
        found = self.assign(predictions, batch, **assign_kwargs)
        loss = torch.stack([self.term(name, predictions, found, batch) for name in self.terms])
        items = dict(zip(self.loss_names, loss.detach(), strict=True))
        if self.restore is not None:
            items[PSNR] = restored_psnr(predictions, batch, loss)
        targets = found.foreground, found.target_index, found.target_boxes * found.strides, found.anchors, found.strides
        return targets, loss, items

    def term(self, name: str, predictions: Predictions, found: Assignment, batch: dict[str, Any]) -> torch.Tensor:
        """A weighted term, a float32 scalar; 0 where it does not act."""
        weight = 1.0 if self.restore is None or name in (RESTORING, CATCHING_UP) else self.restore.alpha
        term = self.terms[name]
        acts = (self.active is None or name in self.active) and all(key in batch for key in term.needs)
        return term(predictions, found, batch) * weight if acts else torch.zeros((), device=self.device)

    def assign(self, predictions: Predictions, batch: dict[str, Any], **assign_kwargs: Any) -> Assignment:
        feats, logits = predictions.feats, predictions.logits
        anchors, strides = make_anchors(feats, self.stride, 0.5)
        imgsz = torch.tensor(feats[0].shape[2:], device=self.device, dtype=logits.dtype) * self.stride[0]
        targets = torch.cat((batch["batch_idx"].view(-1, 1), batch["cls"].view(-1, 1), batch["bboxes"]), 1)
        targets = self.preprocess(targets.to(self.device), logits.shape[0], scale_tensor=imgsz[[1, 0, 1, 0]])
        labels, true_boxes = targets.split((1, 4), 2)
        boxes = self.bbox_decode(anchors, predictions.distances)
        confidence = logits.detach().sigmoid()
        # Anchors are ranked by the score that predictions have.
        if predictions.objectness is not None:
            confidence = confidence * predictions.objectness.detach().sigmoid()
        _, target_boxes, scores, foreground, index = self.assigner(
            confidence,
            (boxes.detach() * strides).type(true_boxes.dtype),
            anchors * strides,
            labels,
            true_boxes,
            true_boxes.sum(2, keepdim=True).gt(0.0),
            **assign_kwargs,
        )
        total = scores.sum().clamp(min=1)  # as in the host: a batch may have no target
        foreground = foreground.bool()  # 8.4.130 gives floats where a batch has no target
        own, target_boxes = target_classes(labels, index), target_boxes / strides
        return Assignment(
            anchors, strides, imgsz, boxes, target_boxes, scores, foreground, index, own, total, true_boxes
        )


def build_criterion(model: nn.Module) -> DetectionCriterion | E2ELoss:
    """Criterion for a model: one, or one per branch with its own statistics for end-to-end heads."""
    if getattr(model.model[-1], "one2one_cv2", None) is not None:
        # Each branch has its own assignment, so its classes receive other gradients and need other statistics.
        return E2ELoss(model, loss_fn=DetectionCriterion)
    return DetectionCriterion(model)


def set_active(criterion: DetectionCriterion | E2ELoss, names: Collection[str]) -> None:
    """Let some terms act, named as in the log; all where there are no names.

    Raises:
        ValueError: There is no such term; with the closest match.
    """
    for branch in branches(criterion).values():
        for name in names:
            if name not in branch.terms:
                raise ValueError(f"schedule: terms has '{name}'.{suggestion(name, list(branch.terms))}")
        branch.active = names or None
