"""The in-memory form of a detection data set that converters meet in, and the checks every source goes through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass
class LabelledImage:
    """One image and its boxes.

    Attributes:
        file: Image file.
        name: Name to store it under, relative to the split's folder.
        width: Image width in px, the unit of the boxes.
        height: Image height in px.
        labels: (N, 5) float64: class index and xyxy box in px.
    """

    file: Path
    name: str
    width: int
    height: int
    labels: np.ndarray


@dataclass
class Report:
    """What a conversion met, so that nothing is dropped in silence.

    Attributes:
        rows: One entry per finding: split, what, image, detail.
    """

    rows: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(self, split: str, what: str, image: str = "", detail: str = "") -> None:
        """Note one finding."""
        self.rows.append((split, what, image, detail))

    def counts(self) -> dict[str, Counter[str]]:
        """Number of findings by kind and split."""
        table: dict[str, Counter[str]] = {}
        for split, what, _, _ in self.rows:
            table.setdefault(what, Counter())[split] += 1
        return table


@dataclass
class BoxDataset:
    """A data set in memory.

    Attributes:
        names: Class names in the order of their indices.
        splits: Images by split.
        report: What was met while reading.
    """

    names: list[str]
    splits: dict[str, list[LabelledImage]]
    report: Report = field(default_factory=Report)


def borrowed_splits(splits: Sequence[str]) -> dict[str, str]:
    """Which split stands in for ``train`` or ``val``, both of which the host requires, where a set has none."""
    return {needed: splits[0] for needed in ("train", "val") if needed not in splits}


def clean_labels(labels: Sequence[Sequence[float]], image: LabelledImage, split: str, report: Report) -> np.ndarray:
    """Clip boxes to the image and drop what cannot be a label, with a note for each.

    Args:
        labels: Class index and xyxy box in px, per box.
        image: The image they belong to.
        split: For the report.
        report: Takes the notes.

    Returns:
        (N, 5) float64 labels.
    """
    kept: list[tuple[float, ...]] = []
    for cls, *box in labels:
        x1, y1, x2, y2 = box
        detail = f"class {int(cls)}, xyxy {', '.join(f'{v:g}' for v in box)}"
        if not np.isfinite(box).all():
            report.add(split, "boxes that are not finite, dropped", image.name, detail)
        elif x2 <= x1 or y2 <= y1:
            report.add(split, "boxes without area, dropped", image.name, detail)
        else:
            clipped = (max(x1, 0.0), max(y1, 0.0), min(x2, float(image.width)), min(y2, float(image.height)))
            if clipped[2] <= clipped[0] or clipped[3] <= clipped[1]:
                report.add(split, "boxes outside the image, dropped", image.name, detail)
                continue
            if clipped != (x1, y1, x2, y2):
                report.add(split, "boxes clipped to the image", image.name, detail)
            if (cls, *clipped) in kept:
                report.add(split, "duplicate boxes, dropped", image.name, detail)
                continue
            kept.append((cls, *clipped))
    if not kept:
        report.add(split, "images without boxes, kept as background", image.name)
    return np.array(kept, dtype=np.float64).reshape(-1, 5)


def unique_names(files: Sequence[str]) -> list[str]:
    """Names to store files under in one folder: unique without suffix, because label files share the stem.

    A name that occurs once stays; repeated ones get their folders in front (``a/001.jpg`` -> ``a_001.jpg``), and a
    number behind where even that is taken.

    Args:
        files: Paths as the source names them, with ``/``.
    """
    stems = Counter(Path(file).stem.lower() for file in files)
    taken: set[str] = set()
    names = []
    for file in files:
        path = Path(file)
        stem = path.stem if stems[path.stem.lower()] == 1 else "_".join([*path.parts[:-1], path.stem]).lstrip("/")
        candidate, number = stem, 2
        while candidate.lower() in taken or (candidate != path.stem and stems[candidate.lower()]):
            candidate, number = f"{stem}_{number}", number + 1
        taken.add(candidate.lower())
        names.append(candidate + path.suffix)
    return names
