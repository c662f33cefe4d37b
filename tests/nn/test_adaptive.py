"""Adaptive module: reference numbers and values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gjadet_yolo.nn import adaptive
from gjadet_yolo.nn.adaptive import AdaptiveModule, ScaleAttention, SpatialAttention, TaskAttention

NAMES = {  # reference parameter -> role here
    "spatial_attention.cv1.weight": "spatial.conv.weight",
    "scale_attention.scale_attn_module.1.weight": "scale.gate.0.weight",
    "scale_attention.scale_attn_module.1.bias": "scale.gate.0.bias",
    "channel_attention.conv1.0.weight": "task.coefficients.0.weight",
    "channel_attention.conv1.0.bias": "task.coefficients.0.bias",
    "channel_attention.conv2.0.weight": "task.coefficients.2.weight",
    "channel_attention.conv2.0.bias": "task.coefficients.2.bias",
}


@pytest.mark.parametrize(
    ("order", "output"),
    [
        (("spatial",), "out_spatial"),
        (("spatial", "scale"), "out_spatial_scale"),
        (("spatial", "scale", "task"), "out_spatial_scale_task"),
    ],
)
def test_reference_numbers(golden, order, output):
    """GJADet-crash-pytorch create_models/v8_blocks.py, SpatialAttention, ScaleAttention and ChannelAttention."""
    numbers = golden("adaptive_module")
    module = AdaptiveModule(16, order)
    state = {f"stages.{NAMES[k[2:]]}": torch.from_numpy(v) for k, v in numbers.items() if k.startswith("w/")}
    expected = module.state_dict()  # 1x1 convolutions of averages there, linear layers here
    module.load_state_dict({key: state[key].reshape(value.shape) for key, value in expected.items()})
    np.testing.assert_allclose(module(torch.from_numpy(numbers["x"])).detach(), numbers[output], rtol=0, atol=1e-6)


@pytest.mark.parametrize("order", [("spatial", "scale", "task"), ("task", "scale"), ("scale",), ("task", "spatial")])
def test_reusing_memory_changes_nothing(order):
    """Without gradients later stages overwrite earlier results, never the input."""
    torch.manual_seed(0)
    module, x = AdaptiveModule(8, order), torch.randn(2, 8, 6, 5)
    kept, expected = x.clone(), module(x).detach()
    with torch.no_grad():
        assert torch.equal(module(x), expected)
    assert torch.equal(x, kept)


@pytest.mark.parametrize("order", [("spatial", "scale", "task"), ("task", "scale"), ("scale",), ("task",)])
def test_several_inputs_are_joined_and_kept(order, monkeypatch):
    """As after a Concat; in parts of a few channels too, and the inputs stay as they are."""
    monkeypatch.setattr(adaptive, "PART_BYTES", 1000)
    torch.manual_seed(0)
    module, x = AdaptiveModule(8, order), torch.randn(2, 8, 6, 5)
    parts = [part.clone() for part in x.split((3, 5), 1)]
    with torch.no_grad():
        output = module(parts)
    torch.testing.assert_close(output, module(x))
    assert torch.equal(torch.cat(parts, 1), x)


def test_spatial_with_zero_kernel_halves():
    """sigmoid(0) = 1/2 everywhere."""
    module = SpatialAttention()
    torch.nn.init.zeros_(module.conv.weight)
    x = torch.rand(2, 3, 5, 4)
    torch.testing.assert_close(module(x), x / 2)


@pytest.mark.parametrize(("bias", "gate"), [(-5.0, 0.5), (0.0, 0.5), (1.5, 0.75), (3.0, 1.0), (9.0, 1.0)])
def test_scale_gate_by_hand(bias, gate):
    """hsigmoid(ReLU(bias)): never below 1/2."""
    module = ScaleAttention(4)
    torch.nn.init.zeros_(module.gate[0].weight)
    torch.nn.init.constant_(module.gate[0].bias, bias)
    x = torch.rand(2, 4, 3, 3)
    torch.testing.assert_close(module(x), x * gate)


def test_task_with_zero_weights_is_half_a_relu():
    """All coefficients 0: slopes 1 and 0, no offset, halved as released."""
    module = TaskAttention(8)
    for parameter in module.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.randn(2, 8, 3, 3)
    torch.testing.assert_close(module(x), x.clamp(min=0) / 2)


def test_task_saturated_by_hand():
    """hsigmoid = 1 everywhere: a1 = 2, b1 = 0.5, a2 = 1, b2 = 0.5, so y = max(2x, x) / 2 + 0.25."""
    module = TaskAttention(8)
    for parameter in module.parameters():
        torch.nn.init.zeros_(parameter)
    torch.nn.init.constant_(module.coefficients[2].bias, 10.0)
    x = torch.randn(2, 8, 3, 3)
    torch.testing.assert_close(module(x), torch.maximum(2 * x, x) / 2 + 0.25)


@pytest.mark.parametrize(
    ("reduction", "parameters"), [(4, 64 * 16 + 16 + 16 * 256 + 256), (16, 64 * 4 + 4 + 4 * 256 + 256)]
)
def test_task_cost(reduction, parameters):
    """1.25 C^2 weights at the published reduction, 5 C^2 / reduction in general, and the biases."""
    assert sum(p.numel() for p in TaskAttention(64, reduction).parameters()) == parameters
    weights = sum(p.numel() for p in TaskAttention(64, reduction).parameters() if p.ndim > 1)
    assert weights == 5 * 64**2 / reduction


def test_order_is_kept_and_default_is_the_full_chain():
    assert list(AdaptiveModule(8).stages._modules) == ["spatial", "scale", "task"]
    assert list(AdaptiveModule(8, ["task", "spatial"]).stages._modules) == ["task", "spatial"]


def test_gradient_in_double_precision():
    torch.manual_seed(0)
    module = AdaptiveModule(4).double()
    x = torch.randn(1, 4, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(module, (x,))


def test_gradient_with_all_activations_in_place():
    """So the host leaves them when it loads a checkpoint; its pictures of activations need gradients."""
    torch.manual_seed(0)
    module = AdaptiveModule(8)
    x = torch.rand(1, 8, 4, 4, requires_grad=True)
    (expected,) = torch.autograd.grad(module(x).sum(), x)
    for part in module.modules():
        if hasattr(part, "inplace"):
            part.inplace = True
    (found,) = torch.autograd.grad(module(x).sum(), x)
    torch.testing.assert_close(found, expected)
