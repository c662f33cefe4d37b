"""Cases of model YAMLs: their blocks, their rows, and whole files that are built."""

from __future__ import annotations

import functools
from typing import Any

import yaml

from fuzzing.case import Case, Draw
from fuzzing.hostile import NAMES, named
from fuzzing.mutate import DEEP, HEX, LONG, LOOP, MANY, TAG, mutated, mutated_bytes, yaml_text
from fuzzing.samples import model_content

BLOCKS = ("loss", "augment", "schedule")


def in_memory(value: Any) -> Any:
    """What YAML makes of the stand-ins."""
    if isinstance(value, dict):
        return {key: in_memory(item) for key, item in value.items()}
    if isinstance(value, list):
        return [in_memory(item) for item in value]
    return special(value) if isinstance(value, str) and value.startswith("@") else value


def special(token: str) -> Any:
    """One stand-in."""
    if token == LOOP:
        loop: list[Any] = []
        loop.append(loop)
        return loop
    if token == DEEP:
        deep: list[Any] = []
        for _ in range(5000):
            deep = [deep]
        return deep
    return {HEX: 16**5000, LONG: 10**4000, TAG: yaml.safe_load("2024-01-01"), MANY: {"a", "b"}}.get(token, token)


def read_block(name: str, block: Any) -> None:
    """Read a block and do what a training does with it before it starts."""
    from gjadet_yolo.engine.stages import plan_stages
    from gjadet_yolo.recipe.augment import AugmentConfig
    from gjadet_yolo.recipe.loss import LossConfig
    from gjadet_yolo.recipe.schedule import ScheduleConfig

    if name == "loss":
        LossConfig.from_yaml(block).resolved(joint=True).class_loss(3)
    elif name == "augment":
        AugmentConfig.from_yaml(block)
    else:
        plan_stages(ScheduleConfig.from_yaml(block), 10, 4, 10)


def read_block_case(draw: Draw) -> Case:
    """A block with odd keys and values."""
    name = str(draw.pick(BLOCKS))
    block, story, names = mutated(draw, model_content()[name], 3)
    call = functools.partial(read_block, name, in_memory(block))
    return Case(call, (f"{name}:", *names), [f"{name}: {line}" for line in story])


def check(content: Any) -> None:
    """Check the rows as they are checked before a model is built."""
    from ultralytics.nn import tasks

    from gjadet_yolo.host.parse import check_rows

    check_rows(content, vars(tasks))


def read_rows_case(draw: Draw) -> Case:
    """Rows with odd shapes and values."""
    content = {key: model_content()[key] for key in ("nc", "backbone", "head")}
    part = str(draw.pick(("backbone", "head")))
    content[part], story, names = mutated(draw, content[part], 3)
    call = functools.partial(check, in_memory(content))
    return Case(call, ("row", "backbone", "head", *names), [f"{part}: {line}" for line in story])


def build(file: str) -> None:
    """Build a model of a YAML as the host does."""
    from ultralytics import YOLO

    YOLO(file, task="detect")


def read_model_case(draw: Draw) -> Case:
    """A whole model YAML with odd keys, values, rows, bytes or name, built by the host."""
    content, story, names = model_content(), [], []
    if draw.chance(0.8):
        content, story, names = mutated(draw, content)
    text = yaml_text(draw, content)
    stem = "tiny" if draw.chance(0.9) else str(draw.pick(NAMES))
    file = draw.folder / f"{stem}{draw.pick(('.yaml', '.yaml', '.yaml', '.yml'))}"
    data = text.encode("utf-8", "surrogatepass")
    if not story:
        data, way = mutated_bytes(draw, data)
        story = [f"bytes: {way}"]
    file.write_bytes(data)
    words = (*named(file.name), "row", *(f"{block}:" for block in BLOCKS), *names)
    return Case(functools.partial(build, str(file)), words, [f"{file.name}: {line}" for line in story])
