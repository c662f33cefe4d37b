"""Models with cruxes: where they are cut, what they compute, whose weights they take, copies, the restorer beside."""

from __future__ import annotations

import copy
import io
import threading
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from ultralytics.nn import tasks
from ultralytics.utils import DEFAULT_CFG_DICT

from gjadet_yolo.engine.cruxes import LayerShape, find_cuts, outputs_of
from gjadet_yolo.engine.model import GjadetModel
from gjadet_yolo.losses.catch_up import catch_up_loss
from gjadet_yolo.nn.auxiliary import aux_of
from gjadet_yolo.recipe.crux import CruxConfig

ROWS = [[-1, 1, "Conv", [width, 3, 2]] for width in (8, 16, 16, 24, 32)]  # strides 2 to 32
# A neck row that takes the medium layer, with a stride of 8, and a head on it and on the deepest layer.
NECK = [[2, 1, "Conv", [16, 1, 1]]]


def small(head: str = "Detect", **blocks: object) -> GjadetModel:
    torch.manual_seed(0)
    rows = [*NECK, [[5, 4], 1, head, ["nc"]]]
    content = {"nc": 5, "reg_max": 16, "backbone": ROWS, "head": rows, "crux": {}} | blocks
    model = GjadetModel(copy.deepcopy(content), verbose=False)
    model.args = SimpleNamespace(**DEFAULT_CFG_DICT)
    return model


def taught(model: GjadetModel) -> GjadetModel:
    """With learners that change something, in evaluation."""
    for parameter in model.crux.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model.eval()


def images() -> torch.Tensor:
    return torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))


def batch() -> dict[str, torch.Tensor]:
    boxes = torch.tensor([[0.5, 0.5, 0.25, 0.25], [0.25, 0.25, 0.5, 0.5]])
    return {"img": images(), "batch_idx": torch.tensor([0.0, 1.0]), "cls": torch.zeros(2, 1), "bboxes": boxes}


class TestCuts:
    SHAPES = tuple(
        LayerShape("Conv", stride, 8, (index - 1,)) for index, stride in enumerate((2, 4, 4, 8, 8, 16, 0, 32))
    )

    @pytest.mark.parametrize(
        ("shallow", "medium", "expected"),
        [("P2", "P3", (2, 4)), (1, 3, (1, 3)), ("P1", 1, (0, 1)), (4, "P4", (4, 5)), (3, 5, (3, 5))],
    )
    def test_layers_and_levels(self, shallow, medium, expected):
        assert find_cuts(CruxConfig(shallow, medium), self.SHAPES) == expected

    @pytest.mark.parametrize(
        ("shallow", "medium", "words"),
        [
            ("P3", "P2", "shallow is layer 4 and medium is layer 2, allowed: shallow in front of medium"),
            (2, 5, "layer 2 and medium is layer 5 with strides 4 and 16, allowed: medium at twice the stride"),
            ("P2", "P6", r"medium is 'P6'\. Did you mean 'P5'\? Allowed: P1, P2, P3, P4, P5\. Layers"),
            (2, 9, "medium is layer 9, allowed: layers of the backbone with one output"),
            (5, 6, "medium is layer 6, allowed: layers of the backbone with one output"),
            (5, 7, "no later layer of the backbone takes what medium gives"),
        ],
    )
    def test_refusals_show_the_layers(self, shallow, medium, words):
        with pytest.raises(ValueError, match=words) as error:
            find_cuts(CruxConfig(shallow, medium), self.SHAPES)
        assert "strides: 0 Conv 2, 1 Conv 4, 2 Conv 4, 3 Conv 8" in str(error.value)
        assert "6 Conv several outputs" in str(error.value)

    def test_a_backbone_in_one_row(self):
        shapes = (LayerShape("TimmBackbone", 0, 0, (-1,)), LayerShape("Level", 8, 8, (0,)))
        with pytest.raises(ValueError, match=r"Allowed: P3\..* TimmStage rows in the place of TimmBackbone can be cut"):
            find_cuts(CruxConfig(), shapes)


class TestForward:
    def test_by_hand(self):
        """The deepest layer sees the fused features, the neck the plain ones."""
        model, x = taught(small()), images()
        seen = {}
        for number in (3, 5):
            model.model[number].register_forward_hook(lambda m, given, out: seen.update({m.i: given[0]}))
        with torch.no_grad():
            outputs = model(x)
            plain = outputs_of(model.model[:3], x)[2]
            crux = x * model.crux.learner.mask(model.crux.learner(x), x.shape[2:])
            shallow, medium = outputs_of(model.model[:3], crux)[1:]
            caught = medium + model.crux.catch_up(shallow)
            fused = model.crux.fusion.conv(torch.cat((plain, caught), 1))
        torch.testing.assert_close(seen[3], fused)
        torch.testing.assert_close(seen[5], plain)
        torch.testing.assert_close(aux_of(outputs)["heat"][0], model.crux.learner(x))
        assert not any(layer._forward_pre_hooks for layer in model.model)

    @pytest.mark.parametrize("reduce", [1, 2])
    def test_the_start_is_the_host(self, reduce):
        """Weights of the model without the block fill its layers, and it gives the same, whatever a crux's size."""
        model, x = small(crux={"reduce": reduce}), images()
        alone = small(crux=False).eval()
        assert not hasattr(alone, "crux")
        model.load(alone, verbose=False)
        with torch.no_grad():
            torch.testing.assert_close(model.eval()(x)[0], alone(x)[0])
        assert set(alone.state_dict()) == {name for name in model.state_dict() if not name.startswith("crux.")}

    def test_statistics_do_not_move_while_it_is_built(self):
        model = small(crux=False)
        with_block = small()
        for name, value in model.state_dict().items():
            assert torch.equal(value, with_block.state_dict()[name])

    def test_smaller_cruxes(self):
        """Means of 2 x 2 px go through the layers, and each of their features is fused at four places."""
        model, x = taught(small(crux={"reduce": 2})), images()
        seen = {}
        model.model[3].register_forward_hook(lambda m, given, out: seen.update(fused=given[0]))
        with torch.no_grad():
            model(x)
            plain = outputs_of(model.model[:3], x)[2]
            crux = nn.functional.avg_pool2d(x * model.crux.learner.mask(model.crux.learner(x), x.shape[2:]), 2)
            shallow, medium = outputs_of(model.model[:3], crux)[1:]
            caught = (medium + model.crux.catch_up(shallow)).repeat_interleave(2, 2).repeat_interleave(2, 3)
            torch.testing.assert_close(seen["fused"], model.crux.fusion(plain, caught))

    def test_a_list_of_inputs(self):
        """A Concat of the backbone that takes the medium layer gets it fused, the other input as it is."""
        rows = [*ROWS[:3], [-1, 1, "Conv", [16, 3, 1]], [[-1, 2], 1, "Concat", [1]], [-1, 1, "Conv", [16, 3, 2]]]
        model = taught(small(backbone=rows, crux={"medium": 2}))
        seen = {}
        for number in (3, 4):
            model.model[number].register_forward_hook(lambda m, given, out: seen.update({m.i: (given[0], out)}))
        with torch.no_grad():
            model(images())
        assert torch.equal(seen[4][0][1], seen[3][0])
        assert torch.equal(seen[4][0][0], seen[3][1])

    def test_threads_do_not_meet(self):
        model, x = taught(small()), images()
        with torch.no_grad():
            expected = [model(one[None])[0] for one in x]
        found: list[torch.Tensor | None] = [None, None]

        def predict(index: int) -> None:
            with torch.no_grad():
                for _ in range(20):
                    found[index] = model(x[index][None])[0]

        threads = [threading.Thread(target=predict, args=(index,)) for index in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))

    def test_copies_and_restricted_loading(self, tmp_path):
        model, x, buffer = taught(small()), images(), io.BytesIO()
        del model.args  # not of a class that a checkpoint may hold
        with torch.no_grad():
            expected = model(x)[0]
            torch.save(model, buffer)
            torch.save({"model": model}, tmp_path / "a.pt")
            buffer.seek(0)
            twins = copy.deepcopy(model), torch.load(buffer, weights_only=False)
            loaded = tasks.torch_safe_load(tmp_path / "a.pt", safe_only=True)[0]["model"]
            for twin in (*twins, loaded, copy.deepcopy(model).fuse(verbose=False)):
                torch.testing.assert_close(twin(x)[0], expected, rtol=1e-4, atol=1e-3)

    def test_a_recorded_graph(self):
        model, x = taught(small()), images()
        model.model[-1].export = True
        with torch.no_grad():
            traced = torch.jit.trace(model, (x,), check_trace=False)
            torch.testing.assert_close(traced(x), model(x))


class TestLoss:
    @pytest.mark.parametrize("head", ["Detect", "v10Detect"])
    def test_terms(self, head):
        """The catch-up term is 0 without a second stream, and counts once with two branches."""
        model = small(head, crux={"weight": 3.0})
        assert float(model.loss(batch())[1]["kl_loss"]) == 0
        unpaired = torch.rand(2, 3, 64, 96)
        given = batch() | {"unpaired": unpaired}
        items = model.loss(given)[1]
        model.eval()
        with torch.no_grad():
            caught, favoured = (outputs_of(model.model[:3], model.crux.crux(x)[0])[2] for x in (images(), unpaired))
        model.train()
        assert items["kl_loss"] > 0
        preds = model(given["img"])
        (found,) = aux_of(preds)["caught"]
        torch.testing.assert_close(found.shape, caught.shape)
        assert float(catch_up_loss(caught, favoured).mean()) > 0

    def test_its_gradient_reaches_the_catch_up_learner_but_nothing_behind_it(self):
        model = small()
        nn.init.normal_(model.crux.catch_up.conv3.weight)
        model.active_terms = ("kl_loss",)
        model.loss(batch() | {"unpaired": torch.rand(2, 3, 64, 96)})[0].sum().backward()
        assert all(p.grad is not None and p.grad.any() for p in model.crux.catch_up.parameters())
        assert all(p.grad is None or not p.grad.any() for p in model.crux.fusion.parameters())
        assert all(p.grad is None or not p.grad.any() for p in model.model[-1].parameters())

    def test_bfloat16(self):
        model, given = small(), batch() | {"unpaired": torch.rand(2, 3, 64, 96)}
        expected = model.loss(given)[1]
        model.bf16 = True
        found = model.loss(given)[1]
        torch.testing.assert_close(found["kl_loss"], expected["kl_loss"], rtol=0.1, atol=0.02)
        assert found["kl_loss"].dtype == torch.float32


def test_restorer_beside_it():
    """The crux is that of the restored image; alpha, the weight of the detector's terms, is none of the catch-up's."""
    model = small(restore={"alpha": 0.5}, crux={})
    nn.init.constant_(model.restorer.detail.out.bias, 0.1)
    other = small(restore={"alpha": 0.0}, crux={})
    other.load_state_dict(model.state_dict())
    given = batch() | {"clean": images(), "unpaired": torch.rand(2, 3, 64, 96)}
    first, second = (one.loss(given)[1] for one in (model, other))
    assert {"restore_loss", "kl_loss", "psnr"} <= set(first)
    torch.testing.assert_close(first["kl_loss"], second["kl_loss"])
    assert second["box_loss"] == 0
    model.eval()
    with torch.no_grad():
        heat = aux_of(model(images()))["heat"][0]
        torch.testing.assert_close(heat, model.crux.learner(model.restorer(images())))
