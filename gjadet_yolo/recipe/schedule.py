"""The ``schedule:`` block of a model YAML: a training as a list of stages.

The shortest case is one stage with frozen layers, after which everything is trained:

    schedule: {freeze: backbone, epochs: 0.3, lr: 0.1}

A list names every stage; the last goes to the end:

    schedule:
      - {epochs: 0.25, freeze: [backbone, neck], terms: [cls_loss]}
      - {epochs: 0.25, freeze: backbone, stream: favoured/images}
      - {}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gjadet_yolo.messages import check_ranges, shown, suggestion
from gjadet_yolo.recipe.block import read_block

SECTIONS = ("backbone", "neck", "head")

RANGES: dict[str, tuple[float, float]] = {"epochs": (0, 100_000), "lr": (1e-6, 1000)}
"""Numbers that each key may have; as far as any training needs, and no further."""


@dataclass(frozen=True)
class StageConfig:
    """One stage as the YAML states it.

    Attributes:
        freeze: Frozen layers: names out of ``backbone``, ``neck``, ``head`` and layer numbers.
        epochs: Length: a share of the training below 1, or a number of epochs; 0 in the last stage, which goes to the
            end.
        lr: Factor on the learning rate.
        terms: Loss terms that are active, by their names in ``results.csv``; empty for all.
        stream: Folder of images without labels that are seen beside the training set; empty for none.
    """

    freeze: tuple[str | int, ...] = ()
    epochs: float = 0.0
    lr: float = 1.0
    terms: tuple[str, ...] = ()
    stream: str = ""

    def __post_init__(self) -> None:
        for layer in self.freeze:
            known = layer in SECTIONS or (isinstance(layer, int) and not isinstance(layer, bool) and layer >= 0)
            if not known:
                hint = suggestion(layer, [*SECTIONS, "layer numbers"])
                raise ValueError(f"schedule: freeze has {shown(layer)}.{hint}")
        check_ranges(self, "schedule", RANGES)
        if self.epochs > 1 and self.epochs != int(self.epochs):
            raise ValueError(f"schedule: epochs is {self.epochs}, allowed: a share below 1, or a whole number.")
        if not isinstance(self.stream, str):
            raise ValueError(f"schedule: stream is {shown(self.stream)}, expected a folder of images.")
        for term in self.terms:
            if not isinstance(term, str):
                raise ValueError(f"schedule: terms has {shown(term)}, expected names of loss terms such as box_loss.")

    @classmethod
    def from_yaml(cls, block: dict[str, Any]) -> StageConfig:
        """Read one stage; errors as in :meth:`ScheduleConfig.from_yaml`."""
        settings = read_block(cls, "schedule", block, "freeze: backbone")
        for key in ("freeze", "terms"):
            if key in settings:
                value = settings[key]
                settings[key] = tuple(value) if isinstance(value, (list, tuple)) else (value,)
        return cls(**settings)


@dataclass(frozen=True)
class ScheduleConfig:
    """The stages of a training; without the block there is one.

    Attributes:
        stages: In their order; every one but the last states its length.
    """

    stages: tuple[StageConfig, ...] = ()

    @classmethod
    def from_yaml(cls, block: dict[str, Any] | list[dict[str, Any]] | None) -> ScheduleConfig:
        """Read the block.

        Args:
            block: The ``schedule:`` block, or None where the YAML has none.

        Raises:
            ValueError: Neither a mapping nor a list of them, unknown key, or a value that is not allowed; with the
                closest match.
        """
        if block is None:
            return cls()
        if isinstance(block, list):
            return cls(check_lengths(tuple(StageConfig.from_yaml(stage) for stage in block)))
        first = StageConfig.from_yaml(block)
        if bool(first.freeze) != bool(first.epochs):
            raise ValueError("schedule: freeze and epochs belong together. Give both, or leave the block out.")
        return cls((first, StageConfig())) if first.epochs else cls()


def check_lengths(stages: tuple[StageConfig, ...]) -> tuple[StageConfig, ...]:
    """Refuse lists of stages whose lengths leave no doubt only in one place.

    Raises:
        ValueError: A stage in front of the last without a length, or a last stage with one.
    """
    for number, stage in enumerate(stages[:-1], 1):
        if not stage.epochs:
            raise ValueError(f"schedule: stage {number} of {len(stages)} has no epochs. Only the last goes to the end.")
    if stages and stages[-1].epochs:
        raise ValueError(
            f"schedule: the last stage has epochs: {stages[-1].epochs:g}, but goes to the end of the training, "
            f"whatever its length. Leave epochs out there, or add a last stage {{}}."
        )
    return stages
