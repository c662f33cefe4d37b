"""What bfloat16 and channels last bring to a training step on a CPU: forward pass, loss, backward pass.

    python benchmarks/precision.py [model=gjadetn.yaml] [imgsz=320] [batch=8] [rounds=9] [threads=1]

The four ways take turns in one process; medians of CPU time, and medians of the ratios of each round to float32 as the
host runs it. Prints a Markdown table.
"""

from __future__ import annotations

import statistics
import sys
import time
from itertools import product

import torch
from ultralytics.cfg import get_cfg

from gjadet_yolo.engine.model import GjadetModel
from gjadet_yolo.engine.precision import has_bf16_units
from gjadet_yolo.messages import suggestion

SETTINGS = {"model": "gjadetn.yaml", "imgsz": "320", "batch": "8", "rounds": "9", "threads": "1"}
BOXES = 30  # per image


def batch_of(images: int, side: int) -> dict[str, torch.Tensor]:
    """Random images and boxes of 3 to 8 % of their side."""
    rng = torch.Generator().manual_seed(0)
    count = images * BOXES
    size = torch.rand(count, 2, generator=rng) * 0.05 + 0.03
    centre = torch.rand(count, 2, generator=rng) * 0.9 + 0.05
    return {
        "img": torch.rand(images, 3, side, side, generator=rng),
        "batch_idx": torch.arange(images).repeat_interleave(BOXES).float(),
        "cls": torch.randint(0, 5, (count, 1), generator=rng).float(),
        "bboxes": torch.cat((centre, size), 1),
    }


def step_s(model: GjadetModel, batch: dict[str, torch.Tensor]) -> float:
    """CPU time of one training step without the optimiser's."""
    start = time.process_time()
    loss, _ = model.loss(batch)
    loss.sum().backward()
    spent = time.process_time() - start
    for parameter in model.parameters():
        parameter.grad = None
    return spent


def main() -> None:
    """Measure and print."""
    settings = SETTINGS | dict(argument.partition("=")[::2] for argument in sys.argv[1:])
    if unknown := [key for key in settings if key not in SETTINGS]:
        raise ValueError(f"'{unknown[0]}' is no setting.{suggestion(unknown[0], list(SETTINGS))}")
    torch.set_num_threads(int(settings["threads"]))
    if not has_bf16_units():
        print("This processor has no bfloat16 units: its rows are those of an emulation.")
    batch = batch_of(int(settings["batch"]), int(settings["imgsz"]))
    models = {}
    for bf16, last in product((False, True), repeat=2):
        model = GjadetModel(settings["model"], nc=5, verbose=False).train()
        model.args, model.bf16 = get_cfg(), bf16
        models[bf16, last] = model.to(memory_format=torch.channels_last) if last else model
    taken: dict[tuple[bool, bool], list[float]] = {key: [] for key in models}
    for _ in range(int(settings["rounds"])):
        for (bf16, last), model in models.items():
            layout = torch.channels_last if last else torch.contiguous_format
            taken[bf16, last].append(step_s(model, batch | {"img": batch["img"].contiguous(memory_format=layout)}))
    print(f"| {settings['model']}, {settings['imgsz']} px | ms per image | ratio |\n|---|---|---|")
    first = taken[False, False]
    for (bf16, last), times in taken.items():
        name = ("bfloat16" if bf16 else "float32") + (", channels last" if last else "")
        ratio = statistics.median(one / other for one, other in zip(times, first, strict=True))
        print(f"| {name} | {1e3 * statistics.median(times) / int(settings['batch']):.0f} | {ratio:.2f} |")


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(f"Error: {error}")
