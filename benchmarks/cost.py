"""Cost of each model against its plain host: parameters, GFLOPs, CPU latency, training step; ratios from the same run.

    python benchmarks/cost.py [imgsz=640] [scales=nsmlx] [rounds=15] [threads=0] [steps=n] [out=cost.md]
        [families=gjadet,gjadet-paper] [subsets=1]

Latency: fused models, one image, host and model in turn (the order alternates), median of the ratios of the rounds.
Training step: forward, loss and backward on a batch of 4 at half the image side, scales named in ``steps``.
Writes a Markdown table.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import torch
import yaml
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils import DEFAULT_CFG_DICT
from ultralytics.utils.torch_utils import get_flops

from gjadet_yolo import locate
from gjadet_yolo.engine.model import GjadetModel

HOSTS = {
    f"{name}{end}": host
    for end in ("", "-plain", "-paper")
    for name, host in (
        ("gjadet", "yolov8"),
        ("gjadet-p2", "yolov8-p2"),
        ("gjadet-yolo11", "yolo11"),
        ("gjadet-yolo26", "yolo26"),
        ("gjadet-tiny", "yolov8"),
    )
} | {"sspnet": "yolov8", "sspnet-p3": "yolov8", "tpnet": "yolov8"}


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(host: Callable[[], object], model: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Median seconds of the host and median ratio of the model to it."""
    for call in (host, model, host, model):  # the first calls allocate memory and choose kernels
        call()
    pairs = []
    for index in range(rounds):
        # in turn: what else runs on the machine, and its clock, then meet both alike
        first, second = (host, model) if index % 2 else (model, host)
        a, b = seconds(first), seconds(second)
        pairs.append((a, b) if index % 2 else (b, a))
    return statistics.median(a for a, _ in pairs), statistics.median(b / a for a, b in pairs)


def training_step(model: DetectionModel, imgsz: int) -> Callable[[], object]:
    """Forward, loss and backward on random images with 20 targets each."""
    model.train()
    model.args = SimpleNamespace(**DEFAULT_CFG_DICT)
    generator = torch.Generator().manual_seed(0)
    batch = {
        "img": torch.rand(4, 3, imgsz, imgsz, generator=generator),
        "batch_idx": torch.arange(4).repeat_interleave(20).float(),
        "cls": torch.randint(0, 5, (80, 1), generator=generator).float(),
        "bboxes": torch.rand(80, 4, generator=generator) * 0.3 + 0.2,
    }

    def step() -> None:
        model.zero_grad()
        model.loss(batch)[0].sum().backward()

    return step


def variant(family: str, scale: str, order: list[str] | None, reduction: int = 4) -> GjadetModel:
    """Model with other adaptive modules; ``order`` None removes nothing."""
    content = yaml.safe_load(locate.files("cfg")[family].read_text(encoding="utf-8")) | {"scale": scale}
    for row in content["head"]:
        if row[2] == "AdaptiveModule" and order is not None:
            row[3] = [order, 7, reduction]
    return GjadetModel(content, nc=5, verbose=False)


def row(name: str, host: DetectionModel, model: DetectionModel, settings: dict[str, str]) -> str:
    """One table row."""
    imgsz, rounds = int(settings["imgsz"]), int(settings["rounds"])
    sizes = [sum(p.numel() for p in m.parameters()) for m in (host, model)]
    flops = [get_flops(m, imgsz) for m in (host, model)]
    step = ""
    if model.yaml["scale"] in settings["steps"]:
        step = f"{compare(*(training_step(m, imgsz // 2) for m in (host, model)), rounds)[1]:.2f}"
    for m in (host, model):
        m.eval().fuse(verbose=False)
    x = torch.rand(1, 3, imgsz, imgsz)
    with torch.inference_mode():
        latency, ratio = compare(lambda: host(x), lambda: model(x), rounds)
    cells = (f"{sizes[1] / 1e6:.2f} M", f"{sizes[1] / sizes[0]:.3f}", f"{flops[1]:.1f}", f"{flops[1] / flops[0]:.3f}")
    return f"| `{name}` | {' | '.join(cells)} | {latency * 1e3:.0f} | {ratio:.2f} | {step} |"


def main() -> None:
    """Measure and print the table."""
    settings = {
        "imgsz": "640",
        "scales": "nsmlx",
        "rounds": "15",
        "threads": "0",
        "steps": "n",
        "out": "",
        "subsets": "",
        "families": ",".join(HOSTS),
    }
    settings |= dict(arg.split("=", 1) for arg in sys.argv[1:])
    if settings["threads"] != "0":
        torch.set_num_threads(int(settings["threads"]))
    lines = [
        "| model | parameters | ratio | GFLOPs | ratio | host ms | latency ratio | step ratio |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for family in settings["families"].split(","):
        for scale in settings["scales"]:
            plain = DetectionModel(f"{locate.with_scale(HOSTS[family], scale)}.yaml", nc=5, verbose=False)
            name = f"{locate.with_scale(family, scale)}.yaml"
            lines.append(row(name, plain, variant(family, scale, None), settings))
            print(lines[-1], flush=True)
    for order, reduction in (
        ("spatial", 4),
        ("spatial scale", 4),
        ("spatial scale task", 8),
        ("spatial scale task", 16),
    ):
        if settings["subsets"]:
            plain = DetectionModel("yolov8n.yaml", nc=5, verbose=False)
            name = f"gjadetn-paper, [{order.replace(' ', ', ')}], reduction {reduction}"
            lines.append(row(name, plain, variant("gjadet-paper", "n", order.split(), reduction), settings))
            print(lines[-1], flush=True)
    if settings["out"]:
        Path(settings["out"]).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
