"""Runs cases in worker processes, which are replaced when a case hangs or takes its process down."""

from __future__ import annotations

import faulthandler
import importlib
import multiprocessing
import os
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from fuzzing.case import CRASH, HANG, Registry, Result

READERS = "fuzzing.cases:READERS"
GRACE_S = 5.0  # after the limit, until a worker is killed from outside
MEMORY = 6 * 2**30  # bytes that a worker may take beyond what it needs to start
FILE_SIZE = 2**28  # bytes of one file

QUIET = {
    "OMP_NUM_THREADS": "1",
    "YOLO_OFFLINE": "true",
    "YOLO_VERBOSE": "false",
    "YOLO_AUTOINSTALL": "false",
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "OPENCV_LOG_LEVEL": "ERROR",
}


@dataclass(frozen=True)
class Plan:
    """What is run.

    Attributes:
        seed: First part of the seed of every case.
        folder: Empty folder to work in.
        readers: Registry, as ``module:name``, because workers import it.
        limit_s: Time that a call may take.
        keep: Leave the files of every case in ``folder``.
    """

    seed: int
    folder: Path
    readers: str = READERS
    limit_s: float = 10.0
    keep: bool = False


def registry(readers: str) -> Registry:
    """Import a registry."""
    module, _, name = readers.partition(":")
    return getattr(importlib.import_module(module), name)


def settle(folder: Path) -> Any:
    """Set a worker up: one thread, no network, its own settings of the host, its output in a file.

    Returns:
        The file that takes the output and the stacks of a hang or crash.
    """
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= QUIET | {"YOLO_CONFIG_DIR": str(folder)}
    log = (folder / "output.txt").open("w+b", buffering=0)
    for stream in (1, 2):
        os.dup2(log.fileno(), stream)
    faulthandler.enable(log)
    return log


def limit_resources() -> None:
    """Let a case run out of memory or disk by itself, not the machine."""
    if sys.platform != "linux":
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    used = pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE, FILE_SIZE))


def work(plan: Plan, index: int, pipe: Connection) -> None:
    """Body of a worker: run the cases whose numbers come through the pipe."""
    from fuzzing.judge import run_case

    home = plan.folder / f"worker-{index}"
    log = settle(home)
    found = registry(plan.readers)
    found.warm(home)
    limit_resources()
    pipe.send("ready")
    while (number := pipe.recv()) is not None:
        log.seek(0)
        log.truncate()
        ground = plan.folder / f"case-{number}"

        def tell(reader: str, story: str, number: int = number) -> None:
            pipe.send((number, reader, story))
            faulthandler.dump_traceback_later(plan.limit_s, exit=True, file=log)  # stops C code, which no signal does

        result = run_case(found, plan.seed, number, ground, tell)
        faulthandler.cancel_dump_traceback_later()
        os.chdir(home)
        if not plan.keep:
            shutil.rmtree(ground, ignore_errors=True)
        pipe.send(result)


class Worker:
    """A process and what it is doing.

    Attributes:
        index: Its number, for its folder.
        busy: Number of the case it has, or None.
        reader: Reader of that case, once known.
        story: What was done to its input.
        since: When its call began.
    """

    def __init__(self, plan: Plan, index: int) -> None:
        self.plan, self.index = plan, index
        self.start()

    def start(self) -> None:
        """Start the process; it says ``ready`` when it can take a case."""
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=work, args=(self.plan, self.index, other))
        self.process.start()
        other.close()
        self.ready, self.busy, self.reader, self.story, self.since = False, None, "", "", 0.0

    def give(self, number: int) -> None:
        """Hand it a case."""
        self.busy, self.reader, self.story, self.since = number, "", "", time.monotonic()
        self.pipe.send(number)

    def overdue(self) -> bool:
        """Whether its own watch has failed to stop it."""
        return self.busy is not None and time.monotonic() - self.since > self.plan.limit_s + GRACE_S

    def died(self) -> Result:
        """Result of the case that took the process down."""
        self.process.join(GRACE_S)
        text = self.output()
        hung = "Timeout (" in text or self.overdue()
        seconds = time.monotonic() - self.since
        frames = [line.strip() for line in text.splitlines() if "gjadet_yolo" in line]
        message = f"more than {self.plan.limit_s:g} s" if hung else f"exit code {self.process.exitcode}: {text[-500:]}"
        frame, outcome = frames[0] if frames else "", HANG if hung else CRASH
        return Result(self.busy or 0, self.reader, outcome, "", message, frame, self.story, seconds, text)

    def hear(self) -> Result | None:
        """Take one message; a worker that died or is overdue is replaced.

        Returns:
            The result of its case, where there is one.

        Raises:
            RuntimeError: It died before its first case, or while it made one.
        """
        message = None
        if self.pipe.poll():
            try:
                message = self.pipe.recv()
            except (EOFError, ConnectionError):
                return self.replaced()
        elif self.overdue():
            return self.replaced()
        if isinstance(message, tuple):
            (_, self.reader, self.story), self.since = message, time.monotonic()
        elif isinstance(message, Result):
            self.busy = None
            return message
        elif message is not None:
            self.ready = True
        return None

    def replaced(self) -> Result:
        """Start a new process in place of the one that died; gives the result of the case that did it."""
        if not self.ready:
            self.process.join(GRACE_S)
            raise RuntimeError(f"a worker does not start: {self.output()}")
        if not self.reader:
            raise RuntimeError(f"case {self.busy} cannot be made: {self.output()}")
        result = self.died()
        self.stop()
        self.start()
        return result

    def output(self) -> str:
        """What the process has printed."""
        file = self.plan.folder / f"worker-{self.index}" / "output.txt"
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""

    def stop(self) -> None:
        """End the process."""
        if self.process.is_alive():
            self.process.kill()
        self.process.join()


def run(
    plan: Plan, numbers: Iterable[int], workers: int, progress: Callable[[Result], None] = lambda result: None
) -> list[Result]:
    """Run cases.

    Args:
        plan: What is run.
        numbers: Of the cases.
        workers: Processes.
        progress: Told every result.

    Returns:
        Results in the order of their numbers.

    Raises:
        RuntimeError: The workers do not start, or cannot make a case.
    """
    pending, results = deque(numbers), []
    crew = [Worker(plan, index) for index in range(min(workers, len(pending)))]
    try:
        while pending or any(worker.busy is not None for worker in crew):
            for worker in crew:
                if worker.ready and worker.busy is None and pending:
                    worker.give(pending.popleft())
            wait([worker.pipe for worker in crew], timeout=1)
            for worker in crew:
                result = worker.hear()
                if result is not None:
                    results.append(result)
                    progress(result)
    finally:
        for worker in crew:
            worker.stop()
    return sorted(results, key=lambda result: result.number)
