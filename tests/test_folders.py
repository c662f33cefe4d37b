"""Folders that are written: what is refused, what is replaced, and what is left when something goes wrong."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import gjadet_yolo
from gjadet_yolo.folders.lock import Lock
from gjadet_yolo.folders.marks import MARK
from gjadet_yolo.folders.whole import inputs_of, refuse_existing, refuse_inputs, refuse_too_large, whole_folder


def make(out: Path, text: str = "new", force: bool = False) -> None:
    """A finished folder with one file and one folder."""
    with whole_folder(out, force, tool="test", settings={"side": 64}) as folder:
        (folder / "a.txt").write_text(text)
        (folder / "images").mkdir()


def test_the_mark_says_what_was_made(tmp_path):
    make(tmp_path / "deep" / "er" / "out")
    mark = json.loads((tmp_path / "deep" / "er" / "out" / MARK).read_text())
    version = gjadet_yolo.__version__
    assert mark == {"tool": "test", "version": version, "settings": {"side": 64}, "entries": ["a.txt", "images"]}
    assert [path.name for path in (tmp_path / "deep" / "er").iterdir()] == ["out"]


def test_only_what_was_made_here_is_replaced(tmp_path):
    out = tmp_path / "out"
    make(out, "old")
    with pytest.raises(FileExistsError, match=r"out exists already\. Choose another folder, or say force=true"):
        make(out)
    make(out, force=True)
    assert (out / "a.txt").read_text() == "new"
    (out / "thesis.txt").write_text("precious")
    with pytest.raises(FileExistsError, match=r"it also holds thesis\.txt, which gjadet did not put there\. Move that"):
        make(out, force=True)
    (out / MARK).unlink()
    with pytest.raises(FileExistsError, match=r"gjadet did not make it: .* but a\.txt, images, thesis\.txt\."):
        make(out, force=True)
    assert (out / "thesis.txt").read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_filled_and_a_link_stays(tmp_path):
    (tmp_path / "big_disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "big_disk")
    make(tmp_path / "out")
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "big_disk" / "a.txt").read_text() == "new"


@pytest.mark.parametrize(
    ("relation", "out", "given"),
    [
        ("is", "tree", "tree"),
        ("is", "tree", "link"),
        ("is", "link", "tree"),
        ("holds", "tree", "tree/images/1.png"),
        ("holds", "link", "tree/images"),
        ("lies in", "tree/new", "tree"),
        ("lies in", "link/images/new", "tree/images"),
        ("holds", "tree", "of_links/1.png"),  # a link that leads into the tree
        ("holds", "tree", "of_links"),
        ("holds", "of_links", "of_links/1.png"),
    ],
)
def test_outputs_keep_away_from_inputs(tmp_path, relation, out, given):
    (tmp_path / "tree" / "images").mkdir(parents=True)
    (tmp_path / "tree" / "images" / "1.png").touch()
    (tmp_path / "link").symlink_to(tmp_path / "tree")
    (tmp_path / "of_links").mkdir()
    (tmp_path / "of_links" / "1.png").symlink_to(tmp_path / "tree" / "images" / "1.png")
    with pytest.raises(ValueError, match=rf"{out} {relation} .*, which is being read\. Choose a folder elsewhere"):
        refuse_existing(tmp_path / out, True, [tmp_path / given])
    refuse_inputs(tmp_path / "other", [tmp_path / given])


def test_inputs_that_arguments_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.png", "best.pt"):
        Path(name).touch()
    Path("list.txt").write_text("a.png\nhttps://example.org/c.png\n")
    found = inputs_of("best.pt", "*.png", "list.txt", None, "0", "rtsp://camera/1", "gjadet.yaml")
    assert sorted(map(str, found)) == ["a.png", "a.png", "b.png", "best.pt", "list.txt"]


@pytest.mark.parametrize("kind", ["folder", "file", "own", "empty"])
def test_what_appears_meanwhile_stays(tmp_path, kind):
    out = tmp_path / "out"
    if kind == "own":
        make(tmp_path / "moved", "old")
    try:
        with whole_folder(out, force=True) as folder:
            (folder / "a.txt").write_text("new")
            if kind == "own":
                (tmp_path / "moved").rename(out)
            elif kind == "file":
                out.write_text("precious")
            else:
                out.mkdir()
            if kind == "folder":
                (out / "thesis.txt").write_text("precious")
    except FileExistsError as error:
        assert "out has appeared while it was being written, and is not replaced" in str(error)
    kept = {"folder": "thesis.txt", "file": ".", "own": "a.txt", "empty": "a.txt"}[kind]
    assert (out / kept).read_text() == {"own": "old", "empty": "new"}.get(kind, "precious")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_files_put_into_a_folder_while_it_is_being_replaced_stay(tmp_path):
    out = tmp_path / "out"
    make(out)
    with pytest.raises(FileExistsError, match=r"also holds thesis\.txt"), whole_folder(out, force=True):
        (out / "thesis.txt").write_text("precious")
    assert sorted(path.name for path in out.iterdir()) == [MARK, "a.txt", "images", "thesis.txt"]


def test_of_two_runs_the_second_is_refused_at_its_start(tmp_path):
    out = tmp_path / "out"
    with whole_folder(out) as folder:
        with pytest.raises(FileExistsError, match="out is being written by another run at this moment"):
            make(out, "second")
        (folder / "a.txt").write_text("first")
    assert (out / "a.txt").read_text() == "first"


def test_the_old_folder_comes_back_when_the_last_renaming_fails(tmp_path, monkeypatch):
    out, rename = tmp_path / "out", Path.rename
    make(out, "old")

    def fail(path: Path, target: Path) -> Path:
        if path.name.endswith("-work"):
            raise OSError(errno.EIO, "Input/output error", str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match=r"Input/output error: '.*/out'"):
        make(out, force=True)
    assert (out / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


KILLED = """
import os, sys
from pathlib import Path
from gjadet_yolo.folders import whole as folders
out, moment = Path(sys.argv[1]), sys.argv[2]
rename = Path.rename
def killed(path, target):
    if moment == "between" and path.name.endswith("-work"):
        os._exit(9)
    rename(path, target)
    if moment == "after" and path.name.endswith("-work"):
        os._exit(9)
Path.rename = killed
with folders.whole_folder(out, force=True) as folder:
    (folder / "a.txt").write_text("new")
    if moment == "before":
        os._exit(9)
"""


@pytest.mark.parametrize(("moment", "left"), [("before", "old"), ("between", "old"), ("after", "new")])
def test_the_next_run_clears_up_after_a_killed_one(tmp_path, moment, left):
    """Also one that writes another folder in the same place."""
    out = tmp_path / "out"
    make(out, "old")
    assert subprocess.run([sys.executable, "-c", KILLED, str(out), moment], check=False).returncode == 9
    assert len(list(tmp_path.iterdir())) > 1
    make(tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "out"]
    assert (out / "a.txt").read_text() == left


def test_nobody_else_is_cleared_away(tmp_path):
    """Neither what a running process fills, nor what only has such a name."""
    foreign = tmp_path / ".other.gjadet-work"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("precious")
    with whole_folder(tmp_path / "running") as folder:
        make(tmp_path / "out")
        assert (folder / MARK).exists()
        with pytest.raises(FileExistsError, match=r"\.other\.gjadet-work exists, where .*other would be prepared"):
            make(tmp_path / "other")
    assert (foreign / "thesis.txt").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "/", "/proc"])
def test_places_for_no_folder(tmp_path, monkeypatch, name):
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    with pytest.raises(ValueError, match=r"is the (current folder|root of a disk).*Name a new folder"):
        make(Path(name), force=True)


@pytest.mark.parametrize("parent", ["file.txt", "/proc"])
def test_places_that_cannot_be_written_are_named_as_the_user_did(tmp_path, parent):
    (tmp_path / "file.txt").touch()
    out = tmp_path / parent / "out"
    with pytest.raises(OSError, match=rf"^{out} cannot be created: ") as error:
        make(out)
    assert ".gjadet" not in str(error.value)


def test_a_file_is_never_replaced(tmp_path):
    (tmp_path / "out").write_text("precious")
    with pytest.raises(FileExistsError, match="exists already and is a file"):
        make(tmp_path / "out", force=True)


def test_failures_leave_nothing_and_name_what_the_user_knows(tmp_path):
    said = r"a/b/out cannot be completed: No space left on device\. Nothing of it was kept"
    with pytest.raises(OSError, match=said), whole_folder(tmp_path / "a" / "b" / "out"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert not list(tmp_path.iterdir())


def test_more_than_the_disk_holds(tmp_path):
    with pytest.raises(OSError, match=r"new needs about 1,000,000,000\.0 GB, and [\d,.]+ [GM]B are free there"):
        refuse_too_large(tmp_path / "new", 1e18)
    refuse_too_large(tmp_path / "new", 1e3)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_end_a_run_in_order(tmp_path, number):
    with pytest.raises(SystemExit) as end, whole_folder(tmp_path / "out") as folder:
        (folder / "a.txt").touch()
        os.kill(os.getpid(), number)
    assert end.value.code == 128 + number
    assert not list(tmp_path.iterdir())
    assert signal.getsignal(number) is signal.SIG_DFL


def test_a_lock_is_held_by_one(tmp_path):
    lock = Lock(tmp_path / "lock")
    assert lock.sure
    with pytest.raises(BlockingIOError):
        Lock(tmp_path / "lock")
    lock.release()
    assert not list(tmp_path.iterdir())
    Lock(tmp_path / "lock").release()
