"""The restorer: parity with the reference, the identity, ways through the grid, copies, cost."""

from __future__ import annotations

import copy
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import pixel_shuffle

from gjadet_yolo.nn import restore
from gjadet_yolo.nn.restore import SIZES, Detail, Restorer, affine_colour, enlarged_affine, slice_explicit, slice_grid

GOLDEN = Path(__file__).parents[1] / "golden" / "bilateral_slice.npz"
SMALL = ("n", "s")


def image(height: int = 32, width: int = 64) -> torch.Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0))


class TestSlicing:
    @pytest.mark.parametrize("way", [slice_grid, slice_explicit])
    def test_parity_with_the_reference(self, way):
        stored = {name: torch.from_numpy(value) for name, value in np.load(GOLDEN).items() if name != "meta"}
        coefficients = way(stored["grid"], stored["guide"])
        torch.testing.assert_close(coefficients, stored["coefficients"], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(
            affine_colour(stored["coefficients"], stored["image"]), stored["affine"], rtol=1e-5, atol=1e-5
        )

    def test_by_hand(self):
        """Two cells in depth, 0 and 10: a guide of -1, 0 and 1 gives 0, 5 and 10, and beyond the ends the ends."""
        grid = torch.tensor([0.0, 10.0]).view(1, 1, 2, 1, 1).expand(1, 1, 2, 2, 2)
        guide = torch.tensor([-1.0, 0.0, 1.0, 2.0]).view(1, 1, 1, 4).expand(1, 1, 2, 4)
        for way in (slice_grid, slice_explicit):
            assert way(grid, guide)[0, 0, 1].tolist() == pytest.approx([0, 5, 10, 10])

    def test_both_ways_have_the_same_gradients(self):
        found = []
        for way in (slice_grid, slice_explicit):
            torch.manual_seed(0)
            grid = torch.randn(1, 12, 4, 3, 5, requires_grad=True)
            guide = (torch.rand(1, 1, 8, 9) * 1.8 - 0.9).requires_grad_()
            way(grid, guide).square().sum().backward()
            found.append((grid.grad, guide.grad))
        torch.testing.assert_close(*found, rtol=1e-4, atol=1e-4)

    def test_an_identical_grid_is_the_identity(self):
        """Whatever the guide says."""
        grid = torch.eye(3, 4).flatten().view(1, 12, 1, 1, 1).expand(2, 12, 8, 16, 16)
        guide = torch.rand(2, 1, 32, 64) * 2 - 1
        torch.testing.assert_close(affine_colour(slice_grid(grid, guide), image()), image())


@pytest.mark.parametrize("size", SMALL)
class TestRestorer:
    def test_starts_near_the_identity(self, size):
        torch.manual_seed(0)
        restored = Restorer(size).eval()(image())
        assert restored.shape == image().shape
        assert (restored - image()).abs().mean() < 0.05

    def test_an_identical_grid_gives_the_image(self, size):
        restorer = Restorer(size).eval()
        nn.init.zeros_(restorer.grid.out.weight)
        torch.testing.assert_close(restorer(image()), image())

    def test_stays_in_range_and_gradients_reach_everything(self, size):
        torch.manual_seed(0)
        restorer = Restorer(size)
        for parameter in restorer.parameters():
            parameter.data += 0.05 * torch.randn_like(parameter)
        restored = restorer(image())
        assert 0 <= float(restored.min()) <= float(restored.max()) <= 1
        restored.square().sum().backward()
        assert [name for name, parameter in restorer.named_parameters() if parameter.grad is None] == []
        grid, guide = restorer.grid.down.steps[0].conv.weight.grad, restorer.guides[0][0].conv.weight.grad
        assert float(grid.abs().sum()) > 0
        assert float(guide.abs().sum()) > 0

    def test_copies_give_the_same(self, size):
        restorer, buffer = Restorer(size).eval(), io.BytesIO()
        torch.save(restorer, buffer)
        buffer.seek(0)
        for twin in (copy.deepcopy(restorer), torch.load(buffer, weights_only=False)):
            assert torch.equal(twin(image()), restorer(image()))

    def test_a_recorded_graph_gives_the_same(self, size):
        restorer = Restorer(size).eval()
        with torch.no_grad():
            traced = torch.jit.trace(restorer, (image(),), check_trace=False)
            torch.testing.assert_close(traced(image()), restorer(image()), rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
    def test_half_precision(self, size, kind):
        restored = Restorer(size).eval().to(kind)(image().to(kind))
        assert restored.dtype == kind
        assert restored.isfinite().all()

    def test_mixed_precision_keeps_the_image(self, size):
        """The grid's network runs in bfloat16, the picture does not: it has more levels than 8 bits."""
        torch.manual_seed(0)
        restorer = Restorer(size).eval()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            mixed = restorer(image())
        assert mixed.dtype == torch.float32
        assert (mixed - restorer(image())).abs().max() < 0.01

    def test_any_size(self, size):
        for height, width in ((30, 45), (32, 32), (96, 40)):
            assert Restorer(size).eval()(image(height, width)).shape[2:] == (height, width)


def test_sizes_grow():
    counts = [sum(p.numel() for p in Restorer(size).parameters()) for size in SIZES]
    assert list(SIZES) == list("nsmlx")
    assert counts == sorted(counts)
    assert counts[0] < 0.1 * 3.13e6  # of gjadetn


@pytest.mark.parametrize(("stride", "rows"), [(2, 3), (4, 5), (8, 2)])
def test_rows_in_parts_are_the_plain_enlargement(stride, rows, monkeypatch):
    """In parts of one row of cells too; a size that is no multiple of the stride goes the plain way."""
    monkeypatch.setattr(restore, "PART_BYTES", 1)
    generator = torch.Generator().manual_seed(0)
    low = torch.randn(2, 12, rows, 4, generator=generator)
    image = torch.rand(2, 3, rows * stride, 4 * stride, generator=generator)
    plain = enlarged_affine(low, image, stride)  # with gradients
    with torch.no_grad():
        torch.testing.assert_close(enlarged_affine(low, image, stride), plain, rtol=0, atol=1e-6)
        odd = enlarged_affine(low, image[:, :, :-1], stride)
    assert odd.shape[2] == rows * stride - 1


def test_detail_as_views_is_the_shuffle():
    """Value and gradients, against the plain way that an odd size takes."""
    torch.manual_seed(0)
    detail = Detail(4)
    nn.init.normal_(detail.out.weight)
    x = torch.rand(2, 3, 8, 12)
    base = torch.rand(2, 3, 8, 12, requires_grad=True)
    found = detail(x, base * 1)
    plain = base + pixel_shuffle(detail.out(detail.inner(x)), 4)
    torch.testing.assert_close(found, plain)
    for one in (found, plain):
        one.square().sum().backward()
    weight = detail.out.weight.grad.clone()
    detail.zero_grad()
    plain = base.detach() + pixel_shuffle(detail.out(detail.inner(x)), 4)
    plain.square().sum().backward()
    torch.testing.assert_close(weight, 2 * detail.out.weight.grad)
    assert detail(x[:, :, :-1, :-2], base.detach()[:, :, :-1, :-2].clone()).shape == (2, 3, 7, 10)
