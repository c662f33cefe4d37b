"""First use of ``data=crash-synth.yaml``: the set is rendered into the datasets folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any


def render(data: dict[str, Any]) -> None:
    """Render the default set where a data YAML expects it; called by the YAML's ``download`` entry.

    The work is done by ``gjadet synth`` in a process of its own: its workers would otherwise run the caller's script.

    Args:
        data: The data YAML as the host has read it, with ``path`` resolved.

    Raises:
        RuntimeError: Rendering failed, or the folder exists but holds something else.
    """
    out = Path(data["path"])
    if out.exists():
        raise RuntimeError(f"{out} exists, but has no {data['val']}. Remove or rename it, and it is rendered anew.")
    print(f"Rendering 2000 crash scenes into {out}, once", flush=True)
    done = subprocess.run([sys.executable, "-m", "gjadet_yolo", "synth", f"out={out}"], check=False)
    if done.returncode:
        raise RuntimeError(f"rendering {out} failed with status {done.returncode}; the message above says why.")
