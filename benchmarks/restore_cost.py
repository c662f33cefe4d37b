"""What a restorer adds to its detector: parameters, GFLOPs, CPU latency and training step, and its parts by image size.

    python benchmarks/restore_cost.py [models=gjadetn-joint,ccspnetn-joint] [sizes=640,1920] [rounds=9] [step=320]

Latency: fused models, one image, with and without the restorer in turn, median of the ratios of the rounds. Step:
forward, loss and backward on a batch of 4 at ``step`` px. GFLOPs count convolutions and matrix products, two per
multiplication and addition. Writes two Markdown tables.
"""

from __future__ import annotations

import sys

import torch
from cost import compare, training_step
from ultralytics.nn.tasks import yaml_model_load

from gjadet_yolo.engine.model import GjadetModel
from gjadet_yolo.engine.restoring import gflops
from gjadet_yolo.nn.restore import SIZES, Restorer


def with_and_without(name: str) -> tuple[GjadetModel, GjadetModel]:
    """A model, and the same without its restorer."""
    content = yaml_model_load(f"{name}.yaml")
    plain = {key: value for key, value in content.items() if key != "restore"}
    return GjadetModel(content, verbose=False), GjadetModel(plain, verbose=False)


def row(name: str, imgsz: int, rounds: int, step_px: int) -> str:
    """One row of the first table."""
    model, plain = with_and_without(name)
    sizes = [sum(parameter.numel() for parameter in one.parameters()) for one in (model, plain)]
    flops = [gflops(one, imgsz, imgsz) for one in (model, plain)]
    steps = [training_step(one, step_px) for one in (plain, model)]
    step = compare(*steps, rounds)[1]
    for one in (model, plain):
        one.eval().fuse(verbose=False)
    x = torch.rand(1, 3, imgsz, imgsz)
    with torch.inference_mode():
        latency, ratio = compare(lambda: plain(x), lambda: model(x), rounds)
    cells = (f"{sizes[0] / 1e6:.2f} M", f"{sizes[0] / sizes[1]:.3f}", f"{flops[0]:.1f}", f"{flops[0] / flops[1]:.3f}")
    return f"| `{name}.yaml` | {imgsz} | {' | '.join(cells)} | {latency * 1e3:.0f} | {ratio:.2f} | {step:.2f} |"


def parts(size: str, imgsz: int) -> str:
    """One row of the second table: GFLOPs of the parts of a restorer."""
    restorer = Restorer(size).eval()
    whole = gflops(restorer, imgsz, imgsz)
    fixed = gflops(restorer.grid, restorer.low, restorer.low)
    if restorer.features is not None:
        fixed += gflops(restorer.features, restorer.features.side, restorer.features.side)
    return f"| {size} | {imgsz} | {whole:.1f} | {fixed:.2f} | {whole - fixed:.2f} |"


def main() -> None:
    """Measure and print both tables."""
    settings = {"models": "gjadetn-joint,ccspnetn-joint", "sizes": "640,1920", "rounds": "9", "step": "320"}
    settings |= dict(arg.split("=", 1) for arg in sys.argv[1:])
    sizes = [int(size) for size in settings["sizes"].split(",")]
    print("| model | px | parameters | ratio | GFLOPs | ratio | ms without | latency ratio | step ratio |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in settings["models"].split(","):
        for imgsz in sizes:
            print(row(name, imgsz, int(settings["rounds"]), int(settings["step"])), flush=True)
    print("\n| restorer | px | GFLOPs | of fixed size: U-Nets | with the image: guides, fusion, detail |")
    print("|---|---|---|---|---|")
    for size in SIZES:
        for imgsz in sizes:
            print(parts(size, imgsz), flush=True)


if __name__ == "__main__":
    main()
