"""Locks that end with the process that holds them, however it ends."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

HELD = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK}


class Lock:
    """A lock file, taken when the object is made.

    Attributes:
        file: The file; it exists as long as the lock is held.
        sure: Whether the file system knows locks; where it does not, the lock keeps nobody away.

    Raises:
        BlockingIOError: Another process, or another lock of this one, holds it.
        OSError: The file cannot be made.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        while True:
            self.stream = file.open("ab")
            try:
                self.sure = lock(self.stream)
            except OSError:
                self.stream.close()
                raise
            if self.is_current():
                return
            self.stream.close()  # its holder removed the file between our opening and our locking it

    def is_current(self) -> bool:
        """Whether the file that is locked is still the one of that name."""
        try:
            return os.path.samestat(os.fstat(self.stream.fileno()), self.file.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Give the lock back and remove its file."""
        if fcntl is None:  # Windows removes no open files
            self.stream.close()
        try:
            self.file.unlink(missing_ok=True)
        except PermissionError:  # Windows: somebody else has opened it by now
            pass
        finally:
            self.stream.close()


def lock(stream: BinaryIO) -> bool:
    """Lock an open file without waiting.

    Returns:
        False where the file system knows no locks.

    Raises:
        BlockingIOError: It is locked.
    """
    try:
        if fcntl is None:
            import msvcrt

            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in HELD:
            raise BlockingIOError(error.errno, os.strerror(error.errno)) from error
        return False
    return True
