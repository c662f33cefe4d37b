"""Make a released checkpoint from a training: half precision, without optimizer, and without paths of the machine.

    python tools/release.py runs/detect/train/weights/last.pt weights/NAME.pt

Prints size and sha256 for ``weights/README.md``.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import torch
from ultralytics.utils.torch_utils import strip_optimizer

# Settings of a training that name places on the machine, and what stands for them.
LOCAL = {"data": "crash-synth.yaml", "project": None, "name": None, "save_dir": None, "device": None, "resume": False}


def main(source: Path, target: Path) -> None:
    """Write ``target``; refuses to overwrite."""
    if target.exists():
        raise SystemExit(f"Error: {target} exists already. Remove it first.")
    strip_optimizer(source, target)
    checkpoint = torch.load(target, map_location="cpu", weights_only=False)
    model = checkpoint["model"]
    for settings in (checkpoint["train_args"], model.args):
        settings.update({key: value for key, value in LOCAL.items() if key in settings})
        settings["model"] = model.yaml["yaml_file"]
    model.__dict__.pop("pt_path", None)  # the host's note of the file it was loaded from
    checkpoint.pop("git", None)  # holds the path of the repository
    torch.save(checkpoint, target)
    print(f"{target}: {target.stat().st_size:,} bytes, sha256 {hashlib.sha256(target.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
