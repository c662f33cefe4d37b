"""The ``schedule:`` block of a model YAML: training in two stages.

In the first stage some layers are frozen, BatchNorm statistics included, and the learning rate is multiplied by a
factor; the second trains everything. Pure: the trainer only applies what :func:`plan_stages` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gjadet_yolo.blocks import check_ranges, read_block
from gjadet_yolo.locate import suggestion

SECTIONS = ("backbone", "neck", "head")

RANGES: dict[str, tuple[float, float]] = {"epochs": (0, 100_000), "lr": (1e-6, 1000)}
"""Numbers that each key may have; as far as any training needs, and no further."""


@dataclass(frozen=True)
class ScheduleConfig:
    """Two-stage training; without the block there is one stage.

    Attributes:
        freeze: Layers frozen in the first stage: names out of ``backbone``, ``neck``, ``head`` and layer numbers.
        epochs: Length of the first stage: a share of the training below 1, or a number of epochs.
        lr: Factor on the learning rate in the first stage.
    """

    freeze: tuple[str | int, ...] = ()
    epochs: float = 0.0
    lr: float = 1.0

    def __post_init__(self) -> None:
        for layer in self.freeze:
            known = layer in SECTIONS or (isinstance(layer, int) and not isinstance(layer, bool) and layer >= 0)
            if not known:
                hint = suggestion(str(layer), [*SECTIONS, "layer numbers"])
                raise ValueError(f"schedule: freeze has {layer!r}.{hint}")
        check_ranges(self, "schedule", RANGES)
        if self.epochs > 1 and self.epochs != int(self.epochs):
            raise ValueError(f"schedule: epochs is {self.epochs}, allowed: a share below 1, or a whole number.")
        if bool(self.freeze) != bool(self.epochs):
            raise ValueError("schedule: freeze and epochs belong together. Give both, or leave the block out.")

    @classmethod
    def from_yaml(cls, block: dict[str, Any] | None) -> ScheduleConfig:
        """Read the block.

        Args:
            block: The ``schedule:`` block, or None where the YAML has none.

        Raises:
            ValueError: Not a mapping, unknown key, or a value that is not allowed; with the closest match.
        """
        settings = read_block(cls, "schedule", block, "freeze: backbone")
        if "freeze" in settings:
            layers = settings["freeze"]
            settings["freeze"] = tuple(layers) if isinstance(layers, (list, tuple)) else (layers,)
        return cls(**settings)


@dataclass(frozen=True)
class Stage:
    """Part of a training.

    Attributes:
        first: Its first epoch, from 0.
        end: The epoch after its last.
        frozen: Numbers of the frozen layers.
        lr: Factor on the learning rate.
    """

    first: int
    end: int
    frozen: tuple[int, ...] = ()
    lr: float = 1.0


def plan_stages(
    config: ScheduleConfig, epochs: int, backbone: int, layers: int, estimated: bool = False
) -> tuple[Stage, ...]:
    """Stages of a training.

    Args:
        config: The block.
        epochs: Length of the training.
        backbone: Number of backbone layers.
        layers: Number of all layers; the last is the head.
        estimated: Whether the length is the host's estimate for ``time=``, which changes after each epoch: then a first
            stage that is too long is cut, so that at least the last epoch trains everything.

    Raises:
        ValueError: A layer that the model does not have, all layers, or a first stage that leaves no second.
    """
    if not config.freeze:
        return (Stage(0, epochs),)
    length = int(config.epochs) if config.epochs >= 1 else max(round(config.epochs * epochs), 1)
    if estimated:
        length = min(length, epochs - 1)
    elif length >= epochs:
        raise ValueError(f"schedule: the first stage has {length} epochs of {epochs}. Shorten it, or train longer.")
    frozen = layer_numbers(config.freeze, backbone, layers)
    if len(frozen) == layers:
        raise ValueError("schedule: freeze holds all layers, so that nothing would be trained. Leave some out.")
    return Stage(0, length, frozen, float(config.lr)), Stage(length, epochs)


def layer_numbers(names: Sequence[str | int], backbone: int, layers: int) -> tuple[int, ...]:
    """Layer numbers behind names of sections and numbers.

    Raises:
        ValueError: A number that the model does not have.
    """
    sections = {"backbone": range(backbone), "neck": range(backbone, layers - 1), "head": range(layers - 1, layers)}
    found: set[int] = set()
    for name in names:
        if isinstance(name, int) and name >= layers:
            raise ValueError(f"schedule: freeze has layer {name}, allowed: 0 to {layers - 1}.")
        found.update(sections[name] if isinstance(name, str) else (name,))
    return tuple(sorted(found))


def stage_at(stages: Sequence[Stage], epoch: int) -> Stage:
    """The stage that an epoch belongs to; the last one beyond the end."""
    return next((stage for stage in stages if stage.first <= epoch < stage.end), stages[-1])
