"""Folders that the verbs write: no file of a user's is lost, and a folder is complete or not there at all.

A folder is filled under a hidden name beside its place (``reserve.py``) and renamed at the end. Finished folders carry
a mark (``marks.py``), and only those are ever replaced.
"""

from __future__ import annotations

import errno
import glob
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from gjadet_yolo.folders.lifetime import orderly_end
from gjadet_yolo.folders.marks import MARK, made_entries, remove, write_mark
from gjadet_yolo.folders.reserve import beside, parents_of, reserved

BY_DESKTOPS = {".DS_Store", "Thumbs.db", "desktop.ini"}  # file managers put them into every folder they show
# errors of a full disk; Windows has no quota
FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def refuse_existing(out: Path, force: bool, inputs: Iterable[Path] = ()) -> None:
    """Refuse a folder that may not be written; for the start of a verb, before anything is read.

    Args:
        out: Folder to create.
        force: Replace a folder that an earlier run made.
        inputs: Files and folders that will be read.

    Raises:
        FileExistsError: ``out`` exists, and ``force`` is not set or does not apply to it.
        ValueError: ``out`` is, holds or lies in an input, is or holds the current folder, or is a mount point.
    """
    place = out.resolve()
    if Path.cwd().is_relative_to(place) or os.path.ismount(place):
        what = "the root of a disk" if os.path.ismount(place) else "the current folder, or holds it"
        raise ValueError(f"{out} is {what}, and is not replaced. Name a new folder, e.g. out={out / 'new'}")
    refuse_inputs(out, inputs)
    if not os.path.lexists(place):
        return
    if not place.is_dir():
        raise FileExistsError(f"{out} exists already and is a file. Choose another name.")
    entries = {path.name for path in place.iterdir()}
    if not entries:
        return
    made = made_entries(place)
    if made is None:
        raise FileExistsError(
            f"{out} exists already and is never replaced, because gjadet did not make it: it has no file {MARK}, but "
            f"{listed(entries)}. Choose another folder, or move this one away."
        )
    if foreign := entries - made - BY_DESKTOPS - {MARK}:
        raise FileExistsError(
            f"{out} exists already and is not replaced, because it also holds {listed(foreign)}, which gjadet did not "
            f"put there. Move that elsewhere, or choose another folder."
        )
    if not force:
        raise FileExistsError(f"{out} exists already. Choose another folder, or say force=true to replace it.")


def listed(names: Iterable[str], most: int = 4) -> str:
    names = sorted(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def refuse_inputs(out: Path, inputs: Iterable[Path]) -> None:
    """Refuse to write where something is being read, also behind links.

    Raises:
        ValueError: Names the input.
    """
    place, resolved = out.resolve(), cache(Path.resolve)
    for given in inputs:
        # both where a link is and where it leads; parents are resolved once, as thousands of images share one
        own = {given.resolve()} if given.is_symlink() or given.name == ".." else set()
        own |= {resolved(given.parent) / given.name} if given.name != ".." else set()
        for path in (*own, *(linked(given) if given.is_dir() else ())):
            if relation := relation_of(place, path):
                named = f"{given}" if path in own else f"{path}, to which a link in {given} leads"
                raise ValueError(f"{out} {relation} {named}, which is being read. Choose a folder elsewhere.")


def relation_of(place: Path, other: Path) -> str:
    """What a folder is to a file or folder, in words; empty if neither is in the other."""
    if place == other:
        return "is"
    if other.is_relative_to(place):
        return "holds"
    return "lies in" if place.is_relative_to(other) else ""


def linked(folder: Path, seen: set[Path] | None = None) -> Iterator[Path]:
    """Targets of the links in a folder, at any depth and through further links."""
    seen = set() if seen is None else seen
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root, name)
            if not path.is_symlink() or (target := path.resolve()) in seen:
                continue
            seen.add(target)  # links may lead in a circle
            yield target
            if target.is_dir():
                yield from linked(target, seen)


def inputs_of(*names: str | None) -> list[Path]:
    """Existing files and folders that arguments name: paths, patterns, and lists of paths in a text file."""
    # cameras, streams and names of packaged files do not exist as files and drop out
    found: list[Path] = []
    for name in filter(None, names):
        matches = glob.glob(name, recursive=True)  # noqa: PTH207  patterns may be absolute
        paths = [Path(name)] if Path(name).exists() else [Path(path) for path in matches]
        found += paths
        for path in paths:
            if path.suffix == ".txt" and path.is_file():
                lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
                # os.path.exists: what is no list has lines that no file can be called by
                found += [Path(line.strip()) for line in lines if line.strip() and os.path.exists(line.strip())]  # noqa: PTH110
    return found


def refuse_too_large(out: Path, needed_bytes: float) -> None:
    """Refuse a folder that the disk has no room for.

    Raises:
        OSError: Says how much is needed and how much is free.
    """
    place = out.resolve()
    free_bytes = shutil.disk_usage(next(path for path in (place, *place.parents) if path.exists())).free
    if needed_bytes > free_bytes:
        raise OSError(
            f"{out} needs about {size_text(needed_bytes)}, and {size_text(free_bytes)} are free there. Ask for less, "
            f"or choose another disk."
        )


def size_text(size_bytes: float) -> str:
    return f"{size_bytes / 1e9:,.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.3g} MB"


def put_in_place(work: Path, out: Path, place: Path, force: bool, replaced: os.stat_result | None) -> None:
    """Rename a finished folder; the one it replaces is removed last, and put back if the renaming fails.

    Args:
        work: The finished folder.
        out: Its place as the user named it, for messages.
        place: Its place, with links resolved.
        force: Replace an earlier run's folder.
        replaced: Status of the folder in its place when the run began.

    Raises:
        FileExistsError: Something has appeared there, or in there, that this tool did not make.
    """
    now = place.stat() if place.exists() else None
    if now and not (place.is_dir() and not any(place.iterdir())):
        if not (replaced and os.path.samestat(now, replaced)):
            raise FileExistsError(f"{out} has appeared while it was being written, and is not replaced.")
        refuse_existing(out, force)
    elif now:
        place.rmdir()  # Windows does not rename onto an empty folder
        now = None
    if now is None:
        work.rename(place)
        return
    old = beside(place, "old")
    place.rename(old)
    try:
        work.rename(place)
    except BaseException:
        if not place.exists():  # else an interrupt came after the renaming
            old.rename(place)
        raise
    with suppress(OSError):  # the next run removes it
        remove(old)


def in_terms_of(out: Path, work: Path, error: OSError) -> OSError:
    """An error from inside the hidden folder, with the name that the user knows."""
    if error.errno in FULL:
        return OSError(
            f"{out} cannot be completed: {error.strerror}. Nothing of it was kept. Make room, or choose another disk."
        )
    text = str(error).replace(str(work), str(out))
    return error if text == str(error) else OSError(text)


@contextmanager
def whole_folder(
    out: Path,
    force: bool = False,
    *,
    tool: str = "gjadet",
    settings: Mapping[str, Any] | None = None,
    inputs: Sequence[Path] = (),
) -> Iterator[Path]:
    """Yield a hidden folder beside ``out`` to fill; it is renamed at the end, or removed after an error.

    Args:
        out: Folder to create; an empty one may exist.
        force: Replace a folder that an earlier run made, once the new one is complete.
        tool: Command that makes it, for its mark.
        settings: Of the command, for its mark.
        inputs: Files and folders that are being read; see :func:`refuse_existing`.

    Raises:
        FileExistsError: ``out`` exists and may not be replaced, or another run is writing it.
        ValueError: No folder can be made there; see :func:`refuse_existing`.
        OSError: The folder cannot be written, e.g. because the disk is full.
    """
    refuse_existing(out, force, inputs)
    place = out.resolve()  # a link stays, and what it leads to is written
    with orderly_end(), parents_of(out, place), reserved(out, place) as work:
        try:
            write_mark(work, tool, settings or {})  # first of all: killed from here on, the folder is known as ours
            refuse_existing(out, force)  # again: what a killed run was replacing may be back
            replaced = place.stat() if place.exists() else None
            yield work
            # again, with what is in it now
            write_mark(work, tool, settings or {})
            put_in_place(work, out, place, force, replaced)
        except BaseException as error:
            if work.exists():
                shutil.rmtree(work, ignore_errors=True)
            if isinstance(error, OSError) and (told := in_terms_of(out, work, error)) is not error:
                raise told from error
            raise
