"""The model class: classes, weights from elsewhere, refusals."""

from __future__ import annotations

from copy import deepcopy
from functools import reduce
from operator import getitem
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from ultralytics import YOLO
from ultralytics.nn.tasks import DetectionModel, yaml_model_load
from ultralytics.utils import DEFAULT_CFG_DICT

from gjadet_yolo.engine.model import GjadetModel
from gjadet_yolo.losses.attention_map import attention_loss
from gjadet_yolo.nn.auxiliary import aux_of

CFG = Path(__file__).parents[2] / "cfg"


def test_classes_of_the_yaml_and_of_the_data():
    assert GjadetModel("gjadetn-paper.yaml", verbose=False).names[0] == "point"
    assert GjadetModel("gjadetn-paper.yaml", nc=3, verbose=False).names == {0: "0", 1: "1", 2: "2"}


ROWS = [[-1, 1, "Conv", [8, 3, 2]], [-1, 1, "Conv", [8, 3, 2]]]
HEAD = [[-1, 1, "nn.Upsample", ["None", 2, "nearest"]], [[-1, 0], 1, "Concat", [1]], [[3, 1], 1, "JointDetect", ["nc"]]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backbone.1.3.2": "x"}, r"Model YAML a.yaml row 1 \[-1, 1, Conv, \[8, 3, 'x'\]\] cannot be built: "),
        ({"backbone.1.3.0": "x"}, r"row 1 \[-1, 1, Conv, \['x', 3, 2\]\] cannot be built: TypeError: '<' not"),
        ({"backbone.1.3": []}, r"row 1 \[-1, 1, Conv, \[\]\] cannot be built: IndexError: list index out of range"),
        ({"head.0.3.1": 4}, r"row 3 \[\[-1, 0\], 1, Concat, \[1\]\] cannot be built: Sizes of tensors must match"),
        ({"head.0.3.2": False}, r"row 2 .*nn.Upsample.* cannot be built: NotImplementedError: Input Error"),
        ({"reg_max": {}}, r"row 4 .*JointDetect, \['nc'\]\] cannot be built: TypeError: "),
        ({"scales": {"n": [1, -float("inf"), 64]}}, "row 0 .* cannot be built: OverflowError: cannot convert"),
        ({"scales": {"n": 1}}, "^Model YAML a.yaml cannot be built: TypeError: cannot unpack"),
        ({"nc": "x"}, "^Model YAML a.yaml row 4 .*: takes one argument, the number of classes"),
        ({"names": 0.5}, "^Model YAML a.yaml: names: 0.5, expected the class names"),
        ({"names": ["a", 16**5000]}, "^Model YAML a.yaml: names: a number of very many digits is no class name"),
        ({"names": ["a", ["b"]]}, r"^Model YAML a.yaml: names: \['b'\] is no class name"),
        ({"backbone.0.2": "Cnv"}, r"^Model YAML a.yaml row 0 \[-1, 1, Cnv, \[8, 3, 2\]\]: there is no module"),
    ],
    ids=lambda value: "",
)
def test_what_the_host_chokes_on_names_file_and_row(changes, message):
    yaml = {"nc": 2, "yaml_file": "a.yaml", "backbone": deepcopy(ROWS), "head": deepcopy(HEAD)}
    GjadetModel(deepcopy(yaml), verbose=False)
    for path, value in changes.items():
        *way, last = (int(key) if key.isdigit() else key for key in path.split("."))
        reduce(getitem, way, yaml)[last] = value
    with pytest.raises(ValueError, match=message):
        GjadetModel(yaml, verbose=False)


def test_stock_models_keep_the_errors_of_the_host():
    head = [[[0, 1], 1, "Detect", ["nc"]]]
    with pytest.raises(TypeError):
        DetectionModel({"nc": 2, "backbone": [[-1, 1, "Conv", ["x", 3, 2]], ROWS[1]], "head": head}, verbose=False)


@pytest.mark.parametrize("family", ["gjadet", "gjadet-p2", "gjadet-yolo11", "gjadet-yolo26"])
def test_host_weights_transfer_completely(family):
    """All but adaptive modules and objectness comes from the host's model: layer numbers and names are its own."""
    hosts = {"gjadet": "yolov8n", "gjadet-p2": "yolov8n-p2"}
    host = DetectionModel(f"{hosts.get(family, family.split('-')[-1] + 'n')}.yaml", nc=5, verbose=False)
    with torch.no_grad():
        for parameter in host.parameters():
            parameter.normal_()
    model = GjadetModel(f"{family}n.yaml", verbose=False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.load(host, verbose=False)
    fresh = {name for name, value in model.named_parameters() if torch.equal(value, before[name])}
    assert {name.split(".")[2] for name in fresh} <= {"stages", "obj", "one2one_obj", "dfl"}
    assert sum(p.numel() for p in host.parameters()) == sum(
        p.numel() for n, p in model.named_parameters() if n not in fresh or "dfl" in n
    )
    torch.testing.assert_close(model.model[-1].cv3[0][0].state_dict(), host.model[-1].cv3[0][0].state_dict())


def test_other_number_of_classes_keeps_the_head_working():
    """Where the host widens the class branch to the source's 80 classes, objectness follows, at its prior."""
    model = GjadetModel("gjadetn-paper.yaml", verbose=False)
    model.load(DetectionModel("yolov8n.yaml", verbose=False), verbose=False)
    head = model.model[-1]
    assert [obj.in_channels for obj in head.obj] == [branch[-1].in_channels for branch in head.cv3]
    assert head.obj[0].bias.exp().item() == pytest.approx(5 / 80**2)
    assert model(torch.zeros(1, 3, 64, 64))["obj"].shape == (1, 1, 84)


def test_objectness_of_another_number_of_classes_is_kept():
    """Pretraining on 80 classes, fine-tuning on 5: the trained objectness comes along, in one or two branches."""
    for name in ("gjadetn-paper.yaml", "gjadet-yolo26n-paper.yaml"):
        source, model = GjadetModel(name, nc=80, verbose=False), GjadetModel(name, verbose=False)
        model.load(source, verbose=False)
        for branch in ("obj", "one2one_obj"):
            ours, theirs = (getattr(m.model[-1], branch, None) for m in (model, source))
            if theirs is not None and ours[0].in_channels == theirs[0].in_channels:
                assert torch.equal(ours[0].weight, theirs[0].weight)


def test_class_names_come_with_the_weights_where_they_do_in_the_host():
    """Names of the YAML count as placeholders; 8.4.130 does not take names along, later releases do."""
    names = dict(enumerate("abcde"))
    stock, other = (DetectionModel("yolov8n.yaml", nc=5, verbose=False) for _ in range(2))
    source, model = (GjadetModel("gjadetn-paper.yaml", verbose=False) for _ in range(2))
    stock.names = source.names = names
    other.load(stock, verbose=False)
    model.load(source, verbose=False)
    own = dict(enumerate(["point", "bogie", "wheel", "absorber", "rw"]))
    assert model.names == (names if other.names == names else own)


def test_names_as_a_mapping():
    content = yaml_model_load("gjadetn-paper.yaml") | {"names": {0: "p", 1: "q", 2: "r", 3: "s", 4: "t"}}
    assert GjadetModel(content, verbose=False).names == {0: "p", 1: "q", 2: "r", 3: "s", 4: "t"}


def test_own_weights_transfer_with_objectness():
    first, second = (GjadetModel("gjadetn-paper.yaml", verbose=False) for _ in range(2))
    second.load({"model": first, "ema": None}, verbose=False)
    for (name, a), b in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_faulty_loss_block_is_refused_before_training(tmp_path):
    text = (CFG / "gjadet-paper.yaml").read_text(encoding="utf-8")
    bad = tmp_path / "yolov8n-bad.yaml"
    bad.write_text(text.replace("  cls: eqlv2", "  clss: eqlv2"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"unknown key 'clss'\. Did you mean 'cls'"):
        YOLO(bad)


def test_foreground_loss_without_objectness_is_refused(tmp_path):
    text = (CFG / "gjadet-paper.yaml").read_text(encoding="utf-8").replace("JointDetect", "Detect")
    bad = tmp_path / "yolov8n-bad.yaml"
    bad.write_text(text.replace("  cls: eqlv2", "  cls: eqlv2\n  cls_anchors: foreground"), encoding="utf-8")
    with pytest.raises(ValueError, match="Use the head JointDetect"):
        YOLO(bad)


def test_plain_head_with_a_loss_block_is_possible(tmp_path):
    text = (CFG / "gjadet-paper.yaml").read_text(encoding="utf-8").replace("JointDetect", "Detect")
    file = tmp_path / "yolov8n-plain.yaml"
    file.write_text(text, encoding="utf-8")
    assert type(YOLO(file).model) is GjadetModel


def test_test_time_augmentation_adds_two_views():
    """The unscaled view leads, without its coarsest level, which the host leaves to the smaller views."""
    model = GjadetModel("gjadetn-paper.yaml", verbose=False).eval()
    x = torch.rand(1, 3, 128, 128)
    with torch.no_grad():
        single, augmented = model(x)[0], model(x, augment=True)[0]
    kept = 16 * 16 + 8 * 8
    torch.testing.assert_close(augmented[..., :kept], single[..., :kept])
    assert augmented.shape[-1] > kept + single.shape[-1] * 0.67**2


@pytest.mark.parametrize("end2end", [True, False])
def test_fusing_an_end_to_end_model(end2end):
    """With and without NMS-free inference: same output before and after, and no unused branches."""
    model = GjadetModel("gjadet-yolo26n-paper.yaml", verbose=False).eval()
    model.end2end = end2end
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        before = model(x)[0]
        model.fuse(verbose=False)
        after = model(x)[0]
    assert before.shape == ((1, 84, 6) if end2end else (1, 9, 84))
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)
    head = model.model[-1]
    assert (head.obj is None) == (head.cv3 is None) == end2end


def test_attention_loss_is_a_term_of_its_own():
    """The term is the loss of the maps of the same pass; factor 0 takes it away."""
    batch = {
        "img": torch.rand(2, 3, 64, 64),
        "batch_idx": torch.tensor([0.0, 1.0]),
        "cls": torch.zeros(2, 1),
        "bboxes": torch.tensor([[0.5, 0.5, 0.25, 0.25], [0.25, 0.25, 0.5, 0.5]]),
    }
    model = GjadetModel("sspnetn-p3.yaml", verbose=False)
    model.args = SimpleNamespace(**DEFAULT_CFG_DICT)
    preds = model(batch["img"])
    loss, items = model.loss(batch, preds)
    assert list(items) == ["box_loss", "cls_loss", "dfl_loss", "att_loss"]
    boxes = torch.tensor([[[24.0, 24, 40, 40]], [[0.0, 0, 32, 32]]])
    (maps,) = aux_of(preds)["attention"]
    expected = attention_loss(maps, boxes, torch.ones(2, 1, dtype=torch.bool), (8, 16, 32))
    torch.testing.assert_close(items["att_loss"], expected.detach())
    loss.sum().backward()
    assert model.model[10].cam.map[0].weight.grad.abs().sum() > 0
    content = yaml_model_load("sspnetn-p3.yaml") | {"loss": {"attention": 0}}
    model = GjadetModel(content, verbose=False)
    model.args = SimpleNamespace(**DEFAULT_CFG_DICT)
    assert list(model.loss(batch)[1]) == ["box_loss", "cls_loss", "dfl_loss"]
