"""``gjadet calibrate``: what it writes, and that it writes over nothing of a user's."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from gjadet_yolo.cli.main import main
from gjadet_yolo.measure.camera_file import read_camera

WORDS = ("calibrate", "images=boards", "pattern=4x3", "square_mm=30")


def board_picture(turn: tuple[float, float, float], shift: tuple[float, float, float]) -> np.ndarray:
    """Picture (240, 320) of a board of 5 x 4 squares through a lens without distortion."""
    flat = np.zeros((4 * 40 + 40, 5 * 40 + 40), np.uint8) + 215
    for row, column in np.argwhere(np.indices((4, 5)).sum(0) % 2 == 0):
        flat[20 + 40 * row :, 20 + 40 * column :][:40, :40] = 40
    to_board = np.array([[1 / 40, 0, -0.5], [0, 1 / 40, -0.5], [0, 0, 1]])
    rotation = cv2.Rodrigues(np.array(turn))[0]
    seen = np.array([[300, 0, 160], [0, 300, 120], [0, 0, 1.0]]) @ np.column_stack((rotation[:, :2], shift)) @ to_board
    return cv2.warpPerspective(flat, seen, (320, 240), flags=cv2.INTER_AREA, borderValue=215)


@pytest.fixture
def boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six pictures in the current folder's ``boards``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boards").mkdir()
    turns = ((0.4, 0, 0), (-0.4, 0.1, 0.1), (0, 0.5, 0), (0.1, -0.5, 0.2), (0.3, 0.4, -0.2), (-0.3, -0.3, 0.1))
    for index, turn in enumerate(turns):
        shift = (-2.3 - 0.2 * index, -2.4 + 0.2 * index, 7.0 + 0.3 * index)
        cv2.imwrite(str(tmp_path / "boards" / f"{index}.png"), board_picture(turn, shift))
    return tmp_path


def test_a_camera_and_its_picture(boards, capsys):
    assert main([*WORDS, "out=new/camera.yaml"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == f"Wrote {Path('new/camera.yaml')} and {Path('new/camera.png')}"
    assert "px RMS in 6 pictures" in said
    lens, _ = read_camera(Path("new/camera.yaml"))
    assert lens.size_px == (320, 240)
    assert lens.fx == pytest.approx(300, rel=0.05)
    assert main([*WORDS, "out=boards/camera.yaml"]) == 0
    assert main([*WORDS, "out=boards/camera.yaml", "force=true"]) == 0  # its own picture lies among those of the board
    assert "px RMS in 6 pictures" in capsys.readouterr().out
    assert cv2.imread("new/camera.png").shape[1] == 1280
    assert sorted(path.name for path in Path("new").iterdir()) == ["camera.png", "camera.yaml"]


def test_nothing_of_a_users_is_replaced(boards, capsys):
    def refused(*words: str) -> str:
        assert main([*WORDS, *words]) == 1
        return capsys.readouterr().err

    assert main([*WORDS, "out=camera.yaml"]) == 0
    before = Path("camera.yaml").stat().st_ino
    assert "camera.yaml exists already. Choose another name, or say force=true" in refused("out=camera.yaml")
    assert main([*WORDS, "out=camera.yaml", "force=true"]) == 0
    assert Path("camera.yaml").stat().st_ino != before
    Path("mine.yaml").write_text("precious: 1")
    Path("other.png").write_text("precious")
    for name in ("mine.yaml", "other.yaml"):
        assert "is never replaced, because gjadet did not make it" in refused(f"out={name}", "force=true")
    assert "0.png" in refused("out=boards/0.yaml", "force=true")
    assert Path("mine.yaml").read_text() == "precious: 1"
    assert Path("other.png").read_text() == "precious"
    assert not list(boards.glob(".*"))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_interrupts_and_full_disks_leave_nothing(boards, monkeypatch, capsys, error):
    write = Path.write_bytes

    def failing(self: Path, data: bytes) -> int:
        if "png" in self.name:
            write(self, data[:10])
            raise error
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", failing)
    assert main([*WORDS, "out=new/camera.yaml"]) in (1, 130)
    said = capsys.readouterr().err
    assert "Interrupted" in said or "camera.png cannot be written: No space left on device" in said
    assert [path.name for path in boards.iterdir()] == ["boards"]


def test_pictures_that_fail_are_named(boards, capsys):
    Path("boards/broken.png").write_bytes(b"none")
    cv2.imwrite("boards/empty.png", np.full((240, 320), 9, np.uint8))
    assert main([*WORDS, "out=camera.yaml"]) == 0
    said = capsys.readouterr().out
    assert "Not used: broken.png, cannot be read." in said
    assert "Not used: empty.png, no whole board found." in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["square_mm=0"], "square_mm is 0, allowed: a number above 0"),
        (["square_mm=nan"], "square_mm is nan, allowed"),
        (["square_mm=x"], "square_mm=x: 'x' is not a number"),
        (["pattern=8"], "pattern is '8', allowed: two numbers from 3 to 100"),
        (["pattern=9x9"], "was found in 0 of 6 pictures, allowed: 5 or more"),
        (["images=none"], "none is no folder"),
        (["images=."], ". holds no images"),
        (["out=camera.txt"], "out=camera.txt: allowed are names in .yaml or .yml"),
    ],
)
def test_refusals(boards, words, message, capsys):
    if words == ["images=."]:
        (boards / "boards").rename(boards / ".hidden")
    assert main([*WORDS, "out=camera.yaml", *words]) == 1
    assert message in capsys.readouterr().err
    assert len(list(boards.iterdir())) == 1
