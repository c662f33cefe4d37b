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
    """Weights q of positives and r of negatives, each (C,), from gradient ratios g = P / N, (C,).

    ``r = f(g)`` and ``q = 1 + alpha * (1 - f(g))`` with ``f(g) = sigmoid(gamma * (g - mu))``.
    """
    rise = torch.sigmoid(gamma * (ratio - mu))
    return 1 + alpha * (1 - rise), rise


class GradientBalance(nn.Module):
    """Accumulated gradients P and N per class; base of the losses that weight classes by their ratio.

    Args:
        num_classes: Number of classes C.
        gamma: Steepness of the weight function.
        mu: Ratio at which it is 1/2.
        alpha: Most that a positive weight gains.
    """

    def __init__(self, num_classes: int, gamma: float, mu: float, alpha: float) -> None:
        super().__init__()
        self.gamma, self.mu, self.alpha = gamma, mu, alpha
        # Buffers of the criterion and not of the model: the host averages the model and saves it in half precision,
        # which would blur these sums and let them overflow.
        self.register_buffer("positive", torch.zeros(num_classes, dtype=torch.float32))
        self.register_buffer("negative", torch.zeros(num_classes, dtype=torch.float32))
        self.register_buffer("ratio", torch.full((num_classes,), START, dtype=torch.float32))
        # Not saved: it follows from the data set, which each run counts anew.
        self.register_buffer("moving", torch.ones(num_classes, dtype=torch.float32), persistent=False)

    def hold(self, classes: Sequence[int]) -> None:
        # A class without any instance would only ever collect negatives.
        self.moving.fill_(1.0)
        self.moving[list(classes)] = 0.0

    def weights(self, targets: torch.Tensor) -> torch.Tensor:
        """Weights ``w = y * q + (1 - y) * r`` for targets y, (..., C)."""
        q, r = balance_weights(self.ratio, self.gamma, self.mu, self.alpha)
        return targets * q + (1 - targets) * r

    @torch.no_grad()
    def update(self, logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> None:
        """Add one step's gradients ``d = |y * (s - 1) + (1 - y) * s|``; no host synchronisation.

        Logits (..., C) are float32, targets y in [0, 1]; the loss weights are 0 for what the loss does not see.
        """
        scores = logits.sigmoid()
        pull = (targets * (scores - 1) + (1 - targets) * scores).abs() * weights
        step = torch.stack((pull * targets, pull * (1 - targets))).flatten(1, -2).sum(1)  # (2, C)
        step = step.nan_to_num(0.0, 0.0, 0.0)  # a broken step must not outlive the host's recovery from it
        # As EQL v2's reference does before it adds, so that all ranks hold the same numbers; the GJADet release does
        # not.
        if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
            dist.all_reduce(step)
        step *= self.moving
        # A class without a positive in the step keeps its P, and its negatives still count in N, as in the reference:
        # that is what makes the ratio of a rare class fall.
        self.positive += step[0]
        self.negative += step[1]
        seen = (self.positive + self.negative) > 0  # before anything is seen, the start value stays
        self.ratio.copy_(torch.where(seen, self.positive / (self.negative + 1e-10), self.ratio))

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> GradientBalance:
        # Moves between devices, but never through another precision: ``.half()`` would spoil P and N.
        return super()._apply(lambda tensor: tensor.to(fn(tensor).device), recurse)
