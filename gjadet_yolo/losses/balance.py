"""Gradient balance: how much positive and negative gradient each class has received, and the weights that follow.

Source: Equalization Loss v2 (CVPR 2021, arXiv 2012.08548), eqs. 4 to 8, which GJADet's GJR loss builds on. EQL v2 and
GJR share this core; ``losses/equalization.py`` and ``losses/gjr.py`` add their per-sample loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.distributed as dist
from torch import nn

START = 100.0
"""Ratio before the first step: high enough that all weights start at 1."""


def balance_weights(ratio: torch.Tensor, gamma: float, mu: float, alpha: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Class weights from gradient ratios.

    ``r = f(g)`` and ``q = 1 + alpha * (1 - f(g))`` with ``f(g) = sigmoid(gamma * (g - mu))``.

    Args:
        ratio: Accumulated positive over negative gradient g, (C,).
        gamma: Steepness of f.
        mu: Ratio at which f is 1/2.
        alpha: Most that a positive weight gains.

    Returns:
        Weights q of positives and r of negatives, each (C,).
    """
    rise = torch.sigmoid(gamma * (ratio - mu))
    return 1 + alpha * (1 - rise), rise


class GradientBalance(nn.Module):
    """Accumulated gradients P and N per class; base of the losses that weight classes by their ratio.

    The numbers move in training mode only, stay float32 whatever the precision of the logits, and are summed over all
    ranks at each step, so that every rank holds the same ones. A class without a positive in a step keeps its P; the
    negatives it meets still count in its N, as in the reference. They are plain buffers of this criterion, not of the
    model: an averaged or half-precision model would spoil them.

    Args:
        num_classes: Number of classes C.
        gamma: Steepness of the weight function.
        mu: Ratio at which it is 1/2.
        alpha: Most that a positive weight gains.
    """

    def __init__(self, num_classes: int, gamma: float, mu: float, alpha: float) -> None:
        super().__init__()
        self.gamma, self.mu, self.alpha = gamma, mu, alpha
        self.register_buffer("positive", torch.zeros(num_classes, dtype=torch.float32))
        self.register_buffer("negative", torch.zeros(num_classes, dtype=torch.float32))
        self.register_buffer("ratio", torch.full((num_classes,), START, dtype=torch.float32))
        self.register_buffer("moving", torch.ones(num_classes, dtype=torch.float32), persistent=False)

    def hold(self, classes: Sequence[int]) -> None:
        """Keep the statistics of some classes where they are: those without any instance, which would only ever count
        negatives.
        """
        self.moving.fill_(1.0)
        self.moving[list(classes)] = 0.0

    def weights(self, targets: torch.Tensor) -> torch.Tensor:
        """Weights ``w = y * q + (1 - y) * r`` for targets y, (..., C)."""
        q, r = balance_weights(self.ratio, self.gamma, self.mu, self.alpha)
        return targets * q + (1 - targets) * r

    @torch.no_grad()
    def update(self, logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> None:
        """Add one step's gradients ``d = |y * (s - 1) + (1 - y) * s|``; no host synchronisation.

        Args:
            logits: Class logits, (..., C), float32.
            targets: Targets y in [0, 1], (..., C).
            weights: Loss weights of the same shape; zero for what the loss does not see.
        """
        scores = logits.sigmoid()
        pull = (targets * (scores - 1) + (1 - targets) * scores).abs() * weights
        step = torch.stack((pull * targets, pull * (1 - targets))).flatten(1, -2).sum(1)  # (2, C)
        step = step.nan_to_num(0.0, 0.0, 0.0)  # a broken step must not outlive the host's recovery from it
        if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
            dist.all_reduce(step)
        step *= self.moving
        self.positive += step[0]
        self.negative += step[1]
        seen = (self.positive + self.negative) > 0  # before anything is seen, the start value stays
        self.ratio.copy_(torch.where(seen, self.positive / (self.negative + 1e-10), self.ratio))

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> GradientBalance:
        """Move between devices, but never through another precision."""
        return super()._apply(lambda tensor: tensor.to(fn(tensor).device), recurse)
