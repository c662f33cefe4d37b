"""New interpreters that have PyTorch already: forks of one that has imported what is slow, and neither host nor plugin.

A small test in a process of its own spends nine tenths of its time on importing torch and its kin. Here that happens
once: this file, run as a program, imports them and then forks for every line on its standard input. A fork runs the
line of the autoload file as ``site`` does at start-up, so that everything of this package happens in it anew.
"""

from __future__ import annotations

import gc
import importlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

SLOW = ("torch", "torchvision", "cv2", "matplotlib.pyplot", "requests", "psutil")
"""Not polars, whose threads do not survive a fork."""

TIME_LIMIT_S = 300


class Forks:
    """The client's end.

    Args:
        autoload: The installed ``.pth`` file of this package.
        env: Environment of the first interpreter; each fork gets its own.
    """

    def __init__(self, autoload: Path, env: dict[str, str]) -> None:
        settings = env | {"GJADET_AUTOLOAD": "0", "OMP_NUM_THREADS": "1"}  # the host asks for one thread too
        self.autoload = autoload
        self.server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=settings
        )

    def run(self, code: str, args: list[str], cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """As ``subprocess.run`` of ``python -c code``; a negative return code is the signal that ended it."""
        with tempfile.TemporaryDirectory() as folder:
            streams = [Path(folder) / name for name in ("out", "err")]
            job = {"args": args, "cwd": str(cwd), "env": env, "streams": list(map(str, streams))}
            job["code"] = f"exec({self.autoload.read_text(encoding='utf-8')!r})\n{code}"
            print(json.dumps(job), file=self.server.stdin, flush=True)
            status = int(self.server.stdout.readline())
            said = [stream.read_text(encoding="utf-8") for stream in streams]
        return subprocess.CompletedProcess(code, status, *said)

    def close(self) -> None:
        self.server.stdin.close()
        self.server.stdout.close()
        self.server.wait()


def serve() -> None:
    """Fork for each job, one after the other, and report its exit code.

    A process of ``multiprocessing`` ends without taking down the interpreter, which takes seconds where torch is in it.
    """
    for line in sys.stdin:
        child = multiprocessing.get_context("fork").Process(target=work, args=(json.loads(line),))
        child.start()
        child.join()
        print(child.exitcode, flush=True)


def work(job: dict) -> None:
    """Run the code with the folder, environment, arguments and streams that a new process would have."""
    signal.alarm(TIME_LIMIT_S)
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["env"])
    sys.argv = ["-c", *job["args"]]
    sys.path[0] = ""
    for number, name in enumerate(job["streams"], 1):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT), number)
    exec(job["code"], {"__name__": "__main__"})


if __name__ == "__main__":
    for name in SLOW:
        importlib.import_module(name)
    gc.freeze()  # or each fork would copy the pages of all objects at its first collection
    serve()
    os._exit(0)  # for the same reason
