"""What a term of the criterion is, and what it is built from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import nn

from gjadet_yolo.losses.assignment import Assignment, Predictions

if TYPE_CHECKING:
    from gjadet_yolo.losses.weights import Gains, HyperParameters
    from gjadet_yolo.recipe.crux import CruxConfig
    from gjadet_yolo.recipe.loss import LossConfig
    from gjadet_yolo.recipe.restore import RestoreConfig

Compute = Callable[[Predictions, Assignment, Mapping[str, Any]], torch.Tensor]
"""Predictions, assignment and batch to a scalar."""


@dataclass(frozen=True)
class LossTerm:
    """A term of the criterion: ``gain * compute(...) / normaliser``.

    Attributes:
        name: In the log and in ``results.csv``.
        compute: The loss, summed.
        gain: Factor in force.
        normaliser: What the sum is divided by; None where ``compute`` gives a mean already.
        needs: Keys of the batch without which the term is 0, such as a second stream's images.
    """

    name: str
    compute: Compute
    gain: Callable[[], float]  # asked at every step, because trainers change the host's arguments
    normaliser: Callable[[Assignment], torch.Tensor] | None = None
    needs: tuple[str, ...] = ()  # validation has no second stream

    def __call__(self, predictions: Predictions, found: Assignment, batch: Mapping[str, Any]) -> torch.Tensor:
        value = self.compute(predictions, found, batch)
        if self.normaliser is not None:
            value = value / self.normaliser(found)
        return (value * self.gain()).float()


def score_sum(found: Assignment) -> torch.Tensor:
    # S, the host's normaliser of everything that anchors add up to.
    return found.total


class Setting(Protocol):
    """What terms are built from: the criterion.

    Attributes:
        config: The ``loss:`` block, with ``auto`` replaced.
        restore: The ``restore:`` block, or None.
        crux: The ``crux:`` block, or None.
        class_weights: Weights of classes in the class term, (1, 1, C), or None.
        box_weights: Weights of targets by class in the box and distance terms, (C,), or None.
        obj_weights: The same in the objectness term.
        distance_name: Name of the second part of ``bbox_loss``, which has the host's signature.
        stride: Strides of the levels in px.
    """

    config: LossConfig
    restore: RestoreConfig | None
    crux: CruxConfig | None
    joint: bool
    class_loss: nn.Module
    class_weights: torch.Tensor | None
    box_weights: torch.Tensor | None
    obj_weights: torch.Tensor | None
    stated: Collection[str]
    hyp: HyperParameters
    bbox_loss: nn.Module
    distance_name: str
    stride: torch.Tensor
    gives_attention: bool

    @property
    def gains(self) -> Gains:
        """Gains in force."""
        ...
