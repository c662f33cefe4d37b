"""How far a restored image is from the clean one; images are 0 to 1.

``l1`` is that of CCSPNet-Joint (arXiv 2309.06902); ``charbonnier`` is arXiv 1710.01992 with its epsilon of 1e-3.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

EPSILON = 1e-3
LEAST_MSE = 1e-10  # of a pair that agrees: 100 dB, so that means stay finite


def l1(restored: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
    """Absolute difference of each value, of the inputs' shape."""
    return (restored - clean).abs()


def l2(restored: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
    """Squared difference of each value, of the inputs' shape."""
    return (restored - clean).square()


def charbonnier(restored: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
    """Absolute difference of each value, rounded off around 0, where it is 0; of the inputs' shape."""
    return ((restored - clean).square() + EPSILON**2).sqrt() - EPSILON


RESTORING_LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "l1": l1,
    "l2": l2,
    "charbonnier": charbonnier,
}
"""Choices of ``loss`` in the ``restore:`` block."""


def psnr(restored: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
    """Peak signal-to-noise ratio in dB of each image, (B,), from images (B, C, H, W)."""
    error = (restored.float() - clean.float()).square().mean((1, 2, 3))
    return -10 * error.clamp(min=LEAST_MSE).log10()
