"""Detections of many frames as one JSON and one CSV file, for other programs.

Coordinates are px of the frame as it was read: the pixel in the upper left corner spans 0 to 1 in x and y, so a box
around that pixel alone is 0, 0, 1, 1, and its centre is 0.5, 0.5.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

COLUMNS = ("image", "frame", "class_id", "class_name", "confidence", "x1_px", "y1_px", "x2_px", "y2_px")
CONVENTION = "px of the image; the pixel in the upper left corner spans 0 to 1, its centre is 0.5"


@dataclass(frozen=True)
class Detections:
    """What was found in one frame.

    Attributes:
        image: File of the image or video.
        frame: Number of the frame in its video, from 0; None for images.
        boxes: xyxy px, confidence, class, (N, 6).
    """

    image: str
    frame: int | None
    boxes: np.ndarray


def rows(found: Sequence[Detections], names: Mapping[int, str]) -> list[tuple[str | int | float | None, ...]]:
    """One row per box, in the order of ``COLUMNS``."""
    return [
        (
            one.image,
            one.frame,
            int(label),
            names[int(label)],
            round(confidence, 5),
            *(round(value, 3) for value in box),
        )
        for one in found
        for *box, confidence, label in one.boxes.tolist()
    ]


def as_csv(found: Sequence[Detections], names: Mapping[int, str]) -> str:
    """Text of a CSV file with a header; the frame of an image is left empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows(found, names))
    return text.getvalue()


def as_json(found: Sequence[Detections], names: Mapping[int, str], model: str) -> str:
    """Text of a JSON file: a header, every frame that was seen, and every box with the keys of ``COLUMNS``."""
    content = {
        "model": model,
        "pixels": CONVENTION,
        "classes": {str(label): name for label, name in names.items()},
        # Frames without a box too, which the list of boxes does not tell.
        "frames": [{"image": one.image, "frame": one.frame, "boxes": len(one.boxes)} for one in found],
        "boxes": [dict(zip(COLUMNS, row, strict=True)) for row in rows(found, names)],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def write_whole(file: Path, text: str) -> Path:
    """Write a file whole or not at all."""
    # Under another name in the same folder, then renamed: a rename is one step on one file system only.
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", dir=file.parent, prefix=f".{file.name}.", encoding="utf-8", delete=False
    ) as t:
        temporary = Path(t.name)
        try:
            t.write(text)
        except BaseException:
            temporary.unlink()
            raise
    temporary.chmod(0o644)  # temporary files are readable by their owner only
    return temporary.replace(file)
