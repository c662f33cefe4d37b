"""Reserve the name of a folder while it is being filled elsewhere, and clear up after runs that were killed.

Beside a folder ``out`` lie meanwhile ``.out.gjadet-lock``, held by the running process, ``.out.gjadet-work``, which is
being filled, and for a moment ``.out.gjadet-old``, which is being replaced. A process that was killed leaves them
without holding the lock; the next run in the same place puts back or removes what it finds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gjadet_yolo.lock import Lock
from gjadet_yolo.marks import is_ours, remove


def beside(place: Path, kind: str) -> Path:
    """Hidden neighbour of a folder: its ``lock``, ``work`` or ``old``."""
    return place.with_name(f".{place.name}.gjadet-{kind}")


def settle(place: Path) -> None:
    """Clear up beside a folder after a run that was killed; its lock is held.

    Raises:
        FileExistsError: The run was about to replace a folder whose name has been given to another one since.
    """
    work, old = beside(place, "work"), beside(place, "old")
    if is_ours(old):
        if not os.path.lexists(place):
            old.rename(place)
        elif work.exists():  # else the new folder is in its place
            raise FileExistsError(
                f"{old} is what {place} was before a run that should replace it was killed. Move it elsewhere."
            )
        else:
            remove(old)
    if is_ours(work):
        remove(work)


def settle_others(place: Path) -> None:
    """Clear up after killed runs that wrote other folders in the same place."""
    for file in place.parent.glob(".*.gjadet-lock"):
        with suppress(OSError):  # it is running, or somebody else's
            lock = Lock(file)
            try:
                if lock.sure:
                    settle(file.with_name(file.name.removeprefix(".").removesuffix(".gjadet-lock")))
            finally:
                lock.release()


@contextmanager
def parents_of(out: Path, place: Path) -> Iterator[None]:
    """Create the folder that another one will lie in, and take back what was created if that does not come about."""
    missing = [path for path in place.parents if not path.exists()]
    try:
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise type(error)(f"{out} cannot be created: {error.strerror}: {error.filename}") from error
        yield
    except BaseException:
        for path in missing:
            with suppress(OSError):
                path.rmdir()
        raise


@contextmanager
def reserved(out: Path, place: Path) -> Iterator[Path]:
    """Keep a folder's name for this run, and yield the empty hidden folder to fill.

    Raises:
        FileExistsError: Another run writes the same folder.
        OSError: Nothing can be written there; names ``out``.
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
