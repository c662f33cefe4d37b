"""Attention term of SSPNet's neck, with the published weights; not divided by S, because its parts are means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from gjadet_yolo.losses.assignment import Assignment, Predictions
from gjadet_yolo.losses.attention_map import attention_loss
from gjadet_yolo.losses.terms.term import LossTerm, Setting


def attention_terms(setting: Setting) -> tuple[LossTerm, ...]:
    """The term, where a module gives attention maps and the recipe wants them taught."""
    if not (setting.gives_attention and setting.config.attention):
        return ()
    finest = float(setting.stride[0])

    def compute(predictions: Predictions, found: Assignment, batch: Mapping[str, Any]) -> torch.Tensor:
        # A neck may attend to other levels than the head sees, so strides come from the maps' own sizes.
        height = predictions.feats[0].shape[2] * finest
        losses = []
        for maps in predictions.aux["attention"]:  # of each neck, fine to coarse
            strides = [height / level.shape[2] for level in maps]
            losses.append(attention_loss(maps, found.true_boxes.float(), found.valid, strides))
        return sum(losses)

    return (LossTerm("att_loss", compute, lambda: setting.config.attention),)
