"""What the user stated, one line on the recipe that a training runs with, warnings. Pure: the trainer logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gjadet_yolo.engine.stages import Stage
from gjadet_yolo.losses.weights import box_weights, class_weights, term_gains

if TYPE_CHECKING:
    from gjadet_yolo.engine.model import GjadetModel
    from gjadet_yolo.recipe.loss import LossConfig

NO_FAVOURED_DETECTOR = (
    "crux: shallow and medium layers are not trained, and they are random. Start from a detector that was trained on "
    "good images: pretrained=favoured.pt."
)

WINNERS = ("box", "cls", "cls_pw")
"""Training arguments of the host that take the place of a key of the ``loss:`` block where the user states them."""

LISTED = 10
"""Classes whose weights are listed; of more, the lowest and the highest weight are."""


def stated_arguments(
    overrides: Mapping[str, Any], args: Mapping[str, Any], defaults: Mapping[str, Any]
) -> tuple[str, ...]:
    """Arguments out of ``WINNERS`` that the user stated, by what was handed over, the arguments and the defaults."""
    # Not by comparison with defaults alone: ``model.tune`` hands over everything, and where it tries the default, the
    # training must use it.
    return tuple(name for name in WINNERS if name in overrides or args.get(name) != defaults.get(name))


def recipe_line(model: GjadetModel, stages: Sequence[Stage]) -> str:
    """The recipe in force; the model has the training's ``args``, class names and counts."""
    joint = hasattr(model.model[-1], "obj")
    config = model.recipe.loss
    gains = term_gains(config, model.args, model.stated)
    parts = [f"box {config.box} x{gains.box:g}", f"class {config.cls} x{gains.cls:g}"]
    parts += [f"objectness {config.obj} x{gains.obj:g}"] if joint else []
    parts += weight_parts(model, config, joint)
    if (restore := model.recipe.restore) is not None:
        parts.append(f"restorer {model.restorer.size} x{restore.beta:g} {restore.loss}, detector x{restore.alpha:g}")
    if phases := [f"{one.phase} to {one.end}" for one in stages if one.phase]:
        parts.append(f"phases by their last epochs: {', '.join(phases)}")
    for stage in (one for one in stages if not one.is_plain and not one.phase):
        parts.append(f"epochs {stage.first + 1} to {stage.end} with {stage.described()}")
    won = ", ".join(f"{name}={getattr(model.args, name)}" for name in model.stated)
    parts.append(f"{won} as stated, in the place of the model YAML's" if won else "nothing else was stated")
    return f"recipe: {'; '.join(parts)}"


def weight_parts(model: GjadetModel, config: LossConfig, joint: bool) -> list[str]:
    names = list(map(str, model.names.values()))
    counts = model.class_counts or [1] * len(names)  # as in the criterion
    host = getattr(model, "class_weights", None)  # of a stated cls_pw=
    parts = []
    if host is not None:
        parts.append(f"cls_pw {model.args.cls_pw:g}: {listed(names, host.tolist())}")
    elif config.cls_pw and "cls_pw" not in model.stated:
        parts.append(f"cls_pw {config.cls_pw:g}: {listed(names, class_weights(counts, config.cls_pw).tolist())}")
    powers = {"box_pw": config.box_pw, "obj_pw": config.obj_pw if joint else 0}
    used = {key: power for key, power in powers.items() if power}
    return [*parts, *(f"{key} {p:g}: {listed(names, box_weights(counts, p).tolist())}" for key, p in used.items())]


def listed(names: Sequence[str], weights: Sequence[float]) -> str:
    if len(names) <= LISTED:
        return ", ".join(f"{name} {weight:.2f}" for name, weight in zip(names, weights, strict=True))
    (low, least), (high, most) = (pick(zip(weights, names, strict=True)) for pick in (min, max))
    return f"{low:.2f} ({least}) to {high:.2f} ({most})"


def no_mosaic(args: Any) -> str:
    """Why a training with the host's arguments has no mosaic in any epoch, and what to say; empty where it has."""
    if not args.mosaic:
        return "mosaic=0: say mosaic=1"
    if args.rect:
        return "rect=True makes none: say rect=False"
    if args.close_mosaic >= args.epochs:
        return (
            f"the host closes mosaics for the last close_mosaic={args.close_mosaic} epochs and this training has "
            f"{args.epochs}: say close_mosaic=0"
        )
    return ""
