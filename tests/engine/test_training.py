"""Tiny trainings through the host's own entry points."""

from __future__ import annotations

import csv
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from conftest import TINY
from small import small_yaml
from ultralytics import YOLO
from ultralytics.nn.tasks import load_checkpoint

from gjadet_yolo import locate
from gjadet_yolo.engine.model import GjadetModel
from gjadet_yolo.evaluate.curves import read_class_ratios
from gjadet_yolo.losses.statistics import statistics
from gjadet_yolo.losses.weights import box_weights
from gjadet_yolo.synth.video import VideoPlan, draw_video
from gjadet_yolo.synth.write.videos import write_video

pytestmark = pytest.mark.slow


def paper(folder: Path) -> Path:
    """A small model with head and losses of gjadet-paper.yaml."""
    content = yaml.safe_load(locate.files("cfg")["gjadet-paper"].read_text(encoding="utf-8"))
    return small_yaml(folder, head=content["head"][-1][2], loss=content["loss"])


def read_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_loss_items_and_ratios_appear_by_name(run_dir):
    rows = read_rows(run_dir)
    losses = [f"{split}/{name}_loss" for split in ("train", "val") for name in ("box", "obj", "cls", "dfl")]
    assert set(losses) <= set(rows[0])
    assert all(float(row[name]) > 0 for row in rows for name in losses)
    epochs, ratios = read_class_ratios(run_dir / "results.csv")
    assert epochs == [1, 2]
    assert list(ratios) == ["point", "bogie", "wheel", "absorber", "rw"]
    assert 0 < ratios["point"][1] < 100
    assert (run_dir / "class_ratios.png").stat().st_size > 10_000
    assert (run_dir / "results.png").exists()


def test_checkpoint_holds_the_statistics_in_full_precision(run_dir):
    model, _ = load_checkpoint(run_dir / "weights" / "last.pt")
    assert isinstance(model, GjadetModel)
    saved = model.loss_state["main"]
    logged = [float(read_rows(run_dir)[-1][f"ratio/{name}"]) for name in model.names.values()]
    assert saved["ratio"] == pytest.approx(logged, rel=1e-4)
    expected = torch.tensor(saved["positive"]) / (torch.tensor(saved["negative"]) + 1e-10)
    torch.testing.assert_close(torch.tensor(saved["ratio"]), expected)


@pytest.mark.parametrize("safe", ["0", "1"])
def test_checkpoint_loads_in_another_process(run_dir, fresh, safe):
    code = (
        "import sys; from ultralytics import YOLO; import numpy as np; m = YOLO(sys.argv[1]); "
        "r = m.predict(np.zeros((128, 128, 3), np.uint8), imgsz=128, device='cpu', verbose=False); "
        "print(type(m.model).__name__, len(r), m.model.loss_state['main']['ratio'])"
    )
    done = fresh(code, str(run_dir / "weights" / "best.pt"), ULTRALYTICS_SAFE_LOAD=safe)
    state = load_checkpoint(run_dir / "weights" / "best.pt")[0].loss_state
    assert done.stdout.splitlines()[-1] == f"GjadetModel 1 {state['main']['ratio']}", done.stderr


def test_stock_yolo_command_from_an_empty_folder(rendered, fresh, tmp_path):
    """Train, validate and predict a video with the stock command; nothing is imported by the user."""
    video = tmp_path / "v.avi"
    write_video(draw_video(np.random.default_rng(0), VideoPlan((128, 128), frames=3)), video)
    yolo = "import sys; from ultralytics.cfg import entrypoint; sys.argv = ['yolo', *sys.argv[1:]]; entrypoint()"
    common = ["imgsz=128", "device=cpu", "plots=False", f"project={tmp_path}", "exist_ok=True"]
    train = fresh(
        yolo, "train", "model=gjadet-paper.yaml", f"data={rendered}", "epochs=1", "batch=4", "name=t", *common
    )
    best = tmp_path / "t" / "weights" / "best.pt"
    assert best.exists(), train.stderr
    assert "obj_loss" in train.stdout + train.stderr
    validated = fresh(yolo, "val", f"model={best}", f"data={rendered}", "name=v", *common)
    assert validated.returncode == 0, validated.stderr
    predicted = fresh(yolo, "predict", f"model={best}", f"source={video}", "name=p", "save=True", *common)
    assert list((tmp_path / "p").glob("v.*")), predicted.stderr


def test_resume_after_a_kill_continues_with_the_same_statistics(rendered, fresh, tmp_path):
    """The process is killed outright after the second of three epochs was saved."""
    code = (
        "import os, signal, sys\nfrom ultralytics import YOLO\nm = YOLO('gjadet-yolo26n-paper.yaml')\n"
        "m.add_callback('on_model_save', lambda t: t.epoch == 1 and os.kill(os.getpid(), signal.SIGKILL))\n"
        f"m.train(data=sys.argv[1], epochs=3, project=sys.argv[2], name='r', **{TINY!r})"
    )
    killed = fresh(code, str(rendered), str(tmp_path))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    last = tmp_path / "r" / "weights" / "last.pt"
    state = load_checkpoint(last)[0].loss_state
    assert set(state) == {"one2many", "one2one"}

    seen = {}
    model = YOLO(last)
    model.add_callback("on_train_start", lambda trainer: seen.update(trainer.loss_statistics()))
    model.train(resume=True)
    assert seen == state
    assert [int(row["epoch"]) for row in read_rows(tmp_path / "r")] == [1, 2, 3]
    final = load_checkpoint(last)[0].loss_state
    assert all(a > b for a, b in zip(final["one2many"]["negative"], state["one2many"]["negative"], strict=True))


def test_statistics_of_plain_resume_reach_the_criterion(rendered, tmp_path):
    """YOLOv8 host: the host does not re-create the criterion on resume, the model does at its first step."""
    last, state = interrupted("gjadetn-paper.yaml", rendered, tmp_path / "r")
    seen = []
    model = YOLO(last)
    model.add_callback("on_train_batch_start", lambda trainer: seen.append(trainer.model.loss_state))
    model.add_callback("on_train_batch_end", lambda trainer: seen.append(trainer.loss_statistics()))
    model.train(resume=True)
    assert seen[0] == state
    assert all(a >= b for a, b in zip(seen[1]["main"]["negative"], state["main"]["negative"], strict=True))


def interrupt(trainer) -> None:
    raise KeyboardInterrupt


def interrupted(name: str, data: Path, folder: Path) -> tuple[Path, dict]:
    """Train one of two epochs; returns the checkpoint and the statistics in it."""
    model = YOLO(name)
    model.add_callback("on_model_save", interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.train(data=str(data), epochs=2, project=str(folder.parent), name=folder.name, **TINY)
    last = folder / "weights" / "last.pt"
    return last, load_checkpoint(last)[0].loss_state


def test_recovery_from_nan_restores_the_statistics(rendered, tmp_path):
    """One batch of the second epoch gives NaN; the host goes back to last.pt, and the statistics with it."""
    states = []

    def poison(trainer) -> None:
        if trainer.epoch == 1 and not states:
            states.append(load_checkpoint(trainer.last)[0].loss_state)
            criterion = trainer.model.criterion
            criterion.class_loss.positive.fill_(float("nan"))
            criterion.class_loss.ratio.fill_(float("nan"))
        elif trainer.epoch == 1 and len(states) == 1:
            states.append(trainer.loss_statistics())

    model = YOLO(paper(tmp_path))
    model.add_callback("on_train_epoch_start", poison)
    model.train(data=str(rendered), epochs=2, project=str(tmp_path), name="n", **TINY)
    assert len(states) == 2
    assert states[0] == states[1]
    assert [int(row["epoch"]) for row in read_rows(tmp_path / "n")] == [1, 2]


def test_columns_agree_without_validation(rendered, tmp_path):
    """val=False writes the ratios too, in the same columns in every row."""
    YOLO(paper(tmp_path)).train(data=str(rendered), epochs=2, val=False, project=str(tmp_path), name="v", **TINY)
    lines = (tmp_path / "v" / "results.csv").read_text(encoding="utf-8").splitlines()
    assert len({line.count(",") for line in lines}) == 1
    assert "ratio/point" in lines[0]


def test_validation_loss_uses_the_statistics_of_the_training(rendered, tmp_path):
    seen = []
    model = YOLO(paper(tmp_path))
    model.add_callback("on_train_epoch_end", lambda trainer: seen.append(trainer.loss_statistics()))
    model.add_callback("on_model_save", lambda trainer: seen.append(statistics(trainer.ema.ema.criterion)))
    model.train(data=str(rendered), epochs=1, project=str(tmp_path), name="s", **TINY)
    assert seen[0] == seen[1]
    assert seen[0]["main"]["ratio"] != [100.0] * 5


def test_export_gives_the_same_outputs(run_dir, tmp_path):
    """TorchScript, which needs no further package: boxes and joint scores of every anchor."""
    weights = shutil.copy(run_dir / "weights" / "best.pt", tmp_path / "best.pt")
    exported = YOLO(weights).export(format="torchscript", imgsz=128, device="cpu")
    x = torch.rand(1, 3, 128, 128)
    with torch.no_grad():
        ours, theirs = YOLO(weights).model.eval()(x)[0], torch.jit.load(exported)(x)
    torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-3)
    assert YOLO(exported, task="detect").predict(x, imgsz=128, device="cpu", verbose=False)


def test_stock_training_is_untouched(rendered, tmp_path):
    model = YOLO("yolov8n.yaml")
    model.train(data=str(rendered), epochs=1, project=str(tmp_path), name="s", **TINY)
    assert type(model.trainer).__name__ == "DetectionTrainer"
    assert not any("ratio" in key or "obj" in key for key in read_rows(tmp_path / "s")[0])
    source = (tmp_path / "s" / "weights" / "last.pt").read_bytes()
    assert b"gjadet_yolo" not in source  # the host also notes the repository it lies in, hence not "gjadet"


def test_class_without_instances_is_named_and_held(rendered, tmp_path, caplog):
    """A sixth class that no image holds."""
    data = yaml.safe_load(rendered.read_text()) | {"path": str(rendered.parent)}
    data["names"] = [*data["names"].values(), "unicorn"]
    (tmp_path / "data.yaml").write_text(yaml.safe_dump(data))
    model = YOLO(paper(tmp_path))
    with caplog.at_level("WARNING", logger="ultralytics"):
        model.train(data=str(tmp_path / "data.yaml"), epochs=1, project=str(tmp_path), name="r", **TINY)
    assert "no training image holds an instance of: unicorn" in caplog.text
    state = load_checkpoint(tmp_path / "r" / "weights" / "last.pt")[0].loss_state["main"]
    assert (state["ratio"][5], state["negative"][5]) == (100.0, 0.0)
    assert state["negative"][0] > 0


def break_second_step(trainer):
    """Callback after a step: weights that are not finite from the second step on."""
    if not trainer.steps:  # the trainer's own callbacks come later
        with torch.no_grad():
            next(trainer.model.parameters()).fill_(float("nan"))


def test_broken_loss_names_terms_and_images(rendered, tmp_path, caplog):
    model = YOLO(paper(tmp_path))
    model.add_callback("on_train_batch_end", break_second_step)
    with caplog.at_level("ERROR", logger="ultralytics"):
        model.train(data=str(rendered), epochs=1, project=str(tmp_path), name="r", mosaic=0, **TINY)
    record = next(one.getMessage() for one in caplog.records if "not finite" in one.getMessage())
    assert "obj_loss, cls_loss" in record
    assert "of step 2 not finite" in record
    assert record.count("/images/train/") == 4


def test_the_recipe_reaches_criterion_and_data(rendered, tmp_path):
    """Weights follow the boxes of the training set."""
    model, seen = YOLO("gjadetn-plain.yaml"), {}

    def look(trainer) -> None:
        criterion = trainer.model.criterion
        seen.update(weights=criterion.class_weights, boxes=criterion.box_weights, data=trainer.train_loader.dataset)
        seen.update(validated=trainer.ema.ema.criterion.box_weights)

    model.add_callback("on_train_end", look)
    model.train(data=str(rendered), epochs=1, project=str(tmp_path), name="g", **TINY)
    labels = np.concatenate([label["cls"].ravel() for label in seen["data"].labels]).astype(int)
    assert (np.bincount(labels, minlength=5) > 0).all()
    counts = seen["data"].effective_counts.round()  # weights balance what an epoch shows
    torch.testing.assert_close(seen["boxes"], box_weights(torch.tensor(counts), 0.25))
    torch.testing.assert_close(seen["validated"], seen["boxes"])  # the validation loss weighs as the training's
    expected = counts**-0.5 / (counts**-0.5).mean()
    torch.testing.assert_close(seen["weights"].flatten().float(), torch.tensor(expected).float())
    assert (seen["data"].config.paste, type(seen["data"]).__name__) == (0.7, "RecipeDataset")
    assert list(model.trainer.loss_names) == ["box_loss", "cls_loss", "dfl_loss"]


def test_all_parts_in_one_model_train_and_resume(rendered, tmp_path):
    """gjadet-tiny-paper: adaptive modules, SSPNet's neck and its loss, GJR, rectified IoU; interrupted once."""
    last, state = interrupted("gjadetn-tiny-paper.yaml", rendered, tmp_path / "t")

    resumed, seen = YOLO(last), []
    resumed.add_callback("on_train_batch_start", lambda trainer: seen.append(trainer.model.loss_state))
    resumed.train(resume=True)
    assert seen[0] == state
    assert len(state["main"]["negative"]) == 5  # GJR's
    assert list(resumed.trainer.loss_names) == ["box_loss", "obj_loss", "cls_loss", "dfl_loss", "att_loss"]
    rows = read_rows(tmp_path / "t")
    assert [int(row["epoch"]) for row in rows] == [1, 2]
    assert all(float(row["train/att_loss"]) > 0 for row in rows)
    found = YOLO(last).predict(np.full((128, 128, 3), 90, np.uint8), imgsz=128, conf=0.0001, verbose=False)
    assert torch.isfinite(found[0].boxes.data).all()
