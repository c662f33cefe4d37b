"""Loss on attention maps: each level's map shall be bright where objects of its sizes are, and dark on the others.

Source: SSPNet, arXiv 2107.01548, and ``latest_version/model/module/heatmap.py`` of its repository, with which targets
and losses agree to 1e-5 (``tests/golden/sspnet_attention_loss.npz``). A level of stride s answers for objects of s to 8
s px (square root of the area), the finest for all smaller ones too, the coarsest for all larger ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits

REACH = 8.0  # largest size of a level over its smallest
BCE_WEIGHT = 0.01
OTHER_WEIGHT = 3.0  # of pixels on objects of other levels
BACKGROUND = 3  # hardest background pixels per positive one
WITHOUT_POSITIVES = 0.05  # share of the map taken where an image has none


def attention_target(
    boxes: torch.Tensor, valid: torch.Tensor, shape_hw: tuple[int, int], stride: float, first: bool, last: bool
) -> torch.Tensor:
    """Target of a level, (B, 1, H, W): 1 on objects it answers for, -1 on others, 0 elsewhere, fractions at borders.

    Boxes are xyxy px, (B, M, 4), and padding where not ``valid``, (B, M); the stride is in px; ``first`` and ``last``
    mark the finest and the coarsest level.
    """
    size = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1).sqrt()
    own = (size > stride) & (size < REACH * stride)
    own = own | (size < stride) if first else own
    own = own | (size > stride) if last else own
    lines = []
    for axis, count in ((1, shape_hw[0]), (0, shape_hw[1])):
        # The reference fills boxes at image size and resizes bilinearly, which reads the 2 x 2 px around the middle of
        # each cell; only these are computed.
        middle = (torch.arange(count, device=boxes.device) + 0.5) * stride
        at = torch.stack((middle - 0.5, middle + 0.5), 1).flatten()  # middles of the two px, (2 * count,)
        low, high = boxes[..., axis, None], boxes[..., axis + 2, None]
        lines.append(((low <= at) & (at < high) & valid[..., None]).to(boxes.dtype))  # (B, M, 2 * count)
    # A product of row and column masks paints all boxes at once and moves none of them to the host.
    rows, columns = lines
    inside = [torch.bmm((rows * part[..., None]).transpose(1, 2), columns) > 0 for part in (own, ~own)]
    return avg_pool2d(torch.where(inside[0], 1.0, -inside[1].to(boxes.dtype))[:, None], 2)


def hardest_background(loss: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Which background pixels count, (B, N), by loss and target of each, (B, N): see ``BACKGROUND`` and below it."""
    background = target == 0
    positives = (target > 0).sum(1)
    count = torch.where(positives > 0, BACKGROUND * positives, int(WITHOUT_POSITIVES * loss.shape[1]))
    # A rank from a sort, not top-k: the count differs by image, and reading it would make the device wait. Cross
    # entropy is never negative, so -1 comes last.
    order = loss.detach().masked_fill(~background, -1.0).argsort(1, descending=True)
    rank = torch.empty_like(order).scatter_(1, order, torch.arange(loss.shape[1], device=loss.device).expand_as(order))
    return background & (rank < count[:, None])


def attention_losses(logits: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross entropy over the pixels that count, and mean dice, of one level: logits and target are (B, 1, H, W)."""
    z, g = logits.flatten(1).float(), target.flatten(1).float()
    loss = binary_cross_entropy_with_logits(z, g.clamp(min=0), reduction="none")
    positive = g > 0
    weight = hardest_background(loss, g) + positive + OTHER_WEIGHT * (g < 0)
    entropy = BCE_WEIGHT * (loss * weight).sum() / (weight > 0).sum().clamp(min=1)
    map_on = z.sigmoid() * positive
    # Dice takes the target as 1 on every positive pixel, so their number is the sum of its squares. With 1 added to
    # each sum, as in the release, an image without positives has a loss of 0.
    shared, both = map_on.sum(1), map_on.square().sum(1) + positive.sum(1)
    return entropy, (1 - 2 * (shared + 1) / (both + 2)).mean()


def attention_loss(
    logits: Sequence[torch.Tensor], boxes: torch.Tensor, valid: torch.Tensor, strides: Sequence[float]
) -> torch.Tensor:
    """Sum of both losses over the levels, a scalar.

    Logits are (B, 1, H_i, W_i), fine to coarse; boxes xyxy px, (B, M, 4), where ``valid``, (B, M); strides in px.
    """
    total = logits[0].sum() * 0.0
    for index, (level, stride) in enumerate(zip(logits, strides, strict=True)):
        target = attention_target(boxes, valid, level.shape[2:], stride, index == 0, index == len(logits) - 1)
        total = total + sum(attention_losses(level, target))
    return total
