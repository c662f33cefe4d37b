"""Cases of checkpoints: a tiny one with broken bytes, or with other content than a training saves."""

from __future__ import annotations

import copy
import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fuzzing.case import Case, Draw
from fuzzing.mutate import NASTY, mutated_bytes, shown
from fuzzing.samples import model_content, picture

FILE: list[Path] = []
"""The tiny checkpoint of this worker, made by :func:`make_tiny`."""
ATTRIBUTES = [
    "yaml",
    "names",
    "stride",
    "loss_state",
    "args",
    "nc",
    "task",
    "absent",
    "class_counts",
    "end2end",
    "model",
]


def make_tiny(folder: Path) -> None:
    """Save a checkpoint of a few thousand parameters, the same in every worker."""
    import torch
    import yaml
    from ultralytics import YOLO

    torch.manual_seed(0)
    file = folder / "tiny.yaml"
    file.write_text(yaml.safe_dump(model_content(), sort_keys=False), encoding="utf-8")
    model = YOLO(str(file), task="detect")
    FILE[:] = [folder / "tiny.pt"]
    model.save(str(FILE[0]))
    torch.save(content() | {"date": "", "git": {}}, FILE[0])  # both differ from run to run
    content.cache_clear()


def tiny() -> Path:
    """The tiny checkpoint."""
    return FILE[0]


@functools.cache
def content() -> dict[str, Any]:
    """What the tiny checkpoint holds."""
    import torch

    return torch.load(tiny(), map_location="cpu", weights_only=False)


def changed_entry(draw: Draw, held: dict[str, Any]) -> str:
    """Another value of one entry, or none."""
    key = str(draw.pick([*held, "model", "ema", "train_args"]))
    if draw.chance(0.3):
        held.pop(key, None)
        return f"without {key}"
    held[key] = plain(draw)
    return f"{key} = {shown(held[key])}"


def changed_attribute(draw: Draw, held: dict[str, Any]) -> str:
    """Another value of one attribute of the model, or none."""
    key, model = str(draw.pick(ATTRIBUTES)), held["model"]
    if draw.chance(0.3):
        vars(model).pop(key, None)
        return f"model without {key}"
    value = plain(draw)
    vars(model)[key] = value
    return f"model.{key} = {shown(value)}"


def changed_yaml(draw: Draw, held: dict[str, Any]) -> str:
    """Another value in the model YAML that the checkpoint carries."""
    yaml = held["model"].yaml
    key = str(draw.pick([*yaml, "loss", "augment", "schedule", "names", "nc"]))
    yaml[key] = plain(draw)
    return f"yaml {key} = {shown(yaml[key])}"


def changed_weights(draw: Draw, held: dict[str, Any]) -> str:
    """Weights that are no numbers, of another type, or of another shape."""
    import torch

    parameters = list(held["model"].parameters())
    at = int(draw.rng.integers(len(parameters)))
    changes: dict[str, Callable[[Any], Any]] = {
        "nan": lambda p: torch.full_like(p, torch.nan),
        "inf": lambda p: torch.full_like(p, torch.inf),
        "double": lambda p: p.double(),
        "bfloat16": lambda p: p.bfloat16(),
        "empty": lambda p: p.new_zeros(0),
        "flat": lambda p: p.flatten(),
        "twice as many": lambda p: torch.cat((p, p)),
    }
    change = str(draw.pick(list(changes)))
    parameters[at].data = changes[change](parameters[at].data)
    return f"parameter {at} is {change}"


CHANGES = (changed_entry, changed_entry, changed_attribute, changed_yaml, changed_weights)


def plain(draw: Draw) -> Any:
    """An odd value."""
    return copy.deepcopy(draw.pick(NASTY))


def another(draw: Draw) -> tuple[bytes, str]:
    """Content of a checkpoint file with other content than a training saves."""
    import torch

    if draw.chance(0.1):
        held: Any = plain(draw)
        story = f"all of it is {shown(held)}"
    else:
        held = copy.deepcopy(content())
        story = CHANGES[int(draw.rng.integers(len(CHANGES)))](draw, held)
    stream = io.BytesIO()
    torch.save(held, stream)
    return stream.getvalue(), story


def released(draw: Draw) -> tuple[bytes, str]:
    """The released checkpoint, cut short."""
    from gjadet_yolo import locate

    data = locate.files("weights")["gjadetn-crash-synth"].read_bytes()
    share = float(draw.rng.random())
    return data[: int(len(data) * share)], f"the released checkpoint, {share:.0%} of it"


def read_checkpoint_case(draw: Draw) -> Case:
    """A broken or odd checkpoint, given to ``gjadet predict`` or ``gjadet attention``."""
    from fuzzing.commands import command

    kind = draw.rng.random()
    if kind < 0.5:
        data, story = mutated_bytes(draw, tiny().read_bytes())
    else:
        data, story = another(draw) if kind < 0.97 else released(draw)
    file = draw.folder / f"best{draw.pick(('.pt',) * 12 + ('.PT', '.onnx', '.torchscript', '.yaml', ''))}"
    file.write_bytes(data)
    image = draw.folder / "a.png"
    image.write_bytes(picture(".png", 40, 64))
    argv = ["predict", f"model={file}", f"source={image}", "tile=64", f"project={draw.folder / 'runs'}"]
    if draw.chance(0.4):
        argv = ["attention", f"model={file}", f"source={image}", "imgsz=64", "width=64", f"out={draw.folder / 'out'}"]
    return Case(functools.partial(command, argv), (file.name,), [f"{file.name}: {story}", f"gjadet {argv[0]}"])
