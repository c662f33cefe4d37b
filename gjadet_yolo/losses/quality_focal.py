"""Quality focal loss: focal loss for soft targets.

Source: "Generalized Focal Loss", NeurIPS 2020, arXiv 2006.04388, eq. 5. It is the GJR loss with all class weights 1.
"""

from __future__ import annotations

import torch
from torch import nn

from gjadet_yolo.losses.gjr import gjr_loss


def quality_focal_loss(logits: torch.Tensor, targets: torch.Tensor, beta: float = 2.0) -> torch.Tensor:
    """Unreduced loss ``|y - s|^beta * BCE(s, y)``, in float32 at least; y in [0, 1] is of the shape of the logits."""
    return gjr_loss(logits, targets, torch.ones((), device=logits.device), beta)


class QualityFocalLoss(nn.Module):
    """Quality focal loss as a class loss; the number of classes is taken so that all class losses are built alike."""

    def __init__(self, num_classes: int, beta: float = 2.0) -> None:
        super().__init__()
        self.beta = beta

    def forward(
        self, logits: torch.Tensor, targets: torch.Tensor, sample_weights: torch.Tensor | None = None
    ) -> torch.Tensor:
        loss = quality_focal_loss(logits, targets, self.beta)
        return loss if sample_weights is None else loss * sample_weights.float()
