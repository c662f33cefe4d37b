"""Figures of a checkpoint for crash scenes, by hand; the plan of its trainings; frames without drawn boxes."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

pytest.importorskip("faster_coco_eval")

import undraw
from crash_checkpoint import as_markdown, board_squares, false_by_class, recall_by_kind
from train_released import PLAN

from gjadet_yolo.cli.main import parse
from gjadet_yolo.data.formats.boxes import LabelledImage


def detection(box: tuple[float, ...], confidence: float = 0.9, label: int = 0) -> list[float]:
    return [*box, confidence, label]


def test_recall_by_kind(tmp_path):
    """Two crosses of 20 px, one of which is found, and a dot of 8 px that is found with too little confidence."""
    boxes = {"cross": [(0, 0, 20, 20), (50, 0, 20, 20)], "dot": [(0, 50, 8, 8)]}
    annotations = [
        {"image_id": 1, "kind": kind, "bbox": list(box)} for kind, found in boxes.items() for box in found
    ] + [{"image_id": 1, "bbox": [0, 0, 90, 90]}]  # no marker
    file = tmp_path / "val.json"
    file.write_text(json.dumps({"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": annotations}))
    item = LabelledImage(Path("a.jpg"), "a.jpg", 100, 100, np.zeros((0, 5)))
    found = np.array([detection((1, 0, 20, 20)), detection((0, 50, 8, 58), confidence=0.1)])
    result = recall_by_kind(file, [item], [found])
    assert result["cross"] == {"markers": 2, "recall": 0.5, "large": 2, "recall, large": 0.5}
    assert result["dot"]["recall"] == 0 and result["dot"]["large"] == 0 and np.isnan(result["dot"]["recall, large"])
    assert "| cross | 2 | 0.500 |" in as_markdown({"kinds": result})


def test_false_detections_by_class():
    boxes = [
        np.array([detection((0, 0, 9, 9)), detection((0, 0, 9, 9), 0.2)]),
        np.array([detection((0, 0, 9, 9), 0.3, 2)]),
    ]
    assert false_by_class(boxes, ["point", "bogie", "wheel"]) == {"point": 1, "bogie": 0, "wheel": 1}


def test_squares_of_a_board():
    """9 x 7 squares of 40 px from (60, 50): the first middle lies at (80, 70), the last at (400, 310)."""
    picture = np.full((400, 480, 3), 255, np.uint8)
    for row in range(7):
        for column in range(row % 2, 9, 2):
            picture[50 + 40 * row : 90 + 40 * row, 60 + 40 * column : 100 + 40 * column] = 0
    squares = board_squares(picture)
    assert squares.shape == (63, 2)
    ends = sorted([squares[0].tolist(), squares[-1].tolist()])
    np.testing.assert_allclose(ends, [(80, 70), (400, 310)], atol=1)
    assert board_squares(np.zeros_like(picture)) is None


def test_drawn_boxes_become_labels(tmp_path):
    """Two squares of 30 px side by side with red lines of 3 px on their borders; what is large is no field."""
    picture = np.full((200, 200, 3), 90, np.uint8)
    for x in (50, 80):
        cv2.rectangle(picture, (x, 60), (x + 30, 90), (0, 0, 255), 3)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    undraw.main(str(tmp_path / "a.png"), str(tmp_path / "out"))
    rows = np.loadtxt(tmp_path / "out" / "a.txt")
    middles = rows[np.argsort(rows[:, 1]), 1:3] * 200
    np.testing.assert_allclose(middles, [(65.5, 75.5), (95.5, 75.5)], atol=0.6)
    clean = cv2.imread(str(tmp_path / "out" / "a.png")).astype(int)
    assert np.abs(clean - 90).max() <= 2


def test_plan_of_the_released_checkpoints():
    """Every stage has a set, and every set is one that the command can render."""
    plan = yaml.safe_load(PLAN.read_text(encoding="utf-8"))
    for checkpoint in plan["checkpoints"].values():
        assert {stage["set"] for stage in checkpoint["stages"]} <= set(plan["sets"])
    for settings in plan["sets"].values():
        words = [f"{key}={value}" for key, value in settings.items()]
        assert parse(["synth", "out=x", *words]).images == settings["images"]
