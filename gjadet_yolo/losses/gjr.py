"""GJR: gradient-guided joint representation loss of GJADet.

Source: repository GJADet-crash-pytorch (MIT), ``create_losses/GJR_loss.py``. It joins three ideas: the soft target of
the quality focal loss (box quality and class in one number), its modulating factor, and the class weights of EQL v2.
Values and gradients agree with the release over six steps (``tests/golden/gjr_loss.npz``). The release does not sum P
and N over GPUs; EQL v2 does, and so does this.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from gjadet_yolo.losses.balance import GradientBalance


def gjr_loss(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, beta: float = 2.0) -> torch.Tensor:
    """Unreduced GJR loss ``w * |y - s|^beta * BCE(s, y)``.

    With ``beta = 0`` and hard targets it is EQL v2, with weights 1 as well it is plain BCE, and with weights 1 the
    quality focal loss.

    Args:
        logits: Class logits, (..., C).
        targets: Targets y in [0, 1], (..., C).
        weights: Class weights, (..., C).
        beta: Exponent of the modulating factor.

    Returns:
        Loss per sample and class, (..., C), in float32 at least.
    """
    logits = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
    loss = F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype), reduction="none")
    if beta:
        loss = loss * (targets - logits.sigmoid()).abs().pow(beta)
    return loss * weights


class GJRLoss(GradientBalance):
    """GJR loss with its running statistics.

    Args:
        num_classes: Number of classes C.
        gamma: Steepness of the weight function; the published training uses 5.
        mu: Ratio at which it is 1/2.
        alpha: Most that a positive weight gains.
        beta: Exponent of the modulating factor.
    """

    def __init__(
        self, num_classes: int, gamma: float = 5.0, mu: float = 0.8, alpha: float = 4.0, beta: float = 2.0
    ) -> None:
        super().__init__(num_classes, gamma, mu, alpha)
        self.beta = beta

    def forward(
        self, logits: torch.Tensor, targets: torch.Tensor, sample_weights: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Unreduced loss; moves the statistics after the loss is formed, in training mode only.

        Args:
            logits: Class logits, (..., C).
            targets: Targets y in [0, 1], (..., C).
            sample_weights: Weight per sample, (..., 1), zero for samples the loss must not see; default 1.

        Returns:
            Loss per sample and class, (..., C); divide its sum by the number of samples for the published value.
        """
        with torch.autocast(logits.device.type, enabled=False):
            logits, targets = logits.float(), targets.float()
            weights = self.weights(targets)
            if sample_weights is not None:
                weights = weights * sample_weights.float()
            loss = gjr_loss(logits, targets, weights, self.beta)
            if self.training:
                self.update(logits.detach(), targets, weights)
        return loss
