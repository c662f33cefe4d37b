"""COCO figures by hand, and the score of a checkpoint."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("faster_coco_eval")

from gjadet_yolo.data.formats.boxes import LabelledImage
from gjadet_yolo.evaluate import checkpoint
from gjadet_yolo.evaluate.scores import Score, as_markdown, class_counts, groups, save, score

ONE = [0, 10, 10, 20, 20]  # class, xyxy: 10 px
OTHER = [0, 50, 10, 60, 20]
HIGH = [1, 0, 0, 10, 50]  # of another class: sqrt(500) = 22 px


def image(*labels: list[float]) -> LabelledImage:
    """Image of 100 x 50 px with labels."""
    return LabelledImage(Path("x.png"), "x.png", 100, 50, np.array(labels, float).reshape(-1, 5))


def guesses(*boxes: list[float]) -> np.ndarray:
    """Predictions of labels, surest first."""
    rows = [[*box, 0.9 - 0.1 * index, label] for index, (label, *box) in enumerate(boxes)]
    return np.array(rows, float).reshape(-1, 6)


def one_class(*labels: list[float], found: list[list[float]], imgsz: int = 100) -> Score:
    return score([image(*labels)], [guesses(*found)], ["a"], np.array([1]), imgsz)


def test_perfect_boxes():
    figures = one_class(ONE, OTHER, found=[ONE, OTHER])
    assert (figures.ap, figures.ap50, figures.ap75, figures.recall) == pytest.approx((1, 1, 1, 1))


def test_one_of_two_found():
    """Precision is 1 up to recall 1/2: 51 of the 101 points of COCO's curve."""
    figures = one_class(ONE, OTHER, found=[ONE])
    assert (figures.ap, figures.recall) == pytest.approx((51 / 101, 0.5))


def test_a_false_box_counts_by_its_confidence():
    """Behind the right box it costs nothing; in front of it precision is 1/2."""
    assert one_class(ONE, found=[ONE, OTHER]).ap == pytest.approx(1)
    assert one_class(ONE, found=[OTHER, ONE]).ap == pytest.approx(0.5)


def test_classes_and_thresholds():
    """Class a: one of two found exactly. Class b: IoU 0.8, which is enough at 7 of the 10 thresholds, 0.5 to 0.8."""
    figures = score([image(ONE, OTHER, HIGH)], [guesses(ONE, [1, 0, 0, 8, 50])], ["a", "b"], np.array([100, 1]), 100)
    assert figures.by_class == pytest.approx({"a": 51 / 101, "b": 0.7})
    assert figures.by_class50 == pytest.approx({"a": 51 / 101, "b": 1})
    assert figures.ap == pytest.approx((51 / 101 + 0.7) / 2)
    assert figures.ap75 == pytest.approx((51 / 101 + 1) / 2)
    assert figures.by_group == pytest.approx({"rare": 0.7, "frequent": 51 / 101})
    assert figures.by_size["8-16"] == pytest.approx(51 / 101)
    assert figures.by_size["16-32"] == pytest.approx(0.7)
    assert math.isnan(figures.by_size["0-8"])
    assert figures.recall == pytest.approx((0.5 + 1) / 2)
    assert figures.count == {"a": 100, "b": 1}


@pytest.mark.parametrize(("imgsz", "size"), [(50, "0-8"), (100, "8-16"), (200, "16-32"), (400, "32-64"), (800, "64+")])
def test_sizes_are_those_at_the_input(imgsz: int, size: str):
    """10 px of an image of 100 px; the bins without a box are nan."""
    figures = one_class(ONE, found=[ONE], imgsz=imgsz)
    assert {name for name, ap in figures.by_size.items() if ap == pytest.approx(1)} == {size}
    assert sum(math.isnan(ap) for ap in figures.by_size.values()) == 4


def test_nothing_found_is_0_and_nothing_to_find_is_nan():
    figures = score([image(ONE)], [guesses()], ["a", "b"], np.array([1, 1]), 100)
    assert (figures.ap, figures.recall, figures.by_class["a"], figures.by_size["8-16"]) == (0, 0, 0, 0)
    assert math.isnan(figures.by_class["b"])
    assert math.isnan(figures.by_size["64+"])


def test_groups_by_share_of_the_most_frequent_class():
    members = groups(["a", "b", "c", "d"], np.array([1000, 49, 50, 199]))
    assert members == [("rare", ["b"]), ("common", ["c", "d"]), ("frequent", ["a"])]


def test_class_counts():
    assert class_counts([image(ONE, OTHER, HIGH), image(), image(ONE)], 3).tolist() == [3, 1, 0]
    assert class_counts([], 2).tolist() == [0, 0]


@pytest.mark.parametrize(("images", "found"), [(0, 0), (2, 1)])
def test_every_image_needs_predictions(images: int, found: int):
    with pytest.raises(ValueError, match=f"{images} images and {found} predictions, expected one for each image"):
        score([image(ONE)] * images, [guesses(ONE)] * found, ["a"], np.array([1]), 100)


def test_missing_library(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "faster_coco_eval", None)
    with pytest.raises(ModuleNotFoundError, match=r"faster-coco-eval. Run: pip install 'gjadet-yolo\[benchmark\]'"):
        one_class(ONE, found=[ONE])


def test_a_table_and_a_file(tmp_path: Path):
    figures = one_class(ONE, found=[ONE])
    assert as_markdown(figures).splitlines()[2:5] == [
        "| all | 1 | 1.000 | 1.000 |",
        "| a | 1 | 1.000 | 1.000 |",
        "| frequent classes |  | 1.000 |  |",
    ]
    assert "| 0-8 px |  | - |  |" in as_markdown(figures)
    found = json.loads(save(figures, tmp_path / "score.json").read_text())
    assert found.pop("by_size").keys() == figures.by_size.keys()
    assert found.items() <= asdict(figures).items()


def test_a_checkpoint_that_finds_every_box(rendered: Path, monkeypatch: pytest.MonkeyPatch):
    """Predictions are the labels themselves: all figures are 1, and the counts are those of the training images."""
    monkeypatch.setattr(checkpoint, "predict", lambda _, images, __: [guesses(*i.labels.tolist()) for i in images])
    figures = checkpoint.score_checkpoint(Path("best.pt"), rendered, 128)
    assert (figures.ap, figures.recall) == pytest.approx((1, 1))
    files = (rendered.parent / "labels" / "train").iterdir()
    assert figures.count["point"] == sum(line.startswith("0 ") for file in files for line in file.open())


def test_a_set_without_validation(rendered: Path, tmp_path: Path):
    file = tmp_path / "data.yaml"
    file.write_text(f"train: {rendered.parent / 'images' / 'train'}\nnames: [a, b, c, d, e]\n")
    with pytest.raises(ValueError, match=r"data.yaml has no images of the split 'val', which a score needs"):
        checkpoint.score_checkpoint(Path("best.pt"), file, 128)
