"""The recipe in force: in a fresh, resumed, recovered or spread training, against what the user states, on a clock."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from conftest import TINY
from small import small_yaml
from ultralytics import YOLO
from ultralytics.nn.tasks import load_checkpoint
from ultralytics.utils import DEFAULT_CFG_DICT

from gjadet_yolo.engine import trainer as trainer_module
from gjadet_yolo.engine.trainer import GjadetTrainer
from gjadet_yolo.losses.statistics import branches
from gjadet_yolo.losses.weights import box_weights, class_weights

RECIPE = {"cls": "gjr", "cls_gain": 4.0, "cls_pw": 0.5, "box_gain": 2.0, "box_pw": 0.25}


@pytest.fixture(scope="module")
def six_classes(rendered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rendered set with a sixth class that no image holds."""
    content = yaml.safe_load(rendered.read_text()) | {"path": str(rendered.parent)}
    content["names"] = [*content["names"].values(), "unicorn"]
    file = tmp_path_factory.mktemp("six") / "data.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def look(trainer: GjadetTrainer) -> None:
    """Callback at the end of an epoch: what the criteria weigh with, and which statistics moved."""
    criterion = trainer.model.criterion
    trainer.seen = {
        name: {
            "cls": branch.class_weights.flatten().tolist() if branch.class_weights is not None else None,
            "box": branch.box_weights.tolist(),
            "negative": branch.class_loss.negative.tolist(),
        }
        for name, branch in branches(criterion).items()
    }


def interrupt(trainer: GjadetTrainer) -> None:
    raise KeyboardInterrupt


def expected_weights(trainer: GjadetTrainer) -> dict[str, list[float]]:
    """From the labels: five classes with boxes, one without."""
    labels = np.concatenate([label["cls"].ravel() for label in trainer.train_loader.dataset.labels]).astype(int)
    counts = np.bincount(labels, minlength=6).tolist()
    assert counts[5] == 0
    assert len(set(counts[:5])) > 1
    return {"cls": class_weights(counts, 0.5).tolist(), "box": box_weights(counts, 0.25).tolist()}


@pytest.mark.parametrize("end2end", [True, False])
def test_resumed_training_keeps_the_recipe(six_classes, tmp_path, end2end):
    """Interrupted after the first of two epochs; the host builds an end-to-end criterion before its first callback."""
    model = YOLO(small_yaml(tmp_path, end2end, loss=RECIPE))
    model.add_callback("on_train_epoch_end", look)
    model.add_callback("on_model_save", interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.train(data=str(six_classes), epochs=2, project=str(tmp_path), name="r", cls=3.0, **TINY)
    last = tmp_path / "r" / "weights" / "last.pt"
    assert load_checkpoint(last)[0].stated == ("cls",)
    resumed = YOLO(last)
    resumed.add_callback("on_train_epoch_end", look)
    resumed.train(resume=True)
    expected = expected_weights(resumed.trainer)
    for trainer in (model.trainer, resumed.trainer):
        assert set(trainer.seen) == ({"one2many", "one2one"} if end2end else {"main"})
        for branch in trainer.seen.values():
            assert branch["cls"] == pytest.approx(expected["cls"])
            assert branch["box"] == pytest.approx(expected["box"])
            assert branch["negative"][5] == 0  # of the class without any instance
            assert branch["negative"][0] > 0
    assert resumed.trainer.stated == resumed.trainer.model.stated == ("cls",)


def test_recovery_from_nan_keeps_the_recipe(six_classes, tmp_path):
    states = []

    def poison(trainer: GjadetTrainer) -> None:
        if trainer.epoch == 1 and not states:
            states.append(trainer.loss_statistics())
            next(trainer.model.parameters()).data.fill_(float("nan"))

    model = YOLO(small_yaml(tmp_path, True, loss=RECIPE))
    model.add_callback("on_train_epoch_start", poison)
    model.add_callback("on_train_epoch_end", look)
    model.train(data=str(six_classes), epochs=2, project=str(tmp_path), name="n", **TINY)
    assert states
    expected = expected_weights(model.trainer)
    for branch in model.trainer.seen.values():
        assert (branch["cls"], branch["box"]) == (pytest.approx(expected["cls"]), pytest.approx(expected["box"]))
        assert branch["negative"][5] == 0


@pytest.mark.parametrize(
    ("stated", "weights", "words"),
    [
        ({}, "recipe", "class gjr x2; cls_pw 0.5"),
        ({"cls": 0.5, "cls_pw": 0}, None, "class gjr x0.5; box_pw 0.25"),
        ({"cls_pw": 1.0}, "host", "class gjr x2; cls_pw 1: "),
    ],
)
def test_stated_arguments_reach_the_criterion(rendered, tmp_path, caplog, stated, weights, words):
    """And the log says so."""
    model = YOLO(small_yaml(tmp_path, loss=RECIPE))
    model.add_callback("on_train_epoch_end", look)
    with caplog.at_level("INFO", logger="ultralytics"):
        model.train(data=str(rendered), epochs=1, project=str(tmp_path), name="s", **TINY, **stated)
    assert model.trainer.stated == tuple(stated)
    counts, found = model.trainer.model.class_counts, model.trainer.seen["main"]["cls"]
    own, host = (class_weights(counts, power, spread).tolist() for power, spread in ((0.5, 15), (1.0, float("inf"))))
    assert found == (None if weights is None else pytest.approx({"recipe": own, "host": host}[weights], rel=1e-4))
    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("recipe: ")]
    assert len(lines) == 1
    assert words in lines[0]


def trainer_of(folder: Path, data: Path, **overrides: Any) -> GjadetTrainer:
    settings = {"model": str(small_yaml(folder, loss=RECIPE)), "data": str(data), "project": str(folder)}
    return GjadetTrainer(overrides=settings | TINY | overrides)


def test_what_was_stated_reaches_the_workers(rendered, tmp_path, monkeypatch):
    """The host hands trainer class, callbacks and all arguments over to the processes of several GPUs."""
    parent = trainer_of(tmp_path, rendered, cls=0.5)
    callbacks = {event: list(own) for event, own in parent.callbacks.items()}
    callbacks["on_train_start"][-1] = pickle.loads(pickle.dumps(callbacks["on_train_start"][-1]))
    monkeypatch.setattr(trainer_module, "LOCAL_RANK", 1)
    defaults = DEFAULT_CFG_DICT | {"save_dir": ""}
    worker = type(parent)(cfg=defaults, overrides=vars(parent.args), _callbacks=callbacks)
    assert parent.stated == worker.stated == ("cls",)
    assert own_callbacks(worker) == own_callbacks(parent)


def own_callbacks(trainer: GjadetTrainer) -> dict[str, list[Any]]:
    """Those of this package by event."""
    own = trainer_module.__name__
    return {event: [one for one in every if one.__module__ == own] for event, every in trainer.callbacks.items()}


def test_a_second_training_does_not_inherit_what_was_stated(rendered, tmp_path):
    """8.4.130 shares the callbacks between the trainings of a model."""
    first = trainer_of(tmp_path, rendered, cls=2.0)
    settings = {"model": first.args.model, "data": str(rendered), "project": str(tmp_path)} | TINY
    second = GjadetTrainer(overrides=settings, _callbacks=first.callbacks)
    assert (first.stated, second.stated) == (("cls",), ())
    assert {event: len(own) for event, own in own_callbacks(second).items()} == {
        event: len(own) for event, own in own_callbacks(first).items()
    }


def test_stages_on_a_clock(rendered, tmp_path, monkeypatch):
    """time= of the host: after the first epoch it expects four in all, where the first stage alone wanted 50."""
    model, frozen = YOLO(small_yaml(tmp_path, schedule={"freeze": "backbone", "epochs": 50, "lr": 0.5})), []

    def look_at_epoch(trainer: GjadetTrainer) -> None:
        frozen.append(not next(trainer.model.parameters()).requires_grad)
        if trainer.epoch == 3:
            trainer.stop = True

    def fix_the_clock(trainer: GjadetTrainer) -> None:
        """Every epoch takes an hour of the four."""
        monkeypatch.setattr("ultralytics.engine.trainer.time.time", lambda: trainer.train_time_start + clock())

    def clock() -> float:
        return 3600.0 * len(frozen)

    model.add_callback("on_train_start", fix_the_clock)
    model.add_callback("on_train_epoch_end", look_at_epoch)
    model.train(data=str(rendered), time=4.0, project=str(tmp_path), name="t", **TINY)
    assert model.trainer.epochs == 4
    assert frozen == [True, True, True, False]
    assert [(stage.first, stage.end) for stage in model.trainer.stages] == [(0, 3), (3, 4)]
    assert torch.isfinite(model.trainer.loss)
