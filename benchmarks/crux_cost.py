"""What cruxes add to their detector: parameters, GFLOPs, CPU latency, and the training step of each phase.

    python benchmarks/crux_cost.py [models=lcpn,gjadetn-lcp] [sizes=4:1,4:2,8:2] [imgsz=640] [rounds=9] [step=320]

Latency: fused models, one image, with and without the block in turn, median of the ratios of the rounds. Step: forward,
loss and backward on a batch of 4 at ``step`` px with what the phase freezes, against a step of the detector with
nothing frozen. ``sizes``: ``stride`` and ``reduce`` of the block. GFLOPs count convolutions and matrix products, two
per multiplication and addition. Writes a Markdown table.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from functools import partial

import torch
from cost import compare, training_step
from ultralytics.nn.tasks import yaml_model_load

from gjadet_yolo.engine.model import GjadetModel
from gjadet_yolo.engine.restoring import gflops
from gjadet_yolo.engine.stages import Stage, plan_phases


def with_and_without(name: str, stride: int, reduce: int) -> tuple[GjadetModel, GjadetModel]:
    """A model with other sizes of its cruxes, and the same without its block."""
    content = yaml_model_load(f"{name}.yaml")
    content["crux"] |= {"stride": stride, "reduce": reduce}
    plain = {key: value for key, value in content.items() if key != "crux"}
    return GjadetModel(content, verbose=False), GjadetModel(plain, verbose=False)


def phase_step(model: GjadetModel, stage: Stage, side: int) -> Callable[[], None]:
    """A training step of a phase."""
    model = copy.deepcopy(model)
    frozen = (*(f"model.{number}." for number in stage.frozen), *stage.parts)
    step = training_step(model, side)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(parameter.requires_grad and not name.startswith(frozen))
    model.active_terms = stage.terms
    if stage.stream:
        unpaired = torch.rand(4, 3, side, side)
        model.loss = partial(with_stream, model.loss, unpaired)
    return step


def with_stream(loss: Callable[..., object], unpaired: torch.Tensor, batch: dict, preds: object = None) -> object:
    return loss(batch | {"unpaired": unpaired}, preds)


def row(name: str, stride: int, reduce: int, imgsz: int, rounds: int, step_px: int) -> str:
    """One row of the table."""
    model, plain = with_and_without(name, stride, reduce)
    sizes = [sum(parameter.numel() for parameter in one.parameters()) for one in (model, plain)]
    flops = [gflops(one, imgsz, imgsz) for one in (model, plain)]
    host, phases = training_step(plain, step_px), plan_phases(2, model.crux.medium, len(model.model), "stream")
    steps = [compare(host, phase_step(model, stage, step_px), rounds)[1] for stage in phases]
    for one in (model, plain):
        one.eval().fuse(verbose=False)
    x = torch.rand(1, 3, imgsz, imgsz)
    with torch.inference_mode():
        latency, ratio = compare(lambda: plain(x), lambda: model(x), rounds)
    cells = (f"{sizes[0] / 1e6:.2f} M", f"{sizes[0] / sizes[1]:.3f}", f"{flops[0]:.1f}", f"{flops[0] / flops[1]:.2f}")
    times = (f"{latency * 1e3:.0f}", f"{ratio:.2f}", *(f"{one:.2f}" for one in steps))
    return f"| `{name}.yaml` | {stride} | {reduce} | {' | '.join((*cells, *times))} |"


def main() -> None:
    """Measure and print the table."""
    settings = {"models": "lcpn,gjadetn-lcp", "sizes": "4:1,4:2,8:2", "imgsz": "640", "rounds": "9", "step": "320"}
    settings |= dict(arg.split("=", 1) for arg in sys.argv[1:])
    numbers = [int(settings[key]) for key in ("imgsz", "rounds", "step")]
    heads = ("model", "`stride`", "`reduce`", "parameters", "ratio", "GFLOPs", "ratio", "ms without", "latency ratio")
    print("| " + " | ".join((*heads, "step ratio, catch_up", "step ratio, crux")) + " |")
    print("|" + "---|" * (len(heads) + 2))
    for name in settings["models"].split(","):
        for sizes in settings["sizes"].split(","):
            stride, reduce = map(int, sizes.split(":"))
            print(row(name, stride, reduce, *numbers), flush=True)


if __name__ == "__main__":
    main()
