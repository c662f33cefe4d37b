"""Stages of a training: which layers are frozen, which loss terms act and which images are seen, epoch by epoch.

Pure functions; the trainer applies what they say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gjadet_yolo.losses.terms.catching_up import CATCHING_UP
from gjadet_yolo.recipe.schedule import ScheduleConfig, StageConfig

RESTORER = "restorer"
CATCH_UP, CRUX = "catch_up", "crux"
PHASES = {
    CATCH_UP: "the catch-up learner only",
    CRUX: "crux learner, fusion and all layers behind the medium stage",
}
"""Phases of a training with cruxes, and what each updates."""

PUBLISHED_EPOCHS = 24
TURNS = 12  # one of these epochs each


@dataclass(frozen=True)
class Stage:
    """Part of a training.

    Attributes:
        first: Its first epoch, from 0.
        end: The epoch after its last.
        frozen: Numbers of the frozen layers.
        lr: Factor on the learning rate.
        terms: Active loss terms; empty for all.
        stream: Where images come from that are seen beside the training set; empty for none.
        restorer: Whether the restorer is frozen.
        parts: Other frozen parts beside the layers, as their parameters' names begin.
        phase: Name out of ``PHASES``; empty in a training without cruxes.
    """

    first: int
    end: int
    frozen: tuple[int, ...] = ()
    lr: float = 1.0
    terms: tuple[str, ...] = ()
    stream: str = ""
    restorer: bool = False
    parts: tuple[str, ...] = ()
    phase: str = ""

    @property
    def is_plain(self) -> bool:
        frozen = self.frozen or self.restorer or self.parts
        return not (frozen or self.terms or self.stream) and self.lr == 1.0

    def described(self) -> str:
        if self.phase:
            beside = f", beside images of {self.stream}" if self.stream else ""
            return f"phase {self.phase}, which updates {PHASES[self.phase]}{beside}"
        parts = [f"{len(self.frozen)} layers frozen", f"learning rate x{self.lr:g}"]
        parts += ["restorer frozen"] if self.restorer else []
        parts += [f"terms {', '.join(self.terms)}"] if self.terms else []
        return ", ".join([*parts, *([f"beside images of {self.stream}"] if self.stream else [])])


def plan_stages(
    config: ScheduleConfig, epochs: int, backbone: int, layers: int, estimated: bool = False
) -> tuple[Stage, ...]:
    """Stages of a training of so many epochs, for a model with so many ``backbone`` and ``layers`` in all.

    Args:
        estimated: Whether the number of epochs is the host's estimate for ``time=``.

    Raises:
        ValueError: A layer that the model does not have, all layers, or stages that leave none for the last.
    """
    if not config.stages:
        return (Stage(0, epochs),)
    ends = stage_ends(config.stages, epochs, estimated)
    return tuple(
        Stage(
            first,
            end,
            frozen_layers(stage, backbone, layers),
            float(stage.lr),
            stage.terms,
            stage.stream,
            RESTORER in stage.freeze,
        )
        for stage, first, end in zip(config.stages, (0, *ends), ends, strict=False)
    )


def stage_ends(stages: Sequence[StageConfig], epochs: int, estimated: bool) -> list[int]:
    """The epoch after the last of each stage; arguments and errors as in :func:`plan_stages`."""
    ends, end = [], 0
    for number, stage in enumerate(stages[:-1], 1):
        end += int(stage.epochs) if stage.epochs >= 1 else max(round(stage.epochs * epochs), 1)
        # The estimate changes after each epoch, so a stage that is too long is no fault of the user: it is cut, and
        # each later one keeps an epoch where there are enough.
        if estimated:
            end = min(end, max(epochs - len(stages) + number, 0))
        elif end >= epochs:
            which = "the first stage has" if number == 1 else f"the first {number} stages have"
            raise ValueError(f"schedule: {which} {end} epochs of {epochs}. Shorten it, or train longer.")
        ends.append(end)
    return [*ends, epochs]


def frozen_layers(stage: StageConfig, backbone: int, layers: int) -> tuple[int, ...]:
    """Numbers of a stage's frozen layers; errors as in :func:`plan_stages`."""
    frozen = layer_numbers(stage.freeze, backbone, layers)
    if len(frozen) == layers:
        raise ValueError("schedule: freeze holds all layers, so that nothing would be trained. Leave some out.")
    return frozen


def layer_numbers(names: Sequence[str | int], backbone: int, layers: int) -> tuple[int, ...]:
    # The host's layer list has no sections: backbone rows come first, and the head is the last row.
    sections = {"backbone": range(backbone), "neck": range(backbone, layers - 1), "head": range(layers - 1, layers)}
    sections[RESTORER] = range(0)  # it stands in front of the layers
    found: set[int] = set()
    for name in names:
        if isinstance(name, int) and name >= layers:
            raise ValueError(f"schedule: freeze has layer {name}, allowed: 0 to {layers - 1}.")
        found.update(sections[name] if isinstance(name, str) else (name,))
    return tuple(sorted(found))


def plan_phases(epochs: int, medium: int, layers: int, favoured: str, estimated: bool = False) -> tuple[Stage, ...]:
    """Phases of a training with cruxes: a quarter ``catch_up``, a quarter ``crux``, then both in twelve turns.

    Of 24 epochs, as published, these are 6, 6, and turns of 1.

    Args:
        medium: Number of the last medium layer.
        layers: Number of all layers.
        favoured: Where images come from that the detector likes.
        estimated: Whether the number of epochs is the host's estimate for ``time=``.

    Raises:
        ValueError: Too few epochs for both phases.
    """
    if epochs < 2 and not estimated:
        raise ValueError(f"crux: the training has {epochs} epoch, and its phases need 2 and more. Say epochs=24.")
    ends = phase_ends(epochs)
    catching_up = {"frozen": tuple(range(layers)), "restorer": True, "parts": ("crux.learner.", "crux.fusion.")}
    catching_up |= {"terms": (CATCHING_UP,), "stream": favoured, "phase": CATCH_UP}
    pushing = {"frozen": tuple(range(medium + 1)), "parts": ("crux.catch_up.",), "phase": CRUX}
    pairs = zip((0, *ends), ends, strict=False)
    return tuple(Stage(*pair, **(pushing if number % 2 else catching_up)) for number, pair in enumerate(pairs))


def phase_ends(epochs: int) -> list[int]:
    """The epoch after the last of each phase, which take turns; the last is a ``crux``."""
    # Rounded down, so that of an odd number of epochs the detector has one more.
    first = max(epochs // 4, 1)
    half = max(epochs // 2, first + 1)
    rest = epochs - half
    turns = min(TURNS, rest // 2 * 2)
    if not turns:  # what is left is no pair of turns, so that the second phase has it
        return [first, epochs]
    return [first, half, *(half + rest * turn // turns for turn in range(1, turns + 1))]


def stage_at(stages: Sequence[Stage], epoch: int) -> Stage:
    """The stage that an epoch belongs to; the last one beyond the end."""
    # From the epoch alone, so that a resumed training finds its stage.
    return next((stage for stage in stages if stage.first <= epoch < stage.end), stages[-1])
