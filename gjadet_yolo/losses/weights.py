"""What multiplies the terms of the criterion: gains, and weights of classes from their training boxes n_c.

- class term, ``cls_pw`` = p: w_c = n_c^-p, at most ``CLASS_SPREAD`` times the smallest, brought to a mean over classes
of 1;
- box, distance and objectness terms, ``box_pw`` or ``obj_pw`` = p: w_c = (n_max / n_c)^p, at most ``BOX_SPREAD``,
brought to a mean over training boxes of 1, i.e. sum(n_c w_c) = sum(n_c).

Pure functions, so that the criterion and the line that a training logs about its recipe cannot differ.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch

from gjadet_yolo.losses.catalog import LEVELS

if TYPE_CHECKING:
    from gjadet_yolo.recipe.loss import LossConfig

BOX_SPREAD = 4.0
CLASS_SPREAD = 15.0
"""Largest weight over smallest: just above the 3.7 and 13.5 that the recipe of ``gjadet.yaml`` was measured with."""


class Gains(NamedTuple):
    """Factors on the terms of the criterion."""

    box: float
    cls: float
    obj: float


class HyperParameters(Protocol):
    """The host's training arguments that the terms need."""

    box: float
    cls: float
    dfl: float


def term_gains(config: LossConfig, hyp: HyperParameters, stated: Collection[str]) -> Gains:
    """Gains in force, from the ``loss:`` block, the host's arguments and the names of those that the user stated."""
    # What the user states takes the place of the recipe's gain and is not multiplied by it. The host's ``cls`` weighs
    # all that tells classes and background apart, hence objectness too.
    box = 1.0 if "box" in stated else config.box_gain
    cls, obj = (1.0, 1.0) if "cls" in stated else (config.cls_gain, config.obj_gain)
    return Gains(hyp.box * box, hyp.cls * cls * LEVELS.get(config.cls, 1.0), hyp.cls * obj)


def class_weights(counts: Sequence[int] | torch.Tensor, power: float, spread: float = CLASS_SPREAD) -> torch.Tensor:
    """Weights of classes in the class term, (C,), from training boxes (C,) and an exponent of 0 to 1."""
    counts = torch.as_tensor(counts)
    weights = bounded_rarity(counts, power, spread)
    # A class without any box gets the mean weight: its negatives count as much as on average.
    present = counts > 0
    weights = torch.where(present, weights, (weights * present).sum() / present.sum().clamp(min=1))
    return weights / weights.mean() if present.any() else torch.ones_like(weights)


def box_weights(counts: Sequence[int] | torch.Tensor, power: float, spread: float = BOX_SPREAD) -> torch.Tensor:
    """Weights of targets by class in the box, distance and objectness terms, (C,); a class without any box weighs 1."""
    counts = torch.as_tensor(counts)
    weights = bounded_rarity(counts, power, spread)
    # A mean of 1 over boxes, not over classes, so that the term keeps its level.
    share = counts / counts.sum().clamp(min=1)
    return torch.where(counts > 0, weights / (weights * share).sum().clamp(min=1e-9), 1.0)


def bounded_rarity(counts: torch.Tensor, power: float, spread: float) -> torch.Tensor:
    """``min((n_max / n_c)^power, spread)``, (C,); of no meaning where n_c is 0."""
    # The bound keeps a class of a handful of boxes from steering the term; the host has none.
    return (counts.max() / counts.clamp(min=1)).float().pow(power).clamp(max=spread)
