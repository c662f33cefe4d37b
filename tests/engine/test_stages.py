"""Two-stage training: stages as a table, refusals, frozen weights that do not move, resuming in either stage."""

from __future__ import annotations

import signal

import pytest
import torch
from conftest import TINY
from small import small_yaml
from ultralytics import YOLO

from gjadet_yolo.engine.stages import Stage, plan_stages, stage_at
from gjadet_yolo.recipe.schedule import ScheduleConfig


def schedule(freeze, epochs) -> ScheduleConfig:
    return ScheduleConfig.from_yaml({"freeze": freeze, "epochs": epochs})


@pytest.mark.parametrize(
    ("block", "epochs", "expected"),
    [
        (None, 10, [(0, 10, (), 1.0)]),
        ({"freeze": "backbone", "epochs": 3}, 10, [(0, 3, (0, 1, 2), 1.0), (3, 10, (), 1.0)]),
        ({"freeze": "backbone", "epochs": 0.3, "lr": 0.1}, 10, [(0, 3, (0, 1, 2), 0.1), (3, 10, (), 1.0)]),
        ({"freeze": ["neck", 0], "epochs": 0.01}, 10, [(0, 1, (0, 3, 4), 1.0), (1, 10, (), 1.0)]),
        ({"freeze": ["backbone", "neck"], "epochs": 1}, 2, [(0, 1, (0, 1, 2, 3, 4), 1.0), (1, 2, (), 1.0)]),
        ({"freeze": ["head", 5], "epochs": 1}, 2, [(0, 1, (5,), 1.0), (1, 2, (), 1.0)]),
        ([{}], 4, [(0, 4, (), 1.0)]),
        (
            [{"epochs": 6, "freeze": 0, "terms": "cls_loss"}, {"epochs": 0.25, "stream": "good", "lr": 0.5}, {}],
            24,
            [(0, 6, (0,), 1.0, ("cls_loss",)), (6, 12, (), 0.5, (), "good"), (12, 24, (), 1.0)],
        ),
    ],
)
def test_stages(block, epochs, expected):
    """Of a model with three backbone layers, two of the neck and a head."""
    stages = plan_stages(ScheduleConfig.from_yaml(block), epochs, backbone=3, layers=6)
    assert stages == tuple(Stage(*row) for row in expected)


@pytest.mark.parametrize(
    ("wanted", "epochs", "expected"), [(3, 10, (0, 3, 10)), (3, 3, (0, 2, 3)), (50, 4, (0, 3, 4)), (3, 1, (0, 0, 1))]
)
def test_stages_of_an_estimated_length(wanted, epochs, expected):
    """time= of the host: a first stage that no longer fits is cut, and the last epoch trains everything."""
    first, second = plan_stages(schedule("backbone", wanted), epochs, 3, 6, estimated=True)
    assert (first.first, first.end, second.end) == expected
    assert stage_at((first, second), epochs - 1) == second
    assert not second.frozen


def test_stage_at():
    stages = plan_stages(schedule("backbone", 3), 10, 3, 6)
    assert [stage_at(stages, epoch).first for epoch in (0, 2, 3, 9, 12)] == [0, 0, 3, 3, 3]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"freez": "backbone"}, "unknown key 'freez'. Did you mean 'freeze'?"),
        ({"freeze": "backbon", "epochs": 1}, "freeze has 'backbon'. Did you mean 'backbone'?"),
        ({"freeze": [-1], "epochs": 1}, "freeze has -1."),
        ({"freeze": "backbone"}, "freeze and epochs belong together"),
        ({"epochs": 3}, "freeze and epochs belong together"),
        ({"freeze": "backbone", "epochs": 2.5}, "epochs is 2.5, allowed: a share below 1, or a whole number"),
        ({"freeze": "backbone", "epochs": -1}, "epochs is -1, allowed: numbers from 0 to 100000."),
        ({"freeze": "backbone", "epochs": 1e300}, "epochs is 1e+300, allowed: numbers from 0 to 100000."),
        ({"freeze": "backbone", "epochs": 1, "lr": 0}, "lr is 0, allowed: numbers from 1e-06 to 1000."),
        ({"freeze": "backbone", "epochs": 1, "lr": 1e300}, "lr is 1e+300, allowed: numbers from 1e-06 to 1000."),
        ("backbone", "schedule: is 'backbone', expected keys and values"),
        ([{"epochs": 1}, "head"], "schedule: is 'head', expected keys and values"),
        ([{"freeze": 0}, {}], "stage 1 of 2 has no epochs. Only the last goes to the end."),
        ([{"epochs": 1}, {"epochs": 2}], "the last stage has epochs: 2, but goes to the end"),
        ([{"epochs": 1, "terms": [1]}, {}], "terms has 1, expected names of loss terms such as box_loss"),
        ([{"epochs": 1, "stream": 3}, {}], "stream is 3, expected a folder of images"),
    ],
)
def test_refusals(block, message):
    with pytest.raises(ValueError) as error:
        ScheduleConfig.from_yaml(block)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (schedule("backbone", 10), "the first stage has 10 epochs of 10"),
        (schedule(9, 1), "freeze has layer 9, allowed: 0 to 5"),
        (ScheduleConfig.from_yaml([{"epochs": 4}, {"epochs": 6}, {}]), "the first 2 stages have 10 epochs of 10"),
        (schedule(["backbone", "neck", "head"], 1), "holds all layers"),
    ],
)
def test_refusals_of_a_model(config, message):
    with pytest.raises(ValueError) as error:
        plan_stages(config, 10, backbone=3, layers=6)
    assert message in str(error.value)


def snapshots(trainer) -> None:
    """Callback after each epoch: weights and BatchNorm statistics of a backbone layer and of the head, and the rate."""
    state = trainer.model.state_dict()
    keep = {name: state[name].clone() for name in state if name.startswith(("model.1.", "model.5.obj"))}
    trainer.kept = [*getattr(trainer, "kept", []), (keep, trainer.optimizer.param_groups[0]["lr"])]


def test_frozen_layers_do_not_move(rendered, tmp_path):
    """Two epochs with the backbone frozen, then one without; the head moves throughout; the rate jumps."""
    model = YOLO(small_yaml(tmp_path, head="JointDetect", schedule={"freeze": "backbone", "epochs": 2, "lr": 0.1}))
    before = {name: value.clone() for name, value in model.model.state_dict().items() if name.startswith("model.1.")}
    model.add_callback("on_train_epoch_end", snapshots)
    settings = {**TINY, "warmup_epochs": 0, "lrf": 1.0, "optimizer": "AdamW", "nbs": 4}
    model.add_callback("on_train_start", lambda trainer: trainer.model.load_state_dict(before, strict=False))
    model.train(data=str(rendered), epochs=3, project=str(tmp_path), name="r", **settings)
    (first, low), (second, _), (third, high) = model.trainer.kept
    frozen = [name for name in first if name.startswith("model.1.") and "num_batches" not in name]
    assert len(frozen) == 5
    for name in frozen:
        assert torch.equal(first[name], before[name])
        assert torch.equal(second[name], before[name])
        assert not torch.equal(third[name], before[name])
    assert not torch.equal(first["model.5.obj.0.bias"], second["model.5.obj.0.bias"])
    assert low == pytest.approx(0.1 * high)


@pytest.mark.parametrize("killed_after", [0, 2])
def test_resume_in_either_stage(rendered, fresh, tmp_path, killed_after):
    """Killed outright in the first or the second stage: the resumed run freezes what its epochs ask for."""
    file = small_yaml(tmp_path, head="JointDetect", schedule={"freeze": "backbone", "epochs": 2})
    code = (
        "import os, signal, sys\nfrom ultralytics import YOLO\nm = YOLO(sys.argv[1])\n"
        f"kill = lambda t: t.epoch == {killed_after} and os.kill(os.getpid(), signal.SIGKILL)\n"
        "m.add_callback('on_model_save', kill)\n"
        f"m.train(data=sys.argv[2], epochs=4, project=sys.argv[3], name='r', **{TINY!r})"
    )
    killed = fresh(code, str(file), str(rendered), str(tmp_path))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    model, frozen = YOLO(tmp_path / "r" / "weights" / "last.pt"), {}

    def look(trainer) -> None:
        frozen[trainer.epoch] = not next(trainer.model.model[1].parameters()).requires_grad

    model.add_callback("on_train_batch_start", look)
    model.train(resume=True)
    assert frozen == {epoch: epoch < 2 for epoch in range(killed_after + 1, 4)}
