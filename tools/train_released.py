"""Train the released checkpoints from nothing but the renderer: sets, trainings and the files of ``weights/``.

    python tools/train_released.py out=DIR [only=gjadetn-crash] [threads=1] [device=cpu]

Reads ``tools/released.yaml``: sets that ``gjadet synth`` renders, and for each checkpoint its trainings, one after the
other, each from the weights of the one before. What is finished is not repeated, and an interrupted training goes on
from its last epoch; so the same command can be called until it is through. Figures of the result:
``benchmarks/crash_checkpoint.py``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
import yaml
from ultralytics import YOLO

PLAN = Path(__file__).with_name("released.yaml")
SETTINGS = {"out": "", "only": "", "threads": "", "device": "cpu"}


def render(out: Path, name: str, settings: dict[str, Any]) -> Path:
    """Render a set, or find it; gives its data YAML."""
    folder = out / "sets" / name
    if not folder.exists():  # written whole or not at all
        arguments = [f"{key}={value}" for key, value in settings.items()]
        subprocess.run([sys.executable, "-m", "gjadet_yolo", "synth", f"out={folder}", *arguments], check=True)
    return folder / "data.yaml"


def is_finished(checkpoint: Path) -> bool:
    """Whether a training ran to its end: the host then sets the epoch to -1."""
    return checkpoint.is_file() and torch.load(checkpoint, map_location="cpu", weights_only=False)["epoch"] == -1


def train(folder: Path, model: str | Path, data: Path, settings: dict[str, Any], device: str) -> Path:
    """Train, go on, or find what is finished; gives the last weights.

    Args:
        model: Model YAML, or the weights to go on from.
    """
    last = folder / "weights" / "last.pt"
    if is_finished(last):
        return last
    if last.is_file():
        YOLO(last).train(resume=True)
    else:
        fixed = {"data": str(data), "project": str(folder.parent), "name": folder.name, "exist_ok": True}
        YOLO(model).train(**settings, **fixed, device=device, workers=0)
    return last


def main() -> None:
    """Do what is missing; arguments as in the module's text."""
    settings = SETTINGS | dict(argument.partition("=")[::2] for argument in sys.argv[1:])
    plan = yaml.safe_load(PLAN.read_text(encoding="utf-8"))
    names = settings["only"].split(",") if settings["only"] else list(plan["checkpoints"])
    if not settings["out"] or set(settings) != set(SETTINGS) or not set(names) <= set(plan["checkpoints"]):
        raise SystemExit(
            f"Error: out=DIR [only=NAME] [threads=N] [device=cpu]; names: {', '.join(plan['checkpoints'])}."
        )
    if settings["threads"]:
        torch.set_num_threads(int(settings["threads"]))
        torch.set_num_threads = lambda _: None  # the host sets it again
    out = Path(settings["out"]).resolve()
    for name in names:
        weights: str | Path = plan["checkpoints"][name]["model"]
        for number, stage in enumerate(plan["checkpoints"][name]["stages"]):
            data = render(out, stage["set"], plan["sets"][stage["set"]])
            weights = train(out / name / str(number), weights, data, plan["train"] | stage["train"], settings["device"])
        print(f"{name}: python tools/release.py {weights} weights/{name}.pt")


if __name__ == "__main__":
    main()
