"""How strongly each class loss pulls on a fresh head: norm of its gradient on the last layers of the class branch.

    python benchmarks/loss_levels.py [imgsz=256] [batch=4]

Nano models without the recipe, the same seed and batch; the second step, when the statistics of EQL v2 and GJR have
seen one. Prints a Markdown table.
"""

from __future__ import annotations

import sys

import torch
import yaml
from precision import batch_of
from ultralytics.cfg import get_cfg

from gjadet_yolo import locate
from gjadet_yolo.engine.model import GjadetModel
from gjadet_yolo.losses.catalog import CLASS_LOSSES
from gjadet_yolo.messages import suggestion

SETTINGS = {"imgsz": "256", "batch": "4"}
STEPS = 3  # the last one is measured


def level(head: str, loss: str, batch: dict[str, torch.Tensor]) -> float:
    """Gradient norm of a class loss on a head."""
    content = yaml.safe_load(locate.files("cfg")["gjadet-plain"].read_text(encoding="utf-8"))
    content = {key: value for key, value in content.items() if key != "augment"}
    content |= {"scale": "n", "loss": {"cls": loss}}
    content["head"][-1][2] = head
    torch.manual_seed(0)
    model = GjadetModel(content, nc=5, verbose=False).train()
    model.args = get_cfg()
    last = [branch[-1].weight for branch in model.model[-1].cv3]
    for _ in range(STEPS):
        total, _ = model.loss(batch)
        gradients = torch.autograd.grad(total.sum(), last)
    return float(torch.stack([gradient.norm() for gradient in gradients]).norm())


def main() -> None:
    """Measure and print."""
    settings = SETTINGS | dict(argument.partition("=")[::2] for argument in sys.argv[1:])
    if unknown := [key for key in settings if key not in SETTINGS]:
        raise ValueError(f"'{unknown[0]}' is no setting.{suggestion(unknown[0], list(SETTINGS))}")
    batch = batch_of(int(settings["batch"]), int(settings["imgsz"]))
    heads = ("Detect", "JointDetect")
    print("| class loss | " + " | ".join(heads) + " |\n|---|---|---|")
    for loss in CLASS_LOSSES:
        print(f"| {loss} | " + " | ".join(f"{level(head, loss, batch):.2g}" for head in heads) + " |", flush=True)


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(f"Error: {error}")
