"""What a training of a model with a ``restore:`` block does beside the host's: groups of the optimiser, pairs, sheets.

The release of CCSPNet-Joint has four faults that are kept out here and in ``host/pairs.py``: its restorer's optimiser
holds the detector's parameters, its clean target is 0 to 255 and the output 0 to 1, the flip skips the clean image, and
the restoring loss is back-propagated twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import interpolate
from ultralytics.utils import nms, ops

from gjadet_yolo.evaluate.restored_sheet import Restored
from gjadet_yolo.host.restoring import restoring
from gjadet_yolo.messages import shown

EXAMPLES = 4  # on the sheet of a run
CONFIDENCE = 0.25  # of the boxes on it


def give_own_groups(optimizer: torch.optim.Optimizer, part: nn.Module, factor: float) -> None:
    """Move the parameters of a part of a model into groups of their own, with a factor on the learning rate."""
    own = {id(parameter) for parameter in part.parameters()}
    for group in list(optimizer.param_groups):
        moved = [parameter for parameter in group["params"] if id(parameter) in own]
        if not moved:
            continue
        group["params"] = [parameter for parameter in group["params"] if id(parameter) not in own]
        settings = {key: value for key, value in group.items() if key != "params"}
        optimizer.add_param_group({**settings, "params": moved, "lr": group["lr"] * factor})


def clean_folder(data: Mapping[str, Any]) -> Path | None:
    """Folder of clean photographs that a data YAML names beside ``train:``, or None.

    Raises:
        ValueError: It is no path.
    """
    stated = data.get("clean")
    if stated is None:
        return None
    if not isinstance(stated, str):
        raise ValueError(f"clean: {shown(stated)} in the data YAML, expected a folder of clean images.")
    return Path(data.get("path") or ".") / stated


def as_target(clean: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Clean images, (B, 3, H, W) uint8, as the images of the batch are: 0 to 1, of their size."""
    clean, size = clean.float() / 255, images.shape[2:]
    # multi_scale= resizes the batch on the device, in this way, so that the partner has to follow.
    return clean if clean.shape[2:] == size else interpolate(clean, size, mode="bilinear", align_corners=False)


def gflops(module: nn.Module, height: int, width: int) -> float:
    """Billions of floating-point operations for one colour image, two per multiplication and addition."""
    from torch.utils.flop_counter import FlopCounterMode  # here, because it brings libraries that nothing else needs

    # Not the host's counter, which measures a small image and extrapolates: a restorer's cost does not grow so.
    weight = next(module.parameters())
    image = torch.zeros(1, 3, height, width, device=weight.device, dtype=weight.dtype)
    training = module.training
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module.eval()(image)
    module.train(training)
    return counter.get_total_flops() / 1e9


def examples(dataset: Any) -> list[Mapping[str, Any]]:
    """The first images of a data set of pairs or of copies; none of another."""
    items = [dataset[index] for index in range(min(EXAMPLES, len(dataset)))]
    return [item for item in items if "clean" in item or "degraded" in item]


@torch.no_grad()
def shown_example(model: nn.Module, item: Mapping[str, Any]) -> Restored:
    """What a model in evaluation mode makes of an example: an image with its partner, and labels.

    Args:
        model: A :class:`~gjadet_yolo.engine.model.GjadetModel` with a restorer.
        item: Of a data set, before batches are made.
    """
    clean, degraded = item.get("clean", item["img"]), item.get("degraded", item["img"])
    x = degraded[None].to(next(model.parameters()).device).float() / 255
    found = detections(model, x)
    with restoring(model, SimpleNamespace(restore=False)):
        without = detections(model, x)
    size = torch.tensor(degraded.shape[1:]).flip(0)
    boxes = (ops.xywh2xyxy(item["bboxes"]) * size.repeat(2)).numpy()
    restored = (model.restorer(x)[0] * 255).round().byte().cpu()
    return Restored(*map(as_picture, (degraded, restored, clean)), without, found, boxes)


def detections(model: nn.Module, x: torch.Tensor) -> np.ndarray:
    """Boxes of the first image of a batch, xyxy px (N, 4)."""
    settings = {"end2end": bool(getattr(model, "end2end", False)), "max_det": 1000}
    return nms.non_max_suppression(model(x), CONFIDENCE, 0.7, **settings)[0][:, :4].float().cpu().numpy()


def as_picture(image: torch.Tensor) -> np.ndarray:
    """(H, W, 3) BGR of an image (3, H, W) RGB."""
    return np.ascontiguousarray(image.numpy()[::-1].transpose(1, 2, 0))
