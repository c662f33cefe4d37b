"""Registration with the host: names, versions, files, classes."""

from __future__ import annotations

import copy
import hashlib
import importlib
import pickle
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch
from ultralytics import YOLO
from ultralytics.data import utils as data_utils
from ultralytics.models.yolo.detect import DetectionTrainer, DetectionValidator
from ultralytics.nn import tasks

from gjadet_yolo import locate
from gjadet_yolo.host import connect
from gjadet_yolo.host.seams import Seam, hold
from gjadet_yolo.host.status import BELOW, LOWEST, PluginError, Status, check_version, status
from gjadet_yolo.nn import MODULES, AdaptiveModule, TimmBackbone
from gjadet_yolo.synth.write import first_use


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
    with pytest.raises(PluginError, match=r"derive your trainer from gjadet_yolo\.GjadetTrainer"):
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
    assert made == [["-m", "gjadet_yolo.synth.write.first_use", str((tmp_path / "crash-synth").resolve())]]
    assert list(data["names"].values()) == ["point", "bogie", "wheel", "absorber", "rw"]


def test_rendered_set_does_not_touch_a_folder_with_something_else(tmp_path, monkeypatch):
    (tmp_path / "crash-synth" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data_utils, "DATASETS_DIR", tmp_path)
    with pytest.raises(RuntimeError, match="Remove or rename it"):
        data_utils.check_det_dataset("crash-synth.yaml")


def test_own_yaml_wins_over_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).parents[2] / "cfg" / "gjadet.yaml").read_text(encoding="utf-8")
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
    with pytest.raises(PluginError, match=rf">=8\.4\.130,<8\.5, found ultralytics {version}"):
        check_version(version)


@pytest.mark.parametrize("version", ["8.4.130", "8.4.190", "8.4.999"])
def test_versions_inside_the_range(version):
    check_version(version)


def test_range_is_the_one_of_the_package():
    setup = (Path(__file__).parents[2] / "setup.cfg").read_text(encoding="utf-8")
    assert f"ultralytics>={LOWEST},<{BELOW} " in setup


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
        "from gjadet_yolo.host import connect\n"
        "from types import ModuleType; m = ModuleType('ultralytics.nn.tasks'); m.check_yaml = print\n"
        "connect.connect(m)\n"
        "try: m.check_yaml('gjadetm.yaml')\n"
        "except RuntimeError as error: print(error)"
    )
    assert "gjadetm.yaml needs gjadet-yolo, which is not active: ultralytics.nn.tasks has changed" in fresh(code).stdout


def fake_tasks(missing: str = "") -> ModuleType:
    """A host's ``ultralytics.nn.tasks`` with everything that is wrapped in it, but for one attribute."""
    module = ModuleType("ultralytics.nn.tasks")
    names = ("parse_model", "yaml_model_load", "check_yaml", "torch_safe_load", "guess_model_scale")
    vars(module).update({name: (lambda *_: "stock") for name in names})
    module.DetectionModel = type("DetectionModel", (), {"init_criterion": lambda self: "stock"})
    module._SafeLoad = type("_SafeLoad", (), {"loading": classmethod(lambda cls, weight: weight)})
    owner, _, name = missing.rpartition(".")
    if missing:
        delattr(getattr(module, owner) if owner else module, name)
    return module


def contents(module: ModuleType) -> dict[str, object]:
    """All attributes of a fake module and of its classes."""
    inner = {
        f"{name}.{key}": value
        for name in ("DetectionModel", "_SafeLoad")
        for key, value in vars(getattr(module, name)).items()
    }
    return {**vars(module), **inner}


@pytest.fixture
def own_status(monkeypatch: pytest.MonkeyPatch) -> Status:
    """The status of a process without any host module."""
    for name, value in vars(Status()).items():
        monkeypatch.setattr(status, name, value)
    return status


@pytest.mark.parametrize(
    "missing",
    ["parse_model", "torch_safe_load", "guess_model_scale", "DetectionModel.init_criterion", "_SafeLoad.loading"],
)
def test_host_that_lacks_one_seam_is_left_alone(missing, own_status):
    """But for the refusal of models of this package, which says why."""
    module = fake_tasks(missing)
    before = contents(module)
    connect.connect(module)
    changed = {name for name, value in contents(module).items() if before.get(name) is not value}
    assert changed == {"check_yaml"}
    assert f"has no '{missing.rpartition('.')[2]}'" in own_status.problem
    with pytest.raises(PluginError, match=r"gjadetm\.yaml needs gjadet-yolo, which is not active"):
        module.check_yaml("gjadetm.yaml")


def test_host_without_the_look_up_of_yamls_can_still_be_imported(own_status):
    connect.connect(fake_tasks("check_yaml"))
    assert "has no 'check_yaml'" in own_status.problem


def test_complete_host_is_connected(own_status):
    connect.connect(fake_tasks())
    assert (own_status.problem, own_status.connected) == ("", {"ultralytics.nn.tasks"})


def test_seams_are_taken_back_when_one_cannot_be_set():
    """Two attributes of a class, one of them inherited, and a third one that refuses to be set."""
    base = type("Base", (), {"inherited": 1})
    host = type("Host", (base,), {"own": 2})
    seams = [Seam(owner, name, lambda old: old + 1) for owner, name in ((host, "own"), (host, "inherited"))]
    with pytest.raises(TypeError, match="immutable"):
        hold([*seams, Seam(int, "__add__", lambda old: old)])
    assert (host.own, host.inherited, "inherited" in vars(host)) == (2, 1, False)
    hold(seams)
    assert (host.own, host.inherited, base.inherited) == (3, 2, 1)


def test_a_metaclass_is_no_seam():
    """Any class could be called, and wrapping that would change how its objects are made."""
    with pytest.raises(AttributeError, match="Exporter has no '__call__'"):
        hold([Seam(type("Exporter", (), {}), "__call__", lambda old: old)])


def test_reloaded_host_is_connected_again(fresh):
    code = (
        "import importlib, sys; from gjadet_yolo import autoload\n"
        "from ultralytics import YOLO; YOLO('gjadetn.yaml')\n"
        "import ultralytics.engine.exporter\n"
        "for name in autoload.SEAMS: importlib.reload(sys.modules[name])\n"
        "YOLO = sys.modules['ultralytics.models.yolo.model'].YOLO\n"
        "models = [YOLO(name) for name in ('gjadetn.yaml', 'gjadetn-paper.yaml', 'yolov8n.yaml')]\n"
        "trainers = [m.task_map['detect']['trainer'].__name__ for m in models]\n"
        "print('@', [type(m.model).__name__ for m in models], trainers)"
    )
    done = fresh(code)
    assert done.stdout.split("@")[-1].strip() == (
        "['GjadetModel', 'GjadetModel', 'DetectionModel'] ['GjadetTrainer', 'GjadetTrainer', 'DetectionTrainer']"
    ), done.stderr


ROWS = "backbone: [[-1, {n}, Conv, [8]]]\nhead: [[-1, 1, Conv, [8]]]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "gjadet.yaml has no 'backbone' and no 'head': expected rows"),
        ("nc: 3\nbackbone: [[-1, 1, Conv, [8]]]", "gjadet.yaml has no 'head': expected rows"),
        ("nc: 3\nhead: [[-1, 1, Conv, [8]]]", "gjadet.yaml has no 'backbone': expected rows"),
        ("backbone:\nhead:", "gjadet.yaml: backbone is None, expected rows"),
        ("backbone: []\nhead: []", r"gjadet.yaml: backbone is \[\], expected rows"),
        ("backbone: 3\nhead: []", "gjadet.yaml: backbone is 3, expected rows"),
        ("backbone: [[-1, 1, Conv, [8]]]\nhead: Detect", "gjadet.yaml: head is 'Detect', expected rows"),
        ("backbone: [Conv]\nhead: []", r"gjadet.yaml row 0 is 'Conv', expected \[from, repeats, module"),
        ("backbone: [[-1, 1, Conv]]\nhead: []", r"gjadet.yaml row 0 is \[-1, 1, 'Conv'\], expected \[from"),
        (ROWS.format(n="a"), r"gjadet.yaml row 0 \[-1, ..., Conv, ...\]: repeats are 'a', expected a whole number"),
        (ROWS.format(n="null"), "repeats are None, expected a whole number from 1 to 1000"),
        (ROWS.format(n="9" * 400), "repeats are a number of very many digits, expected a whole number from 1 to 1000"),
        (ROWS.format(n=".inf"), "repeats are inf, expected"),
        (ROWS.format(n="1001"), "repeats are 1001, expected"),
        ("backbone: &loop [*loop]\nhead: []", "gjadet.yaml: backbone holds itself, or more than 100,000 values"),
        (
            f"backbone: [[-1, 1, Conv, {'[' * 50}{']' * 50}]]\nhead: [[-1, 1, 0x{'f' * 5000}, []]]\nloss: {{}}",
            "its head is a number of very many digits. Leave",
        ),
        (
            f"backbone: [[-1, 1, Conv, [8]]]\nhead: [[-1, 1, {'[' * 50}{']' * 50}, []], [-1, 1, JointDetect, [1]]]",
            r"gjadet.yaml row 1 \[-1, 1, \[\[\[\[\[...\]\]\]\]\], \[\]\]: there is no module",
        ),
        ("[1, 2]", "gjadet.yaml' is not a valid YAML mapping"),
        ("backbone: [", "YAML syntax error in 'gjadet.yaml'"),
        ("backbone: !!python/name:os.system", "YAML syntax error in 'gjadet.yaml'"),
    ],
)
def test_faulty_model_yamls_are_explained(text, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("gjadet.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        YOLO("gjadet.yaml")


def test_backbones_of_timm_load_one_after_the_other_in_restricted_mode(tmp_path):
    """What the first load admitted is not listed for the second."""
    pytest.importorskip("timm")
    for name in ("test_resnet", "test_convnext"):
        torch.save({"model": TimmBackbone(3, name)}, tmp_path / "a.pt")
        assert type(tasks.torch_safe_load(tmp_path / "a.pt", safe_only=True)[0]["model"]) is TimmBackbone


def test_checkpoint_that_holds_more_than_modules_of_timm_is_refused(tmp_path):
    """In restricted mode, and by name: a function of timm beside a backbone of it."""
    backbone = pytest.importorskip("timm") and TimmBackbone(3, "test_resnet")
    backbone.extra = importlib.import_module("timm.models").create_model
    torch.save({"model": backbone}, tmp_path / "a.pt")
    with pytest.raises(ValueError, match=r"holds timm\.models\._factory\.create_model, which ULTRALYTICS_SAFE_LOAD"):
        tasks.torch_safe_load(tmp_path / "a.pt", safe_only=True)


def test_checkpoint_needs_an_active_plugin(monkeypatch):
    model = YOLO("gjadetn.yaml").model
    monkeypatch.setattr(status, "problem", "found ultralytics 8.6.1")
    with pytest.raises(PluginError, match=r"This checkpoint needs gjadet-yolo.*8\.6\.1"):
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
    connect.register_modules(space, MODULES)
    connect.register_modules(space, MODULES)
    assert space.AdaptiveModule is AdaptiveModule
    space.AdaptiveModule = torch.nn.Identity
    with pytest.raises(PluginError, match="already has a module 'AdaptiveModule'"):
        connect.register_modules(space, MODULES)


def test_collision_leaves_stock_models_alone(fresh):
    lines = stock_and_own(
        fresh, "from ultralytics.nn import tasks; import torch; tasks.JointDetect = torch.nn.Identity"
    )
    assert lines[-2].endswith("DetectionModel")
    assert "already has a module 'JointDetect'" in lines[-1]
