"""Assignment of anchors to targets of a few pixels: a distance in px takes the place of CIoU for small targets.

Method: normalised Gaussian Wasserstein distance (NWD, arXiv 2110.13389), ``exp(-W / C)`` with
W² = dx² + dy² + (dw / 2)² + (dh / 2)². It counts fully at size 0 and not at all from ``LIMIT`` px on.
"""

from __future__ import annotations

import torch
from ultralytics.utils.tal import TaskAlignedAssigner

SPREAD = 12.8  # C in px, the mean size of the paper's objects
LIMIT = 32.0
"""Size in px (square root of the area) from which CIoU alone counts, as COCO's limit of small objects."""


def wasserstein_similarity(boxes: torch.Tensor, targets: torch.Tensor, spread: float = SPREAD) -> torch.Tensor:
    """Similarity of xyxy boxes (..., 4) in px, pair by pair: (...,), 0 to 1 for the same box; C is ``spread`` px."""
    middle = (boxes[..., :2] + boxes[..., 2:] - targets[..., :2] - targets[..., 2:]) / 2
    size = (boxes[..., 2:] - boxes[..., :2] - targets[..., 2:] + targets[..., :2]) / 2
    return (-(middle.square().sum(-1) + size.square().sum(-1)).sqrt() / spread).exp()


class SizeAwareAssigner(TaskAlignedAssigner):
    """The host's assigner with NWD mixed into CIoU for small targets."""

    def iou_calculation(self, gt_bboxes: torch.Tensor, pd_bboxes: torch.Tensor) -> torch.Tensor:
        """Overlap of targets (N, 4) and predictions (N, 4), xyxy px, (N,)."""
        # The host ranks anchors by score times CIoU to the sixth power and teaches them the best CIoU of their target.
        # A shift of 2 px costs a square of 6 px half of its IoU and one of 40 px a tenth, so small targets are taught
        # low scores, which are weights in the box term too. NWD falls with the shift in px, whatever the size.
        overlap = super().iou_calculation(gt_bboxes, pd_bboxes)
        size = (gt_bboxes[..., 2:] - gt_bboxes[..., :2]).clamp(min=0).prod(-1).sqrt()
        share = (1 - size / LIMIT).clamp(min=0).to(overlap.dtype)
        return torch.lerp(overlap, wasserstein_similarity(pd_bboxes, gt_bboxes).to(overlap.dtype), share)

    @classmethod
    def of(cls, stock: TaskAlignedAssigner) -> SizeAwareAssigner:
        stock.__class__ = cls  # the host builds it inside of its criterion
        return stock
