"""A checkpoint that was saved before modules moved into rooms loads and answers as it did."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from ultralytics import YOLO

OLD = Path(__file__).parent / "golden" / "checkpoint-0.1.pt"
"""Random weights of a model with every plugin row but TimmBackbone, the three blocks, and statistics of the class loss;
saved by commit 64b9b3a with what it answered to the picture below.
"""


@pytest.mark.parametrize("restricted", ["0", "1"])
def test_it_answers_as_it_did(restricted, monkeypatch):
    monkeypatch.setenv("ULTRALYTICS_SAFE_LOAD", restricted)
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    model = YOLO(OLD).model.float().eval()
    with torch.no_grad():
        found = model(picture)[0]
    torch.testing.assert_close(found, torch.load(OLD, weights_only=False)["outputs"], rtol=1e-5, atol=1e-5)
    assert model.recipe.loss.cls == "gjr"
    assert [stage.epochs for stage in model.recipe.schedule.stages] == [1, 0]
    assert model.loss_state == {"main": {"ratio": [1.0, 0.5, 0.25]}}
