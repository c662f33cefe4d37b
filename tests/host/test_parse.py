"""Rows of a model YAML: what is built, and what is refused with which words."""

from __future__ import annotations

import copy
from typing import ClassVar

import pytest
import torch
from ultralytics.nn import tasks

from gjadet_yolo.host.parse import LEVELS, has_rule, plan_row
from gjadet_yolo.nn.row import MANY, Plan, Row


def tiny(*rows: list, scale: str = "n") -> dict:
    """Model YAML with one stem convolution and the given rows behind it."""
    return {
        "nc": 2,
        "scales": {"n": [0.5, 0.5, 64], "m": [1.0, 1.0, 64]},
        "scale": scale,
        "backbone": [[-1, 1, "Conv", [32, 3, 2]]],
        "head": [list(row) for row in rows],
    }


def build(*rows: list, scale: str = "n") -> torch.nn.Sequential:
    return tasks.parse_model(tiny(*rows, scale=scale), 3, verbose=False)[0]


class WideSum(torch.nn.Module):
    """Two inputs, scaled output channels, repeats inside: what a neck block needs."""

    inputs: ClassVar[range] = MANY

    def __init__(self, channels: tuple[int, ...], c2: int, repeats: int) -> None:
        super().__init__()
        self.mix = torch.nn.ModuleList(torch.nn.Conv2d(c, c2, 1) for c in channels)
        self.repeats = repeats

    @classmethod
    def plan(cls, row: Row) -> Plan:
        c2 = row.scaled(row.args[0])
        return Plan((row.channels, c2, row.repeats), c2)

    def forward(self, x: list[torch.Tensor]) -> torch.Tensor:
        return sum(mix(one) for mix, one in zip(self.mix, x, strict=True))


@pytest.fixture
def wide_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "WideSum", WideSum, raising=False)


def test_single_input_row_keeps_channels():
    layers = build([-1, 1, "AdaptiveModule", [["spatial"], 3]], [-1, 1, "Conv", [64]])
    assert list(layers[1].stages._modules) == ["spatial"]
    assert layers[1].stages.spatial.conv.kernel_size == (3, 3)
    assert layers[2].conv.in_channels == 16  # 32 * 0.5


@pytest.mark.parametrize(("scale", "channels", "repeats"), [("n", 32, 2), ("m", 64, 4)])
def test_multi_input_row_scales_like_the_host(wide_sum, scale, channels, repeats):
    """128 is cut to max_channels 64, then times width; 4 repeats times depth."""
    layers = build([-1, 1, "Conv", [16, 3, 1]], [[0, 1], 4, "WideSum", [128]], [-1, 1, "Conv", [16]], scale=scale)
    assert layers[2].repeats == repeats
    assert [mix.in_channels for mix in layers[2].mix] == [layers[0].conv.out_channels, layers[1].conv.out_channels]
    assert layers[3].conv.in_channels == channels
    assert (layers[2].f, layers[2].i) == ([0, 1], 2)


def test_adaptive_module_in_the_place_of_a_concat():
    layers = build([-1, 1, "Conv", [16, 3, 1]], [[0, 1], 1, "AdaptiveModule", []], [-1, 1, "Conv", [8]])
    assert layers[2].stages.scale.gate[0].in_features == layers[3].conv.in_channels == 16 + 8


def test_repeats_of_a_row_are_chained():
    layers = build([-1, 4, "AdaptiveModule", []])
    assert len(layers[1]) == 2  # depth 0.5


def test_save_list_and_forward(wide_sum):
    model, save = tasks.parse_model(tiny([-1, 1, "Conv", [16]], [[-1, 0], 1, "WideSum", [16]]), 3, verbose=False)
    assert save == [0]
    first = model[0](torch.rand(1, 3, 16, 16))
    assert model[2]([model[1](first), first]).shape == (1, 8, 8, 8)


def test_parsing_leaves_the_dictionary_alone_apart_from_the_host():
    yaml = tiny([-1, 1, "AdaptiveModule", [["scale"]]])
    before = copy.deepcopy(yaml)
    tasks.parse_model(yaml, 3, verbose=False)
    assert yaml == before


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            [-1, 1, "AdaptivModule", []],
            r"row 1 \[-1, 1, AdaptivModule, \[\]\]: there is no module.*Did you mean 'AdaptiveModule'",
        ),
        ([-1, 1, "nn.Upsampel", []], r"row 1 .*there is no module 'nn.Upsampel'"),
        (
            [-1, 1, "AdaptiveModule", [["spatial"], 7, 4, 9]],
            r"row 1 .*positional arguments.*AdaptiveModule\(c1",
        ),
        ([-1, 1, "AdaptiveModule", [["spatail"]]], r"row 1 .*names 'spatail'\. Did you mean 'spatial'"),
        ([-1, 1, "AdaptiveModule", ["spatial"]], r"order of AdaptiveModule is 'spatial', expected a list"),
        ([-1, 1, "AdaptiveModule", [["task", "task"]]], "twice: task, task"),
        (
            [-1, 1, "AdaptiveModule", [["spatial"], 5]],
            r"row 1 .*kernel_size of the spatial attention is 5, allowed: 3, 7",
        ),
        (
            [-1, 1, "AdaptiveModule", [["task"], 7, 99]],
            r"row 1 .*reduction of the task attention is 99, allowed: 1 to 16",
        ),
        ([[-1, 0], 1, "Single", []], r"row 1 .*2 inputs, Single takes 1\."),
        ([[-1], 1, "Single", []], "'from' is a list, Single takes one layer number"),
        ([[0] * 9, 1, "AdaptiveModule", []], "9 inputs, AdaptiveModule takes 1 to 8"),
        ([4, 1, "AdaptiveModule", []], "'from' names 4, allowed: earlier layers -1 to 0"),
        ([-2, 1, "AdaptiveModule", []], "'from' names -2, allowed: earlier layers -1 to 0"),
        (["x", 1, "AdaptiveModule", []], "'from' names 'x'"),
        ([-1, 1, "JointDetect"], r"row 1 is .*expected \[from, repeats, module, \[arguments\]\]"),
        ([[0, 9], 1, "JointDetect", ["nc"]], "'from' names 9"),
        ([[0], 1, "JointDetect", []], r"takes one argument, the number of classes, found \[\]"),
        ([[0], 1, "JointDetect", ["nc", 16]], r"takes one argument, the number of classes, found \[2, 16\]"),
        ([[0], 1, "JointDetect", ["classes"]], r"takes one argument, the number of classes, found \['classes'\]"),
    ],
)
def test_faulty_rows_are_explained(row, words, monkeypatch):
    monkeypatch.setattr(tasks, "Single", type("Single", (WideSum,), {"inputs": range(1, 2)}), raising=False)
    with pytest.raises(ValueError, match=words):
        build(row)


def test_scale_in_order_list_is_no_variable():
    """The parser replaces strings that are its own locals; 'scale' is one, and the list protects it."""
    assert list(build([-1, 1, "AdaptiveModule", [["scale"]]])[1].stages._modules) == ["scale"]


def test_wrong_plan_is_refused():
    class Bad(WideSum):
        @classmethod
        def plan(cls, row: Row) -> Plan:
            return Plan((row.channels, 8, 1), 0)

    env = {"i": 1, "f": [0], "ch": [8], "args": [], "n": 1, "width": 1.0, "max_channels": 64, LEVELS: {}}
    with pytest.raises(ValueError, match="output channels are 0"):
        plan_row(Bad, env)


def test_only_classes_with_a_rule_take_the_branch():
    assert has_rule(WideSum)
    assert not any(has_rule(cls) for cls in (tasks.Conv, tasks.Detect, torch.nn.Conv2d, tasks.C2f))
