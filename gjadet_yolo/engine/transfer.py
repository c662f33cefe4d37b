"""Loading weights of a model whose layers are numbered differently.

Parameter names hold layer numbers (``model.12.cv1...``), and a plugin row between the host's rows shifts every number
behind it. A pretrained host checkpoint would then fill the backbone only. Here the source's layers are renumbered
first, so that the host's own loading, by name and shape, finds the neck and the head too.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any

from torch import nn

HEADS = {"JointDetect": "Detect"}
"""Heads that contain the parameters of a host head."""


def row_names(yaml: dict[str, Any]) -> list[str]:
    """Module names of a model YAML in order; heads under the name of the host head whose parameters they have."""
    return [HEADS.get(row[2], row[2]) for row in [*yaml["backbone"], *yaml["head"]]]


def layer_map(source: list[str], target: list[str], optional: frozenset[str]) -> dict[int, int] | None:
    """Which target layer each source layer becomes.

    Args:
        source: Module names of the source.
        target: Module names of the target.
        optional: Modules that either side may have more of.

    Returns:
        Target number by source number, or None where the other layers differ.
    """
    kept_source = [i for i, name in enumerate(source) if name not in optional]
    kept_target = [i for i, name in enumerate(target) if name not in optional]
    if [source[i] for i in kept_source] != [target[i] for i in kept_target]:
        return None
    return dict(zip(kept_source, kept_target, strict=True))


def renumbered(source: nn.Module, target: nn.Module, optional: frozenset[str]) -> nn.Module:
    """The source under the target's layer numbers; the source itself where that is not needed or not possible.

    Args:
        source: Model with ``yaml`` and a sequence of layers ``model``; it is not changed.
        target: Model to be filled.
        optional: Modules that either side may have more of.

    Returns:
        A shallow copy that shares the source's layers.
    """
    if not (hasattr(source, "yaml") and hasattr(source, "model")):
        return source
    names = row_names(source.yaml), row_names(target.yaml)
    numbers = layer_map(*names, optional) if names[0] != names[1] else None
    if numbers is None:
        return source
    twin = copy.copy(source)
    twin._modules = dict(source._modules)
    layers = OrderedDict((str(new), source.model[old]) for old, new in numbers.items())
    twin._modules["model"] = nn.Sequential(layers)
    return twin
