"""``gjadet measure`` with what goes wrong in a laboratory: one line that says what to do, and nothing half-written."""

from __future__ import annotations

import resource
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from gjadet_yolo.cli.main import main
from gjadet_yolo.data.media import VideoFile

sys.path.insert(0, str(Path(__file__).parents[1] / "measure"))
import plates

FRAMES = 40
MEASURE = ("measure", "source=clip", "fps=1000", "every=1", "square_mm=40,40", "out=out")
POINTS = ("measure", "source=clip", "fps=1000", "points=points.csv", "out=out")


class Squares(plates.TrueBoxes):
    """The detector that the verb makes."""

    def __init__(self, model: object, imgsz: int | None) -> None:
        super().__init__()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip, and a finished measurement of it."""
    folder = tmp_path_factory.mktemp("verb")
    plates.write_clip(folder / "clip", FRAMES)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("gjadet_yolo.measure.detector.ModelDetector", Squares)
        assert main([*MEASURE, "out=result"]) == 0
    return folder


@pytest.fixture
def clip(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own with links to both; the squares are known."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clip").symlink_to(kept / "clip")
    shutil.copytree(kept / "result", tmp_path / "result")
    monkeypatch.setattr("gjadet_yolo.measure.detector.ModelDetector", Squares)
    return tmp_path


@pytest.fixture
def tables_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Film, workbook and page take seconds, and are not what most tests look at."""
    for name in ("write_film", "write_sheets", "write_page"):
        monkeypatch.setattr(f"gjadet_yolo.report.write.{name}", lambda path, *_: path.touch())


def refusal(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    """What the verb says when it refuses: one line, and nothing beside the input."""
    before = sorted(path.name for path in Path.cwd().iterdir())
    assert main(list(words)) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if not line.startswith(("measuring", "writing"))]
    assert len(said) == 1, said
    assert sorted(path.name for path in Path.cwd().iterdir()) == before
    return said[0]


PLANE = "x_px,y_px,x_mm,y_mm\n0,0,{}\n300,0,{}\n300,190,{}\n0,190,{}\n"
CAMERA = "size: [320, 200]\nfx: 500\nfy: 500\ncx: 160\ncy: 100\n"


@pytest.mark.parametrize(
    ("words", "file", "message"),
    [
        (("fps=0",), "", "fps is 0.0, allowed: a number above 0"),
        (("fps=1e308",), "", "fps is 1e+308, allowed"),
        (("square_mm=0",), "", "square_mm is 0.0, allowed"),
        (("square_mm=nan",), "", "square_mm is nan, allowed"),
        (("square_mm=1e308",), "", "0.001 to 1e+07 mm"),
        (("square_mm=40", "scale=0,0,9,0,9"), "", "square_mm and scale both state a scale"),
        (("scale=0,0,100,0,0",), "", "scale is (0.0, 0.0, 100.0, 0.0, 0.0), allowed: five numbers"),
        (("scale=0,0,999,0,5",), "", "a point lies outside of the picture of 320 x 200 px"),
        (("filter=cfc180",), "", "filter=cfc180 needs at least fps=1800, this video has fps=1000"),
        (("t0=40",), "", "t0 is 40, allowed: a frame of the video, 0 to 39"),
        (("conf=nan",), "", "confidence is nan, allowed: 0 to 1"),
        (("plane=none.csv",), "", "none.csv does not exist"),
        (("plane=file.csv",), PLANE.format("0,0", "9,0", "nan,9", "0,9"), "file.csv, line 4: x_mm is 'nan'"),
        (
            ("plane=file.csv",),
            PLANE.format("0,0", "1e9,0", "9,9", "0,9"),
            "file.csv, line 3: x_mm=1e+09, y_mm=0 is too",
        ),
        (("plane=file.csv",), PLANE.format("9,9", "9,0", "0,9", "0,0"), "file.csv: no plane fits its points"),
        (("camera=file.csv",), CAMERA.replace("fx: 500", "fx: 1e-3"), "file.csv: fx is 0.001, allowed"),
        (("camera=file.csv",), CAMERA + "k1: -50\n", "file.csv: k1 -50 would bend the picture"),
        (("camera=file.csv",), "{{{", "file.csv is no YAML"),
        (("points=file.csv", "square_mm=40"), "x,y,size\n9,9,9\n", "square_mm goes by squares that are detected"),
        (
            ("points=file.csv", "model=a.pt"),
            "x,y,size\n9,9,9\n",
            "model=a.pt finds markers, and points=file.csv states",
        ),
        (("points=file.csv",), "x,y,size\n72,46,nan\n", "file.csv, line 2: size is 'nan'"),
        (("points=file.csv",), "x,y,size\n100,100,200\n", "none of the points in file.csv could be followed"),
    ],
)
def test_mistakes_are_told(clip, capsys, words, file, message):
    (clip / "file.csv").write_text(file)
    assert message in refusal(("measure", "source=clip", "fps=1000", "every=1", "out=out", *words), capsys)


def test_they_are_told_before_a_frame_is_measured(clip, monkeypatch):
    """Nobody waits for a long video to learn that a file is missing."""
    monkeypatch.setattr(Squares, "__call__", lambda *_: pytest.fail("a frame was measured"))
    for word in ("plane=none.csv", "scale=0,0,0,0,9", "t0=40", "camera=none.yaml"):
        assert main(["measure", "source=clip", "fps=1000", "out=out", word]) == 1


def test_files_that_are_no_text_are_named(clip, capsys):
    (clip / "points.csv").write_bytes(b"\xff\xfe\x00")
    assert "points.csv is not UTF-8 text" in refusal(POINTS, capsys)


@pytest.mark.parametrize("t0", [39, 35])
def test_t0_at_the_end_quotes_nothing(clip, tables_only, capsys, t0):
    assert main([*MEASURE, f"t0={t0}"]) == 0
    assert "Note: Nothing is quoted: it takes a body that is measured in 16 frames" in capsys.readouterr().out


def test_points_that_are_lost_are_named(clip, tables_only, capsys):
    (clip / "points.csv").write_text("x,y,size\n250,60,20\n72,46,30\n")  # the first on plain ground
    assert main([*POINTS]) == 0
    assert "Points were lost before the end: 0 in frame" in capsys.readouterr().out


@pytest.mark.parametrize("count", [1, 2])
def test_few_markers(clip, tables_only, capsys, monkeypatch, count):
    monkeypatch.setattr(
        Squares, "__call__", lambda self, image: plates.TrueBoxes.__call__(self, image)[15 : 15 + count]
    )
    assert main([*MEASURE]) == 0
    said = capsys.readouterr().out
    assert f"{count} marker{'s' * (count > 1)} on 0 bodies in 40 frames" in said
    assert "No body was found: it takes three markers" in said
    assert "The scale of all squares together is uncertain by" in said


def test_a_model_without_points_is_told(clip, tables_only, capsys, monkeypatch):
    monkeypatch.setattr(Squares, "marker_class", None)
    assert main([*MEASURE]) == 0
    assert "The model has no class 'point'" in capsys.readouterr().out


def test_a_single_picture(clip, tables_only, capsys):
    assert main([*MEASURE, "source=clip/3.png"]) == 0
    assert "clip/3.png is a single picture, in which nothing moves" in capsys.readouterr().out


def test_a_truncated_video_is_measured_as_far_as_it_goes(clip, tables_only, capsys):
    with VideoFile(Path("whole.avi"), plates.SIZE) as writer:
        for number in range(FRAMES):
            writer.write(cv2.imread(f"clip/{number}.png"))
    data = Path("whole.avi").read_bytes()
    Path("cut.avi").write_bytes(data[: len(data) // 2])
    assert main([*MEASURE, "source=cut.avi"]) == 0
    said = capsys.readouterr().out
    assert "Note: The video ended early: cut.avi ends after" in said
    assert "damaged there. What was read before is measured." in said


def test_depths_are_not_mixed(clip, capsys):
    shutil.copytree(clip / "clip", clip / "mixed")
    cv2.imwrite("mixed/20.png", np.full((200, 320, 3), 40_000, np.uint16))
    said = refusal((*MEASURE, "source=mixed"), capsys)
    assert "mixed/20.png has 16 bits, but the first image 8; allowed is one depth" in said


AGAIN = ("measure", "from=result", "filter=50hz", "out=out")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("from=gone",), "gone/measurement.npz cannot be read as a measurement: No such file or directory"),
        (("from=clip",), "clip/measurement.npz cannot be read as a measurement"),
        (("out=result",), "result, which is being read. Choose a folder elsewhere"),
        (("out=result", "force=true"), "result, which is being read. Choose a folder elsewhere"),
        (("filter=cfc180",), "filter=cfc180 needs at least fps=1800"),
        (("steady=true",), "steady takes measuring anew"),
        (("every=5",), "every takes measuring anew"),
        (("conf=0.5",), "conf takes measuring anew"),
        (("imgsz=64",), "imgsz takes measuring anew"),
    ],
)
def test_filtering_again_changes_nothing_else(clip, capsys, words, message):
    assert message in refusal((*AGAIN, *words), capsys)


@pytest.mark.parametrize("limit", [1000, 100_000, 300_000, 1_000_000])
def test_a_disk_that_fills_up_anywhere(clip, capsys, limit):
    """At the tables, the workbook, the film and the page."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        assert "out cannot be completed: File too large" in refusal(MEASURE, capsys)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("where", ["measuring", "writing"])
def test_interrupts_leave_nothing(clip, capsys, monkeypatch, where):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    if where == "measuring":
        monkeypatch.setattr(Squares, "__call__", stop)
    else:
        monkeypatch.setattr("gjadet_yolo.report.write.write_sheets", stop)
    before = sorted(path.name for path in clip.iterdir())
    assert main([*MEASURE]) == 130
    assert sorted(path.name for path in clip.iterdir()) == before


@pytest.mark.parametrize("name", ["a b%02d Ä東", "<script>alert(1)<b>'&"])
def test_names_of_any_kind(clip, capsys, name):
    """The page shows the name as text."""
    (clip / name).symlink_to(clip / "clip")
    assert main([*MEASURE, f"source={name}", f"out=out {name}"]) == 0
    page = (clip / f"out {name}" / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert (name in page) == (not set(name) & set("<&\"'"))
