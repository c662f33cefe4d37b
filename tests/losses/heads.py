"""Heads, raw outputs and targets for tests of the criterion."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import nn
from ultralytics.nn.modules import Detect

from gjadet_yolo.nn.joint_detect import JointDetect
from gjadet_yolo.recipe.recipe import Recipe

CHANNELS, SIZES, STRIDES = (16, 32, 64), (16, 8, 4), (8.0, 16.0, 32.0)
GAINS = {"box": 7.5, "cls": 0.5, "dfl": 1.5, "epochs": 10}


class OnlyHead(nn.Module):
    """The parts of a detection model that a criterion looks at."""

    def __init__(self, head: nn.Module, loss: dict | None = None) -> None:
        super().__init__()
        head.stride = torch.tensor(STRIDES)
        head.bias_init()
        self.model, self.args = nn.Sequential(head), SimpleNamespace(**GAINS)
        self.recipe = Recipe.from_yaml({"loss": loss})


def joint(loss: dict | None = None, nc: int = 3, **settings) -> OnlyHead:
    torch.manual_seed(0)
    return OnlyHead(JointDetect(nc, ch=CHANNELS, **settings), loss)


def plain(loss: dict | None = None, **settings) -> OnlyHead:
    torch.manual_seed(0)
    return OnlyHead(Detect(3, ch=CHANNELS, **settings), loss)


def outputs(model: OnlyHead, seed: int = 0) -> dict:
    generator = torch.Generator().manual_seed(seed)
    return model.model[0]([torch.randn(2, c, s, s, generator=generator) for c, s in zip(CHANNELS, SIZES, strict=True)])


def batch(count: int = 5) -> dict[str, torch.Tensor]:
    """Targets in two images; class 2 is rare."""
    boxes = torch.tensor(
        [[0.3, 0.3, 0.2, 0.2], [0.7, 0.6, 0.3, 0.3], [0.5, 0.5, 0.6, 0.7], [0.2, 0.7, 0.1, 0.1], [0.6, 0.2, 0.2, 0.1]]
    )
    classes = torch.tensor([[0.0], [0.0], [2.0], [0.0], [1.0]])
    return {"batch_idx": torch.tensor([0.0, 0, 0, 1, 1])[:count], "cls": classes[:count], "bboxes": boxes[:count]}
