"""What a detection rests on: maps of the evidence for one chosen detection, with gradients and without.

- ``layercam``: features that feed the head, each weighted by its positive gradient (Jiang et al., "LayerCAM", IEEE TIP
  2021). One forward and one backward pass.
- ``rise``: random masks over the picture, weighted by the score that is left (Petsiuk et al., "RISE", BMVC 2018, arXiv
  1806.07421). No gradients, and as many forward passes as masks.

Both ask for the score of one anchor: of those inside the detection's box, the one that is surest of its class.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import interpolate, logsigmoid

from gjadet_yolo.nn.adaptive import AdaptiveModule

CELLS = 8  # of a mask, along each side
KEPT = 0.5  # share of a mask's cells that let the picture through


@dataclass(frozen=True)
class Chosen:
    """A detection to explain: class, and number of the anchor that is surest of it."""

    label: int
    anchor: int


def raw(outputs: Any) -> dict[str, Any]:
    """The head's raw outputs: ``scores`` (B, C, A), perhaps ``obj`` (B, 1, A), and ``feats``, which feed it.

    Raises:
        ValueError: The model gives none, as exported ones and those of other tasks.
    """
    found = outputs[1] if isinstance(outputs, (list, tuple)) and len(outputs) > 1 else outputs
    if isinstance(found, dict):
        found = found.get("one2many", found)  # the other branch of a head without NMS hangs on no gradient
    if not isinstance(found, dict) or not {"scores", "feats"} <= set(found):
        raise ValueError(
            "The model gives no raw scores. Explain a PyTorch checkpoint that detects boxes, e.g. best.pt."
        )
    return found


def log_score(outputs: Any, label: int) -> torch.Tensor:
    """Logarithm of each anchor's score of a class, (B, A); of objectness times class where the head has both."""
    found = raw(outputs)
    score = logsigmoid(found["scores"][:, label].float())
    return score + logsigmoid(found["obj"][:, 0].float()) if "obj" in found else score


def anchor_places(feats: list[torch.Tensor], input_hw: tuple[int, int]) -> np.ndarray:
    """Middles (A, 2) in px of what the network saw, x and y, in the order of the anchors."""
    places = []
    for level in feats:
        rows, columns = level.shape[2:]
        y, x = np.mgrid[:rows, :columns] + 0.5
        places.append(np.stack((x.ravel() * input_hw[1] / columns, y.ravel() * input_hw[0] / rows), 1))
    return np.concatenate(places)


@torch.no_grad()
def choose(network: nn.Module, seen: torch.Tensor, box: np.ndarray, label: int) -> Chosen:
    """The anchor inside a box (4,), xyxy in px of what the network saw (1, 3, H, W), that is surest of a class."""
    outputs = network(seen)
    places = anchor_places(raw(outputs)["feats"], tuple(seen.shape[2:]))
    inside = ((places >= box[:2]) & (places <= box[2:])).all(1)
    if not inside.any():  # smaller than a cell: the nearest
        inside[np.abs(places - (box[:2] + box[2:]) / 2).sum(1).argmin()] = True
    score = log_score(outputs, label)[0].cpu().numpy()
    return Chosen(label, int(np.where(inside, score, -np.inf).argmax()))


def layercam(network: nn.Module, seen: torch.Tensor, chosen: Chosen) -> np.ndarray:
    """Map (H', W') float32 of 0 to 1 at the stride of the anchor's level."""
    outputs = network(seen.clone().requires_grad_(True))
    feats = raw(outputs)["feats"]
    score = log_score(outputs, chosen.label)[0, chosen.anchor]
    gradients = torch.autograd.grad(score, feats, allow_unused=True)
    # an anchor's score hangs on the features of its own level only
    maps = [
        (gradient.clamp(min=0) * level.detach()).sum(1)[0].clamp(min=0)
        for gradient, level in zip(gradients, feats, strict=True)
        if gradient is not None and gradient.abs().max() > 0
    ]
    if not maps:
        return np.zeros(tuple(feats[0].shape[2:]), np.float32)
    found = max(maps, key=lambda one: float(one.max())).float().cpu().numpy()
    return found / max(float(found.max()), 1e-12)


def masks(input_hw: tuple[int, int], count: int, seed: int) -> Iterator[torch.Tensor]:
    """Smooth random masks (1, 1, H, W) of 0 to 1, shifted by parts of a cell."""
    generator = torch.Generator().manual_seed(seed)
    height, width = input_hw
    tall, wide = -(-height // CELLS), -(-width // CELLS)
    for _ in range(count):
        grid = (torch.rand(1, 1, CELLS + 1, CELLS + 1, generator=generator) < KEPT).float()
        whole = interpolate(grid, (height + tall, width + wide), mode="bilinear", align_corners=False)
        top, left = (int(torch.randint(0, side, (1,), generator=generator)) for side in (tall, wide))
        yield whole[:, :, top : top + height, left : left + width]


@torch.no_grad()
def rise(network: nn.Module, seen: torch.Tensor, chosen: Chosen, count: int = 200, seed: int = 0) -> np.ndarray:
    """Map (H, W) float32 of 0 to 1: how much of the score is left where a pixel was seen, against the mean."""
    total = torch.zeros(1, 1, *seen.shape[2:], device=seen.device)
    weight, covered = 0.0, torch.zeros_like(total)
    for mask in masks(tuple(seen.shape[2:]), count, seed):
        mask = mask.to(seen.device)
        score = float(log_score(network(seen * mask), chosen.label)[0, chosen.anchor].exp())
        total, covered, weight = total + score * mask, covered + mask, weight + score
    # what a pixel's own masks leave of the score, less what masks leave anyway
    found = (total / covered.clamp(min=1e-6) - weight / max(count, 1)).clamp(min=0)[0, 0].float().cpu().numpy()
    return found / max(float(found.max()), 1e-12)


def share_inside(evidence: np.ndarray, box: np.ndarray) -> float:
    """Share of a map's mass (H, W) within a box, xyxy in its px; nan for an empty map."""
    x1, y1, x2, y2 = np.round(box).astype(int).clip(min=0)
    total = float(evidence.sum())
    return float(evidence[y1:y2, x1:x2].sum()) / total if total > 0 else float("nan")


def adaptive_gates(network: nn.Module, seen: torch.Tensor) -> list[tuple[np.ndarray, str]]:
    """Spatial gate (H', W') of each adaptive module, with its scale gate and its slopes as a caption."""
    found: dict[str, dict[str, torch.Tensor]] = {}
    hooks = []
    for name, module in network.named_modules():
        if isinstance(module, AdaptiveModule):
            parts = dict(module.stages.named_children())
            watched = {"spatial": lambda m: m.conv, "scale": lambda m: m.gate[0], "task": lambda m: m.coefficients}
            for part in parts.keys() & watched.keys():
                note = found.setdefault(name, {})
                hooks.append(watched[part](parts[part]).register_forward_hook(noting(note, part)))
    with torch.no_grad():
        network(seen)
    for hook in hooks:
        hook.remove()
    return [described(name, parts) for name, parts in found.items() if "spatial" in parts]


def noting(place: dict[str, torch.Tensor], key: str) -> Any:
    """Forward hook that keeps an output under a key."""

    def keep(_: nn.Module, __: Any, output: torch.Tensor) -> None:
        place[key] = output.detach().float().cpu()

    return keep


def described(name: str, parts: dict[str, torch.Tensor]) -> tuple[np.ndarray, str]:
    """Spatial gate of an adaptive module and a caption that holds the other two."""
    caption = f"row {name.removeprefix('model.')}"
    if "scale" in parts:
        caption += f", scale {float(torch.nn.functional.hardsigmoid(parts['scale'].relu())[0, 0]):.2f}"
    if "task" in parts:  # a1 + 1/2 and a2, as in nn/adaptive.py
        first, _, second, _ = (parts["task"][0] - 0.5).chunk(4)
        caption += f", slopes {float(first.mean()) + 0.5:.2f} and {float(second.mean()):.2f}"
    return parts["spatial"].sigmoid()[0, 0].numpy(), caption
