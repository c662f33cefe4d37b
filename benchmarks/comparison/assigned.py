"""What the criterion assigns over batches of a training set, for a trained model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from ultralytics import YOLO
from ultralytics.cfg import get_cfg
from ultralytics.data.build import build_dataloader, build_yolo_dataset
from ultralytics.data.utils import check_det_dataset
from ultralytics.utils import DEFAULT_CFG

from gjadet_yolo.losses.criterion import Assignment, DetectionCriterion


class TrainingSet:
    """A training set with the host's default augmentation, and a trained model in training mode.

    Args:
        imgsz: Side of the images in px.
        batch: Images per batch.
    """

    def __init__(self, model: str, data: str, imgsz: int, batch: int) -> None:
        self.model = YOLO(model).model.float().train()
        self.model.args = get_cfg(DEFAULT_CFG)
        found = check_det_dataset(data)
        self.names: dict[int, str] = found["names"]
        self.batch = batch
        self.dataset = build_yolo_dataset(
            get_cfg(DEFAULT_CFG, {"imgsz": imgsz, "workers": 0}), found["train"], batch, found
        )

    def counts(self) -> np.ndarray:
        """Training boxes of each class, (C,)."""
        classes = np.concatenate([x["cls"].ravel() for x in self.dataset.labels]).astype(int)
        return np.bincount(classes, minlength=len(self.names))

    def assignments(self, batches: int, *losses: dict[str, Any]) -> Iterator[tuple[Assignment, ...]]:
        """What criteria with these ``loss:`` blocks assign to the same predictions, batch by batch."""
        criteria = []
        for loss in losses or ({},):
            self.model.yaml["loss"] = loss
            criteria.append(DetectionCriterion(self.model))
        with torch.no_grad():
            for _, batch in zip(
                range(batches), build_dataloader(self.dataset, self.batch, 0, shuffle=True), strict=False
            ):
                preds = self.model(batch["img"].float() / 255)
                rows = [preds[key].permute(0, 2, 1).contiguous() for key in ("boxes", "scores")]
                yield tuple(criterion.assign(preds["feats"], *rows, None, batch) for criterion in criteria)
