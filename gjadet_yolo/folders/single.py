"""Files that a verb writes under a name of the user's: whole or not at all, and never over one that is not its own.

As ``whole.py`` does for folders, without a lock: the files are written under hidden names beside their places, and
renamed when all of them are complete.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from gjadet_yolo.folders.lifetime import orderly_end
from gjadet_yolo.folders.reserve import beside, parents_of
from gjadet_yolo.folders.whole import refuse_inputs


def refuse_existing_files(
    files: Iterable[Path], force: bool, is_ours: Callable[[Path], bool], inputs: Iterable[Path] = ()
) -> None:
    """Refuse names that may not be written; for the start of a verb, before anything is read.

    Args:
        files: The first one is what the user named; the others go with it.
        is_ours: Whether the first file, which exists, was made by the verb.

    Raises:
        FileExistsError: One exists, and ``force`` is not set or does not apply to it.
        ValueError: One is or holds an input.
    """
    out, *others = files
    for file in (out, *others):
        for given in inputs:
            if file.resolve() == given.resolve():
                refuse_inputs(file, [given])
    present = [file for file in (out, *others) if os.path.lexists(file)]
    if not present:
        return
    foreign = [file for file in present if not file.is_file()]
    if not (out.is_file() and is_ours(out)):
        foreign = foreign or present
    if foreign:
        raise FileExistsError(
            f"{foreign[0]} exists already and is never replaced, because gjadet did not make it. Choose another name."
        )
    if not force:
        raise FileExistsError(f"{out} exists already. Choose another name, or say force=true to replace it.")


def write_files(contents: Mapping[Path, bytes], force: bool, is_ours: Callable[[Path], bool]) -> None:
    """Write files, all or none.

    Args:
        contents: By name; the first is what the user named.

    Raises:
        FileExistsError: One exists that may not be replaced.
        OSError: They cannot be written, e.g. because the disk is full.
    """
    out = next(iter(contents))
    hidden = {file.resolve(): beside(file.resolve(), "work") for file in contents}
    with orderly_end(), parents_of(out, out.resolve()):
        try:
            for (file, data), work in zip(contents.items(), hidden.values(), strict=True):
                try:
                    work.write_bytes(data)
                except OSError as error:
                    raise OSError(f"{file} cannot be written: {error.strerror}. Choose another place.") from error
            refuse_existing_files(contents, force, is_ours)  # again, at the last moment
            for place, work in reversed(hidden.items()):  # the one that the user named is last: it stands for all
                work.replace(place)
        finally:
            for work in hidden.values():
                with suppress(OSError):
                    work.unlink(missing_ok=True)
