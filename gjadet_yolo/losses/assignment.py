"""What a step of training has for its loss terms: raw predictions, and what the assigner decided for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch


@dataclass
class Predictions:
    """Raw predictions of one head branch for A anchors in B images.

    Attributes:
        distances: Box distributions, (B, A, 4 * reg_max).
        logits: Class logits, (B, A, C).
        objectness: Objectness logits, (B, A, 1), or None on a plain head.
        feats: Feature maps that the head saw, (B, C_i, H_i, W_i), fine to coarse.
        aux: What modules gave for the loss, by name (``nn/auxiliary.py``).
        shared: Results that several terms of this step need; the first that computes them leaves them here.
    """

    distances: torch.Tensor
    logits: torch.Tensor
    objectness: torch.Tensor | None
    feats: list[torch.Tensor]
    aux: Mapping[str, list[Any]] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, raw: Mapping[str, Any], joint: bool) -> Predictions:
        """From the raw outputs of a head: ``boxes``, ``scores`` and ``obj`` with anchors last, and ``feats``."""
        distances, logits = (raw[name].permute(0, 2, 1).contiguous() for name in ("boxes", "scores"))
        objectness = raw["obj"].permute(0, 2, 1).contiguous() if joint else None
        return cls(distances, logits, objectness, raw["feats"], raw.get("aux", {}))


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
        total: S, the sum of t, at least 1.
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
        # The host fills up to the largest number of labels per image with zeros, and tells padding the same way.
        return self.true_boxes.sum(2) > 0

    @property
    def quality(self) -> torch.Tensor:
        """Soft score of each anchor, (B, A, 1); 0 on background."""
        return self.scores.sum(-1, keepdim=True)

    def weighted(self, weights: torch.Tensor | None, values: torch.Tensor) -> torch.Tensor:
        """Values of anchors, (B, A, ...), times the weight, (C,), of their target's class; background weighs 1."""
        if weights is None:
            return values
        weight = torch.where(self.foreground, weights[self.labels], 1.0)
        return values * weight[..., None].to(values.dtype)


def target_classes(labels: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Class of each anchor's target, (B, A), from labels (B, M, 1) and target indices (B, A); 0 without labels."""
    # Not from the scores: a target far from every prediction is assigned anchors with a score of 0.
    index = index.long()  # 8.4.130 gives floats where a batch has no target
    return labels.squeeze(-1).long().gather(1, index) if labels.shape[1] else index
