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

# what systems say of a file that is locked already
HELD = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK}


class Lock:
    """A lock file, locked when the object is made; the file exists as long as the lock is held.

    Attributes:
        sure: Whether the file system supports locks; if not, this one keeps nobody out.

    Raises:
        BlockingIOError: Another process, or another lock of this one, holds it.
        OSError: The file cannot be created.
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
            self.stream.close()  # its holder removed the file after we opened and before we locked it

    def is_current(self) -> bool:
        try:  # the name may mean another file by now
            return os.path.samestat(os.fstat(self.stream.fileno()), self.file.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        if fcntl is None:  # Windows removes no open files; elsewhere it goes first, while nobody else can lock it
            self.stream.close()
        try:
            self.file.unlink(missing_ok=True)
        except PermissionError:  # Windows: another process has opened it by now
            pass
        finally:
            self.stream.close()


def lock(stream: BinaryIO) -> bool:
    """Lock an open file without waiting; False if the file system has no locks.

    Raises:
        BlockingIOError: It is locked already.
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
