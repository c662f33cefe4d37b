"""Class term: on foreground anchors weighted by their soft score (JointDetect), or on all anchors as in the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from ultralytics.utils.metrics import bbox_iou

from gjadet_yolo.losses.assignment import Assignment, Predictions
from gjadet_yolo.losses.negative_sampling import anchor_weights
from gjadet_yolo.losses.terms.term import LossTerm, Setting, score_sum


def class_terms(setting: Setting) -> tuple[LossTerm, ...]:
    config = setting.config

    def compute(predictions: Predictions, found: Assignment, batch: Mapping[str, Any]) -> torch.Tensor:
        logits = predictions.logits
        foreground = config.cls_anchors == "foreground"
        # A foreground anchor counts by its soft score, as in the host's box term.
        seen = found.quality if foreground else negative_weights(logits, found, config.negatives)
        loss = setting.class_loss(logits, class_targets(found, config.cls_target), seen)
        if setting.class_weights is not None:
            loss = loss * setting.class_weights
        return loss.sum()

    return (LossTerm("cls_loss", compute, lambda: setting.gains.cls, score_sum),)


def class_targets(found: Assignment, kind: str) -> torch.Tensor:
    """Targets y of the class loss, (B, A, C): ``score``, ``onehot`` or ``iou`` (the joint representation)."""
    if kind == "score":
        return found.scores.float()
    own_class = (found.scores > 0).float()
    if kind == "onehot":
        return own_class
    iou = bbox_iou(found.boxes.detach().float(), found.target_boxes.float(), xywh=False)  # (B, A, 1)
    return own_class * iou.clamp(0, 1)


def negative_weights(logits: torch.Tensor, found: Assignment, strength: float) -> torch.Tensor | None:
    """Weights of anchors by weighted negative sampling, (B, A, 1); None at strength 0, full weights at 1."""
    if not strength:
        return None
    confidence, boxes = logits.detach().sigmoid().amax(-1), found.boxes.detach() * found.strides
    truth = found.true_boxes.float()
    weights = anchor_weights(boxes.float(), confidence.float(), found.foreground, truth, found.valid)
    return 1 + strength * (weights[..., None] - 1)
