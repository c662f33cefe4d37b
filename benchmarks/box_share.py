"""Who the box term belongs to: share of each class in it, over batches of a training set, for a trained model.

    python benchmarks/box_share.py model=last.pt data=DATA.yaml [imgsz=256] [batch=8] [batches=20] [powers=0,0.25,0.5]

Per class: share of the training boxes, share of the box term (its weights q times 1 - CIoU) and mean of 1 - CIoU, with
the weights (n_max / n_c) ** power of ``loss: box_pw``, unbounded. Images are those of the host's default augmentation.
"""

from __future__ import annotations

import sys

import numpy as np
from comparison.assigned import TrainingSet

from gjadet_yolo.evaluate.tables import table
from gjadet_yolo.losses.iou import ciou_loss


def main() -> None:
    """Measure and print a table per power."""
    settings = {"imgsz": "256", "batch": "8", "batches": "20", "powers": "0,0.25,0.5"}
    settings |= dict(arg.split("=", 1) for arg in sys.argv[1:])
    training = TrainingSet(settings["model"], settings["data"], int(settings["imgsz"]), int(settings["batch"]))
    counts = training.counts()
    quality, term = np.zeros(len(counts)), np.zeros(len(counts))
    for (found,) in training.assignments(int(settings["batches"])):
        mask = found.foreground
        q, cls = found.quality[mask][:, 0].numpy(), found.scores[mask].argmax(-1).numpy()
        loss = ciou_loss(found.boxes[mask], found.target_boxes[mask]).numpy()
        quality += np.bincount(cls, q, len(counts))
        term += np.bincount(cls, q * loss, len(counts))
    for power in map(float, settings["powers"].split(",")):
        weight = (counts.max() / counts) ** power
        share = weight * term / (weight * term).sum()
        rows = [
            [
                name,
                str(counts[i]),
                f"{counts[i] / counts.sum():.3f}",
                f"{weight[i]:.1f}",
                f"{share[i]:.3f}",
                f"{term[i] / quality[i]:.2f}",
            ]
            for i, name in training.names.items()
        ]
        print(f"\nbox_pw {power:g}\n")
        print(table(["class", "training boxes", "share", "weight", "share of the box term", "1 - CIoU"], rows))


if __name__ == "__main__":
    main()
