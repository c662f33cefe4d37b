"""``restore=off``: what the commands do with it, and that it equals the detector alone."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import TINY
from ultralytics import YOLO
from ultralytics.cfg import check_dict_alignment, get_cfg

from gjadet_yolo.cli.main import main
from gjadet_yolo.engine.model import GjadetModel
from gjadet_yolo.host.restoring import restoring, wants_restoring
from gjadet_yolo.nn.restore import Restorer

ROWS = [[-1, 1, "Conv", [16, 3, 2]] for _ in range(5)]
SMALL = {"nc": 5, "backbone": ROWS, "head": [[[3, 4], 1, "Detect", ["nc"]]]}


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """A model whose restorer changes much, and the same detector without one, as checkpoints."""
    torch.manual_seed(0)
    both, alone = (GjadetModel(SMALL | block, verbose=False).eval() for block in ({"restore": {}}, {"loss": {}}))
    with torch.no_grad():
        both.restorer.detail.out.bias.fill_(0.3)
        for part in both.model[-1].cv3:
            part[-1].bias.fill_(1.0)  # so that there are boxes
    alone.load_state_dict({name: value for name, value in both.state_dict().items() if "restorer" not in name})
    folder = tmp_path_factory.mktemp("models")
    for name, model in (("both", both), ("alone", alone)):
        model.args = dict(get_cfg()) | {"task": "detect"}
        torch.save({"model": model, "ema": None, "train_args": model.args}, folder / f"{name}.pt")
    return folder


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 200, (128, 128, 3), np.uint8)


def boxes(file, image, **settings):
    found = YOLO(file).predict(image, imgsz=128, device="cpu", verbose=False, conf=0.1, max_det=50, **settings)
    return found[0].boxes.data


def test_prediction(checkpoints, image):
    alone, on = boxes(checkpoints / "alone.pt", image), boxes(checkpoints / "both.pt", image)
    assert len(alone)
    assert alone.shape != on.shape or not torch.allclose(alone, on)
    for word in ("off", False, "no"):
        torch.testing.assert_close(boxes(checkpoints / "both.pt", image, restore=word), alone)
    assert torch.equal(boxes(checkpoints / "both.pt", image, restore="on"), on)


def test_one_object_switches_back(checkpoints, image):
    model = YOLO(checkpoints / "both.pt")
    settings = {"imgsz": 128, "device": "cpu", "verbose": False, "conf": 0.1, "max_det": 50}
    off, on = (model.predict(image, restore=word, **settings)[0].boxes.data for word in ("off", "on"))
    torch.testing.assert_close(off, boxes(checkpoints / "alone.pt", image))
    assert torch.equal(on, boxes(checkpoints / "both.pt", image))


def test_validation(checkpoints, rendered, monkeypatch):
    runs = []
    forward = Restorer.forward
    monkeypatch.setattr(Restorer, "forward", lambda self, x: runs.append(len(x)) or forward(self, x))
    settings = {"data": str(rendered), **TINY}
    model = YOLO(checkpoints / "both.pt")
    model.val(**settings)
    assert sum(runs[-1:]) == 4  # the last batch: all images
    runs.clear()
    model.val(restore="off", **settings)
    assert 4 not in runs
    assert model.model.restoring


def test_export_with_and_without(checkpoints):
    x = torch.rand(1, 3, 128, 128)
    for word, name in (("off", "alone"), ("on", "both")):
        path = YOLO(checkpoints / "both.pt").export(format="torchscript", imgsz=128, device="cpu", restore=word)
        with torch.no_grad():
            expected = YOLO(checkpoints / f"{name}.pt").model.eval()(x)[0]
            torch.testing.assert_close(torch.jit.load(path)(x), expected, rtol=1e-4, atol=1e-2)
    exported = SimpleNamespace(format="torchscript")
    with (
        pytest.raises(ValueError, match=r"restore=off: this torchscript model was exported with what is in it"),
        restoring(exported, SimpleNamespace(restore=False)),
    ):
        pass


def test_own_verb(checkpoints, image, tmp_path, capsys):
    import cv2

    cv2.imwrite(str(tmp_path / "a.png"), image)
    shared = ["predict", f"source={tmp_path / 'a.png'}", f"project={tmp_path}", "save_txt=true", "device=cpu"]
    texts = []
    for name, words in (("both", ["restore=off"]), ("alone", []), ("both", [])):
        run = f"r{len(texts)}"
        assert main([*shared, f"model={checkpoints / name}.pt", f"name={run}", *words]) == 0
        texts.append((tmp_path / run / "labels" / "a.txt").read_text())
    assert texts[0] == texts[1] != texts[2]


def test_values():
    assert wants_restoring(SimpleNamespace())
    assert not wants_restoring(SimpleNamespace(restore="Off"))
    with pytest.raises(ValueError, match="restore is 'of', allowed: on and off"):
        wants_restoring(SimpleNamespace(restore="of"))


def test_other_models_stay():
    model = YOLO("yolov8n.yaml").model
    with restoring(model, SimpleNamespace(restore=False)):
        assert not hasattr(model, "restoring")


def test_other_unknown_arguments_are_still_refused():
    given = {"restore": False, "conf": 0.1}
    check_dict_alignment({"conf": 0.2}, given)
    assert given == {"conf": 0.1, "restore": False}
    with pytest.raises(SyntaxError, match=r"restor\b.* is not a valid YOLO argument"):
        check_dict_alignment({"conf": 0.2}, {"restor": False, "restore": True})


def test_a_training_has_the_block(rendered):
    with pytest.raises(ValueError, match=r"A training has the restore: block"):
        YOLO("gjadetn-joint.yaml").train(data=str(rendered), restore="off", epochs=1, **TINY)
