"""Progress: lines where there is no terminal, a bar on one, both with rate and remaining time."""

from __future__ import annotations

import io
import re
import sys

import pytest

from gjadet_yolo.cli import progress as module
from gjadet_yolo.cli.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_without_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(module, "LINE_S", -1.0)
    assert list(progress([5, 6, 7], "rendering")) == [5, 6, 7]
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" [")[0] for line in lines] == [f"rendering: {count}/3" for count in (0, 1, 2, 3)]
    assert re.fullmatch(r"rendering: 1/3 \[00:00<00:00, .*it/s\]", lines[1])


def test_an_ordinary_run_writes_one_line(capsys):
    assert len(list(progress(range(1000), "reading"))) == 1000
    assert capsys.readouterr().err.startswith("reading: 1000/1000 [00:00<00:00, ")


def test_items_without_a_length(capsys):
    assert list(progress(iter("ab"), "reading")) == ["a", "b"]
    assert re.fullmatch(r"reading: 2 \[00:00, .*it/s\]\n", capsys.readouterr().err)


def test_a_bar_on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    list(progress(range(3), "rendering"))
    assert re.search(r"rendering: 100%.* 3/3 \[00:00<00:00, .*it/s\]", sys.stderr.getvalue())


def test_no_end_is_told_of_what_was_interrupted(capsys):
    items = progress(range(3), "rendering")
    next(items)
    with pytest.raises(KeyboardInterrupt):
        items.throw(KeyboardInterrupt)
    assert capsys.readouterr().err == ""
