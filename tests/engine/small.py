"""A detection model that trains in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROWS = [[-1, 1, "Conv", [16, 3, 2]] for _ in range(5)]  # strides 2 to 32


def small_yaml(folder: Path, end2end: bool = False, head: str = "Detect", **blocks: dict[str, Any]) -> Path:
    """Write the model YAML: five convolutions, one level of stride 32 and one of stride 16.

    Args:
        folder: Where it goes.
        end2end: Two branches with distances instead of bins, as YOLO26.
        head: Name of the head row.
        blocks: ``loss``, ``augment``, ``schedule``.
    """
    head_rows = [[[3, 4], 1, head, ["nc"]]]
    content = {"nc": 5, "end2end": end2end, "reg_max": 1 if end2end else 16, "backbone": ROWS, "head": head_rows}
    file = folder / "small.yaml"
    file.write_text(yaml.safe_dump(content | blocks), encoding="utf-8")
    return file
