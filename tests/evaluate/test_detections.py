"""Files of detections: what they hold, and that they are there whole or not at all."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from gjadet_yolo.evaluate.detections import COLUMNS, Detections, as_csv, as_json, write_whole

FOUND = [
    Detections("a.png", None, np.array([[0, 0, 1, 1, 0.5, 1.0], [1.23456, 2, 3, 4, 0.25, 0]])),
    Detections("v.avi", 7, np.zeros((0, 6))),
]
NAMES = {0: "point", 1: "wheel, left"}


def test_csv():
    rows = list(csv.reader(as_csv(FOUND, NAMES).splitlines()))
    assert rows[0] == list(COLUMNS)
    assert rows[1:] == [
        ["a.png", "", "1", "wheel, left", "0.5", "0.0", "0.0", "1.0", "1.0"],
        ["a.png", "", "0", "point", "0.25", "1.235", "2.0", "3.0", "4.0"],
    ]


def test_json_also_names_frames_without_boxes():
    content = json.loads(as_json(FOUND, NAMES, "best.pt"))
    assert content["model"] == "best.pt"
    assert "upper left corner spans 0 to 1" in content["pixels"]
    assert content["frames"][1] == {"image": "v.avi", "frame": 7, "boxes": 0}
    assert content["boxes"][1]["x1_px"] == 1.235
    assert list(content["boxes"][0]) == list(COLUMNS)


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    file = write_whole(tmp_path / "x.csv", "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(file, "new \ud800")
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]
