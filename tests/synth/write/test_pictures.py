"""Rendered sets on disk: same bytes on any number of workers, all or nothing, three formats that agree."""

from __future__ import annotations

import json
from concurrent.futures import Executor, Future
from pathlib import Path

import numpy as np
import pytest

from gjadet_yolo.synth.still import SceneMix
from gjadet_yolo.synth.write import pictures as write
from gjadet_yolo.synth.write import workers
from gjadet_yolo.synth.write.pictures import Request, render_set

MIX = SceneMix({"point": 12.0}, square_px=(6.0, 12.0))
SMALL = Request(images=6, val=2, imgsz=128, seed=1, mix=MIX, videos=1, fps=500.0, seconds=0.01)


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_same_bytes_on_any_number_of_workers(tmp_path):
    data = render_set(SMALL, tmp_path / "one", workers=1)
    render_set(SMALL, tmp_path / "three", workers=3)
    files = content(tmp_path / "one")
    assert data == tmp_path / "one" / "data.yaml"
    assert files == content(tmp_path / "three")
    stills = {"images/train/000003.jpg", "labels/val/000001.txt", "annotations/train.json", "data.yaml", "request.json"}
    clips = {f"videos/000000/{name}" for name in ("video.avi", "truth.json", "truth.csv", "mot.txt")}
    assert stills | clips <= set(files)
    assert len(files) == 2 * 6 + 2 + 2 + 4 + 1  # the last is the folder's mark


def test_another_seed_is_another_set(tmp_path):
    for seed in (0, 1):
        render_set(Request(2, 1, 128, seed, MIX), tmp_path / str(seed))
    images = [(tmp_path / str(seed) / "images" / "train" / "000000.jpg").read_bytes() for seed in (0, 1)]
    assert images[0] != images[1]


def test_coco_and_yolo_agree(tmp_path):
    render_set(SMALL, tmp_path / "set")
    coco = json.loads((tmp_path / "set" / "annotations" / "train.json").read_text())
    assert [entry["file_name"] for entry in coco["images"]] == [f"{index:06d}.jpg" for index in range(4)]
    for entry in coco["images"]:
        boxes = [a for a in coco["annotations"] if a["image_id"] == entry["id"]]
        lines = (tmp_path / "set" / "labels" / "train" / entry["file_name"]).with_suffix(".txt").read_text().split()
        rows = np.array(lines, dtype=float).reshape(-1, 5)
        ours = np.array([[a["category_id"] - 1, *a["bbox"]] for a in boxes]).reshape(-1, 5)
        np.testing.assert_allclose(rows[:, 3:] * 128, ours[:, 3:], atol=1e-5)
        np.testing.assert_allclose(rows[:, 1:3] * 128, ours[:, 1:3] + ours[:, 3:] / 2, atol=1e-5)


def test_annotations_written_along_the_way_are_those_of_the_whole(tmp_path):
    render_set(SMALL, tmp_path / "set")
    for split, count in (("train", 4), ("val", 2)):
        text = (tmp_path / "set" / "annotations" / f"{split}.json").read_text()
        content = json.loads(text)
        assert text == json.dumps(content)
        assert list(content) == ["images", "annotations", "categories"]
        assert [entry["id"] for entry in content["images"]] == list(range(1, count + 1))
        assert [a["id"] for a in content["annotations"]] == list(range(1, len(content["annotations"]) + 1))
        assert {a["image_id"] for a in content["annotations"]} <= set(range(1, count + 1))


def test_jobs_do_not_pile_up(monkeypatch):
    """Of a million jobs, as many as are allowed ahead are handed out for the first result, and one for each more."""
    monkeypatch.setattr(workers, "AHEAD", 3)
    taken = []

    class AtOnce(Executor):
        def submit(self, work, job):
            future = Future()
            future.set_result(work(job))
            return future

    results = workers.in_order(AtOnce(), lambda job: taken.append(job) or 2 * job, iter(range(1_000_000)))
    assert next(results) == 0
    assert taken == [0, 1, 2]
    assert next(results) == 2
    assert taken == [0, 1, 2, 3]


def test_estimates_of_size(tmp_path):
    """Within a factor of two; pictures of 640 px, of which the constants are."""
    request = Request(4, 1, 640, 0, videos=1, seconds=0.003)
    render_set(request, tmp_path / "set")
    found = sum(len(data) for data in content(tmp_path / "set").values())
    assert found / 2 < request.size_bytes() < found * 2


def test_interrupt_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(job):
        raise KeyboardInterrupt

    monkeypatch.setattr(write, "write_job", interrupt)
    with pytest.raises(KeyboardInterrupt):
        render_set(SMALL, tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_unasked(tmp_path):
    two = Request(2, 1, 128, 0, MIX)
    render_set(two, tmp_path / "set")
    picture = tmp_path / "set" / "images" / "train" / "000000.jpg"
    before = picture.read_bytes()
    with pytest.raises(FileExistsError, match="force=true"):
        render_set(two, tmp_path / "set")
    assert picture.read_bytes() == before
    render_set(Request(2, 1, 128, 1, MIX), tmp_path / "set", force=True)
    assert picture.read_bytes() != before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"imgsz": 0}, "imgsz is 0, allowed: 64 to 4096 px"),
        ({"images": -1}, "images is -1"),
        ({"images": 0}, "at least one picture or video"),
        ({"images": 1, "val": 1}, "images is 1, allowed: 0, or 2 and more"),
        ({"images": 5, "val": 5}, "val is 5 of 5 images, allowed: 1 to 4"),
        ({"videos": 1, "fps": -1.0}, "fps is -1.0"),
        ({"videos": 1, "seconds": 0.0}, "seconds 0.0; allowed: numbers above 0"),
        ({"videos": 1, "pulse": "box"}, "no pulse 'box'"),
    ],
)
def test_refusals(settings, message):
    with pytest.raises(ValueError) as error:
        Request(**settings)
    assert message in str(error.value)


@pytest.mark.slow
def test_data_yaml_trains_an_epoch(rendered, tmp_path):
    """The stock trainer reads the tree and finds every class."""
    from conftest import TINY
    from ultralytics import YOLO

    model = YOLO("yolov8n.yaml")
    model.train(data=str(rendered), epochs=1, project=str(tmp_path), name="r", **TINY)
    assert model.names == {0: "point", 1: "bogie", 2: "wheel", 3: "absorber", 4: "rw"}
    assert (tmp_path / "r" / "weights" / "last.pt").exists()
