"""The in-memory form of a detection data set that converters meet in, and the checks every source goes through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

# Splits that the host knows; it ignores other keys of a data YAML.
HOST_SPLITS = ("train", "val", "test")


@dataclass
class LabelledImage:
    """One image and its boxes.

    Attributes:
        file: Image file.
        name: Name to store it under, relative to the split's folder.
        width, height: Of the image in px, the unit of the boxes.
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
        rows: Split, what, image and detail of each finding; no image means the whole split, no split the whole set.
    """

    rows: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(self, split: str, what: str, image: str = "", detail: str = "") -> None:
        self.rows.append((split, what, image, detail))

    def counts(self) -> dict[str, Counter[str]]:
        """Number of findings about images, by kind and split."""
        table: dict[str, Counter[str]] = {}
        for split, what, image, _ in self.rows:
            if image:
                table.setdefault(what, Counter())[split] += 1
        return table

    def notes(self) -> list[str]:
        """Findings about whole splits or the whole set, a sentence each."""
        return [
            (f"{split}: " if split else "") + f"{what} {detail}".rstrip()
            for split, what, image, detail in self.rows
            if not image
        ]


@dataclass
class BoxDataset:
    """A data set in memory: class names by index, images by split, and what was met while reading."""

    names: list[str]
    splits: dict[str, list[LabelledImage]]
    report: Report = field(default_factory=Report)


def host_splits(splits: Iterable[str]) -> dict[str, list[str]]:
    """Splits of a set behind each split of the host."""
    splits = list(splits)
    # What a name starts with decides: ``train`` and ``train_extra`` are both trained on.
    own = {kind: [split for split in splits if split.lower().startswith(kind)] for kind in HOST_SPLITS}
    others = [split for split in splits if not any(split in group for group in own.values())]
    sources = dict(own)
    # The host requires train and val, so a set without one of them borrows another split.
    for needed, stand_ins in (("train", ("val", "test")), ("val", ("test", "train"))):
        if splits and not own[needed]:
            sources[needed] = others[:1] or next(own[kind] for kind in stand_ins if own[kind])
    return {kind: group for kind, group in sources.items() if group}


def note_splits(splits: Iterable[str], report: Report) -> None:
    """Say where the host's splits are not the set's own."""
    splits = list(splits)
    sources = host_splits(splits)
    for kind, group in sources.items():
        if not any(split.lower().startswith(kind) for split in group):
            report.add(kind, "has no images of its own, data.yaml gives it those of", "", ", ".join(group))
        elif group != [kind]:
            report.add(kind, "consists, in data.yaml, of", "", " and ".join(group))
    for split in splits:
        if not any(split in group for group in sources.values()):
            what = "is not in data.yaml, because its name starts with none of"
            report.add(split, what, "", ", ".join(HOST_SPLITS))


def note_shared(splits: Mapping[str, Sequence[LabelledImage]], report: Report) -> None:
    # Scores on images that were trained on say little.
    holders: dict[Path, str] = {}
    for split, images in splits.items():
        for image in images:
            first = holders.setdefault(image.file.resolve(), split)
            if first != split:
                report.add(split, "images that another split holds too, kept", image.name, first)


def clean_labels(labels: Sequence[Sequence[float]], image: LabelledImage, split: str, report: Report) -> np.ndarray:
    """Labels (N, 5) float64, clipped to the image and without what cannot be a label; a note for each change."""
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
    """Names to store files under in one folder, unique without their suffix; paths have ``/``."""
    # Stems, because label files share them; in lower case, because some file systems ignore case.
    stems = Counter(Path(file).stem.lower() for file in files)
    taken: set[str] = set()
    names = []
    for file in files:
        path = Path(file)
        # A name that occurs once stays; repeated ones get their folders in front (a/001.jpg -> a_001.jpg), and a number
        # behind where even that is taken.
        stem = path.stem
        if stems[stem.lower()] > 1:  # a name with a leading dot is hidden, and the host does not read it
            stem = "_".join([*(part for part in path.parts[:-1] if part != ".."), stem]).lstrip("/.")
        candidate, number = stem, 2
        while candidate.lower() in taken or (candidate != path.stem and stems[candidate.lower()]):
            candidate, number = f"{stem}_{number}", number + 1
        taken.add(candidate.lower())
        names.append(candidate + path.suffix)
    return names
