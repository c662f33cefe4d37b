"""Registration with the host: names, versions, files, classes."""

from __future__ import annotations

import copy
import hashlib
import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from ultralytics import YOLO
from ultralytics.data import utils as data_utils
from ultralytics.models.yolo.detect import DetectionTrainer, DetectionValidator
from ultralytics.nn import tasks

from gjadet_yolo import locate, plugin
from gjadet_yolo.data.synth import first_use
from gjadet_yolo.nn import MODULES, AdaptiveModule


@pytest.mark.parametrize("name", ["yolov8n", "yolo11n", "yolo26n"])
def test_stock_yamls_parse_as_before(name, fresh):
    """Layer list, save list and parameters with and without the plugin."""
    code = (
        "import sys; from ultralytics.nn.tasks import DetectionModel; m = DetectionModel(sys.argv[1], verbose=False); "
        "print('@', [(l.i, l.f, l.type, l.np) for l in m.model], m.save, sum(p.numel() for p in m.parameters()))"
    )
    with_plugin, without = fresh(code, f"{name}.yaml"), fresh(code, f"{name}.yaml", GJADET_AUTOLOAD="0")
    assert with_plugin.stdout.split("@")[1] == without.stdout.split("@")[1]
    assert "gjadet" not in with_plugin.stdout.split("@")[1]


def test_stock_models_keep_stock_classes():
    model = YOLO("yolov8n.yaml")
    assert type(model.model) is tasks.DetectionModel
    assert model.task_map["detect"]["trainer"] is DetectionTrainer
    assert model.task_map["detect"]["validator"] is DetectionValidator


def test_stock_model_class_refuses_to_train_our_yamls():
    """As a trainer derived from the stock one would do, silently without objectness."""
    model = tasks.DetectionModel("gjadetn.yaml", verbose=False)
    with pytest.raises(plugin.PluginError, match=r"derive your trainer from gjadet_yolo\.GjadetTrainer"):
        model.init_criterion()
    tasks.DetectionModel("yolov8n.yaml", verbose=False)


def test_models_that_ask_get_own_classes():
    model = YOLO("gjadetn.yaml")
    names = [model.task_map["detect"][key].__name__ for key in ("model", "trainer", "validator", "predictor")]
    assert names == ["GjadetModel", "GjadetTrainer", "GjadetValidator", "GjadetPredictor"]
    assert model.task_map["segment"] == YOLO("yolov8n.yaml").task_map["segment"]


@pytest.mark.parametrize(
    ("name", "scale", "parameters"),
    [
        ("gjadetn-paper.yaml", "n", 3_479_262),
        ("gjadets-paper.yaml", "s", 12_993_614),
        ("gjadet-yolo11s-paper.yaml", "s", 11_429_838),
    ],
)
def test_bare_names_and_scales(name, scale, parameters, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = YOLO(name).model
    assert (model.yaml["scale"], sum(p.numel() for p in model.parameters())) == (scale, parameters)
    assert list(model.names.values()) == ["point", "bogie", "wheel", "absorber", "rw"]


@pytest.mark.parametrize("name", ["gjadetn-p2.yaml", "gjadet-p2n.yaml"])
def test_scale_before_or_after_the_level(name):
    model = tasks.DetectionModel(name, verbose=False)
    assert (model.yaml["scale"], model.stride.tolist()) == ("n", [4, 8, 16, 32])


RELEASED = "gjadetn-crash-synth.pt"


def test_released_checkpoint_by_bare_name(fresh, tmp_path):
    """From an empty folder, in a process that imports nothing of this package; the file itself stays untouched."""
    code = (
        f"from ultralytics import YOLO; import numpy as np; m = YOLO('{RELEASED}'); "
        "r = m.predict(np.zeros((320, 320, 3), np.uint8), imgsz=320, device='cpu', verbose=False); "
        "print('@', type(m.model).__name__, list(m.names.values()), len(r), m.model.pt_path)"
    )
    for safe in ("0", "1"):
        done = fresh(code, ULTRALYTICS_SAFE_LOAD=safe)
        assert (
            done.stdout.split("@")[-1].strip()
            == f"GjadetModel ['point', 'bogie', 'wheel', 'absorber', 'rw'] 1 {RELEASED}"
        ), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_released_checkpoint_is_small_and_is_what_its_page_says():
    file = locate.folder("weights") / RELEASED
    page = (locate.folder("weights") / "README.md").read_text(encoding="utf-8")
    assert file.stat().st_size <= 8e6
    assert hashlib.sha256(file.read_bytes()).hexdigest() in page


def test_own_checkpoint_wins_over_the_packaged_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(RELEASED).write_bytes(b"mine")
    with pytest.raises(TypeError, match=f"{RELEASED} is not a loadable checkpoint"):
        YOLO(RELEASED)


def test_misspelt_checkpoint_names_the_closest():
    with pytest.raises(FileNotFoundError, match=rf"Did you mean '{RELEASED}'"):
        tasks.torch_safe_load("gjadetn-crash-sint.pt")


def test_rendered_set_by_bare_name_is_rendered_once(tmp_path, monkeypatch):
    """The first use renders, the second one finds the set."""
    made = []

    def render(words: list[str]) -> int:
        made.append(words)
        for split in ("train", "val"):
            (tmp_path / "crash-synth" / "images" / split).mkdir(parents=True)
        return 0

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data_utils, "DATASETS_DIR", tmp_path)
    monkeypatch.setattr(first_use, "run_apart", render)
    for _ in range(2):
        data = data_utils.check_det_dataset("crash-synth.yaml")
        assert data["val"] == str((tmp_path / "crash-synth" / "images" / "val").resolve())
    assert made == [["-m", "gjadet_yolo.data.synth.first_use", str((tmp_path / "crash-synth").resolve())]]
    assert list(data["names"].values()) == ["point", "bogie", "wheel", "absorber", "rw"]


def test_rendered_set_does_not_touch_a_folder_with_something_else(tmp_path, monkeypatch):
    (tmp_path / "crash-synth" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data_utils, "DATASETS_DIR", tmp_path)
    with pytest.raises(RuntimeError, match="Remove or rename it"):
        data_utils.check_det_dataset("crash-synth.yaml")


def test_own_yaml_wins_over_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (Path(plugin.__file__).parents[1] / "cfg" / "gjadet.yaml").read_text(encoding="utf-8")
    Path("gjadet.yaml").write_text(text.replace("nc: 5", "nc: 7"), encoding="utf-8")
    assert tasks.yaml_model_load("gjadetm.yaml")["nc"] == 7
    assert tasks.yaml_model_load(tmp_path / "gjadets.yaml")["scale"] == "s"


def test_misspelt_names_get_the_closest_match():
    with pytest.raises(FileNotFoundError, match=r"gjadett\.yaml.*Did you mean 'gjadet\.yaml'"):
        YOLO("gjadett.yaml")
    with pytest.raises(FileNotFoundError, match=r"Did you mean 'crash2024\.yaml'"):
        data_utils.check_det_dataset("crash2042.yaml")


def test_missing_crash2024_says_how_to_get_it():
    with pytest.raises(SystemExit, match="gjadet convert coco="):
        data_utils.check_det_dataset("crash2024.yaml")


@pytest.mark.parametrize("version", ["8.4.129", "8.3.200", "8.5.0", "9.0.0"])
def test_versions_outside_the_range(version):
    with pytest.raises(plugin.PluginError, match=rf">=8\.4\.130,<8\.5, found ultralytics {version}"):
        plugin.check_version(version)


@pytest.mark.parametrize("version", ["8.4.130", "8.4.190", "8.4.999"])
def test_versions_inside_the_range(version):
    plugin.check_version(version)


def test_range_is_the_one_of_the_package():
    setup = (Path(plugin.__file__).parents[1] / "setup.cfg").read_text(encoding="utf-8")
    assert f"ultralytics>={plugin.LOWEST},<{plugin.BELOW} " in setup


def stock_and_own(fresh, breakage: str) -> list[str]:
    """What a process prints that breaks the host, builds a stock model, and then asks for one of this package."""
    code = (
        f"{breakage}\n"
        "from ultralytics import YOLO\n"
        "print(type(YOLO('yolov8n.yaml').model).__name__)\n"
        "try: YOLO('gjadet.yaml')\n"
        "except RuntimeError as error: print(error)"
    )
    return fresh(code).stdout.strip().splitlines()


def test_unsupported_host_keeps_stock_and_explains(fresh):
    lines = stock_and_own(fresh, "import ultralytics; ultralytics.__version__ = '8.6.1'")
    assert lines[-2].endswith("DetectionModel")
    assert "found ultralytics 8.6.1" in lines[-1]
    assert "gjadet-yolo 0.1.0" in lines[-1]


def test_changed_host_keeps_stock_and_explains(fresh):
    """A release within the range that no longer has what is wrapped."""
    code = (
        "import sys; from gjadet_yolo import plugin\n"
        "from types import ModuleType; m = ModuleType('ultralytics.nn.tasks'); m.check_yaml = print\n"
        "plugin.connect(m)\n"
        "try: m.check_yaml('gjadetm.yaml')\n"
        "except RuntimeError as error: print(error)"
    )
    assert "gjadetm.yaml needs gjadet-yolo, which is not active: ultralytics.nn.tasks has changed" in fresh(code).stdout


def test_checkpoint_needs_an_active_plugin(monkeypatch):
    model = YOLO("gjadetn.yaml").model
    monkeypatch.setattr(plugin.status, "problem", "found ultralytics 8.6.1")
    with pytest.raises(plugin.PluginError, match=r"This checkpoint needs gjadet-yolo.*8\.6\.1"):
        copy.deepcopy(model)


def test_resumed_distillation_gets_own_classes():
    """The host's last.pt of a distillation run holds a wrapper around the model."""
    wrapper = YOLO("gjadetn.yaml")
    distillation = torch.nn.Module()
    distillation.student_model = wrapper.model
    wrapper.model = distillation
    assert wrapper.task_map["detect"]["trainer"].__name__ == "GjadetTrainer"


def test_trainer_can_be_unpickled_by_workers():
    """Multi-GPU workers import trainer and callbacks by name."""
    from gjadet_yolo.engine import trainer, validator

    for item in (trainer.GjadetTrainer, trainer.record_class_ratios, validator.GjadetValidator):
        assert pickle.loads(pickle.dumps(item)) is item


def test_registering_twice_is_harmless_and_collisions_are_errors():
    space = SimpleNamespace()
    plugin.register_modules(space, MODULES)
    plugin.register_modules(space, MODULES)
    assert space.AdaptiveModule is AdaptiveModule
    space.AdaptiveModule = torch.nn.Identity
    with pytest.raises(plugin.PluginError, match="already has a module 'AdaptiveModule'"):
        plugin.register_modules(space, MODULES)


def test_collision_leaves_stock_models_alone(fresh):
    lines = stock_and_own(
        fresh, "from ultralytics.nn import tasks; import torch; tasks.JointDetect = torch.nn.Identity"
    )
    assert lines[-2].endswith("DetectionModel")
    assert "already has a module 'JointDetect'" in lines[-1]
