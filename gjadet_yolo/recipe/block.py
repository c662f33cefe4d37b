"""Reading of the blocks of a model YAML (``loss:``, ``augment:``, ...) into their dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from difflib import SequenceMatcher
from typing import Any

from gjadet_yolo.messages import bare, shown, suggestion

BLOCKS = ("loss", "augment", "schedule", "restore", "crux")
"""Top-level blocks of a model YAML that this package reads; a model with one gets the classes of ``engine/``."""

# fmt: off
HOST_KEYS = (
    "nc", "names", "scales", "scale", "backbone", "head", "ch", "channels", "activation", "depth_multiple",
    "width_multiple", "max_channels", "kpt_shape", "reg_max", "end2end", "task", "yaml_file", "text_model",
    "stride", "inplace",
)
# fmt: on
"""Top-level keys that the host reads or adds."""

DETECTORS = ("Detect", "v10Detect", "JointDetect")
"""Heads that the losses and the trainer of this package are for."""

LIKENESS = {True: 0.7, False: 0.8}
"""How like a block's name an unknown key must be to count as misspelt, where it holds keys of its own and elsewhere."""


def read_block(config: type, name: str, block: dict[str, Any] | None, example: str) -> dict[str, Any]:
    """Settings of a block, whose keys are the fields of the dataclass ``config``; empty where the YAML has none.

    Raises:
        ValueError: Not a mapping, an unknown key, with the closest match, or a key without a value.
    """
    if block is not None and not isinstance(block, dict):
        raise ValueError(f"{name}: is {shown(block)}, expected keys and values such as '{example}'.")
    # The dataclass is the one list of keys, so that reader, defaults and error messages cannot differ.
    names = [field.name for field in fields(config)]
    for key, value in (block or {}).items():
        if key not in names:
            raise ValueError(f"{name}: has an unknown key {shown(key)}.{suggestion(key, names)}")
        if value is None:
            raise ValueError(f"{name}: {key} has no value. Give it one, or leave the key out for the default.")
    return dict(block or {})


def check_names(yaml: Mapping[Any, Any]) -> None:
    """Refuse a misspelt block, without which a stock model would be trained.

    Raises:
        ValueError: A key that is no block, but like one.
    """
    for key, value in yaml.items():
        if not isinstance(key, str) or key in BLOCKS or key in HOST_KEYS:
            continue
        # The host accepts any key at the top, so only a close likeness counts; less of it will do for a key that holds
        # keys itself, as blocks do.
        like = {block: SequenceMatcher(None, key.lower(), block).ratio() for block in BLOCKS}
        block = max(like, key=lambda name: like[name])
        if like[block] >= LIKENESS[isinstance(value, Mapping)]:
            raise ValueError(
                f"Model YAML has a key '{key}:' that nothing reads. Did you mean the block '{block}:'? "
                f"Blocks: {', '.join(BLOCKS)}. A key of your own needs a name less like these."
            )


def task_problem(yaml: Mapping[Any, Any], task: str = "detect") -> str:
    """Why a model YAML is not for a task, as the host names it; empty where it is."""
    # Losses, schedule and data of this package are for detection. With the head of another task the host would leave
    # the blocks out without a word, and a detection head for another task ends in an error of its trainer.
    blocks = " and ".join(f"'{block}:'" for block in BLOCKS if block in yaml)
    last = [row for row in yaml.get("head") or () if isinstance(row, (list, tuple)) and len(row) == 4][-1:]
    head = last[0][2] if last else None
    if blocks and head not in DETECTORS:
        return (
            f"Model YAML has {blocks}, which nothing would read: these blocks are for detection, and its head is "
            f"{bare(head)}. Leave them out, or use one of the heads {', '.join(DETECTORS)}."
        )
    if task != "detect" and head in DETECTORS:
        return (
            f"Model YAML has the head {head}, which is for the task 'detect', and the task is '{task}'. Leave the "
            f"task out (yolo train model=..., YOLO(...)), or use a model YAML that is for '{task}'."
        )
    return ""


def check_task(yaml: Mapping[Any, Any]) -> None:
    if problem := task_problem(yaml):
        raise ValueError(problem)
