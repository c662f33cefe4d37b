"""Restoring term of models with a ``restore:`` block: distance of restored images from the clean ones, both 0 to 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from gjadet_yolo.losses.assignment import Assignment, Predictions
from gjadet_yolo.losses.restoration import RESTORING_LOSSES, psnr
from gjadet_yolo.losses.terms.term import LossTerm, Setting

RESTORING = "restore_loss"
"""Name of the term in the log."""

PSNR = "psnr"
"""Name of the mean PSNR in dB of restored images in the log."""


def restoring_terms(setting: Setting) -> tuple[LossTerm, ...]:
    """The term, where the model has a restorer."""
    config = setting.restore
    if config is None:
        return ()
    loss = RESTORING_LOSSES[config.loss]

    def compute(predictions: Predictions, found: Assignment, batch: Mapping[str, Any]) -> torch.Tensor:
        # A mean, so that the term does not depend on the size of the image or of the batch.
        return loss(predictions.aux["restored"][0].float(), batch["clean"]).mean()

    # Both branches of an end-to-end head have it; the host weighs them by shares of 1, so that it counts once.
    return (LossTerm(RESTORING, compute, lambda: config.beta, needs=("clean",)),)


def restored_psnr(predictions: Predictions, batch: Mapping[str, Any], like: torch.Tensor) -> torch.Tensor:
    """Mean PSNR in dB of the images of a batch that are degraded, or of all where none is; 0 without pairs.

    Args:
        like: Any tensor on the device.
    """
    if "clean" not in batch or "restored" not in predictions.aux:
        return torch.zeros((), device=like.device)
    clean, seen = batch["clean"], batch.get("degraded", batch["img"])
    found = psnr(predictions.aux["restored"][0].detach(), clean)
    # Images that stay clean would dominate the mean, with values up to 100 dB.
    changed = (seen != clean).flatten(1).any(1)
    weight = torch.where(changed.any(), changed, ~changed).float()
    return (found * weight).sum() / weight.sum()
