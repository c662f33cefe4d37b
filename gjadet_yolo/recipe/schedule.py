"""The ``schedule:`` block of a model YAML: a training as a list of stages.

The shortest case is one stage with frozen layers, after which everything is trained; a list names every stage:

    schedule: {freeze: backbone, epochs: 0.3, lr: 0.1}

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

SECTIONS = ("backbone", "neck", "head", "restorer")

RANGES: dict[str, tuple[float, float]] = {"epochs": (0, 100_000), "lr": (1e-6, 1000)}
"""Numbers that each key may have; as far as any training needs, and no further."""


@dataclass(frozen=True)
class StageConfig:
    """One stage as the YAML states it.

    Attributes:
        freeze: Frozen layers: names out of ``SECTIONS`` and layer numbers.
        epochs: Length: a share of the training below 1, or a number of epochs.
        lr: Factor on the learning rate.
        terms: Loss terms that are active, by their names in ``results.csv``; empty for all.
        stream: Folder of images without labels that are seen beside the training set; empty for none.
    """

    freeze: tuple[str | int, ...] = ()
    epochs: float = 0.0  # 0 only in the last stage, which goes to the end
    lr: float = 1.0
    terms: tuple[str, ...] = ()
    stream: str = ""

    def __post_init__(self) -> None:
        for layer in self.freeze:
            # bool is a kind of int in Python, and `freeze: true` is no layer 1.
            known = layer in SECTIONS or (isinstance(layer, int) and not isinstance(layer, bool) and layer >= 0)
            if not known:
                hint = suggestion(layer, [*SECTIONS, "layer numbers"])
                raise ValueError(f"schedule: freeze has {shown(layer)}.{hint}")
        check_ranges(self, "schedule", RANGES)
        if self.epochs > 1 and self.epochs != int(self.epochs):
            raise ValueError(f"schedule: epochs is {self.epochs}, allowed: a share below 1, or a whole number.")
        if not isinstance(self.stream, str):
            raise ValueError(f"schedule: stream is {shown(self.stream)}, expected a folder of images.")
        # Their names are checked when training begins: they depend on the head, which is not built yet.
        for term in self.terms:
            if not isinstance(term, str):
                raise ValueError(f"schedule: terms has {shown(term)}, expected names of loss terms such as box_loss.")

    @classmethod
    def from_yaml(cls, block: dict[str, Any]) -> StageConfig:
        settings = read_block(cls, "schedule", block, "freeze: backbone")
        for key in ("freeze", "terms"):
            # One layer or term needs no list in the YAML; tuples, because a frozen stage must not hold what can change.
            if key in settings:
                value = settings[key]
                settings[key] = tuple(value) if isinstance(value, (list, tuple)) else (value,)
        return cls(**settings)


@dataclass(frozen=True)
class ScheduleConfig:
    """The stages of a training in their order; without the block there is one."""

    stages: tuple[StageConfig, ...] = ()

    @classmethod
    def from_yaml(cls, block: dict[str, Any] | list[dict[str, Any]] | None) -> ScheduleConfig:
        """Read the block, or None where the YAML has none.

        Raises:
            ValueError: No mapping and no list of them, or an unknown key or value, with the closest match.
        """
        if block is None:
            return cls()
        if isinstance(block, list):
            return cls(check_lengths(tuple(StageConfig.from_yaml(stage) for stage in block)))
        first = StageConfig.from_yaml(block)
        # Frozen layers without a length would never be released, and a length alone does nothing.
        if bool(first.freeze) != bool(first.epochs):
            raise ValueError("schedule: freeze and epochs belong together. Give both, or leave the block out.")
        return cls((first, StageConfig())) if first.epochs else cls()


def check_lengths(stages: tuple[StageConfig, ...]) -> tuple[StageConfig, ...]:
    """Refuse, by a ValueError, lists in which a stage in front of the last has no length, or the last has one."""
    for number, stage in enumerate(stages[:-1], 1):
        if not stage.epochs:
            raise ValueError(f"schedule: stage {number} of {len(stages)} has no epochs. Only the last goes to the end.")
    # The last stage ends with the training, so a length there could only contradict epochs=.
    if stages and stages[-1].epochs:
        raise ValueError(
            f"schedule: the last stage has epochs: {stages[-1].epochs:g}, but goes to the end of the training, "
            f"whatever its length. Leave epochs out there, or add a last stage {{}}."
        )
    return stages
