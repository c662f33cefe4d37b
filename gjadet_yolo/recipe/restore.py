"""The ``restore:`` block of a model YAML: a restoring network in front of the detector, and how both are trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gjadet_yolo.data.degrade import DEGRADATIONS
from gjadet_yolo.losses.restoration import RESTORING_LOSSES
from gjadet_yolo.messages import check_ranges, is_number, shown, suggestion
from gjadet_yolo.recipe.block import read_block

SIZE_NAMES = ("n", "s", "m", "l", "x")
LEVELS = (0.2, 0.8)  # of a degradation without a range

RANGES: dict[str, tuple[float, float]] = {"alpha": (0, 1000), "beta": (0, 1000), "clean": (0, 1), "lr": (1e-6, 1000)}
"""Numbers that each key may have."""

Degradations = tuple[tuple[str, float, float], ...]
"""Names of degradations with the lowest and the highest level of each."""

# Those that need no further library.
FREE: Degradations = tuple((name, *LEVELS) for name in ("dust", "low_light", "blur", "noise", "compression"))


@dataclass(frozen=True)
class RestoreConfig:
    """The restorer and its training; the block's keys are these fields, and every one is optional.

    Attributes:
        size: Of the restorer, ``n`` to ``x`` (``nn/restore.py``), or ``auto``: by the scale of the model.
        alpha: Weight of the detector's losses.
        beta: Weight of the restoring loss.
        loss: Restoring loss: ``l1`` (published), ``l2`` or ``charbonnier``.
        degrade: Degradations of the training images, one per image, each with its range of levels.
        clean: Share of the images that stay clean.
        gradient: Whether the detector's gradients reach the restorer.
        lr: Factor on the learning rate for the restorer.
    """

    size: str = "auto"
    alpha: float = 0.5
    beta: float = 0.5
    loss: str = "l1"
    degrade: Degradations = FREE
    clean: float = 0.25
    gradient: bool = True
    lr: float = 1.0

    def __post_init__(self) -> None:
        for key, options in (("size", ("auto", *SIZE_NAMES)), ("loss", tuple(RESTORING_LOSSES))):
            value = getattr(self, key)
            if value not in options:
                raise ValueError(f"restore: {key} is {shown(value)}.{suggestion(value, options)}")
        check_ranges(self, "restore", RANGES)
        if not isinstance(self.gradient, bool):
            raise ValueError(f"restore: gradient is {shown(self.gradient)}, allowed: true and false.")

    @classmethod
    def from_yaml(cls, block: dict[str, Any] | bool | None) -> RestoreConfig | None:
        """Read the block; None where the YAML has none, or says ``restore: false``.

        Raises:
            ValueError: Not a mapping, unknown key, or a value that is not allowed; with the closest match.
        """
        if block is None or block is False:
            return None
        settings = read_block(cls, "restore", block, "size: n")
        if "degrade" in settings:
            settings["degrade"] = degradations(settings["degrade"])
        return cls(**settings)

    def size_for(self, scale: str) -> str:
        """Size of the restorer in a model of a scale, whose letter is empty where there is none."""
        return self.size if self.size != "auto" else scale or "n"


def degradations(value: Any) -> Degradations:
    """Read ``degrade``: a mapping of names to a level or a range of levels, or a list of names.

    Raises:
        ValueError: An unknown name, a level outside 0 to 1, or none at all.
    """
    if isinstance(value, (list, tuple)):
        value = {name if isinstance(name, str) else shown(name): list(LEVELS) for name in value}
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"restore: degrade is {shown(value)}, expected levels by name such as {{fog: [0.2, 0.8]}}.")
    found = []
    for name, levels in value.items():
        if name not in DEGRADATIONS:
            raise ValueError(f"restore: degrade has {shown(name)}.{suggestion(name, list(DEGRADATIONS))}")
        ends = levels if isinstance(levels, (list, tuple)) else (levels, levels)
        fits = len(ends) == 2 and all(is_number(end) and 0 <= end <= 1 for end in ends)
        if not fits or ends[0] > ends[1]:
            raise ValueError(
                f"restore: degrade: {name} is {shown(levels)}, allowed: a level from 0 to 1, or [lowest, highest]."
            )
        found.append((name, float(ends[0]), float(ends[1])))
    return tuple(found)
