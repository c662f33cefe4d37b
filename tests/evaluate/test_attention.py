"""Attention maps over pictures: where the map lies in the frame, its colours, models without any."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from gjadet_yolo.cli.main import main
from gjadet_yolo.evaluate.attention import (
    OPACITY,
    attention_maps,
    check_maps,
    crux_maps,
    draw_attention,
    draw_map,
    size_text,
)


def test_the_map_lies_where_the_frame_does():
    """A frame of 60 x 120 in an input of 64 x 64: resized by 0.5 to 30 x 60, 17 px above and 2 px to the left."""
    fine = torch.full((1, 1, 16, 16), -20.0)
    fine[..., 5:8, :8] = 20.0  # rows 20 to 32 of the input are rows 6 to 30 of the frame
    coarse = torch.full((1, 1, 8, 8), 20.0)
    (first, second), strides = attention_maps([fine, coarse], (64, 64), (60, 120))
    assert strides == [4.0, 8.0]
    assert first.shape == second.shape == (60, 120)
    assert first[18, 10] > 0.99
    assert first[18, 90] < 0.01
    assert first[50, 10] < 0.01
    assert second.min() > 0.99


def test_colours_by_hand():
    frame = np.zeros((1, 2, 3), np.uint8)
    drawn = draw_map(frame, np.array([[0.0, 1.0]], np.float32))
    ends = cv2.applyColorMap(np.array([[0, 255]], np.uint8), cv2.COLORMAP_TURBO)
    np.testing.assert_allclose(drawn, ends * OPACITY, atol=1)
    assert drawn[0, 0].argmax() == 0
    assert drawn[0, 1].argmax() == 2  # red, BGR
    assert not frame.any()


def test_sizes_are_those_of_the_loss():
    strides = [4.0, 8.0, 16.0]
    assert [size_text(strides, i) for i in range(3)] == ["up to 32 px", "8 to 64 px", "from 16 px"]


def test_sheet_has_the_frame_and_each_level():
    frame = np.full((50, 100, 3), 128, np.uint8)
    maps = [np.zeros((50, 100), np.float32)] * 3
    page = draw_attention(frame, np.array([[10.0, 30.0, 20.0, 40.0]]), maps, [4.0, 8.0, 16.0], width_px=200)
    assert page.shape == (204, 404, 3)
    assert tuple(page[60, 20]) == (255, 255, 0)
    assert tuple(page[60, 300]) != (128, 128, 128)


@pytest.mark.parametrize("model", [nn.Conv2d(3, 4, 1), "best.onnx"])
def test_model_without_maps(model):
    with pytest.raises(ValueError, match=r"^best.pt has no attention maps: they come from a row SSPNeck"):
        check_maps(model, "best.pt")


def test_verb_writes_a_sheet_per_picture(tmp_path, capsys):
    frames = tmp_path / "frames"
    frames.mkdir()
    for name in ("a", "b"):
        cv2.imwrite(str(frames / f"{name}.png"), np.full((48, 96, 3), 90, np.uint8))
    words = ["attention", "model=sspnetn.yaml", f"source={frames}", f"out={tmp_path / 'maps'}", "imgsz=64"]
    assert main(words) == 0
    assert [path.name for path in sorted((tmp_path / "maps").glob("*.png"))] == ["00001-a.png", "00002-b.png"]
    assert cv2.imread(str(tmp_path / "maps" / "00001-a.png")).shape == (2 * 320 + 4, 3 * 640 + 8, 3)
    assert main(words) == 1
    assert "exists already" in capsys.readouterr().err
    assert main(["attention", "model=yolov8n.yaml", f"source={frames}", f"out={tmp_path / 'none'}"]) == 1
    assert "yolov8n.yaml has no attention maps" in capsys.readouterr().err


def test_crux_by_hand():
    """Heat 0.5 on the left, 0.6 on the right of an input as large as the frame: the mask is 1/2 and 1 / (1 + 1/e)."""
    heat = torch.tensor([0.5, 0.6]).repeat_interleave(4).expand(1, 1, 8, 8)
    (hot, first), (mask, second) = crux_maps(heat, 10.0, 0.5, (8, 8), (8, 8))
    assert (first, second) == ("heat", "mask: 1 goes into the crux")
    np.testing.assert_allclose(hot[0], [0.5] * 4 + [0.6] * 4)
    np.testing.assert_allclose(mask[0], [0.5] * 4 + [0.7310586] * 4, rtol=1e-5)
    far = crux_maps(torch.tensor([-99.0, 99.0]).view(1, 1, 1, 2), 10.0, 0.5, (1, 2), (1, 2))
    assert [one.ravel().tolist() for one, _ in far] == [[0, 1], [pytest.approx(0, abs=1e-30), 1]]


def test_verb_draws_cruxes_of_frames_of_a_video(tmp_path):
    """Of a model with cruxes only: detections, heat and mask; the last two have colours of the scale."""
    writer = cv2.VideoWriter(str(tmp_path / "a.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 25, (96, 48))
    for _ in range(3):
        writer.write(np.full((48, 96, 3), 90, np.uint8))
    writer.release()
    out = tmp_path / "maps"
    assert main(["attention", "model=lcpn.yaml", f"source={tmp_path / 'a.avi'}", f"out={out}", "imgsz=64"]) == 0
    sheets = sorted(out.glob("*.png"))
    assert len(sheets) == 3
    page = cv2.imread(str(sheets[0]))
    assert page.shape == (2 * 320 + 4, 2 * 640 + 4, 3)
    grey, colour = page[200, 300].astype(int), page[200, 960].astype(int)
    assert np.ptp(grey) < 10 < np.ptp(colour)
