"""Assignment of anchors to targets of a few pixels.

The host's task-aligned assigner ranks anchors by score times CIoU to the sixth power, and the best CIoU of a target is
the score that its anchors are taught. A shift of 2 px costs a square of 6 px half of its IoU and a square of 40 px a
tenth: small targets are taught low scores, and those are weights in the box term too. The normalised Gaussian
Wasserstein distance (NWD, arXiv 2110.13389) falls with the shift in px, whatever the size: ``exp(-W / C)`` with

    W² = dx² + dy² + (dw / 2)² + (dh / 2)²,   C = 12.8 px, the mean size of the paper's objects.

It takes the place of CIoU the more the smaller a target is: fully at 0, not at all from ``LIMIT`` px on.
"""

from __future__ import annotations

import torch
from ultralytics.utils.tal import TaskAlignedAssigner

SPREAD = 12.8
LIMIT = 32.0
"""Size in px (square root of the area) from which CIoU alone counts, as COCO's limit of small objects."""


def wasserstein_similarity(boxes: torch.Tensor, targets: torch.Tensor, spread: float = SPREAD) -> torch.Tensor:
    """Normalised Gaussian Wasserstein similarity of xyxy boxes in px, pair by pair.

    Args:
        boxes: (..., 4).
        targets: (..., 4).
        spread: C in px.

    Returns:
        (...,), 0 to 1; 1 for the same box.
    """
    middle = (boxes[..., :2] + boxes[..., 2:] - targets[..., :2] - targets[..., 2:]) / 2
    size = (boxes[..., 2:] - boxes[..., :2] - targets[..., 2:] + targets[..., :2]) / 2
    return (-(middle.square().sum(-1) + size.square().sum(-1)).sqrt() / spread).exp()


class SizeAwareAssigner(TaskAlignedAssigner):
    """The host's assigner with NWD mixed into CIoU for small targets."""

    def iou_calculation(self, gt_bboxes: torch.Tensor, pd_bboxes: torch.Tensor) -> torch.Tensor:
        """Overlap of targets (N, 4) and predictions (N, 4), xyxy px, (N,)."""
        overlap = super().iou_calculation(gt_bboxes, pd_bboxes)
        size = (gt_bboxes[..., 2:] - gt_bboxes[..., :2]).clamp(min=0).prod(-1).sqrt()
        share = (1 - size / LIMIT).clamp(min=0).to(overlap.dtype)
        return torch.lerp(overlap, wasserstein_similarity(pd_bboxes, gt_bboxes).to(overlap.dtype), share)

    @classmethod
    def of(cls, stock: TaskAlignedAssigner) -> SizeAwareAssigner:
        """The host's assigner as one of this class, with the same settings."""
        stock.__class__ = cls  # the host builds it inside of its criterion
        return stock
