"""Rendered sample scenes: labels match pixels, same seed same bytes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from gjadet_yolo.data.sample import NAMES, Canvas, draw_strip, render_scene, render_set, render_video


def test_squares_of_a_strip_are_where_the_labels_say():
    """On a grey canvas every square is one colour, different from its neighbours, and nothing else is drawn."""
    canvas = Canvas(np.full((200, 200, 3), 120, np.uint8))
    draw_strip(canvas, np.random.default_rng(5))
    drawn = np.zeros((200, 200), bool)
    colours = []
    for _, x1, y1, x2, y2 in canvas.boxes:
        patch = canvas.image[y1:y2, x1:x2]
        assert (patch == patch[0, 0]).all()
        colours.append(tuple(patch[0, 0]))
        drawn[y1:y2, x1:x2] = True
    assert (canvas.image[~drawn] == 120).all()
    assert len(set(colours)) == 2
    assert abs(sum(c == colours[0] for c in colours) * 2 - len(colours)) <= 0


def test_scenes_are_long_tailed_and_inside():
    counts = np.zeros(len(NAMES))
    for seed in range(150):
        image, labels = render_scene(np.random.default_rng(seed), (320, 320))
        assert image.shape == (320, 320, 3)
        assert (labels[:, 1:] >= 0).all()
        assert (labels[:, 1:] <= 320).all()
        counts += np.bincount(labels[:, 0].astype(int), minlength=len(NAMES))
    assert counts[0] > 20 * counts[1:].max()
    assert (counts > 0).all()


def test_same_seed_same_bytes(tmp_path):
    for name in "ab":
        render_set(tmp_path / name, train=2, val=1, imgsz=128, seed=4)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert len(files) == 7
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)


def test_video(tmp_path):
    capture = cv2.VideoCapture(str(render_video(tmp_path / "v.avi", frames=5, imgsz=128)))
    frames = [capture.read()[1] for _ in range(5)]
    assert not capture.read()[0]
    assert frames[0].shape == (128, 128, 3)
    assert np.abs(frames[0].astype(int) - frames[4]).mean() > 1


def test_too_small():
    with pytest.raises(ValueError, match=r"\(64, 128\), each side must be at least 128"):
        render_scene(np.random.default_rng(0), (64, 128))
