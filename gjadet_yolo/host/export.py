"""Exports that cannot work are refused when they begin, and not from the depths of a converter.

A module states its limits beside its class, as ``export_limits: ClassVar[tuple[ExportLimit, ...]]``; no module is known
by name here. The check runs at the start of the host's ``Exporter``, so ``yolo export`` and Python both show it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gjadet_yolo.host.restoring import restoring
from gjadet_yolo.host.seams import Seam

if TYPE_CHECKING:
    from torch import nn


def export_suffixes() -> list[str]:
    """What the names of models end in that the host reads: ``.pt``, ``.onnx``, ``_openvino_model`` and so on."""
    from ultralytics.engine.exporter import export_formats

    return [*filter(None, export_formats()["Suffix"]), ".mlmodel"]  # an older Core ML, which is not written any more


def check_export(model: nn.Module, file_format: str, opset: int | None = None) -> None:
    """Refuse an export that one of the model's modules rules out.

    Args:
        model: Detection model.
        file_format: As in ``yolo export format=``.
        opset: As in ``yolo export opset=``.

    Raises:
        ValueError: Names the module, its layer, the format, the reason and what works.
    """
    for module in model.modules():
        for limit in getattr(type(module), "export_limits", ()):
            if limit.holds(file_format.lower(), opset):
                # a limit on the opset would read as one on the format
                target = f"{file_format} with opset={opset}" if limit.below_opset else file_format
                layer = f" (layer {module.i})" if hasattr(module, "i") else ""
                raise ValueError(
                    f"{name_of(model)} cannot be exported to {target}: {type(module).__name__}{layer} {limit.reason}. "
                    f"{limit.remedy}"
                )


def name_of(model: nn.Module) -> str:
    yaml = getattr(model, "yaml", None) or {}
    return Path(getattr(model, "pt_path", None) or yaml.get("yaml_file") or "This model").name


def connect_exporter(exporter: ModuleType) -> list[Seam]:
    """Seams in ``ultralytics.engine.exporter``."""
    return [Seam(exporter.Exporter, "__call__", wrap_exporter_call)]


def wrap_exporter_call(call: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(call)
    def wrapper(self: Any, model: nn.Module | None = None) -> str:
        if model is not None:  # else the host says itself what is missing
            check_export(model, str(self.args.format), self.args.opset)
        with restoring(model, self.args):
            return call(self, model)

    return wrapper
