"""First use of ``data=crash-synth.yaml``: the set is rendered into the datasets folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

TRIAL = 8  # pictures that are rendered to see how long all of them take: half a second of work


def render(data: dict[str, Any]) -> None:
    """Render the default set where a data YAML expects it; called by the YAML's ``download`` entry.

    ``gjadet synth`` does the work in a process of its own, as its workers would otherwise run the caller's script. It
    ends, and clears up, when this one is interrupted or killed.

    Args:
        data: The data YAML as the host has read it, with ``path`` resolved.

    Raises:
        RuntimeError: Rendering failed, or the folder exists but holds something else.
    """
    out = Path(data["path"])
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise RuntimeError(f"{out} exists, but has no {data['val']}. Remove or rename it, and it is rendered anew.")
    status = run_apart(["-m", "gjadet_yolo.synth.write.first_use", str(out)])
    if status:
        raise RuntimeError(f"rendering {out} failed with status {status}; the message above says why.")


def run_apart(words: list[str]) -> int:
    """Run Python in a process that ends with this one, and wait for it to clear up; returns its status."""
    # in a session of its own, so that Ctrl-C reaches it through us only, once
    child = subprocess.Popen([sys.executable, *words], stdin=subprocess.PIPE, start_new_session=True)
    try:
        return child.wait()
    finally:
        child.stdin.close()
        child.wait()


def announce(out: Path) -> None:
    """Say what is being rendered and how long it takes, from the time of a few pictures."""
    import cv2
    import numpy as np

    from gjadet_yolo.synth.still import draw_still
    from gjadet_yolo.synth.write.pictures import Request
    from gjadet_yolo.synth.write.workers import cores

    request = Request()
    cv2.setNumThreads(1)
    draw_still(np.random.default_rng(0), (request.imgsz, request.imgsz), request.mix)  # loads what all of them use
    begin = time.perf_counter()
    for index in range(TRIAL):
        draw_still(np.random.default_rng(index), (request.imgsz, request.imgsz), request.mix)
    minutes = (time.perf_counter() - begin) / TRIAL * request.images / cores() / 60
    print(
        f"Rendering {request.images} crash scenes into {out}, once: about {max(minutes, 0.1):.1f} minutes on {cores()} "
        f"core{'s' if cores() > 1 else ''}",
        flush=True,
    )


def main(out: str) -> int:
    """Render; ends in order when standard input closes, which is when the process that needs the set ends."""
    from gjadet_yolo.cli.main import main as gjadet
    from gjadet_yolo.folders.lifetime import orderly_end

    def watch() -> None:
        os.read(0, 1)
        os.kill(os.getpid(), signal.SIGTERM)  # a thread cannot raise in the main one; orderly_end turns it into an exit

    with orderly_end():
        threading.Thread(target=watch, daemon=True).start()
        announce(Path(out))
        return gjadet(["synth", f"out={out}"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
