"""Objectness term of JointDetect: on every anchor, the target is its best soft score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from gjadet_yolo.losses.assignment import Assignment, Predictions
from gjadet_yolo.losses.quality_focal import quality_focal_loss
from gjadet_yolo.losses.terms.term import LossTerm, Setting, score_sum


def objectness_terms(setting: Setting) -> tuple[LossTerm, ...]:
    if not setting.joint:
        return ()
    beta = 2.0 if setting.config.obj == "qfl" else 0.0  # 0 is BCE

    def compute(predictions: Predictions, found: Assignment, batch: Mapping[str, Any]) -> torch.Tensor:
        # The host's assigner gives soft scores, which objectness is taught in the place of the release's IoU.
        loss = quality_focal_loss(predictions.objectness, found.quality.float(), beta=beta)
        return found.weighted(setting.obj_weights, loss).sum()

    return (LossTerm("obj_loss", compute, lambda: setting.gains.obj, score_sum),)
