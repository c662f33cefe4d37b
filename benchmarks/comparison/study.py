"""A study: which variants are trained on what, with which seeds; read from a YAML file.

    data: scenes/data.yaml          # or data=... on the command line
    train: {epochs: 3, imgsz: 256}  # the host's training arguments, the same for every row
    seeds: [0, 1, 2]
    steps: 2400                     # of the optimiser, in every row: epochs follow from repetitions and batch; optional
    start: {weights: gjadetn-crash-synth.pt, layers: 10}  # what every row starts from; optional
    score: val                      # split that rows are scored on: val to choose by, test to report; optional
    rows:
      - {name: host, model: yolov8n.yaml}
      - {name: host cls 2, model: yolov8n.yaml, train: {cls: 2.0}}
      - {name: gjr, model: yolov8n.yaml, loss: {cls: gjr}, against: host cls 2}

``model`` is any model YAML; ``loss``, ``augment``, ``schedule``, ``restore`` and ``crux`` replace its blocks, ``head``
its last module, ``adaptive`` the order of its adaptive modules (an empty list makes them Concat rows) and ``reduction``
their reduction. ``train`` adds to the study's. ``start`` gives the first layers of a checkpoint to every row, the rest
is drawn by the seed. ``against`` names the row that this one is compared with; without it the first row.

With ``score: test`` each run is also scored on ``val``, at its end and after nine tenths of its epochs: a training that
still gains there has not ended.
"""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml
from ultralytics import __version__
from ultralytics.nn.tasks import yaml_model_load

from comparison.steps import boxes_by_image, steps_per_epoch
from gjadet_yolo.data.formats.yolo import read_yolo
from gjadet_yolo.messages import suggestion

BLOCKS = ("loss", "augment", "schedule", "restore", "crux")
SPLITS = ("val", "test")


@dataclass(frozen=True)
class Variant:
    """One row of a study; attributes as in the module's text."""

    name: str
    model: str
    loss: dict[str, Any] | None = None
    augment: dict[str, Any] | None = None
    schedule: dict[str, Any] | None = None
    restore: dict[str, Any] | None = None
    crux: dict[str, Any] | None = None
    head: str = ""
    adaptive: list[str] | None = None
    reduction: int = 4
    train: dict[str, Any] = field(default_factory=dict)
    against: str = ""

    def model_yaml(self) -> dict[str, Any]:
        """Model YAML of the variant, at the scale that its name asks for."""
        content = copy.deepcopy(yaml_model_load(self.model))
        # one scale only: what else the file holds must not change the hash of a run
        scale = content.pop("scale", "") or next(iter(content.get("scales", {"": ""})))
        content.pop("yaml_file", None)
        if "scales" in content:
            content["scales"] = {scale: content["scales"][scale]}
        for block in BLOCKS:
            if getattr(self, block) is not None:
                content[block] = getattr(self, block)
        if self.head:
            content["head"][-1][2] = self.head
        for row in content["head"]:
            if row[2] == "AdaptiveModule" and self.adaptive is not None:
                row[2:] = ["AdaptiveModule", [self.adaptive, 7, self.reduction]] if self.adaptive else ["Concat", [1]]
        return content


@dataclass(frozen=True)
class Study:
    """Variants, seeds and what they have in common.

    Attributes:
        data: Data YAML.
        train: Training arguments of the host that every run has.
        seeds: Seeds of every variant.
        rows: The variants.
        start: Checkpoint (``weights``) and the number of its first ``layers`` that every run starts from, or empty.
        score: Split that the last weights are scored on.
        steps: Optimiser steps of every row; 0 where rows have epochs.
    """

    data: Path
    train: dict[str, Any]
    seeds: tuple[int, ...]
    rows: tuple[Variant, ...]
    start: dict[str, Any] = field(default_factory=dict)
    score: str = "val"
    steps: int = 0

    @classmethod
    def read(cls, file: Path, data: str = "") -> Study:
        """Read a study.

        Args:
            data: Data YAML instead of the file's.

        Raises:
            ValueError: Unknown or missing keys, no data set, or an ``against`` that is no row; names file and value.
        """
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        check_keys(content, ("data", "train", "seeds", "steps", "start", "score", "rows"), str(file))
        check_keys(content.get("start") or {}, ("weights", "layers"), f"{file}, start")
        rows = []
        for number, row in enumerate(content.get("rows") or []):
            check_keys(row, [f.name for f in fields(Variant)], f"{file}, row {number}")
            missing = [key for key in ("name", "model") if key not in row]
            if missing:
                raise ValueError(f"{file}, row {number}: no '{missing[0]}'.")
            rows.append(Variant(**row))
        names = [row.name for row in rows]
        for row in rows:
            if names.count(row.name) > 1:
                raise ValueError(f"{file}: two rows are called '{row.name}'.")
            if row.against and row.against not in names:
                raise ValueError(f"{file}: '{row.name}' is against '{row.against}'.{suggestion(row.against, names)}")
        if not rows:
            raise ValueError(f"{file} has no rows.")
        split = content.get("score", "val")
        if split not in SPLITS:
            raise ValueError(f"{file}: score is '{split}'.{suggestion(str(split), SPLITS)}")
        data = data or content.get("data", "")
        if not data or not Path(data).is_file():
            raise ValueError(f"The data YAML of {file} is {data!r}, which is not a file. Name one: data=DATA.yaml")
        settings = (
            content.get("train") or {},
            tuple(content.get("seeds") or (0,)),
            tuple(rows),
            content.get("start") or {},
            split,
            whole_number(content.get("steps", 0), f"{file}: steps"),
        )
        return cls(Path(data), *settings)

    def baseline(self, row: Variant) -> Variant:
        """The row that a row is compared with."""
        return next(r for r in self.rows if r.name == row.against) if row.against else self.rows[0]


@dataclass(frozen=True)
class Run:
    """One training: everything its result depends on, apart from the code.

    Attributes:
        model: Model YAML.
        train: Arguments of the host's training.
        seed: Seed of weights and data order.
        data: Digest of the data set's labels and image names.
        start: Checkpoint and number of its layers to start from.
        host: Version of Ultralytics.
        score: Split that it is scored on.
    """

    model: dict[str, Any]
    train: dict[str, Any]
    seed: int
    data: str
    start: dict[str, Any] = field(default_factory=dict)
    host: str = __version__
    score: str = "val"

    @property
    def key(self) -> str:
        """Hash of the configuration, the name of the run's folder."""
        content = asdict(self)
        if self.score == "val":  # as the runs of earlier studies were named
            del content["score"]
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:12]


def runs(study: Study) -> list[tuple[Variant, Run]]:
    """All runs, seed by seed, so that a first table of all rows comes early."""
    data = fingerprint(study.data)
    images = read_yolo(study.data)
    counts = boxes_by_image(images.splits["train"], len(images.names))
    found = []
    for seed in study.seeds:
        for row in study.rows:
            model, train = row.model_yaml(), study.train | row.train
            if study.steps and "epochs" not in row.train:
                steps = steps_per_epoch(counts, int(train.get("batch", 16)), model.get("augment"))
                train["epochs"] = max(1, round(study.steps / steps))
            found.append((row, Run(model, train, seed, data, study.start, score=study.score)))
    return found


def whole_number(value: Any, where: str) -> int:
    """A whole number of 0 and more, or an error that names the place."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{where} is {value!r}, expected a whole number.")
    return value


def refuse_overlap(data: Path) -> None:
    """Refuse a data set with an image in two splits: what is chosen or reported on one would be known from another.

    Raises:
        ValueError: Names both files.
    """
    seen: dict[bytes, tuple[str, Path]] = {}
    for split, images in read_yolo(data).splits.items():
        for image in images:
            digest = hashlib.sha256(image.file.read_bytes()).digest()
            other, file = seen.setdefault(digest, (split, image.file))
            if other != split:
                raise ValueError(
                    f"{data}: {image.file} of '{split}' is the same picture as {file} of '{other}'. Splits of a study "
                    f"have none in common: remove one of them."
                )


def fingerprint(data: Path) -> str:
    """Digest of a data set: its data YAML, the names of its images and the content of its label files."""
    digest = hashlib.sha256(data.read_bytes())
    for file in sorted(data.parent.rglob("*")):
        if file.suffix == ".txt":
            digest.update(file.read_bytes())
        elif file.suffix in (".jpg", ".jpeg", ".png"):
            digest.update(file.name.encode())  # names only: reading every picture would take minutes
    return digest.hexdigest()[:12]


def check_keys(content: Any, allowed: list[str] | tuple[str, ...], where: str) -> None:
    """Refuse unknown keys with the closest match."""
    if not isinstance(content, dict):
        raise ValueError(f"{where}: {content!r} is no mapping of keys to values.")
    for key in content:
        if key not in allowed:
            raise ValueError(f"{where}: unknown key '{key}'.{suggestion(str(key), list(allowed))}")
