"""``gjadet restore``: what it writes for images and videos, and what it refuses."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from gjadet_yolo.cli import restore as verb
from gjadet_yolo.cli.main import main
from gjadet_yolo.data.media import VideoFile, count_frames
from gjadet_yolo.evaluate.restored import restore_picture, restorer_of, side_by_side


class Halved(nn.Module):
    """A restorer that halves every value."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor


@pytest.fixture
def model(monkeypatch, tmp_path):
    """A model in the place of a checkpoint, whose restorer halves."""
    wrapper, inner = nn.Module(), nn.Module()
    inner.restorer = Halved()
    wrapper.model = inner
    monkeypatch.setattr(verb, "loaded", lambda name: wrapper)
    return f"model={tmp_path / 'best.pt'}"


@pytest.fixture
def source(tmp_path):
    """Two images of one name, and a video of three frames."""
    folder = tmp_path / "in"
    (folder / "b").mkdir(parents=True)
    for place in ("a.png", "b/a.png"):
        cv2.imwrite(str(folder / place), np.full((20, 33, 3), (200, 100, 50), np.uint8))
    with VideoFile(folder / "v.avi", (48, 32)) as video:
        for value in (40, 80, 120):
            video.write(np.full((32, 48, 3), value, np.uint8))
    return folder


def test_colours_keep_their_order():
    picture = np.full((40, 99, 3), (200, 100, 50), np.uint8)
    assert restore_picture(Halved(), picture)[2, 3].tolist() == [100, 50, 25]
    pair = side_by_side({"a": picture, "b": picture // 2})
    assert pair.shape == (40, 198, 3)
    assert pair[-1, -1].tolist() == [100, 50, 25]


def test_images_and_videos(model, source, tmp_path, capsys):
    assert main(["restore", model, f"source={source}", f"out={tmp_path / 'out'}"]) == 0
    image = cv2.imread(str(tmp_path / "out" / "a.png"))
    assert image.shape == (20, 33, 3)
    assert (image == (100, 50, 25)).all()
    assert count_frames(tmp_path / "out" / "v.avi") == 3
    capture = cv2.VideoCapture(str(tmp_path / "out" / "v.avi"))
    assert [round(float(capture.read()[1].mean())) for _ in range(3)] == pytest.approx([20, 40, 60], abs=2)
    assert "4 pictures of 2 files" in capsys.readouterr().out


def test_images_of_one_name_are_numbered(model, source, tmp_path):
    out = tmp_path / "out"
    assert main(["restore", model, f"source={source}/**/*.png", f"out={out}"]) == 0
    assert {file.name for file in out.glob("*.png")} == {"a.png", "a-2.png"}


def test_side_by_side(model, source, tmp_path):
    words = [f"source={source / 'v.avi'}", f"out={tmp_path / 'out'}", "side_by_side=true", "vid_stride=2"]
    assert main(["restore", model, *words]) == 0
    capture = cv2.VideoCapture(str(tmp_path / "out" / "v.avi"))
    assert int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)) == 96
    assert count_frames(tmp_path / "out" / "v.avi") == 1


def test_a_model_without_a_restorer(source, tmp_path, capsys):
    words = ["restore", "model=gjadetn-crash-synth.pt", f"source={source}", f"out={tmp_path / 'out'}"]
    assert main(words) == 1
    assert "gjadetn-crash-synth.pt has no restorer: it comes from the restore: block" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="exported models do not give theirs out"):
        restorer_of("best.onnx")


def test_nothing_to_read(model, tmp_path, capsys):
    (tmp_path / "a.png").write_bytes(b"no image")
    assert main(["restore", model, f"source={tmp_path / 'a.png'}", f"out={tmp_path / 'out'}"]) == 1
    assert "nothing could be read" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_devices():
    assert (verb.device_of("0"), verb.device_of("cpu")) == ("cuda:0", "cpu")
