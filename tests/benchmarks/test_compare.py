"""The comparison: variants, hashes, figures that can be checked by hand, tables, and one tiny study."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

pytest.importorskip("faster_coco_eval")

from comparison import queue
from comparison.queue import claim
from comparison.report import Line, gain, interval, markdown, spread
from comparison.result import Result
from comparison.steps import steps_per_epoch
from comparison.study import Run, Study, Variant, refuse_overlap, runs
from splits import parted, scenes

from gjadet_yolo.data.formats.boxes import LabelledImage
from gjadet_yolo.data.media import write_image

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "compare.py"


def write(tmp_path: Path, rows: list, **keys) -> Path:
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump({"rows": rows, **keys}), encoding="utf-8")
    return file


class TestStudy:
    def test_model_yaml_of_a_variant(self):
        content = Variant(
            "x", "gjadetn-paper.yaml", loss={"cls": "gjr"}, head="Detect", adaptive=["scale"]
        ).model_yaml()
        assert content["loss"] == {"cls": "gjr"}
        assert content["head"][-1][2] == "Detect"
        assert [row[3] for row in content["head"] if row[2] == "AdaptiveModule"] == [[["scale"], 7, 4]] * 4
        assert list(content["scales"]) == ["n"]
        plain = Variant("x", "gjadetn-paper.yaml", adaptive=[]).model_yaml()
        host = Variant("x", "yolov8n.yaml").model_yaml()
        assert plain["head"][:-1] == [[r[0], r[1], r[2], r[3]] for r in host["head"][:-1]]

    def test_hash_follows_what_matters(self):
        run = Run({"a": 1}, {"epochs": 1}, 0, "d")
        assert run.key == Run({"a": 1}, {"epochs": 1}, 0, "d").key
        others = [Run({"a": 2}, {"epochs": 1}, 0, "d"), Run({"a": 1}, {"epochs": 2}, 0, "d")]
        others += [Run({"a": 1}, {"epochs": 1}, 1, "d"), Run({"a": 1}, {"epochs": 1}, 0, "e")]
        others += [Run({"a": 1}, {"epochs": 1}, 0, "d", {"weights": "w.pt", "layers": 2})]
        assert len({run.key, *(other.key for other in others)}) == 6

    def test_runs_go_seed_by_seed(self, tmp_path, rendered):
        rows = [{"name": "a", "model": "yolov8n.yaml"}, {"name": "b", "model": "yolov8n.yaml", "train": {"cls": 2}}]
        study = Study.read(write(tmp_path, rows, seeds=[0, 1], train={"epochs": 1}), str(rendered))
        assert [(row.name, run.seed) for row, run in runs(study)] == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
        assert runs(study)[1][1].train == {"epochs": 1, "cls": 2}
        assert study.baseline(study.rows[1]).name == "a"

    def test_split_that_is_scored(self, tmp_path, rendered):
        """Runs of the validation split keep the names that they had before there was a choice."""
        rows = [{"name": "a", "model": "yolov8n.yaml"}]
        chosen, reported = (
            Study.read(write(tmp_path, rows, **keys), str(rendered)) for keys in ({}, {"score": "test"})
        )
        names = [runs(study)[0][1].key for study in (chosen, reported)]
        assert len(set(names)) == 2
        assert Run({"a": 1}, {"epochs": 1}, 0, "d", host="8").key == "87984a71838e"
        with pytest.raises(ValueError, match="score is 'tets'"):
            Study.read(write(tmp_path, rows, score="tets"), str(rendered))

    def test_a_picture_in_two_splits_is_refused(self, tmp_path, rendered):
        shutil.copytree(rendered.parent, tmp_path / "set")
        refuse_overlap(tmp_path / "set" / "data.yaml")
        image = next((tmp_path / "set" / "images" / "train").glob("*.jpg"))
        shutil.copy(image, tmp_path / "set" / "images" / "val" / "other.jpg")
        with pytest.raises(ValueError, match=r"other\.jpg of 'val' is the same picture as .* of 'train'"):
            refuse_overlap(tmp_path / "set" / "data.yaml")

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            ([], "has no rows"),
            ([{"name": "a"}], "row 0: no 'model'"),
            ([{"name": "a", "modle": "x"}], "unknown key 'modle'. Did you mean 'model'?"),
            ([{"name": "a", "model": "x"}] * 2, "two rows are called 'a'"),
            ([{"name": "host", "model": "x", "against": "hots"}], "against 'hots'. Did you mean 'host'?"),
            ([{"name": "a", "model": "x"}], "data YAML of .* is 'no.yaml', which is not a file"),
        ],
    )
    def test_errors(self, tmp_path, rows, message):
        with pytest.raises(ValueError, match=message):
            Study.read(write(tmp_path, rows), "no.yaml")


class TestReport:
    def test_spread_and_gain(self):
        assert spread([10.0, 12.0, 14.0]) == "12.0 ± 2.0"
        assert spread([10.0]) == "10.0"
        assert gain([-1.0, -3.0]) == "-2.0 ± 1.4"
        assert gain([0.25]) == "+0.2"

    def test_gain_is_taken_seed_by_seed(self):
        def figures(ap):
            return Result(ap, ap, ap, {"a": ap}, {"rare": ap}, {"0-8": ap}, ap, minutes=1.0)

        base = {0: figures(0.1), 1: figures(0.3)}
        line = Line(Variant("x", "m"), "host", {0: figures(0.2), 2: figures(0.9)}, base)
        assert line.gains("ap") == pytest.approx([10])
        assert "| x | 2 | +10.0 |" in markdown([line])


def test_claims(tmp_path):
    assert claim(tmp_path / "a")
    assert not claim(tmp_path / "a")  # this process lives
    (tmp_path / "b").write_text("0")
    assert claim(tmp_path / "b")


@pytest.fixture
def call(fresh, monkeypatch, capsys):
    """Run the script in this process, and its runs in new ones; what it says."""
    code = "import runpy, sys; sys.argv.pop(0); sys.path[:0] = sys.argv.pop(), sys.argv.pop(); "
    code += "runpy.run_path(sys.argv[0], run_name='__main__')"
    lock = threading.Lock()

    def start(command, stdout, stderr, check):
        assert (command[:2], stderr, check) == ([sys.executable, str(SCRIPT)], subprocess.STDOUT, False)
        with lock:
            done = fresh(code, *command[1:], str(SCRIPT.parents[1]), str(SCRIPT.parent))
        stdout.write(done.stdout + done.stderr)
        return done

    def run(*words):
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *words])
        runpy.run_path(str(SCRIPT), run_name="__main__")
        return capsys.readouterr().out

    # in the queue alone: the host looks for fonts through other programs
    monkeypatch.setattr(queue, "subprocess", SimpleNamespace(run=start, STDOUT=subprocess.STDOUT))
    return run


@pytest.mark.slow
def test_a_tiny_study(tmp_path, rendered, call):
    """Two rows on two processes; the second call trains nothing, an interrupted run is trained to its end."""
    rows = [{"name": "host", "model": "yolov8n.yaml"}, {"name": "gjr", "model": "yolov8n.yaml", "loss": {"cls": "gjr"}}]
    study = write(tmp_path, rows, train={"epochs": 1, "imgsz": 64, "batch": 4, "nbs": 4})
    words = [f"study={study}", f"out={tmp_path / 'out'}", f"data={rendered}"]
    assert "2 of 2: " in call(*words)
    for suffix in ("csv", "md", "png"):
        assert (tmp_path / "out" / f"study.{suffix}").stat().st_size > 0
    result = next((tmp_path / "out" / "runs").glob("*/result.json"))
    trained = (result.parent / "fit" / "weights" / "last.pt").stat().st_mtime
    result.unlink()
    assert "1 of 1: " in call(*words, "rows=host,gjr")
    assert (result.parent / "fit" / "weights" / "last.pt").stat().st_mtime == trained
    with pytest.raises(SystemExit, match=r"'hots' is no row of the study\. Did you mean 'host'\?"):
        call(*words, "rows=hots")


class TestProtocol:
    def test_rows_have_equal_steps(self):
        """40 images, a class in one: with repeat 0.3 it is shown sqrt(0.3 / 0.025) = 3.46 times, so 42.46 in all."""
        counts = np.zeros((40, 2), int)
        counts[:, 0], counts[0, 1] = 3, 1
        assert steps_per_epoch(counts, 4, None) == 10
        assert steps_per_epoch(counts, 4, {"repeat": 0.3}) == 11

    def test_interval_by_hand(self):
        """1, 2, 3: mean 2, deviation 1, t of 2 degrees of freedom 4.303: 2 +- 4.303 / sqrt(3)."""
        assert interval([1.0, 2.0, 3.0]) == pytest.approx((-0.4841, 4.4841), abs=1e-3)
        assert gain([1.0, 2.0, 3.0]) == "+2.0 ± 1.0 (-0.5 to +4.5)"
        assert gain([1.0, 3.0]) == "+2.0 ± 1.4"

    def test_steps_must_be_a_number(self, tmp_path, rendered):
        with pytest.raises(ValueError, match="steps is 'many', expected a whole number"):
            Study.read(write(tmp_path, [{"name": "host", "model": "yolov8n.yaml"}], steps="many"), str(rendered))


class TestSplits:
    def test_a_picture_is_in_one_split(self):
        drawn, rest = parted(10, 3, seed=0)
        assert sorted([*drawn, *rest]) == list(range(10)) and len(drawn) == 3
        with pytest.raises(ValueError, match="tuning=10, expected 1 to 9"):
            parted(10, 10, seed=0)

    def test_boxes_shrink_with_their_picture(self, tmp_path):
        image = np.zeros((100, 200, 3), np.uint8)
        write_image(tmp_path / "a.png", image)
        item = LabelledImage(tmp_path / "a.png", "a", 200, 100, np.array([[1, 20, 10, 60, 50]], float))
        [(_, small, labels)] = scenes([item], 50)
        assert small.shape == (25, 50, 3)
        assert labels.tolist() == [[1, 5, 2.5, 15, 12.5]]
