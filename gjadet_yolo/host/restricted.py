"""Checkpoints of this package under ``ULTRALYTICS_SAFE_LOAD=1``, where the host rebuilds known classes only.

Three kinds are added, each only when a checkpoint names it: classes of this package, torchvision's ``DeformConv2d`` (a
part of ``DyHead``), and for checkpoints with a ``TimmBackbone`` or ``TimmStage`` modules of timm.
Mirrored: ``_SafeLoad.loading`` in https://github.com/ultralytics/ultralytics/blob/v8.4.190/ultralytics/nn/tasks.py,
which takes what it admits from ``_registry``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

BACKBONES = {f"gjadet_yolo.nn.timm_backbone.{name}" for name in ("TimmBackbone", "TimmStage")}
TIMM_MODULES = ("timm.layers.", "timm.models.")
TIMM_DATA = ("timm.layers.format.Format", "timm.models._features.FeatureInfo")  # a backbone's only other classes


def wrap_loading(stock: classmethod) -> classmethod:
    """``_SafeLoad.loading``, which also admits the classes that a checkpoint names and this package vouches for."""

    def loading(cls: Any, weight: Any) -> Any:
        named = globals_of(weight)
        has_backbone = not BACKBONES.isdisjoint((*named, *(cls._registry or ())))
        if has_backbone or any(name.startswith("gjadet_yolo.") for name in named):
            admitted = own_classes() | (timm_classes(named) if has_backbone else {})
            with cls._lock:  # under which the host builds its registry
                if cls._registry is None:
                    cls._registry = cls._build()
                cls._registry.update({name: admitted[name] for name in named if name in admitted})
        return stock.__func__(cls, weight)

    return classmethod(loading)


def globals_of(weight: Any) -> list[str]:
    """Classes and functions that a checkpoint file names and no earlier load of this process has admitted."""
    import torch

    try:
        return torch.serialization.get_unsafe_globals_in_checkpoint(weight)
    except (ValueError, RuntimeError, EOFError):  # damaged; the host's loading, which comes next, says how
        return []


def own_classes() -> dict[str, type]:
    from torchvision.ops import DeformConv2d

    from gjadet_yolo.engine.model import GjadetModel
    from gjadet_yolo.nn import MODULES, PARTS

    return {f"{cls.__module__}.{cls.__qualname__}": cls for cls in (GjadetModel, *MODULES, *PARTS, DeformConv2d)}


def timm_classes(named: list[str]) -> dict[str, type]:
    """Modules of timm among the names in a checkpoint with a ``TimmBackbone``, by import path.

    Raises:
        ValueError: timm is not installed, or a name is neither a module nor in ``TIMM_DATA``; gives the name.
    """
    from torch import nn

    from gjadet_yolo.nn.timm_backbone import library

    library()  # raises with the command that installs timm
    found = {}
    for name in (name for name in named if name.startswith("timm.")):
        path, _, attribute = name.rpartition(".")
        # only these two packages are imported at all: importing runs code, whatever the check below says
        cls = getattr(import_module(path), attribute, None) if name.startswith(TIMM_MODULES) else None
        if not isinstance(cls, type) or not (name in TIMM_DATA or issubclass(cls, nn.Module)):
            raise ValueError(
                f"this checkpoint's TimmBackbone holds {name}, which ULTRALYTICS_SAFE_LOAD does not admit. Unset it if "
                f"you trust the file."
            )
        found[name] = cls
    return found
