"""AP and recall from outcomes, and their spread over pictures by bootstrap: Efron, Annals of Statistics 7 (1979) 1.

A draw takes as many pictures as there are, with repetition, so a draw is a weight for each picture. Precision only has
to be known where a detection is right, and there it is a ratio of two cumulated sums over weights: one product of
matrices per class, for all draws.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from gjadet_yolo.evaluate.outcomes import IOUS, Outcomes
from gjadet_yolo.evaluate.scores import mean

RECALLS = np.linspace(0, 1, 101)
MOST_VALUES = 4_000_000  # draws times detections at a time, 16 MB for each array
FIGURES = ("AP", "AP50", "AP75", "recall")


def curve(right: np.ndarray, objects: int) -> np.ndarray:
    """Precision at ``RECALLS`` for detections, surest first, that are right or not, (N,) bool; nan without objects."""
    if not objects:
        return np.full(len(RECALLS), np.nan)
    found = np.cumsum(right)
    precision = found / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    where = np.searchsorted(found / objects, RECALLS, side="left")
    return np.append(envelope, 0.0)[where.clip(max=len(right))]


def figures_of(one: Outcomes, size: int = 0) -> np.ndarray:
    """The four ``FIGURES`` of a class in a size bin; nan without objects."""
    objects = int(one.objects[size].sum())
    levels = [
        mean(curve(right[counts], objects)) for right, counts in zip(one.right[size], one.counts[size], strict=True)
    ]
    recall = one.right[size, 0].sum() / objects if objects else np.nan
    return np.array([mean(np.array(levels)), levels[0], levels[5], recall])


def weights(images: int, draws: int, seed: int) -> np.ndarray:
    """How often each picture is drawn, (draws, images) float32."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(images, np.full(images, 1 / images), size=draws).astype(np.float32)


def drawn_figures(one: Outcomes, weight: np.ndarray, size: int = 0) -> np.ndarray:
    """The four ``FIGURES`` of a class in every draw, (D, 4)."""
    objects = weight @ one.objects[size].astype(np.float32)
    result = np.full((len(weight), 4), np.nan)
    some = objects > 0
    columns = np.stack([drawn_ap(one, weight, objects, size, level) for level in range(len(IOUS))], axis=1)
    found = weight @ np.bincount(one.image[one.right[size, 0]], minlength=weight.shape[1]).astype(np.float32)
    result[some, 0] = columns[some].mean(1)
    result[some, 1:3] = columns[some][:, [0, 5]]
    result[some, 3] = found[some] / objects[some]
    return result


def drawn_ap(one: Outcomes, weight: np.ndarray, objects: np.ndarray, size: int, level: int) -> np.ndarray:
    """AP at one IoU in every draw, (D,)."""
    counts = one.counts[size, level]
    right, image = one.right[size, level][counts], one.image[counts]
    places = np.flatnonzero(right)
    if not len(places):
        return np.zeros(len(weight))
    # detections between two right ones are one segment; those behind the last right one change nothing
    last = places[-1] + 1
    segment = np.cumsum(right[:last]) - right[:last]
    table = sparse.csr_matrix(
        (np.ones(last, np.float32), (segment, image[:last])), shape=(len(places), weight.shape[1])
    )
    result = np.zeros(len(weight))
    step = max(1, MOST_VALUES // len(places))
    for start in range(0, len(weight), step):
        part = slice(start, start + step)
        result[part] = sampled(weight[part], table, image[places], objects[part])
    return result


def sampled(weight: np.ndarray, table: sparse.csr_matrix, image: np.ndarray, objects: np.ndarray) -> np.ndarray:
    """AP of some draws (D,) from detections by segment and picture, and the picture of each right detection (K,)."""
    total = np.cumsum(np.ascontiguousarray((table @ weight.T).T), axis=1)
    found = np.cumsum(weight[:, image], axis=1)
    precision = np.divide(found, total, out=np.zeros_like(found), where=total > 0)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    rows, columns = found.shape
    safe = np.maximum(objects, 1)[:, None]
    # one search for all draws: recall is at most 1, so that rows 2 apart stay in order
    shift = 2.0 * np.arange(rows)[:, None]
    where = np.searchsorted((found / safe.astype(float) + shift).ravel(), (RECALLS + shift).ravel())
    column = where.reshape(rows, -1) - columns * np.arange(rows)[:, None]
    padded = np.concatenate((envelope, np.zeros((rows, 1), envelope.dtype)), axis=1)
    return np.take_along_axis(padded, column.clip(0, columns), axis=1).mean(1)


def interval(values: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of values of all draws; nan where none is defined."""
    values = values[np.isfinite(values)]
    low, high = np.percentile(values, (2.5, 97.5)) if values.size else (np.nan, np.nan)
    return float(low), float(high)


def mean_over(values: Sequence[np.ndarray]) -> np.ndarray:
    """Mean over classes, (C, D, 4) -> (D, 4), of those that are defined."""
    stacked = np.asarray(values, float)
    known = np.isfinite(stacked)
    total, number = np.where(known, stacked, 0).sum(0), known.sum(0)
    return np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
