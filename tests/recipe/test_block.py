"""Blocks of a model YAML: misspelt names, malformed content, models of other tasks."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ultralytics import YOLO
from ultralytics.nn import tasks

from gjadet_yolo import locate
from gjadet_yolo.recipe.augment import AugmentConfig
from gjadet_yolo.recipe.block import HOST_KEYS, check_names, task_problem
from gjadet_yolo.recipe.loss import LossConfig
from gjadet_yolo.recipe.schedule import ScheduleConfig

SMALL = {"nc": 5, "backbone": [[-1, 1, "Conv", [16, 3, 2]]], "head": [[[0], 1, "Detect", ["nc"]]]}
READERS = {"loss": LossConfig, "augment": AugmentConfig, "schedule": ScheduleConfig}


@pytest.mark.parametrize(
    ("key", "block"),
    [
        ("los", "loss"),
        ("losss", "loss"),
        ("Loss", "loss"),
        ("losses", "loss"),
        ("augmnt", "augment"),
        ("augmentation", "augment"),
        ("augmentations", "augment"),
        ("scedule", "schedule"),
        ("shedule", "schedule"),
        ("scheduler", "schedule"),
    ],
)
def test_misspelt_block_is_refused_where_the_model_is_built(key, block):
    """Also in the YAML of a stock model class."""
    with pytest.raises(ValueError, match=rf"has a key '{key}:'.*Did you mean the block '{block}:'"):
        tasks.DetectionModel(SMALL | {key: {"cls": "gjr"}}, verbose=False)


def test_misspelt_block_that_holds_no_keys_must_be_more_alike():
    check_names({"logs": "folder"})
    with pytest.raises(ValueError, match="Did you mean the block 'loss:'"):
        check_names({"los": "gjr"})


def test_keys_of_the_host_and_of_users_stay():
    host = {key for file in (Path(tasks.__file__).parents[1] / "cfg" / "models").rglob("*.yaml") for key in read(file)}
    assert host <= set(HOST_KEYS)
    own = "author comment notes class classes dataset lr license version input blocks description metadata 3"
    check_names({key: {"a": 1} for key in [*HOST_KEYS, *own.split(), "loss", "augment", "schedule", 3]})
    for file in locate.files("cfg").values():
        check_names(read(file))


def read(file: Path) -> dict:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    ("block", "message"),
    [
        (["cls"], r"is (\['cls'\]|'cls'), expected keys and values such as"),  # a schedule may be a list of mappings
        (3, "is 3, expected keys and values such as"),
        ("gjr", "is 'gjr', expected keys and values such as"),
        (False, "is False, expected keys and values such as"),
        ({1: 2}, "has an unknown key 1. Allowed: "),
        ({None: 2}, "has an unknown key None. Allowed: "),
        ({True: 2}, "has an unknown key True. Allowed: "),
    ],
)
def test_malformed_blocks(name, block, message):
    with pytest.raises(ValueError, match=rf"^{name}: {message}"):
        READERS[name].from_yaml(block)


@pytest.mark.parametrize(
    ("name", "key"), [("loss", "cls"), ("loss", "gamma"), ("augment", "paste"), ("schedule", "freeze")]
)
def test_key_without_a_value(name, key):
    with pytest.raises(ValueError, match=f"^{name}: {key} has no value. Give it one, or leave the key out"):
        READERS[name].from_yaml({key: None})


@pytest.mark.parametrize("task", ["segment", "pose", "obb", "classify"])
def test_detection_model_for_another_task_is_refused(task):
    """As in ``yolo segment train model=gjadet.yaml``."""
    message = rf"has the head JointDetect, which is for the task 'detect', and the task is '{task}'. Leave the task out"
    with pytest.raises(ValueError, match=message):
        YOLO("gjadetn.yaml", task=task)


@pytest.mark.parametrize("block", READERS)
@pytest.mark.parametrize("task", [None, "segment"])
def test_blocks_in_a_model_of_another_task_are_refused(block, task, tmp_path):
    """They would be ignored."""
    file = tmp_path / "yolov8n-seg.yaml"
    file.write_text(yaml.safe_dump(tasks.yaml_model_load("yolov8n-seg.yaml") | {block: {}}))
    with pytest.raises(ValueError, match=rf"has '{block}:', which nothing would read.*its head is Segment"):
        YOLO(file, task=task)
    with pytest.raises(ValueError, match="its head is Segment"):
        tasks.SegmentationModel(str(file), verbose=False)


def test_rows_of_this_package_stay_possible_in_models_of_other_tasks():
    rows = {"head": [[[4, 6, 9], 1, "SSPNeck", [64]], [[-1], 1, "Segment", ["nc", 32, 256]]]}
    assert task_problem(rows, "segment") == ""
    assert task_problem({"head": None}, "segment") == ""
