"""How far features are from those of images that a detector likes, as distributions; source: see ``nn/crux.py``."""

from __future__ import annotations

import torch


def catch_up_loss(caught: torch.Tensor, favoured: torch.Tensor) -> torch.Tensor:
    """KL(softmax(favoured) || softmax(caught)) of each image, (B,), with one softmax over all channels and positions.

    Args:
        caught: Features of images that the detector does not like, (B, C, H, W).
        favoured: Features of others that it likes, of the same shape.
    """
    # In float32: of so many values each share is far below what half precision tells from 0.
    log_q, log_p = (one.float().flatten(1).log_softmax(1) for one in (caught, favoured))
    return (log_p.exp() * (log_p - log_q)).sum(1)
