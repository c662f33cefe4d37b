"""Focal loss.

Source: "Focal Loss for Dense Object Detection", ICCV 2017, arXiv 1708.02002, eq. 5, for targets that may be soft.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


def focal_loss(logits: torch.Tensor, targets: torch.Tensor, gamma: float = 1.5, alpha: float = 0.25) -> torch.Tensor:
    """Unreduced focal loss ``a * (1 - p)^gamma * BCE``, in float32 at least; ``gamma = 0`` leaves BCE, weighted by a.

    Targets y in [0, 1] have the shape of the logits; p = y * s + (1 - y) * (1 - s) is the score of the right answer,
    and a is alpha for positives and 1 - alpha for negatives, or 1 throughout with a negative alpha.
    """
    kind = torch.promote_types(logits.dtype, torch.float32)
    logits, targets = logits.to(kind), targets.to(kind)
    loss = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    wrong = (targets + (1 - 2 * targets) * logits.sigmoid()).clamp(min=0)  # 1 - p
    if gamma:
        loss = loss * wrong.clamp(min=1e-12) ** gamma  # the power's slope is infinite at 0 for gamma below 1
    if alpha >= 0:
        loss = loss * (targets * alpha + (1 - targets) * (1 - alpha))
    return loss


class FocalLoss(nn.Module):
    """Focal loss as a class loss; the number of classes is taken so that all class losses are built alike."""

    def __init__(self, num_classes: int, gamma: float = 1.5, alpha: float = 0.25) -> None:
        super().__init__()
        self.gamma, self.alpha = gamma, alpha

    def forward(
        self, logits: torch.Tensor, targets: torch.Tensor, sample_weights: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Unreduced loss, (..., C), in float32 at least; arguments as in :class:`~gjadet_yolo.losses.gjr.GJRLoss`."""
        loss = focal_loss(logits, targets, self.gamma, self.alpha)
        return loss if sample_weights is None else loss * sample_weights.float()
