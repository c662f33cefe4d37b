"""Catch-up term of models with a ``crux:`` block: features of training images against those of favoured images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from gjadet_yolo.losses.assignment import Assignment, Predictions
from gjadet_yolo.losses.catch_up import catch_up_loss
from gjadet_yolo.losses.terms.term import LossTerm, Setting

CATCHING_UP = "kl_loss"
"""Name of the term in the log."""

FAVOURED = "favoured"
"""Key of the batch under which the model puts medium features of the second stream's images."""


def catching_up_terms(setting: Setting) -> tuple[LossTerm, ...]:
    """The term, where the model has cruxes."""
    config = setting.crux
    if config is None:
        return ()

    def compute(predictions: Predictions, found: Assignment, batch: Mapping[str, Any]) -> torch.Tensor:
        return catch_up_loss(predictions.aux["caught"][0], batch[FAVOURED]).mean()

    # Both branches of an end-to-end head have it; the host weighs them by shares of 1, so that it counts once.
    return (LossTerm(CATCHING_UP, compute, lambda: config.weight, needs=(FAVOURED,)),)
