"""Box losses from one geometry: IoU, GIoU, DIoU, CIoU and the rectified IoU.

Sources: GIoU, CVPR 2019, arXiv 1902.09630; DIoU and CIoU, AAAI 2020, arXiv 1911.08287. The rectified IoU of TPNet, ACM
MM 2020, arXiv 2008.03511, was published without code, and its exact formula is not available here: what is built is a
reconstruction from its stated properties, not the published formula.

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
            (4 / math.pi**2) * (target_angle - angle).square(),  # v of CIoU: the largest difference of angles is pi / 2
        )

    @property
    def aspect_penalty(self) -> torch.Tensor:
        """CIoU's third term ``alpha * v``."""
        # The CIoU paper takes alpha as a constant: the better the overlap, the more the aspect weighs.
        with torch.no_grad():
            alpha = self.aspect / (1 - self.iou + self.aspect).clamp(min=SMALLEST)
        return alpha * self.aspect


def iou_loss(boxes: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """``1 - IoU``; without gradient for boxes that do not overlap."""
    return 1 - PairGeometry.of(boxes, targets).iou


def giou_loss(boxes: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    pair = PairGeometry.of(boxes, targets)
    return 1 - pair.iou + (pair.hull - pair.union) / pair.hull


def diou_loss(boxes: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    pair = PairGeometry.of(boxes, targets)
    return 1 - pair.iou + pair.distance


def ciou_loss(boxes: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    pair = PairGeometry.of(boxes, targets)
    return 1 - pair.iou + pair.distance + pair.aspect_penalty


def rectified(
    iou: torch.Tensor, a: float = 2.0, b: float = 1.0, c: float = 0.1, k: float = 1.0, beta: float = 0.95
) -> torch.Tensor:
    """Rectified loss of IoUs u in [0, 1] with slope ``-g(u)``: g = a * u^b + c up to beta, then it falls to 0 at u = 1.

    a, b, c and the exponent k of the fall are above 0, and beta is in (0, 1). The defaults give g(0) = 0.1, g(0.5) =
    1.1, the peak g(0.95) = 2.0, L(0) = 1.0475 and L(1) = 0.
    """
    # 1 - IoU has slope 1 everywhere, so that the many poor boxes dominate; the paper wants |dL/du| below 1 for poor
    # boxes, above 1 for good ones, and a steep fall beyond 0.95. c above 0 keeps a gradient at u = 0.
    peak, rest = a * beta**b + c, 1 - beta
    # Both branches are integrals of g that meet at beta, so the loss and its slope are continuous.
    tail = peak * rest / (k + 1)
    rise = tail + a / (b + 1) * (beta ** (b + 1) - iou ** (b + 1)) + c * (beta - iou)
    fall = tail * ((1 - iou).clamp(min=0) / rest) ** (k + 1)
    return torch.where(iou <= beta, rise, fall)


def riou_loss(boxes: torch.Tensor, targets: torch.Tensor, penalty: str = "ciou") -> torch.Tensor:
    """Rectified IoU, a reconstruction; penalty ``ciou`` (centres and aspect), ``diou`` (centres) or ``none``."""
    pair = PairGeometry.of(boxes, targets)
    loss = rectified(pair.iou)
    # Without a penalty boxes that do not overlap have an IoU of 0 and no gradient.
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
