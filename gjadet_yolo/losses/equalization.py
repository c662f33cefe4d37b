"""Equalization Loss v2: class weights that follow the gradients each class has received.

Source: "Equalization Loss v2: A New Gradient Balance Approach for Long-tailed Object Detection", CVPR 2021, arXiv
2012.08548. Values and gradients agree with the reference over six steps (``tests/golden/eqlv2_loss.npz``).
"""

from __future__ import annotations

from gjadet_yolo.losses.gjr import GJRLoss


class EqualizationLoss(GJRLoss):
    """EQL v2 with its running statistics, which is GJR with a modulating exponent of 0; arguments as there."""

    def __init__(self, num_classes: int, gamma: float = 12.0, mu: float = 0.8, alpha: float = 4.0) -> None:
        # The reference's extra background channel of weight 1 is left out: background is told by the objectness branch,
        # or by all classes being 0.
        super().__init__(num_classes, gamma, mu, alpha, beta=0.0)
