"""What cannot be exported says so when the export begins, and not from the depths of a converter.

A module states its limits beside its class, as ``export_limits: ClassVar[tuple[ExportLimit, ...]]``; nothing here knows
a module by name. The check runs at the start of the host's ``Exporter``, so ``yolo export`` and Python both show it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gjadet_yolo.seams import Seam

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class ExportLimit:
    """One thing that keeps a module out of an export.

    Attributes:
        reason: Why, so that it can follow the name of the module: "needs ...".
        remedy: What works instead, as a sentence.
        formats: Formats concerned, named as in ``yolo export format=``; empty for all.
        below_opset: The limit holds where an older ONNX opset is asked for; None: whatever the opset.
    """

    reason: str
    remedy: str
    formats: frozenset[str] = frozenset()
    below_opset: int | None = None

    def holds(self, file_format: str, opset: int | None) -> bool:
        """Whether it concerns an export.

        Args:
            file_format: As in ``yolo export format=``.
            opset: As in ``yolo export opset=``; None takes the host's choice, which is new enough.
        """
        concerned = not self.formats or file_format in self.formats
        return concerned and (self.below_opset is None or (opset is not None and opset < self.below_opset))


def check_export(model: nn.Module, file_format: str, opset: int | None = None) -> None:
    """Refuse an export that one of the model's modules rules out.

    Args:
        model: Detection model.
        file_format: As in ``yolo export format=``.
        opset: As in ``yolo export opset=``.

    Raises:
        ValueError: Names the model, the module and its layer, the format, the reason and what works.
    """
    for module in model.modules():
        for limit in getattr(type(module), "export_limits", ()):
            if limit.holds(file_format.lower(), opset):
                target = f"{file_format} with opset={opset}" if limit.below_opset else file_format
                layer = f" (layer {module.i})" if hasattr(module, "i") else ""
                raise ValueError(
                    f"{name_of(model)} cannot be exported to {target}: {type(module).__name__}{layer} {limit.reason}. "
                    f"{limit.remedy}"
                )


def name_of(model: nn.Module) -> str:
    """File that a model came from."""
    yaml = getattr(model, "yaml", None) or {}
    return Path(getattr(model, "pt_path", None) or yaml.get("yaml_file") or "This model").name


def connect_exporter(exporter: ModuleType) -> list[Seam]:
    """Let the host's ``Exporter`` check the limits first; for ``ultralytics.engine.exporter``."""
    return [Seam(exporter.Exporter, "__call__", checking)]


def checking(call: Callable[..., str]) -> Callable[..., str]:
    """Wrap ``Exporter.__call__``."""

    @functools.wraps(call)
    def wrapper(self: Any, model: nn.Module | None = None) -> str:
        if model is not None:
            check_export(model, str(self.args.format), self.args.opset)
        return call(self, model)

    return wrapper
