"""Weighted negative sampling: background that lies on objects, or that the model is sure of, counts more.

Source: SSPNet, arXiv 2107.01548. A negative i scores ``exp(l * IoF_i + (1 - l) * conf_i)`` with l = 0.6, where IoF is
the largest share of an object that its box covers. Two-stage detectors draw negatives by it; a dense head has no
sampler, so there the score, brought to a mean of 1, weights the class loss of background anchors. The release calls it
where conf is always 0; here both terms act.
"""

from __future__ import annotations

import torch

BALANCE = 0.6
PART = 1 << 22  # pairs of boxes at a time


def negative_scores(iof: torch.Tensor, confidence: torch.Tensor, balance: float = BALANCE) -> torch.Tensor:
    """Scores of negatives.

    Args:
        iof: Intersection over foreground of each, 0 to 1.
        confidence: Of each, 0 to 1, same shape.
        balance: Share of IoF in the exponent.

    Returns:
        ``exp(balance * iof + (1 - balance) * confidence)``, 1 to e, same shape.
    """
    return (balance * iof + (1 - balance) * confidence).exp()


def sample_negatives(scores: torch.Tensor, count: int, generator: torch.Generator | None = None) -> torch.Tensor:
    """Indices of negatives drawn without replacement with probability proportional to their scores.

    Args:
        scores: From :func:`negative_scores`, (N,).
        count: How many; all where there are fewer.
        generator: Source of randomness.
    """
    return torch.multinomial(scores, min(count, len(scores)), replacement=False, generator=generator)


def intersection_over_foreground(boxes: torch.Tensor, objects: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Largest share of an object that each box covers.

    Args:
        boxes: xyxy, (B, A, 4).
        objects: xyxy, (B, M, 4).
        valid: Which of them are objects, (B, M).

    Returns:
        (B, A), 0 to 1; 0 without objects.
    """
    out = boxes.new_zeros(boxes.shape[:2])
    area = (objects[..., 2:] - objects[..., :2]).clamp(min=0).prod(-1).clamp(min=1e-9)
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
    """Weights of anchors in the class loss of a dense head: 1 on foreground, on background with a mean of 1.

    Args:
        boxes: Predicted xyxy, (B, A, 4).
        confidence: Best score of each anchor, (B, A).
        foreground: Which anchors have a target, (B, A).
        objects: Labels, xyxy in the same unit, (B, M, 4).
        valid: Which of them are labels, (B, M).
        balance: Share of IoF in the exponent.

    Returns:
        (B, A).
    """
    scores = negative_scores(intersection_over_foreground(boxes, objects, valid), confidence, balance)
    background = ~foreground
    average = (scores * background).sum() / background.sum().clamp(min=1)
    return torch.where(foreground, 1.0, scores / average.clamp(min=1.0))
