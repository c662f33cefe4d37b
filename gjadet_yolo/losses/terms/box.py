"""Box term (IoU loss) and distance term (distribution focal loss, or L1), each anchor weighted by its soft score."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import torch
from ultralytics.utils.loss import BboxLoss

from gjadet_yolo.losses.assignment import Assignment, Predictions
from gjadet_yolo.losses.iou import BOX_LOSSES
from gjadet_yolo.losses.terms.term import LossTerm, Setting

SHARED = "box and distance"


class BoxLoss(BboxLoss):
    """The host's box and distance terms with a loss of ``losses/iou.py`` in the place of CIoU."""

    def __init__(self, reg_max: int, box: str, penalty: str) -> None:
        super().__init__(reg_max)
        settings = {"penalty": penalty} if box == "riou" else {}
        self.box_loss = functools.partial(BOX_LOSSES[box], **settings)

    def forward(
        self,
        pred_dist: torch.Tensor,
        pred_bboxes: torch.Tensor,
        anchor_points: torch.Tensor,
        target_bboxes: torch.Tensor,
        target_scores: torch.Tensor,
        target_scores_sum: torch.Tensor,
        fg_mask: torch.Tensor,
        *sizes: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        # The host's CIoU is dropped, so that the distance term stays its code.
        _, distance = super().forward(
            pred_dist, pred_bboxes, anchor_points, target_bboxes, target_scores, target_scores_sum, fg_mask, *sizes
        )
        # By index, as in the host: gathers by a Boolean mask wait for the device each time.
        where = fg_mask.nonzero(as_tuple=True)
        loss = self.box_loss(pred_bboxes[where], target_bboxes[where]) * target_scores[where].sum(-1)
        return loss.sum() / target_scores_sum, distance


def box_terms(setting: Setting) -> tuple[LossTerm, ...]:
    def losses(predictions: Predictions, found: Assignment) -> tuple[torch.Tensor, torch.Tensor]:
        # The host computes both terms in one call, and divides them by S itself, hence no normaliser below.
        if SHARED not in predictions.shared:
            predictions.shared[SHARED] = setting.bbox_loss(
                predictions.distances,
                found.boxes,
                found.anchors,
                found.target_boxes,
                found.weighted(setting.box_weights, found.scores),
                found.total,
                found.foreground,
                found.imgsz,
                found.strides,
            )
        return predictions.shared[SHARED]

    def box(predictions: Predictions, found: Assignment, batch: Mapping[str, Any]) -> torch.Tensor:
        return losses(predictions, found)[0]

    def distance(predictions: Predictions, found: Assignment, batch: Mapping[str, Any]) -> torch.Tensor:
        return losses(predictions, found)[1]

    return (
        LossTerm("box_loss", box, lambda: setting.gains.box),
        LossTerm(setting.distance_name, distance, lambda: setting.hyp.dfl),
    )
