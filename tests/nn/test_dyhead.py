"""Dynamic head: shapes, start as plain convolutions, levels that see their neighbours, broken numbers, export."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import conv2d

from gjadet_yolo.nn.dyhead import DyHead, DyHeadBlock, ModulatedConv, deformed_conv, sampled_conv
from gjadet_yolo.nn.row import Row


def pyramid(channels: int = 16, value: float | None = None) -> list[torch.Tensor]:
    torch.manual_seed(0)
    make = torch.randn if value is None else (lambda *shape: torch.full(shape, value))
    return [make(1, channels, side, side) for side in (8, 4, 2)]


def test_shapes_and_channels():
    x = [torch.randn(2, c, *size) for c, size in ((8, (8, 12)), (16, (4, 6)), (32, (2, 3)))]
    plan = DyHead.plan(Row(9, (8, 16, 32), (64,), repeats=2, width=0.5))
    assert plan.levels == (32, 32, 32)
    head = DyHead(*plan.args)
    assert len(head.blocks) == 2
    assert [tuple(level.shape) for level in head(x)] == [(2, 32, 8, 12), (2, 32, 4, 6), (2, 32, 2, 3)]


def test_without_offsets_it_is_a_convolution_at_half_strength():
    """Offsets 0 and masks sigmoid(0) = 1/2: the deformable convolution is half the plain one."""
    torch.manual_seed(0)
    module, x = ModulatedConv(16), torch.randn(1, 16, 5, 5)
    found = module.conv(x, torch.zeros(1, 18, 5, 5), torch.full((1, 9, 5, 5), 0.5))
    torch.testing.assert_close(found, conv2d(x, module.conv.weight, padding=1) / 2, atol=1e-5, rtol=1e-5)


def test_whole_offset_moves_the_picture():
    """An offset of one row for every point reads the picture one row lower."""
    torch.manual_seed(0)
    module, x = ModulatedConv(16), torch.randn(1, 16, 6, 6)
    offset = torch.zeros(1, 18, 6, 6)
    offset[:, 0::2] = 1.0  # y, x in turn
    moved, plain = (module.conv(x, o, torch.ones(1, 9, 6, 6)) for o in (offset, torch.zeros_like(offset)))
    torch.testing.assert_close(moved[:, :, :-2], plain[:, :, 1:-1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_each_level_sees_itself_and_its_neighbours(level):
    block, x = DyHeadBlock(16).eval(), [one.requires_grad_() for one in pyramid()]
    with torch.no_grad():
        block.scale.gate[0].bias.fill_(1.0)  # past the ReLU, so that no part is switched off
    block(x)[level].square().sum().backward()
    seen = [one.grad is not None and bool(one.grad.abs().sum() > 0) for one in x]
    assert seen == [abs(other - level) <= 1 for other in range(3)]


def test_broken_numbers_stay_numbers():
    """Nan in, nan out: torchvision's operator alone ends the process."""
    out = DyHeadBlock(16)(pyramid(value=float("nan")))
    assert all(level.isnan().all() for level in out)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(9, 7), (8, 8), (1, 2)])
def test_sampling_is_the_deformable_convolution(stride, size):
    """What exported graphs hold against torchvision's operator; offsets of 3 px also leave the picture."""
    torch.manual_seed(0)
    x, weight = torch.randn(2, 4, *size), torch.randn(5, 4, 3, 3)
    out = [-(-side // stride) for side in size]
    offset, mask = torch.randn(2, 18, *out) * 3, torch.rand(2, 9, *out)
    expected = deformed_conv(x, offset, mask, weight, stride)
    torch.testing.assert_close(sampled_conv(x, offset, mask, weight, stride), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("args", [(), (0,), ("wide",), (64, 2)])
def test_errors(args):
    with pytest.raises(ValueError, match="expected the number of channels"):
        DyHead.plan(Row(9, (8, 16), args))
