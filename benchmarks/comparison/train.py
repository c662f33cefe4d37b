"""Training of one run in its folder; it goes on where it was interrupted."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import torch
import yaml
from ultralytics import YOLO
from ultralytics.engine.trainer import BaseTrainer

from comparison.result import RESULT_FILE, Result
from gjadet_yolo.evaluate.checkpoint import score_checkpoint
from gjadet_yolo.evaluate.scores import as_markdown, save

LATE = "late.pt"  # weights after nine tenths of the epochs


def train_and_score(folder: Path, threads: int) -> None:
    """Train what ``config.json`` in the folder describes, score the last weights and write ``result.json``.

    Args:
        folder: The run's folder, made by ``queue.start_one``.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    torch.set_num_threads(threads)
    torch.set_num_threads = lambda _: None  # the host sets it again; runs side by side share the machine
    last = folder / "fit" / "weights" / "last.pt"
    began = time.time()
    if not is_finished(last):
        settings = config["train"] | {"data": config["data_yaml"], "seed": config["seed"]}
        # no validation: the run is scored once, after its last epoch
        fixed = {"project": str(folder.resolve()), "name": "fit", "exist_ok": True, "plots": False, "val": False}
        if last.is_file():
            model = YOLO(last)
            model.add_callback("on_model_save", keep_late)
            model.train(resume=True)
        else:
            (folder / "model.yaml").write_text(yaml.safe_dump(config["model"], sort_keys=False), encoding="utf-8")
            start = first_layers(folder, **config["start"]) if config["start"] else False
            defaults = {"device": "cpu", "workers": 0, "pretrained": start}
            model = YOLO(folder / "model.yaml")
            model.add_callback("on_model_save", keep_late)
            model.train(**defaults | settings | fixed)
    minutes = (time.time() - began) / 60
    place = (Path(config["data_yaml"]), config["train"].get("imgsz", 640))
    figures = score_checkpoint(last, *place, config["score"])
    tuning, late = float("nan"), float("nan")
    if config["score"] == "test":
        tuning = score_checkpoint(last, *place, "val").ap
        if (folder / LATE).is_file():
            late = tuning - score_checkpoint(folder / LATE, *place, "val").ap
    print(as_markdown(figures))
    save(Result(**vars(figures), minutes=minutes, tuning=tuning, late_gain=late), folder / RESULT_FILE)
    (folder / LATE).unlink(missing_ok=True)


def keep_late(trainer: BaseTrainer) -> None:
    """Keep the weights after nine tenths of the epochs in the run's folder."""
    if trainer.epoch + 1 == round(0.9 * trainer.epochs):
        shutil.copyfile(trainer.last, trainer.save_dir.parent / LATE)


def first_layers(folder: Path, weights: str, layers: int) -> str:
    """Write the first layers of a checkpoint as one that the host's ``pretrained=`` takes; the rest of a model that is
    trained from it starts as its seed says.
    """
    model = YOLO(weights).model
    model.model = model.model[:layers]
    torch.save({"epoch": -1, "model": model, "train_args": {}}, folder / "start.pt")
    return str(folder / "start.pt")


def is_finished(checkpoint: Path) -> bool:
    """Whether a training ran to its end: the host then takes the optimiser out and sets the epoch to -1."""
    return checkpoint.is_file() and torch.load(checkpoint, map_location="cpu", weights_only=False)["epoch"] == -1
