"""``gjadet predict`` and ``val``: what cannot be read, what is missing, limits, progress, and files of detections."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from ultralytics.utils import LOGGER

from gjadet_yolo.cli.main import main, parse
from gjadet_yolo.cli.tiling import TileBar, check_loaded, naming_model, passed_on
from gjadet_yolo.host.sources import Files, breaks_off, is_local
from gjadet_yolo.locate import weights

MODEL = "gjadetn-crash-synth.pt"


@pytest.fixture(scope="module")
def picture(rendered) -> np.ndarray:
    return cv2.imread(str(sorted((rendered.parent / "images" / "val").iterdir())[0]))


def spoil(folder: Path, picture: np.ndarray) -> list[str]:
    """Write three files that are no pictures; their names."""
    png = cv2.imencode(".png", picture)[1].tobytes()
    contents = {
        "empty.jpg": b"",
        "noise.png": np.random.default_rng(0).bytes(3000),
        "torn.png": png[: len(png) // 2],
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return list(contents)


def film(file: Path, picture: np.ndarray, frames: int, share: float = 1.0) -> Path:
    """A video of one picture; only a share of its bytes."""
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"MJPG"), 25, picture.shape[1::-1])
    for _ in range(frames):
        writer.write(picture)
    writer.release()
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    return file


def predict(source: Path, folder: Path, *more: str) -> int:
    return main(["predict", f"model={MODEL}", f"source={source}", f"project={folder}", "name=p", "tile=128", *more])


def test_nothing_readable_is_an_error(tmp_path, picture, capsys):
    (tmp_path / "in").mkdir()
    names = spoil(tmp_path / "in", picture)
    (tmp_path / "in" / "film.avi").write_bytes(b"no film")
    assert predict(tmp_path / "in", tmp_path) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("Error: nothing could be read: ")
    assert all(str(tmp_path / "in" / name) in error for name in [*names, "film.avi"])
    assert not (tmp_path / "p").exists()


def test_some_unreadable_files_are_counted_and_named(tmp_path, picture, capsys):
    """One good picture and a good video; four that are not whole, one of them a video without its second half."""
    (tmp_path / "in").mkdir()
    names = spoil(tmp_path / "in", picture)
    cv2.imwrite(str(tmp_path / "in" / "good.png"), picture)
    film(tmp_path / "in" / "film.avi", picture, 3)
    film(tmp_path / "in" / "torn.avi", picture, 20, share=0.5)
    assert predict(tmp_path / "in", tmp_path) == 0
    said = capsys.readouterr()
    warning = next(line for line in said.err.splitlines() if line.startswith("Warning"))
    assert "4 of 6 files could not be read whole" in warning
    assert all(name in warning for name in [*names, "torn.avi (ends after "])
    assert (tmp_path / "p" / "good.jpg").is_file()
    assert (tmp_path / "p" / "film.avi").is_file()


def test_a_video_that_does_not_open_stops_no_other(tmp_path, picture):
    (tmp_path / "a.avi").write_bytes(b"no film")
    film(tmp_path / "b.avi", picture, 2)
    (tmp_path / "c.avi").write_bytes(b"")
    files = Files(tmp_path)
    read = [paths[0] for paths, *_ in files]
    assert read == [str(tmp_path / "b.avi")] * 2


def test_a_jpeg_without_its_end_is_noticed(tmp_path, picture):
    content = cv2.imencode(".jpg", picture)[1].tobytes()
    for name, part in (("whole.jpg", content), ("torn.jpg", content[:-100]), ("torn.png", content[:-100])):
        (tmp_path / name).write_bytes(part)
    assert [breaks_off(tmp_path / name) for name in ("whole.jpg", "torn.jpg", "torn.png")] == [False, True, False]


def test_what_is_a_file_and_what_is_a_device(tmp_path):
    assert is_local(tmp_path)
    assert is_local("clips/*.avi")
    assert not any(map(is_local, ("0", "rtsp://camera/1", "nowhere", "screen", np.zeros((2, 2, 3)))))


@pytest.mark.parametrize("verb", ["predict", "attention"])
@pytest.mark.parametrize("kind", ["empty", "noise", "torn"])
def test_damaged_checkpoints_get_one_line(kind, verb, tmp_path, picture, capsys):
    whole = weights(MODEL).read_bytes()
    content = {"empty": b"", "noise": np.random.default_rng(1).bytes(3000), "torn": whole[:50_000]}[kind]
    file = tmp_path / "best.pt"
    file.write_bytes(content)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    assert main([verb, f"model={file}", f"source={tmp_path / 'a.png'}"]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1
    assert errors[0].startswith(f"Error: {file} ({len(content):,} bytes) cannot be read as a checkpoint: ")
    assert errors[0].endswith("Copy it again, or use another one.")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model={}/bset.pt", "source={}"], "model {}/bset.pt does not exist. Did you mean '{}/best.pt'?"),
        (["model={}/no/best.pt", "source={}"], "model {}/no/best.pt does not exist. There is no folder {}/no."),
        (["model=gjadetn-crash-snth.pt", "source={}"], "Did you mean 'gjadetn-crash-synth.pt'?"),
        (["model=best.pt", "source={}/bestt.pt"], "source {}/bestt.pt does not exist. Did you mean '{}/best.pt'?"),
        (["model=best.pt", "source={}", "classes=0,x"], "'0,x' is not a list of class numbers such as 0,2"),
    ],
)
def test_missing_files_name_the_closest(words, message, tmp_path, capsys):
    (tmp_path / "best.pt").touch()
    assert main(["predict", *(word.format(tmp_path) for word in words)]) == 1
    assert message.format(tmp_path, tmp_path) in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("verb", ["predict", "attention"])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model={}", "source={}"], "model {} is no checkpoint, model YAML or export. Their names end in: .pt, "),
        (["model={}/best", "source={}"], "model {}/best is no checkpoint, model YAML or export."),
        (["model={}/pipe.pt", "source={}"], "model {}/pipe.pt is a pipe or device, expected a file."),
        (["model={}/zero.pt", "source={}"], " bytes) cannot be read as a checkpoint: 'int' object has no attribute"),
        (["model=best.pt", "source=" + "9" * 400], "9... is neither a file nor the number of a camera, such as 0."),
        (["model=best.pt", "source={}/a\0b"], r"a\x00b' holds a NUL character"),
        (["model=best.pt", "source=" + "x" * 5000], "source has a value of 5,000 characters, allowed: up to 4,096."),
        (["model=best.pt", "source={}/films"], "films/a.mp4 is a pipe or device, expected an image or a video."),
    ],
)
def test_what_is_no_model_or_source_is_named(verb, words, message, tmp_path, capsys):
    (tmp_path / "films").mkdir()
    for name in ("pipe.pt", "films/a.mp4"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "best").write_bytes(b"\n")
    torch.save(0, tmp_path / "zero.pt", _use_new_zipfile_serialization=False)
    assert main([verb, *(word.format(tmp_path) for word in words)]) == 1
    assert message.format(tmp_path) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("stride", [{}], "its strides are [{}]"),
        ("stride", torch.zeros(3), "its strides are tensor([0., 0., 0.])"),
        ("names", 7, "its class names are 7"),
        ("yaml", "x", "its model YAML is 'x'"),
    ],
)
def test_checkpoints_of_odd_content(key, value, message):
    model = torch.nn.Identity()
    model.stride, model.names, model.yaml = torch.ones(1), {0: "a"}, {}
    check_loaded(model, "best.pt")
    setattr(model, key, value)
    with pytest.raises(ValueError, match=r"^best.pt cannot be read as a checkpoint: ") as error:
        check_loaded(model, "best.pt")
    assert message in str(error.value)


def test_errors_of_torch_name_the_model():
    with pytest.raises(RuntimeError, match=r"^model best.pt fails: "), naming_model("best.pt"):
        torch.zeros(3) + torch.zeros(2)


def test_the_host_chooses_what_is_not_given():
    words = ["predict", f"model={MODEL}", "source=x"]
    given = passed_on(parse(words))
    assert not {"device", "classes", "agnostic_nms", "exist_ok", "quantize"} & set(given)
    given = passed_on(parse([*words, "device=cpu", "classes=[0, 2]", "agnostic_nms=true", "half=true"]))
    assert (given["device"], given["classes"], given["agnostic_nms"], given["quantize"]) == ("cpu", [0, 2], True, 16)


def test_a_bar_follows_its_ticks(capsys):
    bar = TileBar()
    bar.start(5)
    bar.tick(2)
    bar.tick(3)
    bar.stop()
    assert "tiles: 5/5" in capsys.readouterr().err.replace("\r", "\n")


def test_files_of_detections_limit_and_progress(tmp_path, picture, capsys, monkeypatch):
    """Four frames, every second one: frames 1 and 3 of the video, with at most two boxes each."""
    warnings: list[str] = []
    monkeypatch.setattr(LOGGER, "warning", warnings.append)
    source = film(tmp_path / "film.avi", picture, 4)
    assert predict(source, tmp_path, "vid_stride=2", "max_det=2", "classes=0", "save_json=true", "save_csv=true") == 0
    assert len(warnings) == 1
    assert "2 of 2 frames reached max_det=2: their least certain boxes are left out. Raise it" in warnings[0]
    assert "tiles" in capsys.readouterr().err
    rows = list(csv.DictReader((tmp_path / "p" / "detections.csv").open()))
    assert [row["frame"] for row in rows] == ["1", "1", "3", "3"]
    assert {(row["image"], row["class_id"], row["class_name"]) for row in rows} == {(str(source), "0", "point")}
    content = json.loads((tmp_path / "p" / "detections.json").read_text())
    assert [frame["frame"] for frame in content["frames"]] == [1, 3]
    assert [box["x1_px"] for box in content["boxes"]] == [float(row["x1_px"]) for row in rows]


def test_validation_writes_its_detections(rendered, tmp_path, monkeypatch):
    """In px of each image, boxes of all images; the table has its head."""
    lines: list[str] = []
    monkeypatch.setattr(LOGGER, "info", lines.append)
    words = ["val", f"model={MODEL}", f"data={rendered}", "tile=128", f"project={tmp_path}", "name=v", "save_csv=true"]
    assert main(words) == 0
    assert sum("mAP50-95" in line for line in lines) == 1
    rows = list(csv.DictReader((tmp_path / "v" / "detections.csv").open()))
    images = sorted(map(str, (rendered.parent / "images" / "val").iterdir()))
    assert sorted({row["image"] for row in rows}) == images
    assert all(0 <= float(row[key]) <= 128 for row in rows for key in ("x1_px", "y1_px", "x2_px", "y2_px"))
