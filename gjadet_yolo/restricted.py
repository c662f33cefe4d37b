"""Checkpoints of this package under ``ULTRALYTICS_SAFE_LOAD=1``, where the host rebuilds known classes only.

What is added to the known ones: the classes of this package that a checkpoint holds, torchvision's ``DeformConv2d``
(a part of ``DyHead``), and for checkpoints with a ``TimmBackbone`` the modules of timm that they name. Each is added
when a checkpoint names it, nothing else is.
Mirrored: ``_SafeLoad.loading`` in https://github.com/ultralytics/ultralytics/blob/v8.4.190/ultralytics/nn/tasks.py,
which takes what it admits from ``_registry``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

BACKBONE = "gjadet_yolo.nn.timm_backbone.TimmBackbone"
TIMM_MODULES = ("timm.layers.", "timm.models.")
TIMM_DATA = ("timm.layers.format.Format", "timm.models._features.FeatureInfo")
"""What a backbone of timm holds beside modules: the order of its axes, and what its outputs are."""


def admitting(stock: classmethod) -> classmethod:
    """Wrap ``_SafeLoad.loading``: what a checkpoint names and this package vouches for is known from then on."""

    def loading(cls: Any, weight: Any) -> Any:
        named = globals_of(weight)
        has_backbone = BACKBONE in named or BACKBONE in (cls._registry or ())
        if has_backbone or any(name.startswith("gjadet_yolo.") for name in named):
            admitted = own_classes() | (timm_classes(named) if has_backbone else {})
            with cls._lock:
                if cls._registry is None:
                    cls._registry = cls._build()
                cls._registry.update({name: admitted[name] for name in named if name in admitted})
        return stock.__func__(cls, weight)

    return classmethod(loading)


def globals_of(weight: Any) -> list[str]:
    """Classes and functions that a checkpoint names and torch does not know yet; none if it is damaged.

    What an earlier load of this process admitted is known, and not listed again.

    Args:
        weight: The file.
    """
    import torch

    try:
        return torch.serialization.get_unsafe_globals_in_checkpoint(weight)
    except (ValueError, RuntimeError, EOFError):  # the host's loading says what is wrong with the file
        return []


def own_classes() -> dict[str, type]:
    """Classes of this package that a checkpoint may hold, and the one of torchvision in them, by import path."""
    from torchvision.ops import DeformConv2d

    from gjadet_yolo.engine.model import GjadetModel
    from gjadet_yolo.nn import MODULES, PARTS

    return {f"{cls.__module__}.{cls.__qualname__}": cls for cls in (GjadetModel, *MODULES, *PARTS, DeformConv2d)}


def timm_classes(named: list[str]) -> dict[str, type]:
    """Modules of timm among what a checkpoint with a ``TimmBackbone`` names, by import path.

    Args:
        named: What the checkpoint names.

    Raises:
        ValueError: It needs timm, which is not installed, or something of timm that is no module; names it.
    """
    from torch import nn

    from gjadet_yolo.nn.timm_backbone import library

    library()
    found = {}
    for name in (name for name in named if name.startswith("timm.")):
        path, _, attribute = name.rpartition(".")
        cls = getattr(import_module(path), attribute, None) if name.startswith(TIMM_MODULES) else None
        if not isinstance(cls, type) or not (name in TIMM_DATA or issubclass(cls, nn.Module)):
            raise ValueError(
                f"this checkpoint's TimmBackbone holds {name}, which ULTRALYTICS_SAFE_LOAD does not admit. Unset it if "
                f"you trust the file."
            )
        found[name] = cls
    return found
