"""What every model YAML gives in each export format: difference to PyTorch, file size, latency.

    python benchmarks/export.py [imgsz=256] [scale=n] [formats=torchscript,onnx,openvino] [models=gjadet,sspnet]
        [rounds=9] [image=bus.jpg] [out=table.md]

Needs ``pip install 'gjadet-yolo[export,timm]'``. Weights are random, with statistics that keep the signal alive
(``awake``). The image is letterboxed to a square; the host's own ``bus.jpg`` by default. Differences are the largest of
all anchors. Latency: PyTorch (fused, as the host runs it) and export in turn, median of the ratios of the rounds.
OpenVINO computes in float32 here (``float32_openvino``). Writes a Markdown table; files go to a temporary folder.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("YOLO_AUTOINSTALL", "false")  # a missing converter is an error, not a download

import cv2
import torch
import yaml
from cost import compare
from torch import nn
from ultralytics import ASSETS, YOLO
from ultralytics.data.augment import LetterBox
from ultralytics.nn.autobackend import AutoBackend
from ultralytics.utils import DEFAULT_CFG_DICT

from gjadet_yolo import locate

FORMATS = ("torchscript", "onnx", "openvino")
CPU = torch.device("cpu")
# Settings of `export` that give raw predictions of end-to-end heads too; later hosts do so by themselves.
RAW = {"end2end": False} if "end2end" in DEFAULT_CFG_DICT else {}


@dataclass(frozen=True)
class Difference:
    """Largest differences between an export and PyTorch over all anchors.

    Attributes:
        box_px: Of centre, width and height.
        score: Of class scores (0 to 1).
    """

    box_px: float
    score: float


def model_names(scale: str = "n") -> dict[str, str]:
    """YAML of each family, at the scale where it has scales."""
    files = locate.files("cfg").items()
    scaled = {family: "scales" in yaml.safe_load(file.read_text(encoding="utf-8")) for family, file in files}
    return {name: f"{locate.with_scale(name, scale) if has else name}.yaml" for name, has in scaled.items()}


def letterboxed(file: str | Path, imgsz: int) -> torch.Tensor:
    """Image as the network sees it, (1, 3, imgsz, imgsz), RGB, 0 to 1."""
    picture = LetterBox((imgsz, imgsz), auto=False)(image=cv2.imread(str(file)))
    return torch.from_numpy(picture[..., ::-1].copy()).permute(2, 0, 1)[None].float() / 255


def awake(name: str, image: torch.Tensor) -> YOLO:
    """Model with random weights whose outputs depend on the image as those of a trained one do.

    Fresh weights give nearly constant outputs: signals fade, scores are 0.001, and offsets are 0. Here each BatchNorm
    divides by the root mean square of its input (one number per layer: one per channel would blow rounding errors up),
    weights that start at 0 are drawn, and scores start at 1/2, or 1/4 with objectness.
    """
    torch.manual_seed(0)
    model = YOLO(name)

    def normalise(norm: nn.BatchNorm2d, inputs: tuple[torch.Tensor]) -> None:
        norm.running_mean.zero_()
        norm.running_var.fill_(inputs[0].square().mean())

    norms = [module for module in model.model.modules() if isinstance(module, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(normalise) for norm in norms]
    head = model.model.model[-1]
    with torch.no_grad():
        for parameter in model.model.parameters():
            if parameter.ndim > 1 and not parameter.any():
                parameter.normal_(0, 0.05)
        for heads in (head.one2many, head.one2one) if hasattr(head, "one2one_cv2") else (head.one2many,):
            for branch in (branch for key, level in heads.items() if key != "box_head" for branch in level):
                (branch[-1] if isinstance(branch, nn.Sequential) else branch).bias.zero_()
        if hasattr(head, "one2one_cv2"):
            model.model.end2end = False
        model.model.eval()(image)
    for hook in hooks:
        hook.remove()
    return model


@contextlib.contextmanager
def float32_openvino() -> Iterator[None]:
    """Let OpenVINO compute in float32; by default it takes bfloat16 on CPUs that have instructions for it."""
    import openvino

    stock = openvino.Core.compile_model

    def compile_model(
        self: openvino.Core, model: object, device_name: str = "CPU", config: dict | None = None
    ) -> object:
        return stock(self, model, device_name, {**(config or {}), "INFERENCE_PRECISION_HINT": "f32"})

    openvino.Core.compile_model = compile_model
    try:
        yield
    finally:
        openvino.Core.compile_model = stock


def load(file: str | Path | nn.Module) -> AutoBackend:
    """Model as the host's predictor runs it on the CPU; OpenVINO in float32."""
    with float32_openvino() if str(file).rstrip(os.sep).endswith("_openvino_model") else contextlib.nullcontext():
        return AutoBackend(file, CPU, verbose=False)


def predictions(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Raw predictions (B, 4 + C, A) or, of models that choose boxes themselves, (B, N, 6)."""
    with torch.inference_mode():
        output = model(images)
    return output[0] if isinstance(output, (list, tuple)) else output


def difference(ours: torch.Tensor, theirs: torch.Tensor) -> Difference:
    """Compare raw predictions (B, 4 + C, A)."""
    assert ours.shape == theirs.shape, f"shapes {tuple(ours.shape)} and {tuple(theirs.shape)}"
    gap = (ours - theirs).abs()
    return Difference(gap[:, :4].max().item(), gap[:, 4:].max().item())


def megabytes(path: Path) -> float:
    """Size of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6


def row(name: str, file_format: str, settings: dict[str, str]) -> str:
    """One table row."""
    image = letterboxed(settings["image"], int(settings["imgsz"]))
    model = awake(name, image)
    expected = predictions(model.model, image)
    path = model.export(format=file_format, imgsz=int(settings["imgsz"]), device="cpu", **RAW)
    exported = load(path)
    gap = difference(predictions(exported, image), expected)
    reference = load(model.model)
    timed = (lambda: predictions(reference, image), lambda: predictions(exported, image))
    _, ratio = compare(*timed, int(settings["rounds"]))
    cells = (f"{gap.box_px:.1e}", f"{gap.score:.1e}", f"{megabytes(Path(path)):.1f}", f"{ratio:.2f}")
    return f"| `{name}` | {file_format} | {' | '.join(cells)} |"


def main() -> None:
    """Measure and print the table."""
    settings = {
        "imgsz": "256",
        "scale": "n",
        "formats": ",".join(FORMATS),
        "models": ",".join(locate.files("cfg")),
        "rounds": "9",
        "image": str(ASSETS / "bus.jpg"),
        "out": "",
    }
    settings |= dict(arg.split("=", 1) for arg in sys.argv[1:])
    settings |= {key: str(Path(settings[key]).absolute()) for key in ("image", "out") if settings[key]}
    logging.getLogger("ultralytics").setLevel(logging.ERROR)
    names = model_names(settings["scale"])
    lines = ["| model | format | boxes, px | scores | MB | latency ratio |", "|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # the host writes beside the YAML's bare name
        for name in settings["models"].split(","):
            for file_format in settings["formats"].split(","):
                lines.append(row(names[name], file_format, settings))
                print(lines[-1], flush=True)
    if settings["out"]:
        Path(settings["out"]).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
