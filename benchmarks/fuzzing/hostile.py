"""Hostile names, things that are no files where files are expected, and hostile places to write to."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from fuzzing.case import Draw

NAMES = (
    "a b", " lead", "trail ", "ünï", "数据", "new\nline", "tab\tname", "quote'", 'double"', "semi;colon", "star*",
    "per%cent", "a,b", "-dash", ".hidden", "dot.", "two..dots", "back\\slash", "a#b", "a=b", "$HOME", "{x}", "[a]",
    "e\u0301", "🚆", "x" * 200, "CON", "~", "\x7f", "a\u202eb", "%d", "%05d", "images", "labels",
    "data.yaml", "a.png", "null",
)  # fmt: skip
BAD_PATHS = [
    "",
    "\n",
    "x" * 300,
    "a\0b",
    *[".", "..", "no/such/folder", "../..", "../../..", "~", "x/../y", "./out/", "out/."],
]
"""None is absolute, and three folders up from a case is still its own ground (``judge.py``)."""
SPECIAL = [
    "missing",
    "folder",
    "dangling link",
    "link to itself",
    "link to its folder",
    "pipe",
    "link to nothing readable",
]


def put_special(draw: Draw, file: Path) -> str:
    """Put something that is no plain file in the place of a file; returns what."""
    what = str(draw.pick(SPECIAL))
    if file.is_file() or file.is_symlink():
        file.unlink()
    if what == "folder":
        file.mkdir(parents=True, exist_ok=True)
    elif what == "dangling link":
        file.symlink_to(file.with_name("gone"))
    elif what == "link to itself":
        file.symlink_to(file)
    elif what == "link to its folder":
        file.symlink_to(file.parent)
    elif what == "pipe":
        os.mkfifo(file)
    elif what == "link to nothing readable":
        file.symlink_to("/proc/self/mem")
    return f"{file.name} is {what}"


def named(text: str) -> tuple[str, ...]:
    """Forms in which a message may hold a name."""
    short = text.strip()
    return tuple(form for form in (text, short, repr(text)[1:-1], ascii(text)[1:-1], repr(repr(text))[2:-2]) if form)


@dataclass
class Target:
    """Where a case writes to.

    Attributes:
        out: Folder to create.
        force: Replace an existing one.
        story: What is there already, in words.
        earlier: Whether it holds what an earlier run wrote, so that a success may replace it; the case runs it once.
    """

    out: Path
    force: bool = False
    story: list[str] = field(default_factory=list)
    earlier: bool = False


def bystander(folder: Path) -> Path:
    """A folder of the user's own, with files that no tool made."""
    (folder / "work").mkdir(parents=True)
    (folder / "thesis.txt").write_text("the only copy\n", encoding="utf-8")
    (folder / "work" / "data.yaml").write_text("names: [mine]\n", encoding="utf-8")
    (folder / ".secret").write_bytes(b"\x00\x01")
    return folder


def target(draw: Draw, source: Path) -> Target:
    """Draw a place to write to; nine of twenty are harmless.

    Args:
        draw: Source of randomness, and the folder of the case.
        source: The input, which ``out`` may hit.
    """
    mine = bystander(draw.folder / "mine")
    force = draw.chance(0.5)
    if draw.chance(0.45):
        return Target(draw.folder / "out", force)
    inside = source if os.path.isdir(source) else source.parent  # noqa: PTH112  Path.is_dir fails for overlong names
    kinds = {
        "the user's own folder": mine,
        "a folder in the user's own": mine / "new",
        "the user's own file": mine / "thesis.txt",
        "a folder below the user's own file": mine / "thesis.txt" / "new",
        "the input": source,
        "the folder of the input": source.parent,
        "the folder of the case": draw.folder,
        "a folder in the input": inside / "out",
        "a link to the user's own folder": draw.folder / "link",
        "a dangling link": draw.folder / "dangling",
        "a hostile name": draw.folder / str(draw.pick(NAMES)),
        "a bad path": Path(str(draw.pick(BAD_PATHS))),
        "an empty folder": draw.folder / "empty",
        "an earlier result": draw.folder / "out",
    }
    kind = str(draw.pick(list(kinds)))
    if kind == "a link to the user's own folder":
        kinds[kind].symlink_to(mine)
    elif kind == "a dangling link":
        kinds[kind].symlink_to(draw.folder / "gone")
    elif kind == "an empty folder":
        kinds[kind].mkdir()
    return Target(kinds[kind], force, [f"out is {kind}, force={force}"], kind == "an earlier result")
