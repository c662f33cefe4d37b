"""Mixed precision on CPUs: who decides, and what stays in float32."""

from __future__ import annotations

import pytest
import torch
from conftest import TINY
from small import small_yaml
from ultralytics import YOLO
from ultralytics.cfg import get_cfg

from gjadet_yolo.engine import precision
from gjadet_yolo.engine.model import GjadetModel
from gjadet_yolo.engine.precision import cpu_bf16, has_bf16_units, to_float32


@pytest.fixture
def units(monkeypatch):
    """Set whether the processor has bfloat16 units."""
    return lambda present: monkeypatch.setattr(precision, "has_bf16_units", lambda: present)


@pytest.mark.parametrize("amp", [False, "fp32"])
def test_switched_off(units, amp):
    units(True)
    assert cpu_bf16(amp) == (False, "")


def test_with_units(units):
    units(True)
    assert cpu_bf16(True) == cpu_bf16("bf16") == (True, "")
    on, line = cpu_bf16("fp16")
    assert not on
    assert "amp=True or bf16" in line


def test_without_units(units):
    units(False)
    on, line = cpu_bf16(True)
    assert not on
    assert "no bfloat16 units" in line
    with pytest.raises(ValueError, match="amp=bf16: this processor has no bfloat16 units"):
        cpu_bf16("bf16")


def test_units_are_those_of_the_processor(monkeypatch):
    for name in precision.UNITS:
        monkeypatch.setattr(torch.cpu, name, lambda: False, raising=False)
    assert not has_bf16_units()
    monkeypatch.setattr(torch.cpu, precision.UNITS[0], lambda: True)
    assert has_bf16_units()


def test_nested_outputs():
    short = torch.ones(2, dtype=torch.bfloat16)
    found = to_float32({"a": [short, (short, None)], "n": torch.ones(1, dtype=torch.int64), "s": "x"})
    assert found["a"][0].dtype == found["a"][1][0].dtype == torch.float32
    assert (found["n"].dtype, found["s"], found["a"][1][1]) == (torch.int64, "x", None)


def test_loss_is_float32_and_close(tmp_path):
    """Eight bits of mantissa: terms within 3 % of float32's; weights and gradients stay float32."""
    torch.manual_seed(0)
    model = GjadetModel(str(small_yaml(tmp_path, head="JointDetect")), verbose=False)
    model.args = get_cfg()
    batch = {
        "img": torch.rand(2, 3, 64, 64),
        "batch_idx": torch.tensor([0.0, 1.0]),
        "cls": torch.zeros(2, 1),
        "bboxes": torch.tensor([[0.5, 0.5, 0.4, 0.4]] * 2),
    }
    terms = []
    for model.bf16 in (False, True):
        loss, items = model.train().loss(batch)
        terms.append(torch.stack(list(items.values())))
    assert not torch.equal(*terms)  # it was in force
    torch.testing.assert_close(*terms, rtol=0.03, atol=0.03)
    assert loss.dtype == torch.float32
    loss.sum().backward()
    assert {p.grad.dtype for p in model.parameters() if p.grad is not None} == {torch.float32}
    assert {buffer.dtype for buffer in model.buffers() if buffer.is_floating_point()} == {torch.float32}


def test_copies_are_in_float32(tmp_path):
    import copy

    model = GjadetModel(str(small_yaml(tmp_path)), verbose=False)
    model.bf16 = True
    assert not copy.deepcopy(model).bf16


@pytest.mark.slow
@pytest.mark.parametrize(("amp", "expected"), [(True, True), (False, False)])
def test_training(tmp_path, rendered, units, amp, expected):
    """The log's line and the model's flag; images and weights lie with channels last."""
    units(True)
    model, seen = YOLO(str(small_yaml(tmp_path, head="JointDetect"))), []

    def look(trainer):
        image = trainer.preprocess_batch({"img": torch.zeros(1, 3, 64, 64, dtype=torch.uint8)})["img"]
        seen.append((trainer.model.bf16, trainer.ema.ema.bf16, image.stride()[1]))

    model.add_callback("on_train_start", look)
    model.train(data=str(rendered), epochs=1, project=str(tmp_path), amp=amp, **TINY)
    assert seen == [(expected, False, 1)]
