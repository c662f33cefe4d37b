"""Gradients by hand against those of the plain formulas, and against numerical ones."""

import pytest
import torch
from torch.autograd import gradcheck

from gjadet_yolo.nn import AdaptiveModule, gates
from gjadet_yolo.nn.gates import ChannelPool, Gate, LargerLine


def numbers(*shape, seed=0, **kwargs):
    kwargs = {"dtype": torch.double, "requires_grad": True} | kwargs
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=kwargs["dtype"]).requires_grad_(
        kwargs["requires_grad"]
    )


def test_numerical_gradients(monkeypatch):
    monkeypatch.setattr(gates, "PART_BYTES", 500)  # two parts
    x = numbers(3, 5, 2, 3)
    assert gradcheck(ChannelPool.apply, (x,))
    assert gradcheck(Gate.apply, (x, numbers(3, 1, 2, 3, seed=1)))
    assert gradcheck(LargerLine.apply, (x, *(numbers(3, 5, 1, 1, seed=seed) for seed in range(2, 6))))


def test_pooling_by_hand():
    """Channels 1, 3, 3: mean 7/3, maximum 3; a gradient of 3 to the mean is 1 each, one of 4 to the maximum 2 and 2."""
    x = torch.tensor([1.0, 3.0, 3.0]).view(1, 3, 1, 1).requires_grad_()
    pooled = ChannelPool.apply(x)
    assert pooled.flatten().tolist() == pytest.approx([7 / 3, 3])
    pooled.backward(torch.tensor([3.0, 4.0]).view(1, 2, 1, 1))
    assert x.grad.flatten().tolist() == pytest.approx([1, 3, 3])


def test_larger_line_by_hand():
    """At 2, 3x - 1 = 5 wins over x + 2 = 4; at 1, 3 wins over 2."""
    x = torch.tensor([2.0, 1.0]).view(1, 1, 1, 2).requires_grad_()
    lines = [torch.tensor([value]).view(1, 1, 1, 1).requires_grad_() for value in (3.0, -1.0, 1.0, 2.0)]
    y = LargerLine.apply(x, *lines)
    assert y.flatten().tolist() == [5, 3]
    y.sum().backward()
    assert x.grad.flatten().tolist() == [3, 1]
    assert [line.grad.item() for line in lines] == [2, 1, 1, 1]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_chain_is_that_of_the_stages(layout):
    torch.manual_seed(0)
    module = AdaptiveModule(12).double()
    x = numbers(2, 12, 5, 4).detach().contiguous(memory_format=layout).requires_grad_()
    tensors = [x, *module.parameters()]
    found, plain = module(x), module.stages(x)
    assert torch.allclose(found, plain, atol=1e-14)
    for one, other in zip(*(torch.autograd.grad((y**2).sum(), tensors) for y in (found, plain)), strict=True):
        assert torch.allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_short_types(dtype):
    """Sums over 64 x 64 positions of 40 are 163,840, which float16 cannot hold; the gradients are finite."""
    x = torch.full((1, 4, 64, 64), 40.0, dtype=dtype).requires_grad_()
    y, mean = Gate.apply(x, torch.ones(1, 1, 64, 64, dtype=dtype))
    assert (mean == 40).all()
    ones = [torch.ones(1, 4, 1, 1, dtype=dtype) for _ in range(4)]
    (LargerLine.apply(y, *ones).float().sum() + ChannelPool.apply(x).float().sum()).backward()
    assert torch.isfinite(x.grad).all()


def test_empty_batch():
    x = torch.zeros(0, 4, 3, 3, requires_grad=True)
    AdaptiveModule(4)(x).sum().backward()
    assert x.grad.shape == x.shape
