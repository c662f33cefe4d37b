"""Maps of evidence: by hand on a network of one pooling, and sane on a trained network against random weights."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from gjadet_yolo.cli.explain import seen_box
from gjadet_yolo.cli.main import main
from gjadet_yolo.evaluate.activation import (
    adaptive_gates,
    anchor_places,
    choose,
    layercam,
    log_score,
    masks,
    raw,
    rise,
    share_inside,
)
from gjadet_yolo.nn.adaptive import AdaptiveModule
from gjadet_yolo.synth.still import SceneMix, draw_still

EXPLAIN = ("explain", "model=gjadetn-crash-synth.pt")


class Bright(nn.Module):
    """Score of a cell of 8 px: logit of the mean of what it sees."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict]:
        level = nn.functional.avg_pool2d(x[:, :1], 8)
        return x, {"scores": (10 * level - 5).flatten(2), "feats": [level]}


def picture() -> torch.Tensor:
    """64 px, dark but for a square of 16 px at (32, 16)."""
    seen = torch.zeros(1, 3, 64, 64)
    seen[:, :, 16:32, 32:48] = 1
    return seen


def test_anchor_by_hand():
    """Cells are 8 px: that at (36, 20) is number 2 * 8 + 4; a box without a cell's middle takes the nearest."""
    network, seen = Bright(), picture()
    assert choose(network, seen, np.array([32.0, 16, 48, 32]), 0).anchor in (20, 21, 28, 29)
    assert choose(network, seen, np.array([37.0, 21, 38, 22]), 0).anchor == 20
    assert anchor_places([torch.zeros(1, 1, 8, 8)], (64, 64))[20].tolist() == [36, 20]


def test_evidence_by_hand():
    """The gradient of a cell's score is that of the cell alone; masks find its square."""
    network, seen = Bright(), picture()
    chosen = choose(network, seen, np.array([32.0, 16, 40, 24]), 0)
    found = layercam(network, seen, chosen)
    assert found[2, 4] == 1 and found.sum() == 1
    evidence = rise(network, seen, chosen, count=300)
    y, x = np.unravel_index(evidence.argmax(), evidence.shape)
    assert 24 <= x < 48 and 8 <= y < 32
    assert share_inside(np.ones((10, 10)), np.array([0, 0, 5, 5])) == 0.25
    assert np.isnan(share_inside(np.zeros((4, 4)), np.array([0, 0, 2, 2])))


def test_objectness_counts():
    """sigmoid(0) twice is a quarter."""
    outputs = (None, {"scores": torch.zeros(1, 1, 4), "obj": torch.zeros(1, 1, 4), "feats": []})
    torch.testing.assert_close(log_score(outputs, 0).exp(), torch.full((1, 4), 0.25))
    with pytest.raises(ValueError, match="no raw scores"):
        raw(torch.zeros(3))


def test_masks_let_half_through_and_follow_the_seed():
    first, second = (torch.cat([*masks((40, 56), 200, seed=3)]) for _ in range(2))
    assert torch.equal(first, second) and first.shape == (200, 1, 40, 56)
    assert float(first.mean()) == pytest.approx(0.5, abs=0.03)


def test_box_of_a_wide_frame():
    """200 x 100 seen at 64 x 64: halved and more, 16 px of padding above."""
    np.testing.assert_allclose(seen_box(np.array([0.0, 0, 200, 100]), (64, 64), (100, 200)), [0, 16, 64, 48])


def test_gates_of_adaptive_modules():
    """A kernel of zeros gates every place by a half."""
    network = nn.Sequential(AdaptiveModule(4))
    nn.init.zeros_(network[0].stages.spatial.conv.weight)
    [(gate, caption)] = adaptive_gates(network, torch.rand(1, 4, 6, 5))
    assert gate.shape == (6, 5) and np.allclose(gate, 0.5)
    assert caption.startswith("row 0, scale 0.5") or "scale" in caption


def test_trained_maps_lie_on_their_objects_and_random_ones_do_not(tmp_path, capsys):
    """Sanity check of Adebayo et al., arXiv 1810.03292: with random weights the map is another one."""
    from ultralytics import YOLO

    still = draw_still(
        np.random.default_rng(3), (256, 256), SceneMix({"point": 20.0}, {"closeup": 1.0}, (16.0, 24.0), 0.0)
    )
    file = tmp_path / "a.png"
    cv2.imwrite(str(file), still.image)
    assert (
        main(["explain", "model=gjadetn-crash-synth.pt", f"source={file}", f"out={tmp_path / 'x'}", "imgsz=256"]) == 0
    )
    rows = json.loads((tmp_path / "x" / "explain.json").read_text())
    assert len(rows) == 3 and len([*(tmp_path / "x").glob("*.png")]) == 1
    # a square of 20 px is 0.6 % of the picture
    assert np.mean([row["share_inside"] for row in rows]) > 0.2
    seen = torch.from_numpy(still.image[..., ::-1].copy()).permute(2, 0, 1)[None].float() / 255
    box, maps = np.array(rows[0]["box_xyxy_px"]), []
    for name in ("gjadetn-crash-synth.pt", "gjadetn-p2-paper.yaml"):
        network = YOLO(name).model.float().eval()
        maps.append(layercam(network, seen, choose(network, seen, box, 0)).ravel())
    # of another level, or of another pattern
    assert maps[0].shape != maps[1].shape or np.corrcoef(*maps)[0, 1] < 0.9


def test_refusals(tmp_path, capsys):
    file = tmp_path / "a.png"
    cv2.imwrite(str(file), np.zeros((64, 64, 3), np.uint8))
    assert main(
        ["explain", "model=gjadetn-crash-synth.pt", f"source={file}", "method=gradcam", f"out={tmp_path / 'y'}"]
    )
    assert "method is 'gradcam'" in capsys.readouterr().err
    words = [
        "explain",
        "model=gjadetn-crash-synth.pt",
        f"source={file}",
        "detection=5",
        f"out={tmp_path / 'y'}",
        "imgsz=64",
    ]
    assert main(words) == 1
    assert "has 0 detections" in capsys.readouterr().err and not (tmp_path / "y").exists()


@pytest.mark.parametrize(
    ("name", "gates"), [("yolov8n.yaml", 0), ("yolo26n.yaml", 0), ("gjadetn.yaml", 4), ("gjadetn-joint.yaml", 4)]
)
def test_every_kind_of_network(name, gates):
    """The host's with NMS and without, ours, and with a restorer in front: a map of 0 to 1 and the gates there are."""
    from ultralytics import YOLO

    network, seen = YOLO(name).model.float().eval(), torch.rand(1, 3, 64, 64)
    chosen = choose(network, seen, np.array([16.0, 16, 48, 48]), 0)
    for evidence in (layercam(network, seen, chosen), rise(network, seen, chosen, count=2)):
        assert np.isfinite(evidence).all() and evidence.min() >= 0 and evidence.max() <= 1
    assert len(adaptive_gates(network, seen)) == gates
