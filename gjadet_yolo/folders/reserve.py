"""Reserve the name of a folder while it is being filled elsewhere, and clean up after runs that were killed.

While ``out`` is being made, the process holds ``.out.gjadet-lock`` beside it and fills ``.out.gjadet-work``, and for a
moment ``.out.gjadet-old`` is what ``out`` was before. A killed process leaves these behind, but the system releases its
lock; so the next run in the same place may put back or remove them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gjadet_yolo.folders.lock import Lock
from gjadet_yolo.folders.marks import is_ours, remove


def beside(place: Path, kind: str) -> Path:
    # kind is lock, work or old; a neighbour is on the same disk, where renaming is one step
    return place.with_name(f".{place.name}.gjadet-{kind}")


def settle(place: Path) -> None:
    """Clean up beside a folder, whose lock the caller holds, after a run that was killed.

    Raises:
        FileExistsError: The run was replacing a folder, and another one has taken its name since.
    """
    work, old = beside(place, "work"), beside(place, "old")
    if is_ours(old):
        if not os.path.lexists(place):
            old.rename(place)
        elif work.exists():  # then the folder in its place is not the new one
            raise FileExistsError(
                f"{old} is what {place} was before a run that should replace it was killed. Move it elsewhere."
            )
        else:
            remove(old)
    if is_ours(work):
        remove(work)


def settle_others(place: Path) -> None:
    """Clean up after killed runs that wrote other folders beside this one."""
    for file in place.parent.glob(".*.gjadet-lock"):
        with suppress(OSError):  # the run goes on, or is another user's
            lock = Lock(file)
            try:
                if lock.sure:  # else that run may be going on
                    settle(file.with_name(file.name.removeprefix(".").removesuffix(".gjadet-lock")))
            finally:
                lock.release()


@contextmanager
def parents_of(out: Path, place: Path) -> Iterator[None]:
    """Create the parents of a folder, and remove those created if the folder does not come about."""
    missing = [path for path in place.parents if not path.exists()]
    try:
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise type(error)(f"{out} cannot be created: {error.strerror}: {error.filename}") from error
        yield
    except BaseException:
        for path in missing:  # the innermost first; one that is in use by now is not empty and stays
            with suppress(OSError):
                path.rmdir()
        raise


@contextmanager
def reserved(out: Path, place: Path) -> Iterator[Path]:
    """Reserve a folder's name for this run, and yield the empty hidden folder to fill.

    Raises:
        FileExistsError: Another run is writing the same folder.
        OSError: Nothing can be written there.
    """
    try:
        lock = Lock(beside(place, "lock"))
    except BlockingIOError as error:
        raise FileExistsError(
            f"{out} is being written by another run at this moment. Wait for it, or choose another folder."
        ) from error
    except OSError as error:
        raise type(error)(f"{out} cannot be created: {error.strerror}. Choose another place.") from error
    try:
        if lock.sure:
            settle(place)
            settle_others(place)
        work = beside(place, "work")
        try:
            work.mkdir()
        except FileExistsError as error:
            raise FileExistsError(
                f"{work} exists, where {out} would be prepared: another run is writing, or was killed and could not "
                f"be told from one that is. If none is, remove it."
            ) from error
        yield work
    finally:
        lock.release()
