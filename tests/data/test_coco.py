"""COCO to YOLO and back: every irregularity is handled, counted and listed."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from ultralytics.data.utils import check_det_dataset

from gjadet_yolo.cli.main import main
from gjadet_yolo.data import convert, yolo
from gjadet_yolo.data.coco import read_coco, split_names, to_coco
from gjadet_yolo.data.yolo import read_yolo


def annotation(number: int, image: int, category: int, *bbox: float, **more: object) -> dict:
    return {"id": number, "image_id": image, "category_id": category, "bbox": list(bbox), **more}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A tree with category ids 3 and 17 and one of every fault."""
    root = tmp_path / "coco"
    for name in ("train/000001.png", "train/cam1/7.png", "train/cam2/7.png", "train/empty.png", "val/000002.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / name), np.full((60, 80, 3), 90, np.uint8))
    (root / "train" / "broken.png").write_bytes(b"no picture")
    (root / "train" / "zero.png").write_bytes(b"")
    files = ["000001.png", "cam1/7.png", "cam2\\7.png", "empty.png", "broken.png", "zero.png", "gone.png", "000001.png"]
    images = [{"id": n, "file_name": f, "width": 80, "height": 60} for n, f in enumerate(files, 1)]
    annotations = [
        annotation(1, 1, 17, 10, 20, 30.5, 5.25),
        annotation(2, 1, 17, 10, 20, 30.5, 5.25),
        annotation(3, 1, 3, -5, -5, 20, 20),
        annotation(4, 1, 3, 100, 10, 20, 20),
        annotation(5, 1, 3, 10, 10, 0, 20),
        annotation(6, 1, 3, 0, 0, 80, 60, iscrowd=1),
        annotation(7, 2, 3, 1, 1, 2, 2),
        annotation(8, 3, 3, 5, 5, 2, 2),
        annotation(9, 7, 3, 1, 1, 2, 2),
        annotation(10, 99, 3, 1, 1, 2, 2),
        annotation(11, 2, 5, 1, 1, 2, 2),
        annotation(12, 8, 17, 40, 40, 10, 10),
        annotation(13, 2, 3),
        annotation(14, 2, 3, 1, 2, None, 4),
    ]
    categories = [{"id": 17, "name": "wheel"}, {"id": 3, "name": "point"}]
    write_json(root / "annotations" / "train.json", images, annotations, categories)
    half = [{"id": 1, "file_name": "000002.png", "width": 40, "height": 30}]
    write_json(root / "annotations" / "val.json", half, [annotation(1, 1, 3, 10, 10, 10, 10)], categories)
    return root


def write_json(file: Path, images: list, annotations: list, categories: list) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories}), encoding="utf-8"
    )


EXPECTED = {
    "duplicate boxes, dropped": 1,
    "boxes clipped to the image": 1,
    "boxes outside the image, dropped": 1,
    "boxes without area, dropped": 1,
    "crowd boxes, dropped": 1,
    "missing images, left out": 1,
    "unreadable images, left out": 2,
    "boxes of an unlisted image, dropped": 1,
    "boxes of an unlisted category, dropped": 1,
    "annotations without a box, dropped": 2,
    "images without boxes, kept as background": 1,
    "images listed more than once, merged": 1,
    "repeated file names, renamed": 2,
}


def test_every_fault_is_counted(source):
    data = read_coco(source)
    assert {what: counts["train"] for what, counts in data.report.counts().items() if counts["train"]} == EXPECTED
    assert data.report.counts()["images of another size than listed, boxes scaled along"]["val"] == 1
    assert data.names == ["point", "wheel"]  # by id: 3, 17


def test_tree_by_hand(source, tmp_path):
    target = convert.write_yolo(read_coco(source), tmp_path / "out")
    labels = tmp_path / "out" / "labels"
    assert sorted(p.name for p in (labels / "train").iterdir()) == [
        "000001.txt",
        "cam1_7.txt",
        "cam2_7.txt",
        "empty.txt",
    ]
    rows = [list(map(float, line.split())) for line in (labels / "train" / "000001.txt").read_text().splitlines()]
    assert rows[0] == pytest.approx([1, 25.25 / 80, 22.625 / 60, 30.5 / 80, 5.25 / 60])
    assert rows[1] == pytest.approx([0, 7.5 / 80, 7.5 / 60, 15 / 80, 15 / 60])  # clipped from -5
    assert rows[2] == pytest.approx([1, 45 / 80, 45 / 60, 10 / 80, 10 / 60])  # the second entry of the same file
    assert (labels / "train" / "empty.txt").read_text() == ""
    half = list(map(float, (labels / "val" / "000002.txt").read_text().split()))
    assert half == pytest.approx([0, 15 / 40, 15 / 30, 10 / 40, 10 / 30])  # in the listed size of 40 x 30
    assert yaml.safe_load(target.read_text())["names"] == {0: "point", 1: "wheel"}
    assert (tmp_path / "out" / "images" / "train" / "cam2_7.png").is_symlink()
    rows = list(csv.reader((tmp_path / "out" / "conversion.csv").open(encoding="utf-8")))
    assert ["train", "missing images, left out", "gone.png", "with 1 boxes"] in rows
    assert len(rows) == 1 + sum(EXPECTED.values()) + 1


def test_host_accepts_the_tree(source, tmp_path, monkeypatch):
    """From another folder, and after the tree has moved."""
    convert.write_yolo(read_coco(source), tmp_path / "out", copy=True)
    (tmp_path / "out").rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path.parent)
    data = check_det_dataset(str(tmp_path / "moved" / "data.yaml"))
    assert data["names"] == {0: "point", 1: "wheel"}
    assert Path(data["train"]) == (tmp_path / "moved" / "images" / "train").resolve()


def test_round_trip_keeps_boxes(tmp_path):
    """COCO to YOLO to COCO: 200 random boxes to 1e-4 px in an image of odd size."""
    rng = np.random.default_rng(0)
    root = tmp_path / "coco"
    (root / "train").mkdir(parents=True)
    cv2.imwrite(str(root / "train" / "1.png"), np.zeros((997, 1913, 3), np.uint8))
    corner, size = rng.uniform(0, 900, (200, 2)), rng.uniform(0.5, 90, (200, 2))
    annotations = [
        annotation(n, 1, 1, *c, *s) for n, (c, s) in enumerate(zip(corner.tolist(), size.tolist(), strict=True))
    ]
    image = {"id": 1, "file_name": "1.png", "width": 1913, "height": 997}
    write_json(root / "annotations" / "train.json", [image], annotations, [{"id": 1, "name": "point"}])
    assert main(["convert", f"coco={root}", f"out={tmp_path / 'yolo'}"]) == 0
    assert main(["convert", f"yolo={tmp_path / 'yolo' / 'data.yaml'}", f"out={tmp_path / 'back'}"]) == 0
    back = json.loads((tmp_path / "back" / "annotations" / "train.json").read_text())
    there = np.array([a["bbox"] for a in annotations])
    again = np.array([a["bbox"] for a in back["annotations"]])
    assert np.abs(np.minimum(there[:, :2] + there[:, 2:], [1913, 997]) - again[:, :2] - again[:, 2:]).max() < 1e-4
    assert np.abs(there[:, :2] - again[:, :2]).max() < 1e-4
    assert (tmp_path / "back" / "train" / "1.png").exists()


def test_coco_dictionary_by_hand(source):
    data = read_coco(source)
    content = to_coco(data.splits["val"], data.names)
    assert content["annotations"][0]["bbox"] == [20, 20, 20, 20]  # of 40x30 as listed, the file has 80x60
    assert content["annotations"][0]["category_id"] == 1
    assert content["categories"] == [{"id": 1, "name": "point"}, {"id": 2, "name": "wheel"}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", r"train\.json is not valid JSON"),
        ("[]", "has no list images and no list annotations and no list categories"),
        ('{"images": [], "annotations": []}', "has no list categories"),
        ('{"images": [{"id": 1}], "annotations": [], "categories": []}', "entry 0 of 'images' has no 'file_name'"),
        ('{"images": [], "annotations": [], "categories": [{"id": 1}]}', "entry 0 of 'categories' has no 'name'"),
    ],
)
def test_faulty_json_names_the_file(source, text, words):
    (source / "annotations" / "train.json").write_text(text)
    with pytest.raises(ValueError, match=words):
        read_coco(source)


def test_one_id_with_two_names(source):
    write_json(source / "annotations" / "val.json", [], [], [{"id": 3, "name": "bogie"}])
    with pytest.raises(ValueError, match="Category id 3 is 'point' in one split and 'bogie' in val"):
        read_coco(source)


def test_missing_source_and_missing_json(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"does not exist\. Expected a folder with annotations"):
        read_coco(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match=r"has no annotations/\*\.json"):
        read_coco(tmp_path)


def test_single_json_file_and_instances_prefix(source):
    (source / "annotations" / "val.json").rename(source / "annotations" / "instances_val.json")
    assert list(read_coco(source / "annotations" / "instances_val.json").splits) == ["val"]
    assert len(read_coco(source / "annotations" / "instances_val.json").splits["val"]) == 1


def test_coco_download_names(source, tmp_path):
    """instances_train2017.json beside captions; images in train2017/."""
    for split in ("train", "val"):
        (source / "annotations" / f"{split}.json").rename(source / "annotations" / f"instances_{split}2017.json")
        (source / split).rename(source / f"{split}2017")
    (source / "annotations" / "captions_val2017.json").write_text("{}")
    target = convert.write_yolo(read_coco(source), tmp_path / "out")
    content = yaml.safe_load(target.read_text())
    assert (content["train"], content["val"]) == ("images/train", "images/val")
    assert len(list((tmp_path / "out" / "images" / "train").iterdir())) == 4


def test_split_names():
    assert split_names(["Training", "valid", "test"]) == {"Training": "train", "valid": "val", "test": "test"}
    assert split_names(["train2014", "train2017", "all"]) == {
        "train2014": "train2014",
        "train2017": "train2017",
        "all": "all",
    }


def test_missing_val_split_is_reported(source, tmp_path):
    (source / "annotations" / "val.json").unlink()
    data = read_coco(source)
    target = convert.write_yolo(data, tmp_path / "out")
    assert yaml.safe_load(target.read_text())["val"] == "images/train"
    assert ("val", "has no images of its own, data.yaml gives it those of", "", "train") in data.report.rows


def test_existing_target_is_refused_and_kept(source, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("precious")
    assert main(["convert", f"coco={source}", f"out={out}"]) == 1
    assert "exists already and is never replaced" in capsys.readouterr().err
    assert (out / "mine.txt").read_text() == "precious"


def test_interruption_leaves_nothing(source, tmp_path, monkeypatch):
    calls = []

    def fail(*_: object) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(convert, "place_image", fail)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt):
        convert.write_yolo(read_coco(source), tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == before


def test_interrupted_replacement_keeps_the_old_folder(source, tmp_path, monkeypatch):
    out = tmp_path / "out"
    convert.write_yolo(read_coco(source), out)
    monkeypatch.setattr(convert, "write_report", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        convert.write_yolo(read_coco(source), out, force=True)
    assert (out / "data.yaml").exists()


def test_target_over_the_source_images_is_refused(source):
    with pytest.raises(ValueError, match="which is being read"):
        convert.write_yolo(read_coco(source), source, force=True)
    assert (source / "train" / "000001.png").exists()


def test_yolo_label_faults(tmp_path):
    root = tmp_path / "set"
    for folder in ("images/train", "labels/train"):
        (root / folder).mkdir(parents=True)
    cv2.imwrite(str(root / "images/train/1.png"), np.zeros((50, 100, 3), np.uint8))
    lines = ["0 0.5 0.5 0.2 0.4", "7 0.5 0.5 0.2 0.2", "x y", "0 0.1 0.1", "1 0.1 0.2 0.3 0.2 0.3 0.6", ""]
    (root / "labels/train/1.txt").write_text("\n".join(lines))
    (root / "labels/train/orphan.txt").write_text("0 0.5 0.5 0.2 0.4")
    (root / "images/train/notes.md").write_text("no image")
    yolo.write_data_yaml(root, ["train"], ["a", "b"])
    data = read_yolo(root / "data.yaml")
    assert data.splits["train"][0].labels.tolist() == [[0, 40, 15, 60, 35], [1, 10, 10, 30, 30]]
    assert {what: counts["train"] for what, counts in data.report.counts().items()} == {
        "faulty label lines, dropped": 3,
        "polygons turned into boxes": 1,
        "files that Ultralytics does not read, left out": 1,
        "label files without an image, left out": 1,
    }
    assert list(data.splits) == ["train"]  # val points to the same folder and is not read twice


def test_data_yaml_faults(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"does not exist\. Expected the data YAML"):
        read_yolo(tmp_path / "data.yaml")
    (tmp_path / "data.yaml").write_text("train: images")
    with pytest.raises(ValueError, match="has no 'names:'"):
        read_yolo(tmp_path / "data.yaml")
    (tmp_path / "data.yaml").write_text("train: images\nnames: [a]")
    with pytest.raises(FileNotFoundError, match=r"train: .*images does not exist"):
        read_yolo(tmp_path / "data.yaml")


def test_table_and_progress_are_printed(source, tmp_path, capsys):
    assert main(["convert", f"coco={source}", f"out={tmp_path / 'o'}", "images=copy"]) == 0
    said = capsys.readouterr()
    assert "missing images, left out" in said.out
    assert "boxes of wheel" in said.out
    assert "reading train: 7/7" in said.err
    assert not any(p.is_symlink() for p in (tmp_path / "o").rglob("*"))
