"""Statistics of class losses that follow the gradients, by head branch, as plain numbers.

The host re-creates criteria (resume, NaN recovery) and averages and halves what is a buffer of the model; plain numbers
that travel beside the weights are touched by neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from gjadet_yolo.losses.balance import GradientBalance

Statistics = dict[str, dict[str, list[float]]]
"""Per head branch ("main", or "one2many" and "one2one"): accumulated gradients and ratio per class."""


def branches(criterion: Any) -> dict[str, Any]:
    """Criteria by head branch; that of an end-to-end head holds two."""
    if hasattr(criterion, "one2many"):
        return {"one2many": criterion.one2many, "one2one": criterion.one2one}
    return {"main": criterion}


def set_training(criterion: Any, mode: bool) -> None:
    # The host's criterion is no module, so model.train() and eval() do not reach its class loss.
    for branch in branches(criterion).values():
        branch.class_loss.train(mode)


def hold_statistics(criterion: Any, classes: Sequence[int]) -> None:
    for branch in branches(criterion).values():
        if isinstance(branch.class_loss, GradientBalance):
            branch.class_loss.hold(classes)


def statistics(criterion: Any) -> Statistics:
    return {
        name: {key: value.tolist() for key, value in branch.class_loss.state_dict().items()}
        for name, branch in branches(criterion).items()
        if isinstance(branch.class_loss, GradientBalance)
    }


def load_statistics(criterion: Any, state: Statistics) -> None:
    """Set statistics saved by :func:`statistics`.

    Raises:
        ValueError: They belong to another head or number of classes.
    """
    for name, branch in branches(criterion).items():
        if not isinstance(branch.class_loss, GradientBalance):
            continue
        if name not in state or len(state[name]["ratio"]) != branch.nc:
            found = {key: len(value["ratio"]) for key, value in state.items()} or "none"
            raise ValueError(
                f"Saved loss statistics do not fit: the model has branch '{name}' with {branch.nc} classes, "
                f"the checkpoint has {found}. Start a new training."
            )
        branch.class_loss.load_state_dict({key: torch.tensor(value) for key, value in state[name].items()})
