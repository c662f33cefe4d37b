"""What the assigner gives to targets by size, for a trained model, with CIoU (the host) and with ``assign: nwd``.

    python benchmarks/assigner.py model=last.pt data=DATA.yaml [imgsz=256] [batch=8] [batches=20]

By size of the target (square root of its area, px at the network's input): number of targets, share without any
anchor, anchors each, the best score that its anchors are taught, and share of all scores, which are the weights of the
box term. Both columns of a pair come from the same predictions.
"""

from __future__ import annotations

import sys
from itertools import pairwise

import torch
from comparison.assigned import TrainingSet

from gjadet_yolo.evaluate.tables import table
from gjadet_yolo.losses.criterion import Assignment

LIMITS = (0.0, 4.0, 6.0, 8.0, 12.0, 16.0, 32.0, float("inf"))


def by_target(found: Assignment) -> torch.Tensor:
    """Size, number of anchors, best score and sum of scores of each target, (N, 4)."""
    valid = found.valid  # rows are padded to the image with the most targets
    size = (found.true_boxes[..., 2:] - found.true_boxes[..., :2]).clamp(min=0).prod(-1).sqrt()
    quality = found.quality[..., 0].float() * found.foreground
    index, zero = found.target_index.long(), torch.zeros_like(size)
    anchors = zero.scatter_add(1, index, found.foreground.to(size.dtype))
    best = zero.scatter_reduce(1, index, quality, "amax")
    return torch.stack([x[valid] for x in (size, anchors, best, zero.scatter_add(1, index, quality))], 1)


def main() -> None:
    """Measure and print a table."""
    settings = {"imgsz": "256", "batch": "8", "batches": "20"} | dict(arg.split("=", 1) for arg in sys.argv[1:])
    training = TrainingSet(settings["model"], settings["data"], int(settings["imgsz"]), int(settings["batch"]))
    parts = [
        [by_target(found) for found in pair if found.true_boxes.shape[1]]
        for pair in training.assignments(int(settings["batches"]), {}, {"assign": "nwd"})
    ]
    stock, nwd = (torch.cat(side) for side in zip(*(pair for pair in parts if pair), strict=True))
    rows = []
    for low, high in pairwise(LIMITS):
        inside = (stock[:, 0] >= low) & (stock[:, 0] < high)
        if not inside.any():
            continue
        cells = [f"{low:g} to {high:g} px", str(int(inside.sum()))]
        for column in ("without", "anchors", "best", "share"):
            cells += [f"{value(side, inside, column):.3f}" for side in (stock, nwd)]
        rows.append(cells)
    words = ("without anchor", "anchors each", "best score", "share of scores")
    print(table(["size", "targets", *(f"{word}{end}" for word in words for end in ("", ", nwd"))], rows))


def value(side: torch.Tensor, inside: torch.Tensor, column: str) -> float:
    """One figure of the targets of a size."""
    _, anchors, best, total = side[inside].T
    figures = {
        "without": (anchors == 0).float().mean(),
        "anchors": anchors.mean(),
        "best": best.mean(),
        "share": total.sum() / side[:, 3].sum(),
    }
    return figures[column].item()


if __name__ == "__main__":
    main()
