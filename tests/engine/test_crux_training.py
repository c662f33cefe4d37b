"""Trainings with cruxes: phases as a table, what each updates to the bit, the second stream, resuming, refusals."""

from __future__ import annotations

import copy
import csv
import logging
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from conftest import TINY
from small import small_yaml
from ultralytics import YOLO
from ultralytics.nn.tasks import load_checkpoint

from gjadet_yolo import locate
from gjadet_yolo.engine.favoured import favoured_pictures, favoured_source, refuse_training_images
from gjadet_yolo.engine.stages import CATCH_UP, CRUX, phase_ends, plan_phases, stage_at
from gjadet_yolo.engine.streams import Picture, UnpairedImages

STILL = {"mosaic": 0.0, "fliplr": 0.0, "hsv_h": 0.0, "hsv_s": 0.0, "hsv_v": 0.0, "scale": 0.0, "translate": 0.0}
STEPS = {**TINY, **STILL, "batch": 8, "nbs": 8, "warmup_epochs": 0, "optimizer": "SGD", "lr0": 0.01, "lrf": 1.0}
STEPS |= {"val": False, "amp": False}
CUT = {"shallow": 1, "medium": 2}


class TestPhases:
    def test_as_published(self):
        """6 and 6 epochs, then in turns, of 24."""
        assert phase_ends(24) == [6, 12, *range(13, 25)]
        stages = plan_phases(24, 4, 10, "good")
        names = [stage_at(stages, epoch).phase for epoch in range(24)]
        assert names == [CATCH_UP] * 6 + [CRUX] * 6 + [CATCH_UP, CRUX] * 6

    @pytest.mark.parametrize(
        ("epochs", "ends"),
        [
            (2, [1, 2]),
            (3, [1, 3]),
            (4, [1, 2, 3, 4]),
            (6, [1, 3, 4, 6]),
            (48, [12, 24, *range(26, 49, 2)]),
            (100, [25, 50, 54, 58, 62, 66, 70, 75, 79, 83, 87, 91, 95, 100]),
        ],
    )
    def test_any_length(self, epochs, ends):
        assert phase_ends(epochs) == ends

    @pytest.mark.parametrize("epochs", range(2, 130))
    def test_every_length_ends_with_the_detector(self, epochs):
        ends = phase_ends(epochs)
        assert ends == sorted(set(ends))
        assert ends[-1] == epochs
        assert len(ends) % 2 == 0

    def test_what_is_frozen(self):
        first, second = plan_phases(2, 4, 10, "good")
        assert first.frozen == tuple(range(10))
        assert (first.parts, first.restorer) == (("crux.learner.", "crux.fusion."), True)
        assert (first.terms, first.stream) == (("kl_loss",), "good")
        assert second.frozen == (0, 1, 2, 3, 4)
        assert (second.parts, second.restorer) == (("crux.catch_up.",), False)
        assert (second.terms, second.stream) == ((), "")
        assert first.described() == "phase catch_up, which updates the catch-up learner only, beside images of good"

    def test_too_short(self):
        with pytest.raises(ValueError, match="crux: the training has 1 epoch, and its phases need 2 and more"):
            plan_phases(1, 4, 10, "good")
        assert plan_phases(1, 4, 10, "good", estimated=True)


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    """Three images in a folder."""
    root = tmp_path_factory.mktemp("good")
    rng = np.random.default_rng(0)
    for index in range(3):
        cv2.imwrite(str(root / f"{index}.png"), rng.integers(0, 255, (64, 64, 3), np.uint8))
    return root


class TestFavoured:
    def test_the_data_yaml_wins(self, good):
        data = {"path": good.parent, "favoured": good.name}
        assert favoured_source(data, "other") == str(good)
        assert favoured_source({"favoured": "crash2024.yaml"}, "") == "crash2024.yaml"
        assert favoured_source({}, "other") == "other"

    def test_every_kind_of_source(self, good, tmp_path):
        expected = [Picture(good / f"{index}.png") for index in range(3)]
        assert favoured_pictures(str(good), str) == expected
        assert favoured_pictures("x.yaml", lambda name: str(good)) == expected
        assert favoured_pictures("x.yaml", lambda name: [str(good), str(good / "0.png")]) == [*expected, expected[0]]
        (tmp_path / "list.txt").write_text(f"{good / '1.png'}\n./a.png\n")
        assert favoured_pictures(str(tmp_path / "list.txt"), str) == [expected[1], Picture(tmp_path / "a.png")]

    def test_a_video(self, tmp_path):
        """Four frames of their own grey each."""
        file = tmp_path / "good.avi"
        writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))
        for index in range(4):
            writer.write(np.full((48, 64, 3), 60 * index, np.uint8))
        writer.release()
        pictures = favoured_pictures(str(file), str)
        assert [one.frame for one in pictures] == [0, 1, 2, 3]
        images = UnpairedImages(pictures, (0,)).batch(4, (48, 64))
        assert sorted(images[:, 0, 24, 32].tolist()) == pytest.approx([0, 60, 120, 180], abs=2)

    @pytest.mark.parametrize(
        ("source", "words"), [("nothing", "favoured is .*nothing, which does not exist"), ("", "holds no image")]
    )
    def test_nothing_there(self, tmp_path, source, words):
        with pytest.raises(ValueError, match=words):
            favoured_pictures(str(tmp_path / source), str)

    def test_not_named(self):
        with pytest.raises(ValueError, match="crux: needs images that the detector likes"):
            favoured_source({}, "")
        with pytest.raises(ValueError, match=r"favoured: 3 in the data YAML, expected"):
            favoured_source({"favoured": 3}, "")

    def test_the_training_set_itself(self, good):
        pictures = favoured_pictures(str(good), str)
        own = [str(picture.file) for picture in pictures]
        refuse_training_images(str(good), pictures, own[1:])
        with pytest.raises(ValueError, match="all of its images are training images"):
            refuse_training_images(str(good), pictures, own)

    def test_reading_ahead_changes_nothing(self, good):
        pictures = favoured_pictures(str(good), str)
        plain, ahead = UnpairedImages(pictures, (1,)), UnpairedImages(pictures, (1,), threads=2)
        for size, shape in ((2, (32, 32)), (2, (32, 32)), (1, (32, 32)), (2, (64, 32)), (2, (64, 32))):
            assert torch.equal(plain.batch(size, shape), ahead.batch(size, shape))
        ahead.close()


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def remember(trainer) -> None:
    """Callback after each epoch: everything that the model consists of."""
    trainer.kept = [*getattr(trainer, "kept", []), copy.deepcopy(trainer.model.state_dict())]


def changed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.slow
class TestTraining:
    @pytest.mark.parametrize("restore", [False, {"degrade": {"low_light": 0.3}}])
    def test_each_phase_updates_what_it_should(self, rendered, good, tmp_path, caplog, restore):
        """All others to the bit, statistics of BatchNorm included."""
        file = small_yaml(tmp_path, crux={**CUT, "favoured": str(good), "weight": 1000}, restore=restore)
        model = YOLO(file)
        model.add_callback("on_train_epoch_end", remember)
        seen = []
        model.add_callback("on_train_batch_end", lambda t: seen.append(t.unpaired is not None))
        # two steps an epoch, large enough to show in the last bit of each parameter in dark pictures too
        settings = {**STEPS, "batch": 4, "nbs": 4, "lr0": 0.1, "warmup_bias_lr": 0.1}
        with caplog.at_level(logging.INFO, "ultralytics"):
            model.add_callback("on_train_start", remember)
            model.train(data=str(rendered), epochs=4, project=str(tmp_path), name="a", **settings)
        start, *kept = model.trainer.kept
        everything = set(start)
        catch_up = {name for name in everything if name.startswith("crux.catch_up.")}
        frozen = {name for name in everything if name.startswith(("model.0.", "model.1.", "model.2."))}
        constant = {name for name in everything if ".dfl." in name}
        for phase, (before, after) in zip((CATCH_UP, CRUX) * 2, zip((start, *kept), kept, strict=False), strict=True):
            if phase == CATCH_UP:
                assert changed(before, after) == catch_up
            else:
                moved, expected = changed(before, after), everything - catch_up - frozen - constant
                assert moved <= expected
                # No target may be assigned to the coarser level, whose box branch then has a gradient of 0.
                assert all(name.startswith("model.5.cv2.1.") for name in expected - moved), expected - moved
        assert seen == [True, True, False, False] * 2
        table = rows(tmp_path / "a")
        assert [float(row["train/kl_loss"]) > 0 for row in table] == [True, False] * 2
        assert [float(row["train/box_loss"]) > 0 for row in table] == [False, True] * 2
        assert "epochs 1 to 1, phase catch_up, which updates the catch-up learner only, beside images of" in caplog.text
        assert "epochs 2 to 2, phase crux, which updates crux learner, fusion and all layers behind" in caplog.text
        assert "shallow and medium layers are not trained, and they are random" in caplog.text

    def test_features_catch_up(self, rendered, tmp_path):
        """The catch-up learner on dark images, with others that the released detector likes: the KL falls."""
        dark = shutil.copytree(rendered.parent, tmp_path / "dark")
        for file in (dark / "images" / "train").iterdir():
            cv2.imwrite(str(file), cv2.imread(str(file)) // 6)
        content = yaml.safe_load(locate.files("cfg")["lcp"].read_text(encoding="utf-8"))
        content["crux"]["favoured"] = str(rendered.parent / "images" / "val")
        (tmp_path / "yolov8-lcp.yaml").write_text(yaml.safe_dump(content))
        model = YOLO(tmp_path / "yolov8n-lcp.yaml")
        settings = {**STEPS, "optimizer": "AdamW", "lr0": 0.002, "pretrained": "gjadetn-crash-synth.pt"}
        model.add_callback("on_train_epoch_end", lambda t: setattr(t, "stop", t.epoch == 9))
        model.train(data=str(dark / rendered.name), epochs=80, project=str(tmp_path), name="a", **settings)
        kl = [float(row["train/kl_loss"]) for row in rows(tmp_path / "a")]
        assert max(kl[-2:]) < 0.85 * kl[0]

    def test_gradients_of_a_phase_end_with_it(self, rendered, good, tmp_path):
        """Accumulated over more steps than an epoch has: what one phase has left is not applied in the next."""
        model = YOLO(small_yaml(tmp_path, crux={**CUT, "favoured": str(good)}))
        model.add_callback("on_train_epoch_end", remember)
        settings = {**STEPS, "batch": 4, "nbs": 12}
        model.train(data=str(rendered), epochs=2, project=str(tmp_path), name="a", **settings)
        first, second = model.trainer.kept
        assert not any(name.startswith("crux.catch_up.") for name in changed(first, second))

    @pytest.mark.parametrize("stop", [0, 1, 2])
    def test_resumed_it_goes_on_as_before(self, rendered, good, tmp_path, stop):
        """In either phase; the checkpoint holds half precision, so that losses agree to a few thousandths."""
        favoured = shutil.copytree(good, tmp_path / "good")
        file = small_yaml(tmp_path, crux={**CUT, "favoured": str(favoured)})
        losses, start = [], {}
        for name in ("whole", "cut"):
            model = YOLO(file)
            if name == "cut":
                model.add_callback("on_model_save", lambda t: interrupt() if t.epoch == stop else None)
                model.add_callback("on_train_start", adopt(start))
                with pytest.raises(KeyboardInterrupt):
                    model.train(data=str(rendered), epochs=4, project=str(tmp_path), name=name, **STEPS)
                model = YOLO(tmp_path / name / "weights" / "last.pt")
                model.train(resume=True)
            else:
                model.add_callback("on_train_start", lambda t: start.update(copy.deepcopy(t.model.state_dict())))
                model.train(data=str(rendered), epochs=4, project=str(tmp_path), name=name, **STEPS)
            table = rows(tmp_path / name)
            terms = ("box_loss", "cls_loss", "kl_loss")
            losses.append([[float(row[f"train/{term}"]) for term in terms] for row in table])
        np.testing.assert_allclose(losses[1], losses[0], rtol=0.02, atol=2e-3)

    def test_the_second_stream_has_no_labels(self, rendered, good, tmp_path):
        """Labels beside the favoured images are not looked at, and the batch has those of the training images only."""
        favoured = shutil.copytree(good, tmp_path / "good" / "images")
        labels = tmp_path / "good" / "labels"
        labels.mkdir()
        for index in range(3):
            (labels / f"{index}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
        content = {"path": str(favoured.parent), "train": "images", "val": "images", "names": ["a"]}
        (tmp_path / "good.yaml").write_text(yaml.safe_dump(content))
        data = yaml.safe_load(rendered.read_text(encoding="utf-8"))
        data["path"] = str(rendered.parent)
        (tmp_path / "data.yaml").write_text(yaml.safe_dump(data | {"favoured": str(tmp_path / "good.yaml")}))
        found = []

        def look(trainer) -> None:
            own = trainer.preprocess_batch(next(iter(trainer.train_loader)))
            found.append((set(own), len(own["cls"]), own["unpaired"].shape))

        model = YOLO(small_yaml(tmp_path, crux=CUT))
        model.add_callback("on_train_batch_start", lambda t: look(t) if not found else None)
        model.train(data=str(tmp_path / "data.yaml"), epochs=2, project=str(tmp_path), name="a", **STEPS)
        count = sum(len(label["cls"]) for label in model.trainer.train_loader.dataset.labels)
        ((keys, boxes, shape),) = found
        assert (boxes, shape) == (count, (8, 3, 128, 128))
        assert {key for key in keys if "unpaired" in key or "favoured" in key} == {"unpaired"}
        assert len(model.trainer.favoured) == 3

    def test_pretrained_length_average_and_checkpoint(self, rendered, good, tmp_path):
        """Starts from a detector without cruxes, for 24 epochs where none are stated; the average has the learners."""
        folder = tmp_path / "plain"
        folder.mkdir()
        YOLO(small_yaml(folder, crux=False)).train(data=str(rendered), epochs=1, project=str(folder), name="p", **STEPS)
        pretrained = folder / "p" / "weights" / "last.pt"
        model = YOLO(small_yaml(tmp_path, end2end=False, crux={**CUT, "favoured": str(good)}))
        seen = {}

        model.add_callback("on_train_start", lambda t: seen.setdefault("state", copy.deepcopy(t.model.state_dict())))
        model.add_callback("on_train_start", lambda t: seen.setdefault("epochs", t.epochs))
        model.add_callback("on_train_epoch_end", lambda t: setattr(t, "stop", True))
        model.add_callback("on_train_epoch_end", lambda t: setattr(t, "epochs", t.epoch + 1))
        model.train(data=str(rendered), pretrained=str(pretrained), project=str(tmp_path), name="a", **STEPS)
        assert seen["epochs"] == 24
        for name, value in load_checkpoint(pretrained)[0].state_dict().items():
            torch.testing.assert_close(seen["state"][name].float(), value.float(), rtol=1e-3, atol=1e-3)
        saved = load_checkpoint(tmp_path / "a" / "weights" / "last.pt")[0]
        assert type(saved.crux).__name__ == "Cruxes"
        assert any(p.any() for p in saved.crux.catch_up.conv3.parameters())

    def test_end_to_end_head_multi_scale_and_joint_head(self, rendered, good, tmp_path):
        settings = {**TINY, "multi_scale": 0.5}
        for name, shape in (("e", {"end2end": True}), ("j", {"head": "JointDetect"})):
            model = YOLO(small_yaml(tmp_path, crux={**CUT, "favoured": str(good)}, **shape))
            model.train(data=str(rendered), epochs=2, project=str(tmp_path), name=name, **settings)
            first, second = rows(tmp_path / name)
            assert float(first["train/kl_loss"]) > 0 == float(second["train/kl_loss"])
            assert float(second["val/box_loss"]) > 0

    @pytest.mark.parametrize(
        ("favoured", "epochs", "words"),
        [
            ("", 2, "crux: needs images that the detector likes"),
            ("nowhere", 2, "favoured is nowhere, which does not exist"),
            ("images/train", 2, "all of its images are training images"),
            ("good", 1, "crux: the training has 1 epoch, and its phases need 2 and more"),
        ],
    )
    def test_refused_before_training(self, rendered, good, tmp_path, favoured, epochs, words):
        known = {"good": str(good), "images/train": str(rendered.parent / "images" / "train")}
        model = YOLO(small_yaml(tmp_path, crux={**CUT, "favoured": known.get(favoured, favoured)}))
        began = []
        model.add_callback("on_train_start", began.append)
        with pytest.raises(ValueError, match=words):
            model.train(data=str(rendered), epochs=epochs, project=str(tmp_path), name="a", **STEPS)
        assert not began


def interrupt() -> None:
    raise KeyboardInterrupt


def adopt(state: dict):
    """Callback at the start: weights of another run."""
    return lambda trainer: trainer.model.load_state_dict(state)
