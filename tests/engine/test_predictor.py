"""Pictures of the package's models: crowded boxes thin and with a legend, the user's wishes first; limits are said."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from ultralytics import YOLO
from ultralytics.engine.results import Results
from ultralytics.models.yolo.detect import DetectionPredictor
from ultralytics.utils import LOGGER

from gjadet_yolo.engine.predictor import GjadetPredictor, Look, is_dense, readable, thin_line


def squares(count: int, side: float) -> np.ndarray:
    """Boxes side by side, xyxy px."""
    return np.array([(x * side, 0, (x + 1) * side, side) for x in range(count)]).reshape(-1, 4)


@pytest.mark.parametrize(
    ("count", "side", "dense"), [(0, 5, False), (1, 39, True), (1, 65, False), (20, 100, False), (21, 100, True)]
)
def test_dense_is_many_or_small(count, side, dense):
    """In a frame of 640 px small is below 64; in one of 100 px below 40."""
    assert is_dense(squares(count, side), (480, 640)) == dense
    assert is_dense(squares(1, 39), (100, 100))
    assert not is_dense(squares(1, 41), (100, 100))


@pytest.mark.parametrize(("side", "longer", "width"), [(6, 640, 1), (6, 5000, 1), (60, 5000, 3), (30, 6000, 2)])
def test_lines_are_thin_for_picture_and_boxes(side, longer, width):
    assert thin_line(squares(3, side), (longer // 2, longer)) == width


def test_names_that_the_font_lacks_are_numbers():
    assert [readable(name, 4) for name in ("Rad", "Bügel", "车轮")] == ["Rad", "Bügel", "class 4"]


@pytest.fixture(scope="module")
def released() -> YOLO:
    return YOLO("gjadetn-crash-synth.pt")


@pytest.fixture(scope="module")
def strip() -> np.ndarray:
    """A strip of 2 x 20 squares of 10 px on grey, 320 x 256."""
    frame = np.full((256, 320, 3), 128, np.uint8)
    for row in range(2):
        for column in range(20):
            value = 245 if (row + column) % 2 else 15
            frame[120 + 10 * row : 130 + 10 * row, 60 + 10 * column : 70 + 10 * column] = value
    return frame


def test_models_of_the_package_get_the_predictor_and_others_the_host_s(released):
    assert released.task_map["detect"]["predictor"] is GjadetPredictor
    assert YOLO("yolov8n.yaml").task_map["detect"]["predictor"] is DetectionPredictor


def saved(model: YOLO, strip: np.ndarray, folder: Path, **settings: object) -> tuple[np.ndarray, Results]:
    """Picture that a prediction saves, before it becomes a JPEG, and its result."""
    source = folder / "strip.png"
    cv2.imwrite(str(source), strip)
    model.predictor = None
    place = {"project": str(folder), "name": "out", "exist_ok": True}
    result = model.predict(source, imgsz=320, save=True, device="cpu", verbose=False, **place, **settings)[0]
    assert (folder / "out" / "strip.jpg").is_file()
    return model.predictor.plotted_img, result


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """Share of the pixels that differ."""
    return float((first != second).any(2).mean())


def test_a_strip_is_drawn_thin_with_a_legend(released, strip, tmp_path):
    """The host's text covers the grey around the strip; here only the legend's corner and thin lines change."""
    picture, result = saved(released, strip, tmp_path)
    assert len(result) > 20
    above = slice(95, 117)  # rows above the strip, where the host writes
    assert difference(result.plot()[above], strip[above]) > 0.3
    assert difference(picture[above], strip[above]) == 0
    corner = picture[:20, :60].astype(int)
    assert (np.abs(corner - 128).max(2) > 60).mean() > 0.4  # the panel
    assert type(result) is Results
    assert "plot" not in vars(result)


@pytest.mark.parametrize(
    ("settings", "plot"),
    [
        ({"show_labels": True}, {"labels": True, "conf": True, "line_width": 1}),
        ({"show_labels": True, "show_conf": False}, {"labels": True, "conf": False, "line_width": 1}),
        ({"show_labels": False}, {"labels": False, "conf": False, "line_width": 1}),
        ({"show_labels": False, "line_width": 4}, {"labels": False, "conf": False, "line_width": 4}),
        ({"show_boxes": False}, {"boxes": False}),
    ],
)
def test_what_the_user_asks_for_is_drawn(released, strip, tmp_path, settings, plot):
    picture, result = saved(released, strip, tmp_path, **settings)
    assert difference(picture, result.plot(**plot)) == 0


def test_few_large_boxes_look_as_in_the_host(released):
    result = Results(
        np.full((200, 200, 3), 90, np.uint8), "x.png", {0: "point"}, boxes=np.array([[40, 40, 160, 160, 0.9, 0.0]])
    )
    predictor = GjadetPredictor(overrides={})
    assert (predictor.draw(result, Look(), None, True, True, True) == result.plot()).all()


def test_a_video_that_began_crowded_stays_so():
    """Frames with 40 boxes and with one large box: no change of style in between, and the same corner."""
    frame, names, look = np.full((400, 400, 3), 90, np.uint8), {0: "point", 1: "wheel"}, Look()
    many = np.concatenate((squares(40, 10), np.tile([0.9, 0], (40, 1))), 1)
    one = np.array([[150, 150, 350, 350, 0.9, 1.0]])
    predictor = GjadetPredictor(overrides={})
    pictures = [
        predictor.draw(Results(frame, "v.avi", names, boxes=boxes), look, None, True, True, True)
        for boxes in (many, one)
    ]
    assert look.dense
    assert look.classes == {0, 1}
    assert look.corner in (2, 3)  # the boxes lie along the upper border
    assert difference(pictures[1][360:], frame[360:]) > 0.05  # the legend is there, at the bottom


@pytest.mark.parametrize(("limit", "said"), [(10, 1), (300, 0)])
def test_the_limit_of_boxes_is_said_once(released, strip, limit, said, monkeypatch):
    found: list[str] = []
    monkeypatch.setattr(LOGGER, "warning", found.append)
    released.predictor = None
    for _ in range(2):
        released.predict([strip, strip], imgsz=320, max_det=limit, device="cpu", verbose=False)
    assert len(found) == said
    assert all("2 of 2 frames reached max_det=10: their least certain boxes are left out. Raise it" in t for t in found)
