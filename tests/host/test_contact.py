"""What the plugin relies on in the host. When a release changes it, this file turns red."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest
import torch
from ultralytics import cfg
from ultralytics.data import YOLODataset, augment
from ultralytics.data import utils as data_utils
from ultralytics.data.base import BaseDataset
from ultralytics.engine.exporter import Exporter
from ultralytics.engine.model import Model
from ultralytics.engine.predictor import BasePredictor
from ultralytics.models.yolo.detect import DetectionPredictor, DetectionTrainer, DetectionValidator
from ultralytics.models.yolo.model import YOLO
from ultralytics.nn import tasks
from ultralytics.nn.modules import Detect
from ultralytics.utils import DEFAULT_CFG_DICT
from ultralytics.utils.loss import BboxLoss, E2ELoss, v8DetectionLoss
from ultralytics.utils.tal import TaskAlignedAssigner

from gjadet_yolo.autoload import SEAMS
from gjadet_yolo.host.connect import CONNECTORS
from gjadet_yolo.host.restricted import own_classes

PACKAGE = Path(tasks.__file__).parents[1]
OWN = Path(__file__).parents[2] / "gjadet_yolo"
STARRED = {
    "autoload.py",
    "host/connect.py",
    "host/dataset.py",
    "host/export.py",
    "host/pairs.py",
    "host/parse.py",
    "host/restricted.py",
    "host/sliced.py",
    "host/sources.py",
    "losses/assigner.py",
    "losses/criterion.py",
    "losses/terms/box.py",
    "losses/terms/classes.py",
    "engine/model.py",
    "engine/predictor.py",
    "engine/restoring.py",
    "engine/trainer.py",
    "engine/validator.py",
}


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)


def imports(tree: ast.Module) -> set[str]:
    """Host modules that a file imports, with the names taken from them."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "ultralytics"}


def takes_modules(tree: ast.Module) -> set[str]:
    """Functions that are handed a module, as those are that reach the host without importing it."""
    return {
        function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        and any(given.annotation and "ModuleType" in ast.unparse(given.annotation) for given in function.args.args)
    }


def named_modules(tree: ast.Module) -> set[str]:
    """Host modules and private names of the host that a file states as plain text, in whole."""
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in texts if text.startswith("ultralytics.") and text.replace(".", "").isidentifier()}


def guarded_names(tree: ast.Module) -> set[str]:
    """Private attributes of the host that a file reads: those of its restricted loading."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("_registry", "_SafeLoad")
    }


def contacts(source: str, name: str) -> set[str]:
    """How a file of the package touches internals of the host.

    Everybody may use YOLO and settings, nn/ the public modules.
    """
    tree = ast.parse(source)
    allowed = (
        "ultralytics.YOLO",
        "ultralytics.settings",
        *(("ultralytics.nn.modules.",) if name.startswith("nn/") else ()),
    )
    inner = {used for used in imports(tree) if not used.startswith(allowed)}
    return inner | takes_modules(tree) | named_modules(tree) | guarded_names(tree)


def test_only_starred_files_touch_internals():
    found = {
        name: touched
        for file in sorted(OWN.rglob("*.py"))
        if (touched := contacts(file.read_text(encoding="utf-8"), name := file.relative_to(OWN).as_posix()))
    }
    assert not {name: touched for name, touched in found.items() if name not in STARRED}
    assert set(found) == STARRED  # a star that nothing needs hides the next contact


@pytest.mark.parametrize(
    ("source", "touched"),
    [
        ("import ultralytics.nn.tasks", {"ultralytics.nn.tasks"}),
        ("def f():\n from ultralytics.utils import ops", {"ultralytics.utils.ops"}),
        ("def connect(exporter: ModuleType):\n exporter.Exporter.__call__ = f", {"connect"}),
        ("def connect(exporter: 'ModuleType | None'): ...", {"connect"}),
        ("import_module('ultralytics.nn.tasks')", {"ultralytics.nn.tasks"}),
        ("cls._registry", {"_registry"}),
        ("from ultralytics import YOLO", set()),
        ("raise ValueError('ultralytics is missing, see ultralytics.com for more')", set()),
        ("def library() -> ModuleType: ...", set()),
    ],
)
def test_every_way_to_the_host_is_seen(source, touched):
    assert contacts(source, "cli/x.py") == touched


def test_nn_may_use_public_modules():
    source = "from ultralytics.nn.modules import Conv"
    assert (contacts(source, "nn/x.py"), contacts(source, "data/x.py")) == (set(), {"ultralytics.nn.modules.Conv"})


def test_parser_has_the_statement_and_the_names():
    stock = tasks.parse_model.__wrapped__
    assert inspect.getsource(stock).count("if m in base_modules:") == 1
    assert parameters(stock) == ["d", "ch", "verbose"]
    names = {"i", "f", "n", "n_", "m", "d", "args", "ch", "c2", "width", "max_channels", "reg_max", "end2end", "legacy"}
    assert names <= {*stock.__code__.co_varnames, *stock.__code__.co_cellvars}


def test_yaml_loading_looks_its_helpers_up_when_called():
    """Wrapped in the module's globals, so they must be read from there."""
    assert {"check_yaml", "guess_model_scale"} <= set(tasks.yaml_model_load.__wrapped__.__code__.co_names)
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


def test_data_set():
    """host/dataset.py overrides these, and reads what the host's own methods put there."""
    assert parameters(BaseDataset.__len__) == ["self"]
    assert "len(self.labels)" in inspect.getsource(BaseDataset.__len__)
    assert parameters(YOLODataset.get_image_and_label) == ["self", "index"]
    assert parameters(YOLODataset.load_image)[:2] == ["self", "i"]
    assert parameters(YOLODataset.update_labels_info) == ["self", "label"]
    assert "self.labels[index]" in inspect.getsource(BaseDataset.get_image_and_label)
    assert "self.update_labels_info(label)" in inspect.getsource(BaseDataset.get_image_and_label)
    assert "self.get_image_and_label(index)" in inspect.getsource(BaseDataset.__getitem__)
    assert {"__len__", "get_image_and_label", "load_image"}.isdisjoint(vars(YOLODataset))  # as the base states them
    for key in ("bboxes", "segments"):
        assert f'label.pop("{key}"' in inspect.getsource(YOLODataset.update_labels_info)


def test_mosaic():
    """Tiles are at hand when the text of their labels is updated, and are pasted after that."""
    mosaic = inspect.getsource(augment.BaseMixTransform.get_params)
    assert parameters(augment.Mosaic._update_label_text) == ["labels"]
    assert parameters(augment.Mosaic) == ["dataset", "imgsz", "p", "n"]
    assert mosaic.index('labels["mix_labels"] = ') < mosaic.index("self._update_label_text(labels)")
    assert "super().get_params(labels)" in inspect.getsource(augment.Mosaic.get_params)
    mixup = augment.MixUp(None, pre_transform=augment.Compose([]))
    assert (mixup.pre_transform.transforms, augment.Compose([]).transforms) == ([], [])


def test_tiles():
    """host/sliced.py overrides these, and is called in this way."""
    assert parameters(DetectionPredictor.setup_model) == ["self", "model", "verbose"]
    assert parameters(DetectionPredictor.pre_transform) == ["self", "im"]
    assert parameters(DetectionPredictor.inference) == ["self", "im", "args", "kwargs"]
    assert "self.pre_transform(im)" in inspect.getsource(DetectionPredictor.preprocess)
    assert "preds = self.inference(im, *args, **kwargs)" in inspect.getsource(DetectionPredictor.stream_inference)
    assert parameters(DetectionValidator.init_metrics) == ["self", "model"]
    validation = inspect.getsource(DetectionValidator.__call__)
    assert validation.index("self.init_metrics(") < validation.index('preds = model(batch["img"]')
    assert parameters(augment.LetterBox.__init__)[1:3] == ["new_shape", "auto"]
    assert parameters(data_utils.check_det_dataset)[0] == "dataset"
    assert parameters(data_utils.exif_size) == ["img"]
    assert {"data", "task"} <= set(parameters(YOLODataset.__init__))


def test_unknown_arguments():
    """host/connect.py lets one argument pass; the host merges what this check has seen."""
    assert parameters(cfg.check_dict_alignment)[:2] == ["base", "custom"]
    merge = inspect.getsource(cfg.get_cfg)
    assert merge.index("check_dict_alignment(cfg, overrides)") < merge.index("cfg = {**cfg, **overrides}")
    assert "check_dict_alignment(full_args_dict" in inspect.getsource(cfg.entrypoint)


def test_export():
    assert parameters(Exporter.__call__) == ["self", "model"]
    assert "__call__" in vars(Exporter)
    assert {"format", "opset"} <= set(DEFAULT_CFG_DICT)
    assert "self.args.format" in inspect.getsource(Exporter.__call__.__wrapped__)
    assert "(model=self.model)" in inspect.getsource(Model.export)


def test_restricted_loading():
    """What restricted.py reads and wraps; the loading itself takes what it admits from the registry."""
    stock = vars(tasks._SafeLoad)["loading"]
    assert isinstance(stock, classmethod)
    assert parameters(stock.__func__) == ["cls", "weight"]
    assert {"_registry", "_lock"} <= set(vars(tasks._SafeLoad))
    host = inspect.getsource(tasks._SafeLoad)
    assert "if cls._registry is None:\n                cls._registry = cls._build()" in host
    assert "for name in needed if name in cls._registry" in host
    own = own_classes()
    assert "gjadet_yolo.engine.model.GjadetModel" in own
    assert all(issubclass(cls, torch.nn.Module) for cls in own.values())


def test_seams_and_connectors_agree():
    assert tuple(CONNECTORS) == SEAMS


@pytest.mark.parametrize("name", ["v8/yolov8", "v8/yolov8-p2", "11/yolo11", "26/yolo26"])
def test_host_rows_that_the_yamls_repeat(name):
    """Rows of gjadet*-plain.yaml are the host's; else but for adaptive modules in the place of Concat, and the head."""
    from ultralytics.utils import YAML

    own_name = f"gjadet-{name.split('/')[1]}".replace("-yolov8", "")
    host = YAML.load(PACKAGE / "cfg" / "models" / f"{name}.yaml")
    ends = {"": [["spatial", "scale", "task"], 7, 16], "-paper": [], "-plain": None}
    packaged = {end: YAML.load(OWN.parent / "cfg" / f"{own_name}{end}.yaml") for end in ends}
    rows = [*host["backbone"], *host["head"]]
    for end, args in ends.items():
        own = packaged[end]
        expected = rows
        if args is not None:
            expected = [[row[0], 1, "AdaptiveModule", args] if row[2] == "Concat" else row for row in rows[:-1]]
            expected.append([rows[-1][0], 1, "JointDetect", ["nc"]])
        assert [*own["backbone"], *own["head"]] == expected
        assert all(own.get(key) == host.get(key) for key in ("scales", "end2end", "reg_max"))
