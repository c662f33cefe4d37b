"""The crux and catch-up learners: parity with the release, values by hand, the start, sizes, copies, graphs."""

from __future__ import annotations

import copy
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from gjadet_yolo.nn.crux import CatchUpLearner, Cruxes, CruxLearner, FeatureFusion, soft_mask

GOLDEN = Path(__file__).parents[1] / "golden" / "lcp.npz"
STORED = {name: torch.from_numpy(value) for name, value in np.load(GOLDEN).items() if name != "meta"}


def given(module: nn.Module, prefix: str, **renamed: str) -> nn.Module:
    """A module with the weights of the release."""
    state = {}
    for name, value in STORED.items():
        if name.startswith(prefix):
            name = name.removeprefix(prefix)
            for theirs, ours in renamed.items():
                name = name.replace(theirs, ours)
            state[name] = value
    module.load_state_dict(state)
    return module.eval()


class TestParity:
    """learning-cruxes-to-push, LCP/models/lcp.py and lcp_resnet.py."""

    def test_heat_map_and_crux(self):
        learner = given(CruxLearner(), "w_crux/", h_evaluation="blocks")
        heat = learner(STORED["x"])
        torch.testing.assert_close(heat, STORED["heatmap"], rtol=1e-5, atol=1e-5)
        crux = STORED["x"] * learner.mask(heat, heat.shape[2:])
        torch.testing.assert_close(crux, STORED["crux"], rtol=1e-5, atol=1e-5)

    def test_catch_up(self):
        """Stored is the release, which has lost the second ReLU: without ours the numbers are its."""
        learner = given(CatchUpLearner(16, 32), "w_catchup/layers.")
        f = STORED["f"]
        release = learner.conv3(learner.conv2(learner.conv1(learner.pool(f)).relu()))
        torch.testing.assert_close(release, STORED["catch_up"], rtol=1e-5, atol=1e-5)
        second = learner.conv2(learner.conv1(learner.pool(f)).relu())
        assert (second < 0).any()
        torch.testing.assert_close(learner(f), learner.conv3(second.clamp(min=0)))
        assert not torch.allclose(learner(f), STORED["catch_up"], atol=1e-3)


def test_mask_by_hand():
    """1 / (1 + e^-(10 (h - 0.5))): a half at 0.5, 1 / (1 + e^-1) a tenth above, 1 / (1 + e^5) at 0."""
    heat = torch.tensor([0.5, 0.6, 0.0, 100.0, -100.0])
    expected = [0.5, 0.7310586, 0.0066929, 1.0, 0.0]
    assert soft_mask(heat, 10.0, 0.5).tolist() == pytest.approx(expected, abs=1e-6)


def test_the_start_is_the_plain_network():
    plain, caught = torch.randn(2, 4, 3, 3), torch.randn(2, 4, 3, 3)
    torch.testing.assert_close(FeatureFusion(4)(plain, caught), plain)
    assert not CatchUpLearner(2, 4)(torch.randn(1, 2, 6, 6)).any()
    heat = CruxLearner(stride=4)(torch.rand(1, 3, 32, 32))
    assert 0.2 < float(soft_mask(heat, 10.0, 0.5).mean()) < 0.8


def test_a_crux_by_hand():
    """Half of the image where the heat is the threshold everywhere."""
    cruxes = Cruxes(CruxLearner(stride=2), (2, 8), (4, 16))
    nn.init.zeros_(cruxes.learner.blocks[2].conv3.weight)
    x = torch.rand(2, 3, 8, 6)
    crux, heat = cruxes.crux(x)
    torch.testing.assert_close(crux, x / 2)
    assert heat.shape == (2, 1, 4, 3)


@pytest.mark.parametrize("stride", [1, 4])
@pytest.mark.parametrize(("height", "width"), [(32, 48), (30, 45)])
def test_any_size(stride, height, width):
    """Catch-up features are as large as those of a convolution of stride 2."""
    x = torch.rand(1, 3, height, width)
    learner = CruxLearner(stride=stride)
    assert learner.mask(learner(x), x.shape[2:]).shape == (1, 1, height, width)
    assert CatchUpLearner(3, 8)(x).shape == nn.Conv2d(3, 8, 3, 2, 1)(x).shape


class Everything(nn.Module):
    """All parts in one pass."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.cruxes = Cruxes(CruxLearner(stride=4), (0, 3), (1, 8))
        for parameter in self.cruxes.parameters():
            parameter.data += 0.05 * torch.randn_like(parameter)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        crux, _ = self.cruxes.crux(x)
        caught = self.cruxes.catch_up(crux)
        return self.cruxes.fusion(caught.abs(), caught)


class TestTogether:
    def test_gradients_reach_everything(self):
        model = Everything()
        model(torch.rand(2, 3, 32, 32)).square().sum().backward()
        assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []

    def test_copies_and_graphs_give_the_same(self):
        model, x, buffer = Everything().eval(), torch.rand(2, 3, 32, 48), io.BytesIO()
        torch.save(model.cruxes, buffer)
        buffer.seek(0)
        twin = Everything()
        twin.cruxes = torch.load(buffer, weights_only=False)
        with torch.no_grad():
            expected = model(x)
            traced = torch.jit.trace(model, (x,), check_trace=False)
            for other in (copy.deepcopy(model), twin, traced):
                torch.testing.assert_close(other(x), expected)

    @pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
    def test_half_precision(self, kind):
        out = Everything().eval().to(kind)(torch.rand(2, 3, 32, 48).to(kind))
        assert out.dtype == kind
        assert out.isfinite().all()
