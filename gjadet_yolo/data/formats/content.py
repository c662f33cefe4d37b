"""Content of files that a user names: regular ones only."""

from __future__ import annotations

import stat
from pathlib import Path


def is_pipe(path: Path) -> bool:
    # A socket or a device too; links are followed.
    return path.exists() and not path.is_file() and not path.is_dir()


def read_bytes(file: Path) -> bytes:
    """Content of a regular file.

    Raises:
        OSError: Missing, no regular file, or not readable; names the file.
    """
    # A named pipe would be waited for without an end.
    kind = file.stat().st_mode
    if not stat.S_ISREG(kind):
        raise OSError(f"{file} is a {'folder' if stat.S_ISDIR(kind) else 'pipe or device'}, expected a regular file.")
    try:
        return file.read_bytes()
    except OSError as error:
        if error.filename:
            raise
        raise OSError(error.errno, error.strerror, str(file)) from error  # of the read itself, which knows no name


def read_text(file: Path) -> str:
    """Content of a regular file in UTF-8, with or without BOM; every line ends in ``\\n``.

    Raises:
        OSError: As for :func:`read_bytes`.
        UnicodeDecodeError: Not UTF-8.
    """
    return read_bytes(file).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
