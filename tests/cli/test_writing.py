"""One walk over every verb that writes: the rules of ``folders/whole.py``, full disks, interrupts and kills."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from gjadet_yolo.cli.main import main
from gjadet_yolo.data.media import VideoFile, count_frames
from gjadet_yolo.synth.still import SceneMix
from gjadet_yolo.synth.write.pictures import Request, render_set

SYNTH = ("imgsz=96", "square=6,12", "point=4", "scene=rig")
VERBS = {
    "synth": ("synth", "images=2", "workers=1", *SYNTH),
    "videos": ("synth", "images=0", "videos=1", "seconds=0.004", "pulse=in/pulse.csv", "workers=1", *SYNTH),
    "to_yolo": ("convert", "coco=in/coco", "images=copy"),
    "to_coco": ("convert", "yolo=in/set/data.yaml", "images=copy"),
    "demo": ("demo", "frames=2", "imgsz=96", "model=in/model.pt"),
    "measure": ("measure", "source=in/clip", "fps=1000", "points=in/points.csv"),
    "attention": ("attention", "model=sspnetn.yaml", "source=in/frames", "imgsz=64"),
    "restore": ("restore", "model=gjadetn-joint.yaml", "source=in/frames", "side_by_side=true"),
}
INPUTS = {
    "synth": (),
    "videos": ("in",),
    "to_yolo": ("in/coco", "in/coco/annotations", "in/coco/train", "in/coco/train/yolo", "in"),
    "to_coco": ("in/set", "in/set/images", "in/set/images/val", "in/set/labels", "in/set/labels/train/new", "in"),
    "demo": ("in",),
    "measure": ("in/clip", "in/clip/new", "in"),
    "attention": ("in/frames", "in/frames/maps", "in", "linked"),
    "restore": ("in/frames", "in/frames/restored", "in", "linked"),
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the verbs read: a YOLO set, a COCO set, frames, a pulse, and a model."""
    from gjadet_yolo.locate import weights

    root = tmp_path_factory.mktemp("writing")
    mix = SceneMix({"point": 4.0}, {"rig": 1.0}, (6.0, 12.0))
    (root / "in" / "frames").mkdir(parents=True)
    render_set(Request(4, 2, 96, 0, mix), root / "in" / "set")
    (root / "in" / "coco").mkdir()
    for split in ("train", "val"):
        (root / "in" / "coco" / split).symlink_to(root / "in" / "set" / "images" / split)
    (root / "in" / "coco" / "annotations").symlink_to(root / "in" / "set" / "annotations")
    cv2.imwrite(str(root / "in" / "frames" / "1.png"), np.full((48, 96, 3), 90, np.uint8))
    texture = np.random.default_rng(0).integers(0, 255, (48, 96, 3), dtype=np.uint8)
    (root / "in" / "clip").mkdir()
    for frame in range(12):
        cv2.imwrite(str(root / "in" / "clip" / f"{frame}.png"), np.roll(cv2.blur(texture, (3, 3)), frame, 1))
    (root / "in" / "points.csv").write_text("x,y,size\n40,20,16\n40,30,16\n")
    (root / "in" / "pulse.csv").write_text("time_s,deceleration_mps2\n0,100\n0.05,100\n")
    (root / "in" / "model.pt").symlink_to(weights("gjadetn-crash-synth.pt"))
    (root / "linked").symlink_to(root / "in" / "frames")
    return root


@pytest.fixture(params=VERBS)
def verb(request: pytest.FixtureRequest, inputs: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each verb, with the inputs in the current folder."""
    monkeypatch.chdir(inputs)
    return request.param


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def refusal(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a verb says when it refuses."""
    assert main(words) == 1
    return capsys.readouterr().err


def test_inputs_are_never_written_over(verb, capsys):
    before = tree(Path("in"))
    for out in INPUTS[verb]:
        said = refusal([*VERBS[verb], f"out={out}", "force=true"], capsys)
        assert "which is being read. Choose a folder elsewhere." in said
    assert tree(Path("in")) == before


def test_what_is_not_of_this_tool_is_never_replaced(verb, tmp_path, capsys):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("precious")
    said = refusal([*VERBS[verb], f"out={tmp_path / 'thesis'}", "force=true"], capsys)
    assert "thesis exists already and is never replaced" in said
    assert "out= has no value" in refusal([*VERBS[verb], "out=", "force=true"], capsys)
    for out in (".", "..", "/"):
        assert "Name a new folder" in refusal([*VERBS[verb], f"out={out}", "force=true"], capsys)
    assert tree(tmp_path) == {"thesis/chapter.txt": b"precious"}


def test_results_are_marked_and_replaced(verb, tmp_path, capsys):
    out = tmp_path / "out"
    words = [*VERBS[verb], f"out={out}"]
    out.mkdir()
    assert main(words) == 0, capsys.readouterr().err
    mark = json.loads((out / ".gjadet-yolo").read_text())
    assert mark["tool"] == f"gjadet {VERBS[verb][0]}"
    assert mark["settings"]
    assert {*mark["entries"], ".gjadet-yolo"} == {path.name for path in out.iterdir()}
    assert "say force=true" in refusal(words, capsys)
    (out / "thesis.txt").write_text("precious")
    assert "also holds thesis.txt" in refusal([*words, "force=true"], capsys)
    (out / "thesis.txt").unlink()
    before = (out / ".gjadet-yolo").stat().st_ino
    assert main([*words, "force=true"]) == 0
    assert (out / ".gjadet-yolo").stat().st_ino != before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@contextmanager
def file_size_limit(limit_bytes: int) -> Iterator[None]:
    """Let no file grow beyond a size, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_an_error(verb, tmp_path, capsys):
    with file_size_limit(2500 if verb in ("videos", "demo", "attention") else 1000):
        said = refusal([*VERBS[verb], f"out={tmp_path / 'out'}"], capsys)
    assert "out cannot be completed: File too large" in said or "is incomplete" in said
    assert "gjadet-work" not in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("missing", [1, 100, 500, 5000, 100_000])
def test_a_video_that_ends_early_is_an_error(tmp_path, missing):
    def write(file: Path) -> None:
        rng = np.random.default_rng(0)
        with VideoFile(file, (96, 96)) as video:
            for _ in range(20):
                video.write(rng.integers(0, 255, (96, 96, 3), dtype=np.uint8))

    write(tmp_path / "whole.avi")
    assert count_frames(tmp_path / "whole.avi") == 20
    size = (tmp_path / "whole.avi").stat().st_size
    with file_size_limit(size - missing), pytest.raises(OSError, match=r"cut\.avi is incomplete \(\d+ of 20 frames"):
        write(tmp_path / "cut.avi")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["videos=1", "seconds=1e308"],
            "seconds 1e+308; allowed: numbers above 0, 0.001 to 10,000,000 frames per second",
        ),
        (["videos=1", "fps=1e9"], "fps is 1000000000.0"),
        (["videos=1", "seconds=nan"], "seconds nan"),
        (["images=200000000"], "out needs about 17,584.0 GB, and "),
        (["images=0", "videos=100000000", "seconds=0.1"], "free there. Ask for less, or choose another disk."),
    ],
)
def test_what_no_disk_holds_is_refused_at_once(tmp_path, capsys, words, message):
    assert message in refusal(["synth", f"out={tmp_path / 'out'}", *words], capsys)
    assert not list(tmp_path.iterdir())


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> bool:
    """Wait until something holds; whether it came to hold."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def runs(process: psutil.Process) -> bool:
    """Whether a process still does something; one that nobody has asked for its status does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def start(code: str, folder: Path) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """Start Python code that renders into ``folder``; returns when pictures are there, with all its processes."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, **pipes)
    pictures = lambda: any(folder.parent.glob(f".{folder.name}.gjadet-work/images/train/*.jpg"))  # noqa: E731
    assert wait_for(lambda: pictures() or child.poll() is not None)
    return child, psutil.Process(child.pid).children(recursive=True)


RENDER = """
import sys
from gjadet_yolo.cli.main import main
if __name__ == "__main__":
    sys.exit(main(["synth", "out={out}", "images=2000", "imgsz=128", "workers=2"]))
"""
FIRST_USE = "from gjadet_yolo.synth.write.first_use import render\nrender({{'path': '{out}', 'val': 'images/val'}})"


@pytest.mark.parametrize(
    ("code", "sent"),
    [
        (RENDER, signal.SIGINT),
        (RENDER, signal.SIGTERM),
        (RENDER, signal.SIGKILL),
        (FIRST_USE, signal.SIGINT),
        (FIRST_USE, signal.SIGKILL),
    ],
)
def test_signals_leave_no_processes_and_no_folders(tmp_path, code, sent):
    out = tmp_path / "out"
    child, processes = start(code.format(out=out), out)
    assert len(processes) >= 3  # two workers and the tracker of their resources
    (os.killpg if sent == signal.SIGINT else os.kill)(child.pid, sent)  # Ctrl-C goes to everything on the terminal
    told, said = child.communicate(timeout=30)
    assert wait_for(lambda: not any(map(runs, processes)), 10)
    if code == RENDER and sent == signal.SIGKILL:
        assert list(tmp_path.iterdir())
        assert main(["synth", f"out={tmp_path / 'next'}", "images=2", "workers=1", *SYNTH]) == 0
        assert [path.name for path in tmp_path.iterdir()] == ["next"]
    else:
        assert wait_for(lambda: not list(tmp_path.iterdir()), 10)
    if sent == signal.SIGINT:
        assert said.splitlines()[-1] in ("Interrupted.", "KeyboardInterrupt")
    if code == FIRST_USE:
        assert re.match(rf"Rendering 2000 crash scenes into {out}, once: about [\d.]+ minutes on \d+ core", told)
