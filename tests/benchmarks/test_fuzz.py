"""The fuzzing harness sees planted tracebacks, hangs, crashes and losses, and finds none of its own in 60 cases."""

from __future__ import annotations

import csv
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from fuzz import main
from fuzzing.case import RAW, REFUSED, SUCCEEDED, UNCLEAR, Case, Draw, Result, rng_of
from fuzzing.judge import judge, run_case
from fuzzing.keep import contents, losses
from fuzzing.mutate import json_text, mutated, mutated_bytes, yaml_text
from fuzzing.report import failures, table
from fuzzing.run import READERS, Plan, registry, run
from fuzzing.samples import coco_content, model_content
from planted import EXPECTED, PLANTED

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the cases have names and pipes that Windows lacks")


def kind_of(number: int) -> str:
    """What the planted reader draws for a case."""
    rng = rng_of(0, number)
    PLANTED.reader_of(rng)
    return list(EXPECTED)[int(rng.integers(len(EXPECTED)))]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Result]:
    """Results of one planted case of each kind; a hang and a crash cost a worker each."""
    first = {kind_of(number): number for number in reversed(range(100))}
    assert set(first) == set(EXPECTED)
    plan = Plan(0, tmp_path_factory.mktemp("planted"), "planted:PLANTED", limit_s=1.0)
    return {result.number: result for result in run(plan, sorted(first.values()), 1)}


class TestHarness:
    def test_every_kind_is_seen(self, found: dict[int, Result]):
        """A hang and a crash take their worker down; the cases after them still run."""
        assert {result.story: result.outcome for result in found.values()} == EXPECTED

    def test_what_is_said_of_them(self, found: dict[int, Result]):
        by_kind = {result.story: result for result in found.values()}
        assert (by_kind["raw"].error, by_kind["raw"].message) == ("KeyError", "'id'")
        assert by_kind["raw"].frame.startswith("planted.py:")
        assert by_kind["hang"].message == "more than 1 s" and 1 <= by_kind["hang"].seconds < 6
        assert "time.sleep(60)" in by_kind["hang"].trace or "planted.py" in by_kind["hang"].trace
        assert by_kind["crash"].message.startswith("exit code 9")
        assert by_kind["loss"].message.startswith("gone or changed: home/user/project/mine.txt")
        assert by_kind["unclear"].message.startswith("(names neither file, key nor value) embedded")

    def test_table_by_hand(self, found: dict[int, Result]):
        """Seven cases; the crash counts among the tracebacks."""
        last = table(list(found.values()), ["planted"]).splitlines()[-1]
        assert last.split(" | ")[:-1] == ["| all", "7", "1", "1", "2", "1", "1", "1"]

    def test_a_case_is_the_same_again(self, tmp_path: Path):
        number = next(number for number in range(100) if kind_of(number) == "raw")
        results = [run_case(PLANTED, 0, number, tmp_path / name) for name in ("a", "b")]
        assert results[0].story == results[1].story == "raw"

    def test_a_case_that_cannot_be_made_ends_the_run(self, tmp_path: Path):
        with pytest.raises(RuntimeError, match=r"case 0 cannot be made: (.|\n)*ZeroDivisionError"):
            run(Plan(0, tmp_path, "planted:FAULTY"), [0], 1)


class TestRules:
    @pytest.mark.parametrize(
        ("error", "outcome"),
        [
            (None, SUCCEEDED),
            (ValueError("a.json is empty."), REFUSED),
            (FileNotFoundError("no such file: a.json"), REFUSED),
            (RuntimeError("a.json: cannot be built"), REFUSED),
            (ValueError(""), UNCLEAR),
            (ValueError("not valid"), UNCLEAR),
            (ValueError("a.json\n\nstack"), UNCLEAR),
            (ValueError("a.json" + "x" * 9000), UNCLEAR),
            (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), UNCLEAR),
            (KeyError("a.json"), RAW),
            (OverflowError("a.json"), RAW),
            (RecursionError("a.json"), RAW),
            (NotImplementedError("a.json"), RAW),
            (MemoryError("a.json"), RAW),
        ],
    )
    def test_outcome(self, error: Exception | None, outcome: str):
        assert judge(error, Case(lambda: None, ("a.json",)))[0] == outcome

    @pytest.mark.parametrize(
        ("message", "arguments", "outcome"),
        [
            ("level of rain is None, expected a number", ("level",), REFUSED),
            ("level of rain is None, expected a number", (), RAW),
            ("'<=' not supported between instances of 'int' and 'NoneType'", ("level",), RAW),
            ("an unlevelled list", ("level",), RAW),
        ],
    )
    def test_a_type_error_has_to_name_the_argument(self, message: str, arguments: tuple[str, ...], outcome: str):
        assert judge(TypeError(message), Case(lambda: None, (), arguments=arguments))[0] == outcome

    def test_what_counts_as_lost(self, tmp_path: Path):
        (tmp_path / "out").mkdir()
        for name in ("kept.txt", "changed.txt", "gone.txt", "out/old.txt"):
            (tmp_path / name).write_text("1", encoding="utf-8")
        (tmp_path / "link").symlink_to("kept.txt")
        before = contents(tmp_path)
        (tmp_path / "changed.txt").write_text("2", encoding="utf-8")
        (tmp_path / "link").unlink()
        (tmp_path / "link").symlink_to("gone.txt")
        for name in ("gone.txt", "out/old.txt"):
            (tmp_path / name).unlink()
        (tmp_path / "new.txt").touch()
        lost = losses(before, contents(tmp_path))
        assert sorted(lost) == ["changed.txt", "gone.txt", "link", "out/old.txt"]
        assert "out/old.txt" not in losses(before, contents(tmp_path), replaced="out")


class TestMutations:
    def test_seed_decides_and_the_original_stays(self):
        original = model_content()
        first, again, other = (mutated(Draw(np.random.default_rng(seed), Path()), original, 3) for seed in (1, 1, 2))
        assert first[1] == again[1] != other[1]
        assert original == model_content()

    def test_what_no_value_can_express_is_put_into_the_text(self):
        draw = Draw(np.random.default_rng(0), Path())
        content = coco_content(["a.png"]) | {"images": ["@deep@", "@long@"]}
        text = json_text(draw, content)
        assert "[" * 100 in text and "9" * 5000 in text and "@" not in text
        assert "&loop [*loop]" in yaml_text(draw, {"a": "@loop@"})

    def test_bytes_change(self):
        draw = Draw(np.random.default_rng(0), Path())
        ways = {mutated_bytes(draw, b"some text of a file\n")[1].split(" ")[0] for _ in range(200)}
        assert {"empty", "cut", "NUL", "UTF-16", "a", "UTF-8"} <= ways


class TooLong(BaseException):
    """A case hangs; no ``Exception``, which a reader might turn into a refusal."""


def stop(signum: int, frame: object) -> None:
    """Handler of the alarm."""
    raise TooLong


class TestScript:
    def test_a_hundred_cases_find_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        """The published figures in small, in this process, which spares the start of a worker."""
        monkeypatch.chdir(tmp_path)
        found = registry(READERS)
        found.warm(tmp_path)
        before = signal.signal(signal.SIGALRM, stop)
        results = []
        try:
            for number in range(100):
                signal.alarm(30)  # s; a case takes milliseconds
                results.append(run_case(found, 0, number, tmp_path / f"case-{number}"))
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
        assert [(case.number, case.outcome, case.message) for case in failures(results)] == []
        assert {case.reader for case in results} == set(found.readers)

    def test_failures_are_listed_and_the_status_is_1(self, tmp_path: Path):
        number = next(number for number in range(100) if kind_of(number) == "raw")
        settings = ["readers=planted:PLANTED", f"first={number}", "cases=1", f"out={tmp_path}"]
        assert main(settings) == 1
        rows = list(csv.reader((tmp_path / "failures.csv").open(encoding="utf-8")))
        assert rows[1][:5] == [str(number), "planted", RAW, "KeyError", "'id'"]
        assert f"case {number}: 'raw'" in (tmp_path / "fuzz.md").read_text(encoding="utf-8")

    def test_unknown_argument(self):
        with pytest.raises(ValueError, match=r"unknown: sed. Allowed: cases, first"):
            main(["sed=1"])
