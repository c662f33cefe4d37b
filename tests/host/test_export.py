"""Exports: every YAML to every format, validation of an export, tiles, and refusals.

Every comparison is on a photograph (the host's ``bus.jpg``) letterboxed to ``SIDE`` px, or on rendered pictures.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from export import FORMATS, RAW, awake, difference, float32_openvino, letterboxed, load, model_names, predictions
from ultralytics import ASSETS, YOLO
from ultralytics.utils import DEFAULT_CFG_DICT

from gjadet_yolo import locate
from gjadet_yolo.cli.main import main
from gjadet_yolo.host.export import check_export
from gjadet_yolo.nn import MODULES
from gjadet_yolo.nn.export_limit import ExportLimit

SIDE = 128
LIBRARIES = {"torchscript": (), "onnx": ("onnx", "onnxruntime"), "openvino": ("openvino",)}
BACKBONES = ("resnet50", "swin_tiny")
"""Of timm: convolutions, and a transformer. The others differ in size only, and by seconds."""

EVERY_FORMAT = (
    "ccspnet-joint",
    "gjadet-paper",
    "sspnet",
    "tpnet",
    "gjadet-dyhead",
    "gjadet-yolo11-paper",
    "gjadet-resnet50",
    "lcp-resnet50",
)
"""Between them they have every plugin row; each is tried in every format, the others in ONNX only.

``benchmarks/export.py`` tries every YAML in every format, before a release.
"""

NAMES = {name: yaml for name, yaml in model_names().items() if yaml != f"{name}.yaml" or name.endswith(BACKBONES)}
CASES = [(name, kind) for name in NAMES for kind in FORMATS if kind == "onnx" or name in EVERY_FORMAT]


def test_every_row_is_tried_in_every_format():
    rows = {row[2] for name in EVERY_FORMAT for part in ("backbone", "head") for row in yaml_of(name)[part]}
    assert {cls.__name__ for cls in MODULES} <= rows


def yaml_of(name: str) -> dict:
    """Model YAML by stem."""
    return yaml.safe_load(locate.files("cfg")[name].read_text(encoding="utf-8"))


def need(file_format: str) -> None:
    """Skip without the libraries of a format."""
    for library in LIBRARIES[file_format]:
        pytest.importorskip(library)


@pytest.fixture(scope="module")
def photograph() -> torch.Tensor:
    return letterboxed(ASSETS / "bus.jpg", SIDE)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Iterator[Path]:
    """Exports land in the current folder; all of them are several GB, and pytest would keep them."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for entry in tmp_path.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


@pytest.mark.parametrize(("name", "file_format"), CASES)
def test_outputs_are_those_of_pytorch(name, file_format, photograph):
    """Scores within 1e-4, boxes within 1e-4 of the image side: float32 itself has 1e-5 px at 128 px.

    ``simplify`` only shortens the file and takes half a minute with swin; other tests here use it.
    """
    need(file_format)
    if name.endswith(BACKBONES):
        pytest.importorskip("timm")
    model = awake(NAMES[name], photograph)
    expected = predictions(model.model, photograph)
    assert expected[:, 4:].std() > 1e-3  # not trivially constant
    settings = {"simplify": False} if file_format == "onnx" else {}
    path = model.export(format=file_format, imgsz=SIDE, device="cpu", **RAW, **settings)
    gap = difference(predictions(load(path), photograph), expected)
    assert gap.score < 1e-4
    assert gap.box_px < 1e-4 * SIDE


@pytest.mark.parametrize("file_format", FORMATS)
def test_end_to_end_head(file_format, photograph):
    """The 300 best boxes of the one-to-one branch; nearly equal scores may swap places, so each box looks for its own.

    Those at the end may have lost their place to another.
    """
    need(file_format)
    model = awake("gjadet-yolo26n-paper.yaml", photograph)
    model.model.end2end = True
    settings = {"end2end": True} if RAW else {"nms": False}
    path = model.export(format=file_format, imgsz=SIDE, device="cpu", **settings)
    ours, theirs = (predictions(one, photograph)[0] for one in (load(path), model.model))
    assert ours.shape == theirs.shape == (300, 6)
    torch.testing.assert_close(ours[:, 4], theirs[:, 4], atol=1e-4, rtol=0)
    unit = ours.new_tensor([SIDE, SIDE, SIDE, SIDE, 1, 1])
    gaps = ((ours[:290, None] - theirs) / unit).abs().amax(2)  # (290, 300)
    assert gaps.amin(1).max() < 1e-4


@pytest.mark.parametrize("reduce", [1, 2])
def test_cruxes_are_part_of_the_graph(photograph, folder, reduce):
    """With a fusion that has been taught: at the start it leaves the cruxes out."""
    need("onnx")
    (folder / "yolov8n-crux.yaml").write_text(yaml.safe_dump(yaml_of("lcp") | {"crux": {"reduce": reduce}}))
    model = awake("yolov8n-crux.yaml", photograph)
    plain = predictions(model.model, photograph)
    torch.nn.init.normal_(model.model.crux.fusion.conv.weight, 0, 0.1)
    expected = predictions(model.model, photograph)
    assert not torch.allclose(expected, plain, atol=1e-2)
    path = model.export(format="onnx", imgsz=SIDE, device="cpu", simplify=False, **RAW)
    gap = difference(predictions(load(path), photograph), expected)
    assert gap.score < 1e-4
    assert gap.box_px < 1e-4 * SIDE


@pytest.mark.parametrize("name", ["gjadetn-paper.yaml", "gjadetn-dyhead.yaml", "gjadetn-joint.yaml"])
def test_other_sizes_with_dynamic(name, photograph):
    need("onnx")
    model = awake(name, photograph)
    path = model.export(format="onnx", imgsz=SIDE, device="cpu", dynamic=True)
    images = letterboxed(ASSETS / "zidane.jpg", 192)[..., 16:176, :].repeat(2, 1, 1, 1)  # (2, 3, 160, 192)
    gap = difference(predictions(load(path), images), predictions(model.model, images))
    assert gap.score < 1e-4
    assert gap.box_px < 1e-4 * 192


@pytest.mark.parametrize("file_format", FORMATS)
def test_validation_and_prediction_of_an_export(file_format, rendered):
    """Released checkpoint: AP per class to 0.001, the boxes of a picture, names and task."""
    need(file_format)
    shared = {"imgsz": SIDE, "device": "cpu", "verbose": False, "rect": False}
    settings = {"data": str(rendered), "batch": 1, "plots": False, "workers": 0, **shared}
    model = YOLO("gjadetn-crash-synth.pt")
    picture = str(sorted((rendered.parent / "images" / "val").iterdir())[0])
    exported = YOLO(model.export(format=file_format, imgsz=SIDE, device="cpu", **RAW))
    expected = model.val(**settings).box
    with float32_openvino() if file_format == "openvino" else np.errstate():
        found = exported.val(**settings).box
        ours, theirs = (one.predict(picture, **shared)[0] for one in (exported, model))
    assert expected.all_ap[0, 0] > 0.8  # of points, at IoU 0.5: the other classes are hardly in these four pictures
    np.testing.assert_allclose(found.all_ap, expected.all_ap, atol=1e-3)
    assert (exported.task, ours.names) == ("detect", model.names)
    torch.testing.assert_close(ours.boxes.data, theirs.boxes.data, atol=1e-2, rtol=1e-4)


def test_tiles_refuse_exports_of_one_size_and_take_dynamic_ones(rendered, folder, capsys):
    model = YOLO("gjadetn-crash-synth.pt")
    shared = ["tile=64", "overlap=32", f"project={folder}"]
    verbs = (["predict", f"source={rendered.parent / 'images' / 'val'}"], ["val", f"data={rendered}"])
    fixed = model.export(format="torchscript", imgsz=64, device="cpu")
    for verb in verbs:
        assert main([*verb, f"model={fixed}", *shared]) == 1
        assert "this torchscript model takes 64 x 64 px only. Export it with dynamic=True" in capsys.readouterr().err
    dynamic = model.export(format="torchscript", imgsz=64, device="cpu", dynamic=True)
    assert main([*verbs[0], f"model={dynamic}", *shared, "name=a", "save_txt=true", "save_conf=true"]) == 0
    assert main([*verbs[0], "model=gjadetn-crash-synth.pt", *shared, "name=b", "save_txt=true", "save_conf=true"]) == 0
    labels = [sorted((folder / run / "labels").iterdir()) for run in ("a", "b")]
    assert len(labels[0]) == len(labels[1]) > 0
    for ours, theirs in zip(*labels, strict=True):
        columns = (np.sort(np.loadtxt(file, ndmin=2), 0) for file in (ours, theirs))  # near scores may swap places
        np.testing.assert_allclose(*columns, atol=1e-4)
    assert main([*verbs[1], f"model={dynamic}", *shared]) == 0


@pytest.mark.parametrize(
    ("formats", "below_opset", "file_format", "opset", "holds"),
    [
        ((), None, "ncnn", None, True),
        (("imx",), None, "imx", None, True),
        (("imx",), None, "onnx", 12, False),
        ((), 16, "onnx", 15, True),
        ((), 16, "onnx", 16, False),
        ((), 16, "onnx", None, False),
    ],
)
def test_limits(formats, below_opset, file_format, opset, holds):
    limit = ExportLimit("cannot", "Leave it.", frozenset(formats), below_opset)
    assert limit.holds(file_format, opset) is holds


REFUSED = [
    (
        "gjadetn-dyhead.yaml",
        {"format": "onnx", "opset": 12},
        r"gjadetn-dyhead\.yaml cannot be exported to onnx with opset=12: DyHead \(layer 16\) samples its levels "
        r"bilinearly, which ONNX knows from opset 16 on\. Leave opset out",
    ),
    (
        "gjadetn-crash-synth.pt",
        {"format": "IMX"},
        r"gjadetn-crash-synth\.pt cannot be exported to IMX: JointDetect \(layer 28\) has an objectness branch.* "
        r"Use format=onnx, openvino or torchscript",
    ),
]


@pytest.mark.parametrize(("name", "settings", "message"), REFUSED)
def test_what_cannot_be_exported_says_so(name, settings, message, folder):
    with pytest.raises(ValueError, match=message):
        YOLO(name).export(**settings)
    assert not list(folder.iterdir())


def test_the_command_line_says_so(fresh):
    """The stock ``yolo`` command."""
    code = "import sys; from ultralytics.cfg import entrypoint; sys.argv[0] = 'yolo'; entrypoint()"
    done = fresh(code, "export", "model=gjadetn-dyhead.yaml", "format=onnx", "opset=12")
    assert done.returncode
    assert "ValueError: gjadetn-dyhead.yaml cannot be exported to onnx with opset=12" in done.stderr


def test_stock_models_have_no_limits():
    for file_format in (*FORMATS, "imx"):
        check_export(YOLO("yolov8n.yaml").model, file_format, 9)


def test_the_host_knows_the_settings():
    assert {"opset", "dynamic", "nms", "simplify"} <= set(DEFAULT_CFG_DICT)
