"""GJR: gradient-guided joint representation loss of GJADet.

Source: repository GJADet-crash-pytorch (MIT), ``create_losses/GJR_loss.py``. It joins the soft target of the quality
focal loss (box quality and class in one number), its modulating factor, and the class weights of EQL v2. Values and
gradients agree with the release over six steps (``tests/golden/gjr_loss.npz``).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from gjadet_yolo.losses.balance import GradientBalance


def gjr_loss(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, beta: float = 2.0) -> torch.Tensor:
    """Unreduced ``w * |y - s|^beta * BCE(s, y)``, (..., C), in float32 at least; targets y are in [0, 1].

    Quality focal loss with class weights w of 1, plain BCE with ``beta = 0`` as well; EQL v2 with ``beta = 0`` alone.
    """
    logits = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
    loss = F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype), reduction="none")
    if beta:
        loss = loss * (targets - logits.sigmoid()).abs().pow(beta)
    return loss * weights


class GJRLoss(GradientBalance):
    """GJR loss with its running statistics; other arguments as in :class:`~gjadet_yolo.losses.balance.GradientBalance`.

    Args:
        beta: Exponent of the modulating factor.
    """

    def __init__(
        self, num_classes: int, gamma: float = 5.0, mu: float = 0.8, alpha: float = 4.0, beta: float = 2.0
    ) -> None:
        # The defaults are the values of the published training; the released class itself has gamma = 12.
        super().__init__(num_classes, gamma, mu, alpha)
        self.beta = beta

    def forward(
        self, logits: torch.Tensor, targets: torch.Tensor, sample_weights: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Unreduced loss, (..., C); divide its sum by the number of samples for the published value.

        Targets y are in [0, 1]; ``sample_weights``, (..., 1), are 0 for samples that the loss must not see.
        """
        # Under AMP the weights and the sums of gradients would be computed in half precision.
        with torch.autocast(logits.device.type, enabled=False):
            logits, targets = logits.float(), targets.float()
            weights = self.weights(targets)
            if sample_weights is not None:
                weights = weights * sample_weights.float()
            loss = gjr_loss(logits, targets, weights, self.beta)
            # After the loss, as in the reference: a step is weighted by the steps before it. The host computes the loss
            # of the validation set too, which must not move the statistics.
            if self.training:
                self.update(logits.detach(), targets, weights)
        return loss
