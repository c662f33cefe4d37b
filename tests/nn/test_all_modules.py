"""What every registered module must do, in one walk over the list."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable

import pytest
import torch
from torch import nn
from ultralytics.nn import tasks

from gjadet_yolo.nn import (
    MODULES,
    AdaptiveModule,
    C3CoT,
    DyHead,
    JointDetect,
    Level,
    SSPNeck,
    TimmBackbone,
    TimmStage,
    TPNeck,
)
from gjadet_yolo.nn.row import PluginModule, Row

Inputs = torch.Tensor | list[torch.Tensor]


def levels() -> list[torch.Tensor]:
    return [torch.randn(2, c, s, s) for c, s in ((16, 8), (32, 4), (64, 2))]


EXAMPLES: dict[type[nn.Module], tuple[Row, Callable[[], Inputs]]] = {
    AdaptiveModule: (Row(3, (16,)), lambda: torch.randn(2, 16, 6, 5)),
    C3CoT: (Row(3, (16,), (32,), repeats=2), lambda: torch.randn(2, 16, 6, 5)),
    DyHead: (Row(9, (16, 32, 64), (32,), repeats=2), levels),
    JointDetect: (Row(9, (16, 32, 64), (3,)), levels),
    Level: (Row(4, (64,), (1,), levels=(16, 32, 64)), levels),
    SSPNeck: (Row(9, (16, 32, 64), (32,)), levels),
    TPNeck: (Row(9, (16, 32, 64), ([16, 32, 48], 2)), levels),
    TimmBackbone: (Row(0, (3,), ("test_resnet",)), lambda: torch.rand(2, 3, 64, 64)),
    TimmStage: (Row(0, (3,), ("test_resnet", 1, 8)), lambda: torch.rand(2, 3, 64, 64)),
}
NEEDED = {TimmBackbone: "timm", TimmStage: "timm"}


def build(cls: type[nn.Module]) -> nn.Module:
    torch.manual_seed(1)
    module = cls(*cls.plan(EXAMPLES[cls][0]).args)
    if isinstance(module, JointDetect):
        module.stride = torch.tensor([8.0, 16.0, 32.0])
    return module


def tensors(output: object) -> list[torch.Tensor]:
    """All tensors of a nested output, except inputs passed through."""
    if isinstance(output, torch.Tensor):
        return [output]
    values = output.items() if isinstance(output, dict) else enumerate(output)
    return [tensor for key, value in values if key != "feats" for tensor in tensors(value)]


def test_every_module_has_an_example():
    assert set(EXAMPLES) == set(MODULES)


@pytest.fixture(autouse=True)
def has_library(request):
    """Skip modules whose library is not installed."""
    cls = getattr(request.node, "callspec", None) and request.node.callspec.params["cls"]
    if cls in NEEDED:
        pytest.importorskip(NEEDED[cls])


@pytest.mark.parametrize("cls", MODULES)
class TestModule:
    def test_states_its_rule(self, cls):
        assert isinstance(cls, PluginModule)
        assert len(EXAMPLES[cls][0].channels) in cls.inputs

    def test_output_is_finite_and_gradients_reach_every_parameter(self, cls):
        module = build(cls)
        outputs = tensors(module(EXAMPLES[cls][1]()))
        assert all(out.isfinite().all() for out in outputs)
        if not list(module.parameters()):
            return
        sum(out.square().sum() for out in outputs).backward()
        silent = [n for n, p in module.named_parameters() if p.requires_grad and p.grad is None]
        assert not silent

    def test_deepcopy_and_pickle_give_the_same_output(self, cls):
        module, x = build(cls).eval(), EXAMPLES[cls][1]()
        buffer = io.BytesIO()
        torch.save(module, buffer)
        buffer.seek(0)
        with torch.no_grad():
            expected = tensors(module(x))
            for twin in (copy.deepcopy(module), torch.load(buffer, weights_only=False)):
                for ours, theirs in zip(tensors(twin(x)), expected, strict=True):
                    assert torch.equal(ours, theirs)

    def test_restricted_loading(self, cls, tmp_path):
        """``ULTRALYTICS_SAFE_LOAD=1`` knows every class that an instance holds."""
        torch.save({"model": build(cls)}, tmp_path / "a.pt")
        loaded = tasks.torch_safe_load(tmp_path / "a.pt", safe_only=True)[0]["model"]
        assert type(loaded) is cls

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
    def test_half_precision(self, cls, dtype):
        module, x = build(cls).eval().to(dtype), EXAMPLES[cls][1]()
        x = [one.to(dtype) for one in x] if isinstance(x, list) else x.to(dtype)
        with torch.no_grad():
            assert all(out.isfinite().all() for out in tensors(module(x)))

    def test_traced_export(self, cls):
        module, x = build(cls).eval(), EXAMPLES[cls][1]()
        if isinstance(module, JointDetect):
            module.export = True
        with torch.no_grad():
            expected = module(x)
            traced = torch.jit.trace(module, (x,), check_trace=False)
            torch.testing.assert_close(traced(x), expected)
