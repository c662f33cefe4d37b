"""Everything that the blocks of a model YAML say about training, parsed once; the model carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gjadet_yolo.recipe.augment import AugmentConfig
from gjadet_yolo.recipe.crux import CruxConfig
from gjadet_yolo.recipe.loss import LossConfig
from gjadet_yolo.recipe.restore import RestoreConfig
from gjadet_yolo.recipe.schedule import ScheduleConfig


@dataclass(frozen=True)
class Recipe:
    """The recipe of a model: losses, how images are chosen and changed, stages of the training, restorer and cruxes."""

    loss: LossConfig = field(default_factory=LossConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    restore: RestoreConfig | None = None
    crux: CruxConfig | None = None

    def __post_init__(self) -> None:
        # Cruxes are trained in phases of their own, and two lists of stages would contradict each other.
        if self.crux is not None and self.schedule.stages:
            raise ValueError(
                "crux: has phases of its own, so that the model YAML can have no schedule:. Leave one out."
            )
        if self.restore is None and any("restorer" in stage.freeze for stage in self.schedule.stages):
            raise ValueError("schedule: freeze has 'restorer', and there is none without a restore: block.")

    @classmethod
    def from_yaml(cls, yaml: Mapping[str, Any]) -> Recipe:
        """Read the blocks of a model YAML; a ValueError names unknown keys and values, with the closest match."""
        return cls(
            LossConfig.from_yaml(yaml.get("loss")),
            AugmentConfig.from_yaml(yaml.get("augment")),
            ScheduleConfig.from_yaml(yaml.get("schedule")),
            RestoreConfig.from_yaml(yaml.get("restore")),
            CruxConfig.from_yaml(yaml.get("crux")),
        )

    def resolved(self, joint: bool) -> Recipe:
        """Replace ``auto`` by what the head calls for; errors as in :meth:`LossConfig.resolved`."""
        return replace(self, loss=self.loss.resolved(joint))
