"""Label checks and names, on hand-made cases."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gjadet_yolo.data.formats.boxes import LabelledImage, Report, clean_labels, unique_names

IMAGE = LabelledImage(Path("a.png"), "a.png", 100, 50, np.zeros((0, 5)))


def clean(*boxes: tuple[float, ...]) -> tuple[list[list[float]], dict[str, int]]:
    report = Report()
    labels = clean_labels(boxes, IMAGE, "train", report)
    return labels.tolist(), {what: counts["train"] for what, counts in report.counts().items()}


def test_good_boxes_pass():
    assert clean((1, 0, 0, 100, 50), (0, 2.5, 3, 4, 5)) == ([[1, 0, 0, 100, 50], [0, 2.5, 3, 4, 5]], {})


def test_clipping():
    assert clean((0, -10, 5, 30, 60)) == ([[0, 0, 5, 30, 50]], {"boxes clipped to the image": 1})


def test_what_is_dropped_is_counted():
    labels, counts = clean(
        (0, 10, 10, 10, 20),
        (0, 10, 20, 30, 15),
        (0, 120, 5, 130, 9),
        (0, float("nan"), 0, 1, 1),
        (0, 1, 1, 2, 2),
        (0, 1, 1, 2, 2),
    )
    assert labels == [[0, 1, 1, 2, 2]]
    assert counts == {
        "boxes without area, dropped": 2,
        "boxes outside the image, dropped": 1,
        "boxes that are not finite, dropped": 1,
        "duplicate boxes, dropped": 1,
    }


def test_same_box_of_two_classes_stays():
    assert len(clean((0, 1, 1, 2, 2), (1, 1, 1, 2, 2))[0]) == 2


def test_no_box_left():
    assert clean() == ([], {"images without boxes, kept as background": 1})


def test_names():
    assert unique_names(["a/1.jpg", "b/1.jpg", "2.jpg"]) == ["a_1.jpg", "b_1.jpg", "2.jpg"]
    assert unique_names(["1.jpg", "1.png"]) == ["1.jpg", "1_2.png"]
    assert unique_names(["a/1.jpg", "b/1.jpg", "a_1.png"]) == ["a_1_2.jpg", "b_1.jpg", "a_1.png"]
    assert len({name.lower() for name in unique_names(["X/1.jpg", "x/1.jpg", "1.JPG"])}) == 3
