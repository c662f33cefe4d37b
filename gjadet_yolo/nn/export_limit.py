"""What a module states about exports that cannot work, beside its class; ``host/export.py`` checks it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExportLimit:
    """One thing that keeps a module out of an export.

    Attributes:
        reason: Why, as what follows the name of the module: "needs ...".
        remedy: What works instead, as a sentence.
        formats: Formats concerned, named as in ``yolo export format=``; empty for all.
        below_opset: The limit holds where an older ONNX opset is asked for; None: whatever the opset.
    """

    reason: str
    remedy: str
    formats: frozenset[str] = frozenset()
    below_opset: int | None = None

    def holds(self, file_format: str, opset: int | None) -> bool:
        """Whether it concerns ``yolo export format=... opset=...``; None is the host's opset, which is new enough."""
        concerned = not self.formats or file_format in self.formats
        return concerned and (self.below_opset is None or (opset is not None and opset < self.below_opset))
