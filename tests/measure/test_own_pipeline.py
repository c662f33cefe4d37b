"""Seams to the host: models of this package in ``YOLO.track``, results in ``refine``, models as detectors."""

from __future__ import annotations

import numpy as np
import plates
import pytest

from gjadet_yolo.measure.detector import RELEASED, ModelDetector
from gjadet_yolo.measure.localise import refine

SETTINGS = {"imgsz": 320, "conf": 0.25, "verbose": False, "device": "cpu"}


def pictures(count: int) -> list[np.ndarray]:
    """First frames of the drawn crash."""
    rng = np.random.default_rng(0)
    return [plates.frame(number / plates.FPS, rng) for number in range(count)]


def test_track_gives_identities():
    pytest.importorskip("lap")  # which the host's tracker needs and does not bring
    from ultralytics import YOLO

    model = YOLO(RELEASED)
    ids = [set(model.track(one, persist=True, **SETTINGS)[0].boxes.id.int().tolist()) for one in pictures(3)]
    assert len(ids[0]) >= 18
    assert len(ids[0] & ids[2]) >= 18


def test_refine_takes_a_result():
    """Middles of the squares to a tenth of a px."""
    from ultralytics import YOLO

    result = YOLO(RELEASED)(pictures(1)[0], **SETTINGS)[0]
    found = refine(result)
    assert found.position_px.shape == (len(result.boxes), 2)
    boxes = plates.boxes_at(0.0)
    apart = np.linalg.norm(found.position_px[:, None] - (boxes[:, :2] + boxes[:, 2:]) / 2, axis=2).min(1)
    assert np.isfinite(apart).sum() >= 18
    assert np.nanmedian(apart) < 0.1


def test_a_model_as_the_detector():
    detector = ModelDetector(imgsz=320)
    assert detector.marker_class == detector.names.index("point")
    assert len(detector.provenance()["sha256"]) == 64
    assert len(detector(plates.frame(0.0, np.random.default_rng(0)))) >= 18


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone/a.pt", "model=gone/a.pt does not exist"),
        ("gjadetn.yaml", "has no trained weights"),
        (".", "model=. is no checkpoint"),
        ("a.png", "model=.*a.png is no checkpoint"),
    ],
)
def test_what_is_no_model(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(b"no model")
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        ModelDetector(name)


def test_classes_that_are_markers(monkeypatch):
    detector = ModelDetector.__new__(ModelDetector)
    for names, found in ((["wheel", "point"], 1), (["wheel"], 0), (["wheel", "rw"], None)):
        detector.names = names
        assert detector.marker_class == found
