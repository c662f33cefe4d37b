"""Binary cross-entropy, the host's class loss, with the call signature of the class losses here."""

from __future__ import annotations

import torch
from torch import nn

from gjadet_yolo.losses.gjr import gjr_loss


class BinaryCrossEntropy(nn.Module):
    """BCE, which is GJR with all class weights 1 and a modulating exponent of 0."""

    def __init__(self, num_classes: int) -> None:
        # The number of classes is taken so that the catalog builds all class losses alike.
        super().__init__()

    def forward(
        self, logits: torch.Tensor, targets: torch.Tensor, sample_weights: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Unreduced loss, (..., C), in float32 at least; arguments as in :class:`~gjadet_yolo.losses.gjr.GJRLoss`."""
        weights = torch.ones((), device=logits.device) if sample_weights is None else sample_weights.float()
        return gjr_loss(logits, targets, weights, beta=0.0)
