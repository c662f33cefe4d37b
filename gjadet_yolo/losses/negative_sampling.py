"""Weighted negative sampling: background that lies on objects, or that the model is sure of, counts more.

Source: SSPNet, arXiv 2107.01548. A negative i scores ``exp(l * IoF_i + (1 - l) * conf_i)`` with l = 0.6, where IoF is
the largest share of an object that its box covers. The release calls it where conf is always 0; here both terms act.
"""

from __future__ import annotations

import torch

BALANCE = 0.6  # l, the published value
PART = 1 << 22  # pairs of boxes at a time


def negative_scores(iof: torch.Tensor, confidence: torch.Tensor, balance: float = BALANCE) -> torch.Tensor:
    """``exp(balance * iof + (1 - balance) * confidence)``, 1 to e; both are 0 to 1 and of one shape."""
    return (balance * iof + (1 - balance) * confidence).exp()


def sample_negatives(scores: torch.Tensor, count: int, generator: torch.Generator | None = None) -> torch.Tensor:
    """Indices of ``count`` negatives at most, drawn without replacement in proportion to their scores, (N,)."""
    return torch.multinomial(scores, min(count, len(scores)), replacement=False, generator=generator)


def intersection_over_foreground(boxes: torch.Tensor, objects: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Largest share of an object (B, M, 4) that each box (B, A, 4) covers, (B, A), 0 to 1; 0 without objects."""
    out = boxes.new_zeros(boxes.shape[:2])
    area = (objects[..., 2:] - objects[..., :2]).clamp(min=0).prod(-1).clamp(min=1e-9)
    # B * A * M pairs at once would take gigabytes where a frame has hundreds of objects.
    step = max(1, PART // max(boxes.shape[0] * boxes.shape[1], 1))
    for start in range(0, objects.shape[1], step):
        part = slice(start, start + step)
        low = torch.maximum(boxes[:, :, None, :2], objects[:, None, part, :2])
        high = torch.minimum(boxes[:, :, None, 2:], objects[:, None, part, 2:])
        share = (high - low).clamp(min=0).prod(-1) / area[:, None, part] * valid[:, None, part]
        out = torch.maximum(out, share.amax(-1))
    return out.clamp(max=1)


def anchor_weights(
    boxes: torch.Tensor,
    confidence: torch.Tensor,
    foreground: torch.Tensor,
    objects: torch.Tensor,
    valid: torch.Tensor,
    balance: float = BALANCE,
) -> torch.Tensor:
    """Weights of anchors in the class loss of a dense head, (B, A): 1 on foreground, on background with a mean of 1.

    Boxes are predicted xyxy, (B, A, 4), with their best score (B, A) as confidence; objects are labels in the same
    unit, (B, M, 4), where ``valid``, (B, M).
    """
    # Two-stage detectors draw negatives by this score; a dense head has no sampler, so there it is a weight. A mean of
    # 1 leaves the share of background in the class loss as it is.
    scores = negative_scores(intersection_over_foreground(boxes, objects, valid), confidence, balance)
    background = ~foreground
    average = (scores * background).sum() / background.sum().clamp(min=1)
    return torch.where(foreground, 1.0, scores / average.clamp(min=1.0))
