"""How processes end: in order on SIGTERM and SIGHUP, and workers together with the process that started them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn


@contextmanager
def orderly_end() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the process through its ``finally`` blocks, as Ctrl-C does."""
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        numbers = []  # Python allows handlers in the main thread only
    # the others are left alone: the program handles them itself, or ignores them (nohup)
    taken = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def leave(number: int, frame: FrameType | None) -> NoReturn:
    """Handler that ends the process with the status that shells expect."""
    signal.signal(number, signal.SIG_IGN)  # a second one must not interrupt the cleaning up
    raise SystemExit(128 + number)


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Start child processes that Ctrl-C does not reach; their parent ends them."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # children inherit the mask
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with(lifeline: Any, end: Callable[[], Any] = lambda: os._exit(1)) -> None:
    """Watch a pipe in a thread and end this process when the other side closes it or dies.

    Args:
        lifeline: Connection of ``multiprocessing``; its other side never sends anything.
        end: How to end; default: at once, because a worker has nothing to clear up.
    """

    def watch() -> None:
        try:
            lifeline.recv_bytes()
        except (EOFError, OSError):
            end()

    threading.Thread(target=watch, daemon=True).start()
