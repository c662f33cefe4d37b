"""Cost of a variant against its baseline: parameters, GFLOPs, latency and training step, in turn in one process."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from cost import compare, training_step
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.torch_utils import get_flops

from gjadet_yolo.engine.model import GjadetModel
from gjadet_yolo.host.connect import asks_for_plugin


@dataclass(frozen=True)
class Cost:
    """Cost of a model, and its ratios to the baseline.

    Attributes:
        parameters: Millions.
        gflops: Of one image.
        latency_ms: Of one image, fused, in the precision of the weights.
        parameters_ratio: To the baseline, as the following.
        gflops_ratio: As above.
        latency_ratio: Median over the rounds.
        step_ratio: Forward, loss and backward; median over the rounds.
        gpu_latency_ratio: The same on a GPU, or None without one.
    """

    parameters: float
    gflops: float
    latency_ms: float
    parameters_ratio: float
    gflops_ratio: float
    latency_ratio: float
    step_ratio: float
    gpu_latency_ratio: float | None = None


def cost(model: dict[str, Any], base: dict[str, Any], classes: int, imgsz: int, rounds: int, out: Path) -> Cost:
    """Measure a model YAML against another, or read what was measured before.

    Args:
        out: Folder that keeps the results.
    """
    name = hashlib.sha256(json.dumps([model, base, classes, imgsz, rounds], sort_keys=True).encode()).hexdigest()[:12]
    file = out / "costs" / f"{name}.json"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(measure(model, base, classes, imgsz, rounds))), encoding="utf-8")
    return Cost(**json.loads(file.read_text(encoding="utf-8")))


def measure(model: dict[str, Any], base: dict[str, Any], classes: int, imgsz: int, rounds: int) -> Cost:
    """Measure on this machine; arguments as for ``cost``."""
    pair = [build(content, classes) for content in (base, model)]
    sizes = [sum(p.numel() for p in m.parameters()) / 1e6 for m in pair]
    flops = [get_flops(m, imgsz) for m in pair]
    step = compare(*(training_step(m, imgsz) for m in pair), rounds)[1]
    for m in pair:
        m.eval().fuse(verbose=False)
    x = torch.rand(1, 3, imgsz, imgsz)
    with torch.inference_mode():
        base_s, ratio = compare(lambda: pair[0](x), lambda: pair[1](x), rounds)
        gpu = gpu_ratio(pair, x.cuda(), rounds) if torch.cuda.is_available() else None
    relative = (sizes[1] / sizes[0], flops[1] / flops[0], ratio, step, gpu)
    return Cost(sizes[1], flops[1], base_s * ratio * 1e3, *relative)


def gpu_ratio(pair: list[torch.nn.Module], x: torch.Tensor, rounds: int) -> float:
    """Latency ratio on the GPU."""
    pair = [m.cuda() for m in pair]

    def call(m: torch.nn.Module) -> None:
        m(x)
        torch.cuda.synchronize()  # calls return before the GPU has computed anything

    return compare(lambda: call(pair[0]), lambda: call(pair[1]), rounds)[1]


def build(content: dict[str, Any], classes: int) -> DetectionModel:
    """Model of a YAML; the plugin's class where the YAML asks for it."""
    cls = GjadetModel if asks_for_plugin(content) else DetectionModel
    # a deep copy, because the host's parser writes into the dictionary
    return cls(json.loads(json.dumps(content)), nc=classes, verbose=False)
