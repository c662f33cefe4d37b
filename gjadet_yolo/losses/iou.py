"""Box losses from one geometry: IoU, GIoU, DIoU, CIoU and the rectified IoU.

Sources: GIoU, CVPR 2019, arXiv 1902.09630; DIoU and CIoU, AAAI 2020, arXiv 1911.08287. The rectified IoU of TPNet,
ACM MM 2020, arXiv 2008.03511, was published without code, and its exact formula is not available here: what is built is
a reconstruction from its stated properties, not the published formula. Its gradient |dL/dIoU| rises up to a turning
point at 0.95 and falls steeply above it, is below 1 for poor boxes and above 1 for good ones.

All functions take xyxy boxes (..., 4) and return the unreduced loss (...,), in float32 at least.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

SMALLEST = 1e-7  # areas and lengths below it count as it


@dataclass(frozen=True)
class PairGeometry:
    """Boxes against their targets, all of shape (...,).

    Attributes:
        iou: Intersection over union, 0 to 1.
        union: Area of the union.
        hull: Area of the smallest box around both.
        distance: Squared distance of the centres over the squared diagonal of that box, 0 to 1.
        aspect: Squared difference of the aspect angles, over its largest possible value, 0 to 1.
    """

    iou: torch.Tensor
    union: torch.Tensor
    hull: torch.Tensor
    distance: torch.Tensor
    aspect: torch.Tensor

    @classmethod
    def of(cls, boxes: torch.Tensor, targets: torch.Tensor) -> PairGeometry:
        """Compare xyxy boxes (..., 4) pair by pair."""
        kind = torch.promote_types(boxes.dtype, torch.float32)
        boxes, targets = boxes.to(kind), targets.to(kind)
        size, target_size = ((corners[..., 2:] - corners[..., :2]).clamp(min=0) for corners in (boxes, targets))
        inner = (
            torch.minimum(boxes[..., 2:], targets[..., 2:]) - torch.maximum(boxes[..., :2], targets[..., :2])
        ).clamp(min=0)
        outer = torch.maximum(boxes[..., 2:], targets[..., 2:]) - torch.minimum(boxes[..., :2], targets[..., :2])
        shared = inner.prod(-1)
        union = (size.prod(-1) + target_size.prod(-1) - shared).clamp(min=SMALLEST)
        between = (boxes[..., :2] + boxes[..., 2:] - targets[..., :2] - targets[..., 2:]) / 2
        angle, target_angle = (torch.atan(s[..., 0] / s[..., 1].clamp(min=SMALLEST)) for s in (size, target_size))
        return cls(
            shared / union,
            union,
            outer.clamp(min=0).prod(-1).clamp(min=SMALLEST),
            between.square().sum(-1) / outer.square().sum(-1).clamp(min=SMALLEST),
            (4 / math.pi**2) * (target_angle - angle).square(),
        )

    @property
    def aspect_penalty(self) -> torch.Tensor:
        """CIoU's third term ``alpha * v``; alpha weighs it by how well the boxes overlap and has no gradient."""
        with torch.no_grad():
            alpha = self.aspect / (1 - self.iou + self.aspect).clamp(min=SMALLEST)
        return alpha * self.aspect


def iou_loss(boxes: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """``1 - IoU``; without gradient for boxes that do not overlap."""
    return 1 - PairGeometry.of(boxes, targets).iou


def giou_loss(boxes: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """``1 - IoU + (hull - union) / hull``."""
    pair = PairGeometry.of(boxes, targets)
    return 1 - pair.iou + (pair.hull - pair.union) / pair.hull


def diou_loss(boxes: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """``1 - IoU`` and the distance of the centres."""
    pair = PairGeometry.of(boxes, targets)
    return 1 - pair.iou + pair.distance


def ciou_loss(boxes: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """``1 - IoU``, the distance of the centres and the difference of the aspect ratios."""
    pair = PairGeometry.of(boxes, targets)
    return 1 - pair.iou + pair.distance + pair.aspect_penalty


def rectified(
    iou: torch.Tensor, a: float = 2.0, b: float = 1.0, c: float = 0.1, k: float = 1.0, beta: float = 0.95
) -> torch.Tensor:
    """Rectified loss of an IoU u: its slope is ``-g(u)``, with g = a * u^b + c up to beta, then falling to 0 at u = 1.

    With the default shape g(0) = 0.1, g(0.5) = 1.1, the peak g(0.95) = 2.0, L(0) = 1.0475 and L(1) = 0.

    Args:
        iou: u in [0, 1], any shape.
        a: Height of the rise, above 0.
        b: Its exponent, above 0.
        c: Slope at u = 0, above 0, so that poor boxes keep a gradient.
        k: Exponent of the fall, above 0.
        beta: Turning point, in (0, 1).
    """
    peak, rest = a * beta**b + c, 1 - beta
    tail = peak * rest / (k + 1)
    rise = tail + a / (b + 1) * (beta ** (b + 1) - iou ** (b + 1)) + c * (beta - iou)
    fall = tail * ((1 - iou).clamp(min=0) / rest) ** (k + 1)
    return torch.where(iou <= beta, rise, fall)


def riou_loss(boxes: torch.Tensor, targets: torch.Tensor, penalty: str = "ciou") -> torch.Tensor:
    """Rectified IoU, a reconstruction; see :func:`rectified`.

    Args:
        boxes: xyxy, (..., 4).
        targets: xyxy, (..., 4).
        penalty: Terms for boxes that do not overlap: ``ciou`` (centres and aspect), ``diou`` (centres) or ``none``.
    """
    pair = PairGeometry.of(boxes, targets)
    loss = rectified(pair.iou)
    if penalty != "none":
        loss = loss + pair.distance
    return loss + pair.aspect_penalty if penalty == "ciou" else loss


BOX_LOSSES: dict[str, Callable[..., torch.Tensor]] = {
    "iou": iou_loss,
    "giou": giou_loss,
    "diou": diou_loss,
    "ciou": ciou_loss,
    "riou": riou_loss,
}
PENALTIES = ("ciou", "diou", "none")
