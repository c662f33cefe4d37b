"""Who the box term belongs to: share of each class in it, over batches of a training set, for a trained model.

    python benchmarks/box_share.py model=last.pt data=DATA.yaml [imgsz=256] [batch=8] [batches=20] [powers=0,0.25,0.5]

Per class: share of the training boxes, share of the box term (its weights q times 1 - CIoU) and mean of 1 - CIoU, with
the weights (n_max / n_c) ** power of ``loss: box_pw``. Images are those of the host's default augmentation.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from comparison.report import table
from ultralytics import YOLO
from ultralytics.cfg import get_cfg
from ultralytics.data.build import build_dataloader, build_yolo_dataset
from ultralytics.data.utils import check_det_dataset
from ultralytics.utils import DEFAULT_CFG

from gjadet_yolo.losses.detection import DetectionCriterion
from gjadet_yolo.losses.iou import ciou_loss


def main() -> None:
    """Measure and print a table per power."""
    settings = {"imgsz": "256", "batch": "8", "batches": "20", "powers": "0,0.25,0.5"}
    settings |= dict(arg.split("=", 1) for arg in sys.argv[1:])
    model, data = YOLO(settings["model"]).model.float().train(), check_det_dataset(settings["data"])
    model.args = get_cfg(DEFAULT_CFG)
    size = int(settings["batch"])
    cfg = get_cfg(DEFAULT_CFG, {"imgsz": int(settings["imgsz"]), "workers": 0})
    dataset = build_yolo_dataset(cfg, data["train"], size, data)
    criterion, classes = DetectionCriterion(model), len(data["names"])
    counts = np.bincount(np.concatenate([x["cls"].ravel() for x in dataset.labels]).astype(int), minlength=classes)
    quality, term = np.zeros(classes), np.zeros(classes)
    with torch.no_grad():
        for number, batch in enumerate(build_dataloader(dataset, size, 0, shuffle=True)):
            if number == int(settings["batches"]):
                break
            preds = model(batch["img"].float() / 255)
            rows = (preds[key].permute(0, 2, 1).contiguous() for key in ("boxes", "scores"))
            found = criterion.assign(preds["feats"], *rows, None, batch)
            mask = found.foreground
            q, cls = found.quality[mask][:, 0].numpy(), found.scores[mask].argmax(-1).numpy()
            loss = ciou_loss(found.boxes[mask], found.target_boxes[mask]).numpy()
            quality += np.bincount(cls, q, classes)
            term += np.bincount(cls, q * loss, classes)
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
            for i, name in data["names"].items()
        ]
        print(f"\nbox_pw {power:g}\n")
        print(table(["class", "training boxes", "share", "weight", "share of the box term", "1 - CIoU"], rows))


if __name__ == "__main__":
    main()
