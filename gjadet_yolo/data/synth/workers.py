"""Jobs of a set, one after the other or in several processes, which end together with the one that started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

import cv2

from gjadet_yolo.lifetime import end_with, without_interrupts

AHEAD = 1000  # jobs handed out before the first of them is taken back: enough to keep all busy while one takes long


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def results(work: Callable[[Any], Any], jobs: Iterable[Any], workers: int) -> Iterator[Iterable[Any]]:
    """Results of the jobs in their order; neither jobs nor results pile up, however many there are.

    Args:
        work: What to do with a job; a function that other processes can import.
        jobs: The jobs, which are taken one by one.
        workers: Processes.
    """
    if workers > 1:
        with pool(workers) as executor:
            yield in_order(executor, work, jobs)
        return
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield map(work, jobs)
    finally:
        cv2.setNumThreads(threads)


@contextmanager
def pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Worker processes; they end at once when the block is left by an exception or this process is killed."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = reversed(context.Pipe(duplex=False))  # nothing is sent: they notice when our side closes
    executor = ProcessPoolExecutor(workers, context, set_up, (theirs,))
    try:
        yield executor
    except BaseException:
        ours.close()
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
        ours.close()
        theirs.close()


def set_up(lifeline: Any) -> None:
    """Set up a worker: it ends with its parent, uses one thread of OpenCV, and leaves Ctrl-C to the parent."""
    end_with(lifeline)
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def in_order(executor: ProcessPoolExecutor, work: Callable[[Any], Any], jobs: Iterable[Any]) -> Iterator[Any]:
    """Hand out jobs as far ahead as allowed, and yield the results in the order of the jobs."""
    waiting: deque[Any] = deque()
    for job in jobs:
        if len(waiting) == AHEAD:
            yield waiting.popleft().result()
        with without_interrupts():  # a job may start a process
            waiting.append(executor.submit(work, job))
    while waiting:
        yield waiting.popleft().result()
