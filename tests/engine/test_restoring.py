"""Models with a restorer: where gradients go, the four faults of the release, trainings, resuming, leaving it out."""

from __future__ import annotations

import copy
import csv
import logging
from types import SimpleNamespace

import cv2
import pytest
import torch
from conftest import TINY
from small import small_yaml
from torch import nn
from ultralytics import YOLO
from ultralytics.nn import tasks
from ultralytics.nn.tasks import load_checkpoint, yaml_model_load
from ultralytics.utils import DEFAULT_CFG_DICT

from gjadet_yolo.engine.model import GjadetModel
from gjadet_yolo.engine.restoring import as_target, clean_folder, gflops, give_own_groups
from gjadet_yolo.losses.restoration import psnr
from gjadet_yolo.nn.auxiliary import aux_of

ROWS = [[-1, 1, "Conv", [16, 3, 2]] for _ in range(5)]
SMALL = {"nc": 5, "reg_max": 16, "backbone": ROWS, "head": [[[3, 4], 1, "Detect", ["nc"]]]}


def small(head: str = "Detect", **restore: object) -> GjadetModel:
    torch.manual_seed(0)
    content = copy.deepcopy(SMALL) | {"restore": restore, "head": [[[3, 4], 1, head, ["nc"]]]}
    model = GjadetModel(content, verbose=False)
    model.args = SimpleNamespace(**DEFAULT_CFG_DICT)
    return model


def batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    clean = torch.rand(2, 3, 64, 64, generator=generator)
    return {
        "img": clean * 0.5,
        "clean": clean,
        "batch_idx": torch.tensor([0.0, 1.0]),
        "cls": torch.zeros(2, 1),
        "bboxes": torch.tensor([[0.5, 0.5, 0.25, 0.25], [0.25, 0.25, 0.5, 0.5]]),
    }


def gradients(part: nn.Module) -> torch.Tensor:
    return torch.cat([p.grad.flatten() for p in part.parameters() if p.grad is not None] or [torch.zeros(1)])


class TestLoss:
    def test_terms_and_their_weights(self):
        model, given = small(alpha=0.25, beta=2.0, gradient=False), batch()
        plain = small(alpha=1.0, beta=0.0)
        plain.load_state_dict(model.state_dict())
        preds = model(given["img"])
        items, other = model.loss(given, preds)[1], plain.loss(given)[1]
        assert list(items) == ["box_loss", "cls_loss", "dfl_loss", "restore_loss", "psnr"]
        for name in ("box_loss", "cls_loss", "dfl_loss"):
            torch.testing.assert_close(items[name], other[name] * 0.25)
        (restored,) = aux_of(preds)["restored"]
        torch.testing.assert_close(items["restore_loss"], 2 * (restored - given["clean"]).abs().mean().detach())
        torch.testing.assert_close(items["psnr"], psnr(restored.detach(), given["clean"]).mean())

    @pytest.mark.parametrize("gradient", [True, False])
    def test_the_detector_reaches_the_restorer_where_it_may(self, gradient):
        model = small(beta=0.0, gradient=gradient)
        model.loss(batch())[0].sum().backward()
        assert bool(gradients(model.restorer).abs().sum() > 0) is gradient
        assert gradients(model.model).abs().sum() > 0

    def test_the_restoring_loss_reaches_the_restorer_only(self):
        model = small(alpha=0.0)
        model.loss(batch())[0].sum().backward()
        assert gradients(model.model).abs().sum() == 0
        assert gradients(model.restorer).abs().sum() > 0

    @pytest.mark.parametrize("head", ["Detect", "v10Detect"])
    def test_fault_it_is_back_propagated_once(self, head):
        """The gradient is that of beta times L1 times the host's factor of the batch, also with two branches."""
        model, given = small(head, alpha=0.0, beta=0.5), batch()
        model.loss(given)[0].sum().backward()
        found = gradients(model.restorer)
        model.zero_grad()
        (0.5 * 2 * (model.restorer(given["img"]) - given["clean"]).abs().mean()).backward()
        torch.testing.assert_close(found, gradients(model.restorer), rtol=1e-3, atol=1e-6)

    def test_psnr_is_of_degraded_images(self):
        """Those that stay clean would raise it to 100 dB."""
        model, given = small(), batch()
        given["img"][1] = given["clean"][1]
        preds = model(given["img"])
        (restored,) = aux_of(preds)["restored"]
        found = model.loss(given, preds)[1]["psnr"]
        torch.testing.assert_close(found, psnr(restored.detach(), given["clean"])[0])

    def test_validation_looks_at_copies_for_the_restoring_loss_only(self):
        model, given = small().eval(), batch()
        given |= {"img": given["clean"], "degraded": given["img"]}
        with torch.no_grad():
            preds = model(given["img"])
            items = model.loss(given, preds)[1]
            expected = 0.5 * (model.restorer(given["degraded"]) - given["clean"]).abs().mean()
            alone = {key: value for key, value in given.items() if key not in ("clean", "degraded")}
            plain = model.loss(alone)[1]
        torch.testing.assert_close(items["restore_loss"], expected)
        assert all(torch.equal(items[name], plain[name]) for name in ("box_loss", "cls_loss", "dfl_loss"))
        assert (plain["restore_loss"], plain["psnr"]) == (0, 0)

    def test_bfloat16(self):
        """The restored image stays float32, and the loss near that of float32."""
        model, given = small(gradient=False), batch()
        expected = model.loss(given)[1]
        model.bf16 = True
        found = model.loss(given)[1]
        torch.testing.assert_close(found["restore_loss"], expected["restore_loss"], rtol=0.02, atol=1e-3)
        assert found["box_loss"].isfinite()


def test_fault_each_network_has_groups_and_a_rate_of_its_own():
    """Every parameter is in one group; the detector's are not among the restorer's."""
    model = small()
    groups = [{"params": list(model.parameters())[::2], "lr": 0.1, "x": 1}, {"params": list(model.parameters())[1::2]}]
    optimizer = torch.optim.SGD(groups, lr=0.01)
    give_own_groups(optimizer, model.restorer, 3.0)
    held = [{id(p) for p in group["params"]} for group in optimizer.param_groups]
    own = {id(p) for p in model.restorer.parameters()}
    assert sum(map(len, held)) == len(list(model.parameters())) == len(set.union(*held))
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.1, 0.01, 0.3, 0.03])
    assert set.union(*held[2:]) == own
    assert optimizer.param_groups[2]["x"] == 1


def test_fault_the_target_is_0_to_1_and_as_large_as_the_image():
    clean = torch.full((1, 3, 4, 4), 255, dtype=torch.uint8)
    assert as_target(clean, torch.zeros(1, 3, 4, 4)).max() == 1
    assert as_target(clean, torch.zeros(1, 3, 8, 6)).shape == (1, 3, 8, 6)


class TestModel:
    def test_left_out_it_is_the_detector_alone(self):
        model, x = small().eval(), batch()["img"]
        content = {key: value for key, value in copy.deepcopy(SMALL).items()}
        alone = GjadetModel(content, verbose=False).eval()
        alone.load_state_dict({k: v for k, v in model.state_dict().items() if not k.startswith("restorer.")})
        with torch.no_grad():
            torch.nn.init.constant_(model.restorer.detail.out.bias, 0.1)
            assert not torch.equal(model(x)[0], alone(x)[0])
            torch.testing.assert_close(model(x)[0], alone(model.restorer(x))[0])
            model.restoring = False
            assert torch.equal(model(x)[0], alone(x)[0])

    def test_host_weights_fill_the_detector(self):
        model = GjadetModel("gjadetn-joint.yaml", verbose=False)
        plain = GjadetModel("gjadetn.yaml", verbose=False)
        model.load(plain, verbose=False)
        ours = model.state_dict()
        assert all(torch.equal(value, ours[name]) for name, value in plain.state_dict().items())

    def test_fusing(self):
        model, x = small().eval(), batch()["img"]
        with torch.no_grad():
            before = model(x)[0]
            assert model.fuse(verbose=False) is model
            torch.testing.assert_close(model(x)[0], before, rtol=1e-4, atol=1e-3)
        assert model.is_fused()

    def test_cost(self):
        """The restorer of size n costs less than a tenth of the parameters and operations."""
        model = GjadetModel("gjadetn-joint.yaml", verbose=False)
        plain = GjadetModel("gjadetn.yaml", verbose=False)
        ours, theirs = model.info(verbose=True), plain.info(verbose=True)
        assert ours[1] < 1.1 * theirs[1]
        assert theirs[3] < ours[3] < 1.1 * theirs[3]
        assert gflops(model.restorer, 64, 64) > 0.02
        assert model.restoring

    def test_copies_and_checkpoints(self, tmp_path):
        """Also where the host rebuilds known classes only."""
        model, x = small().eval(), batch()["img"]
        del model.args  # of the test
        torch.save({"model": model}, tmp_path / "a.pt")
        loaded = tasks.torch_safe_load(tmp_path / "a.pt", safe_only=True)[0]["model"]
        with torch.no_grad():
            for twin in (copy.deepcopy(model), loaded):
                assert torch.equal(twin(x)[0], model(x)[0])

    def test_the_size_follows_the_scale(self):
        content = yaml_model_load("ccspnet-joint.yaml")
        assert content["restore"]["size"] == "auto"
        pytest.importorskip("timm")
        assert GjadetModel("ccspnetn-joint.yaml", verbose=False).restorer.size == "n"

    def test_images_without_colours_are_refused(self):
        with pytest.raises(ValueError, match="restore: the model is for images of 1 channels"):
            GjadetModel(copy.deepcopy(SMALL) | {"restore": {}}, ch=1, verbose=False)


def test_clean_folder_of_a_data_yaml(tmp_path):
    assert clean_folder({}) is None
    assert clean_folder({"clean": "c", "path": tmp_path}) == tmp_path / "c"
    with pytest.raises(ValueError, match=r"clean: \['a'\] in the data YAML, expected a folder"):
        clean_folder({"clean": ["a"]})


@pytest.mark.slow
class TestTraining:
    def rows(self, folder):
        with (folder / "results.csv").open(encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def test_the_restoring_loss_falls(self, rendered, tmp_path):
        """Thirty steps on eight images with one degradation that can be undone."""
        restore = {"degrade": {"low_light": 0.3}, "clean": 0.0, "lr": 3.0, "beta": 20}
        still = {"mosaic": 0.0, "fliplr": 0.0, "hsv_v": 0.0, "scale": 0.0, "translate": 0.0, "warmup_epochs": 0}
        model = YOLO(small_yaml(tmp_path, restore=restore))
        settings = {**TINY, **still, "optimizer": "AdamW", "lr0": 0.003, "nbs": 4, "val": False}
        model.train(data=str(rendered), epochs=15, project=str(tmp_path), name="a", **settings)
        rows = self.rows(tmp_path / "a")
        first, last = (float(rows[index]["train/restore_loss"]) for index in (0, -1))
        assert last < 0.6 * first
        assert float(rows[-1]["train/psnr"]) > float(rows[0]["train/psnr"]) + 3

    def test_everything_is_shown_saved_and_resumed(self, rendered, tmp_path):
        """The averaged model, both networks in the checkpoint, groups of the optimiser, draws of the epoch."""
        model = YOLO(small_yaml(tmp_path, restore={"lr": 2.0}))
        model.add_callback("on_model_save", interrupt)
        with pytest.raises(KeyboardInterrupt):
            model.train(data=str(rendered), epochs=2, project=str(tmp_path), name="r", **TINY | {"plots": True})
        last = tmp_path / "r" / "weights" / "last.pt"
        saved, seen = load_checkpoint(last)[0], {}
        assert type(saved.restorer).__name__ == "Restorer"
        resumed = YOLO(last)
        resumed.add_callback(
            "on_train_start", lambda t: seen.update(start=copy.deepcopy(t.model.restorer.state_dict()))
        )
        resumed.add_callback("on_train_epoch_end", lambda t: seen.update(epoch=int(t.train_loader.dataset.epoch)))
        resumed.train(resume=True)
        sheet = cv2.imread(str(tmp_path / "r" / "restored.jpg"))
        assert sheet.shape == (4 * 160, 3 * 160, 3)  # four images, padded as the host's validation pads
        for name, value in saved.restorer.state_dict().items():
            torch.testing.assert_close(seen["start"][name].float(), value.float())
        assert seen["epoch"] == 1
        rows = self.rows(tmp_path / "r")
        assert [int(row["epoch"]) for row in rows] == [1, 2]
        assert all(0 < float(row[f"{split}/restore_loss"]) < 1 for row in rows for split in ("train", "val"))
        assert all(0 < float(row[f"{split}/psnr"]) < 100 for row in rows for split in ("train", "val"))
        rates = {group["initial_lr"] for group in resumed.trainer.optimizer.param_groups}
        assert max(rates) == pytest.approx(2 * min(rates))

    def test_resumed_with_the_same_losses(self, rendered, tmp_path):
        """Degradations follow the epoch, so the second of a resumed run is that of one without a break.

        Weights come back from the averaged model in half precision, which is near the trained one this early.
        """
        still = dict.fromkeys(("mosaic", "fliplr", "hsv_h", "hsv_s", "hsv_v", "scale", "translate"), 0.0)
        settings = {**TINY, **still, "batch": 8, "val": False, "amp": False, "data": str(rendered), "epochs": 2}
        whole, broken = (YOLO(small_yaml(tmp_path, restore={"lr": 2.0})) for _ in range(2))
        whole.train(project=str(tmp_path), name="w", **settings)
        broken.add_callback("on_model_save", interrupt)
        with pytest.raises(KeyboardInterrupt):
            broken.train(project=str(tmp_path), name="b", **settings)
        YOLO(tmp_path / "b" / "weights" / "last.pt").train(resume=True)
        for ours, theirs in zip(*(self.rows(tmp_path / name) for name in ("b", "w")), strict=True):
            for name in ("restore_loss", "psnr", "box_loss", "cls_loss"):
                assert float(ours[f"train/{name}"]) == pytest.approx(float(theirs[f"train/{name}"]), rel=0.01)

    def test_images_of_a_restorer_that_gives_nan_are_named(self, rendered, tmp_path, caplog):
        def poison(trainer) -> None:
            if trainer.epoch == 1 and not done:
                done.append(trainer.epoch)
                nn.init.constant_(trainer.model.restorer.grid.out.bias, float("nan"))

        done: list[int] = []
        model = YOLO(small_yaml(tmp_path, restore={}))
        model.add_callback("on_train_epoch_start", poison)
        with caplog.at_level(logging.ERROR, "ultralytics"):
            model.train(data=str(rendered), epochs=2, project=str(tmp_path), name="n", **TINY)
        assert "restore_loss" in caplog.text
        assert "images/train" in caplog.text

    def test_multi_scale_end_to_end_and_stages(self, rendered, tmp_path):
        stages = [{"epochs": 1, "terms": ["restore_loss"]}, {"freeze": "restorer"}]
        model = YOLO(small_yaml(tmp_path, end2end=True, restore={"size": "n"}, schedule=stages))
        settings = {**TINY, "multi_scale": 0.5, "warmup_epochs": 0, "nbs": 4}
        seen: list[torch.Tensor] = []
        for event in ("on_train_epoch_start", "on_train_epoch_end"):
            model.add_callback(event, lambda t: seen.append(t.model.restorer.grid.out.bias.detach().clone()))
        model.train(data=str(rendered), epochs=2, project=str(tmp_path), name="m", **settings)
        rows = self.rows(tmp_path / "m")
        assert float(rows[0]["train/box_loss"]) == 0 < float(rows[1]["train/box_loss"])
        assert [torch.equal(seen[index], seen[index + 1]) for index in (0, 2)] == [False, True]


def interrupt(trainer) -> None:
    raise KeyboardInterrupt
