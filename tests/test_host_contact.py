"""What the plugin relies on in the host. When a release changes it, this file turns red."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest
import torch
from ultralytics.data import utils as data_utils
from ultralytics.engine.model import Model
from ultralytics.engine.predictor import BasePredictor
from ultralytics.models.yolo.detect import DetectionTrainer, DetectionValidator
from ultralytics.models.yolo.model import YOLO
from ultralytics.nn import tasks
from ultralytics.nn.modules import Detect
from ultralytics.utils.loss import BboxLoss, E2ELoss, v8DetectionLoss
from ultralytics.utils.tal import TaskAlignedAssigner

from gjadet_yolo.autoload import SEAMS
from gjadet_yolo.plugin import CONNECTORS

PACKAGE = Path(tasks.__file__).parents[1]
OWN = Path(__file__).parents[1] / "gjadet_yolo"
STARRED = {
    "plugin.py",
    "parse.py",
    "losses/assign.py",
    "losses/detection.py",
    "engine/dataset.py",
    "engine/model.py",
    "engine/predictor.py",
    "engine/sliced.py",
    "engine/sources.py",
    "engine/trainer.py",
    "engine/validator.py",
}


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)


def imports(file: Path) -> set[str]:
    """Host modules that a file imports, with the names taken from them."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "ultralytics"}


def test_only_starred_files_touch_internals():
    """Others may use the public YOLO class and, in nn/, the public modules."""
    for file in sorted(OWN.rglob("*.py")):
        name = file.relative_to(OWN).as_posix()
        allowed = ("ultralytics.YOLO", *(("ultralytics.nn.modules.",) if name.startswith("nn/") else ()))
        inner = {used for used in imports(file) if not used.startswith(allowed)}
        assert not inner or name in STARRED, f"{name} imports {inner}"


def test_parser_has_the_statement_and_the_names():
    stock = tasks.parse_model.__wrapped__
    assert inspect.getsource(stock).count("if m in base_modules:") == 1
    assert parameters(stock) == ["d", "ch", "verbose"]
    names = {"i", "f", "n", "n_", "m", "args", "ch", "c2", "width", "max_channels", "reg_max", "end2end", "legacy"}
    assert names <= {*stock.__code__.co_varnames, *stock.__code__.co_cellvars}


def test_yaml_loading_looks_its_helpers_up_when_called():
    """Wrapped in the module's globals, so they must be read from there."""
    assert {"check_yaml", "guess_model_scale"} <= set(tasks.yaml_model_load.__code__.co_names)
    assert "parse_model" in inspect.getsource(tasks)
    assert "check_file" in data_utils.check_det_dataset.__code__.co_names


def test_head():
    assert parameters(Detect.__init__) == ["self", "nc", "reg_max", "end2end", "ch"]
    assert parameters(Detect.forward_head) == ["self", "x", "box_head", "cls_head"]
    source = inspect.getsource(Detect)
    assert "**self.one2many" in source
    assert "**self.one2one" in source
    assert "_get_decode_boxes" in source
    assert [len(branch) for branch in Detect(3, ch=(16, 32)).cv3] == [3, 3]


def test_criterion():
    assert parameters(v8DetectionLoss.__init__)[1:] == ["model", "tal_topk", "tal_topk2"]
    assert {"preprocess", "bbox_decode", "get_assigned_targets_and_loss", "parse_output", "loss"} <= set(
        dir(v8DetectionLoss)
    )
    assert parameters(BboxLoss.forward)[1:] == [
        "pred_dist",
        "pred_bboxes",
        "anchor_points",
        "target_bboxes",
        "target_scores",
        "target_scores_sum",
        "fg_mask",
        "imgsz",
        "stride",
    ]
    assert parameters(TaskAlignedAssigner.forward)[1:7] == [
        "pd_scores",
        "pd_bboxes",
        "anc_points",
        "gt_labels",
        "gt_bboxes",
        "mask_gt",
    ]
    assert parameters(E2ELoss.__init__) == ["self", "model", "loss_fn"]


def test_trainer_and_validator():
    for name in ("validate", "save_model", "_load_checkpoint_state", "plot_metrics", "get_validator", "get_model"):
        assert name in dir(DetectionTrainer)
    assert "set_model_names_for_load" in dir(DetectionTrainer)
    resume = inspect.getsource(DetectionTrainer.resume_training)
    recovery = inspect.getsource(DetectionTrainer._handle_nan_recovery)
    assert "_load_checkpoint_state" in resume
    assert "_load_checkpoint_state" in recovery
    assert parameters(DetectionValidator.__call__)[:3] == ["self", "trainer", "model"]


def test_counts_are_known_before_the_first_criterion():
    """The trainer counts classes where the host sets its class weights, which is before a resume builds a criterion."""
    calls = inspect.getsource(DetectionTrainer._setup_train)
    places = [calls.index(f"self.{name}(") for name in ("set_model_attributes", "_build_train_pipeline")]
    places += [calls.index("self.set_class_weights("), calls.index("self.resume_training(ckpt)")]
    assert places == sorted(places)
    assert "init_criterion" in inspect.getsource(DetectionTrainer.resume_training)


def test_task_map_is_a_property_read_by_the_host():
    assert isinstance(inspect.getattr_static(YOLO, "task_map"), property)
    assert "self.task_map[self.task][key]" in inspect.getsource(Model._smart_load)


def test_predictor_draws_through_its_result():
    """``engine/predictor.py`` puts its own ``plot`` on the result, with these arguments."""
    source = inspect.getsource(BasePredictor.write_results)
    assert "result = self.results[i]" in source
    call = source.split("result.plot(")[1].split(")")[0]
    assert [part.split("=")[0].strip() for part in call.split(",") if part.strip()] == [
        "line_width",
        "boxes",
        "conf",
        "labels",
    ]


def test_restricted_loading():
    assert callable(tasks._SafeLoad._build)
    registry = tasks._SafeLoad._build()
    own = {name for name in registry if name.startswith("gjadet_yolo")}
    assert "gjadet_yolo.engine.model.GjadetModel" in own
    assert all(issubclass(registry[name], torch.nn.Module) for name in own)


def test_seams_and_connectors_agree():
    assert tuple(CONNECTORS) == SEAMS


@pytest.mark.parametrize("name", ["v8/yolov8", "v8/yolov8-p2", "11/yolo11", "26/yolo26"])
def test_host_rows_that_the_yamls_repeat(name):
    """Rows of gjadet*.yaml are the host's; in gjadet*-paper.yaml but for adaptive modules for Concat, and the head."""
    from ultralytics.utils import YAML

    own_name = f"gjadet-{name.split('/')[1]}".replace("-yolov8", "")
    host = YAML.load(PACKAGE / "cfg" / "models" / f"{name}.yaml")
    recipe, paper = (YAML.load(OWN.parent / "cfg" / f"{own_name}{end}.yaml") for end in ("", "-paper"))
    rows = [*host["backbone"], *host["head"]]
    assert [*recipe["backbone"], *recipe["head"]] == rows
    expected = [[row[0], 1, "AdaptiveModule", []] if row[2] == "Concat" else row for row in rows[:-1]]
    assert [*paper["backbone"], *paper["head"]] == [*expected, [rows[-1][0], 1, "JointDetect", ["nc"]]]
    for own in (recipe, paper):
        assert all(own.get(key) == host.get(key) for key in ("scales", "end2end", "reg_max"))
