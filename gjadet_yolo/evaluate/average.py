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
# Places on each curve of a draw, at right detections; exact up to there, and beyond it five times as fine as RECALLS.
MOST_PLACES = 500
NEARLY = 1e-6  # float32 recall may be that much below a recall that is reached
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
    """How often each picture is drawn, (images, draws) float32."""
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(images, np.full(images, 1 / images), size=draws)
    return np.ascontiguousarray(drawn.T, dtype=np.float32)


def drawn_figures(one: Outcomes, weight: np.ndarray, size: int = 0) -> np.ndarray:
    """The four ``FIGURES`` of a class in every draw, (D, 4), from weights of pictures (I, D)."""
    objects = one.objects[size].astype(np.float32) @ weight
    result = np.full((weight.shape[1], 4), np.nan)
    some = objects > 0
    if not some.any():
        return result
    columns = np.stack([drawn_ap(one, weight, objects, size, level) for level in range(len(IOUS))], axis=1)
    found = np.bincount(one.image[one.right[size, 0]], minlength=len(weight)).astype(np.float32) @ weight
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
        return np.zeros(weight.shape[1])
    if len(places) > MOST_PLACES:
        places = places[np.linspace(0, len(places) - 1, MOST_PLACES).round().astype(int)]
    # between two places lies one segment; what comes behind the last right detection changes nothing
    last = places[-1] + 1
    segment, image, right = np.searchsorted(places, np.arange(last)), image[:last], right[:last]
    total = cumulated(segment, image, weight)
    found = cumulated(segment[right], image[right], weight)
    precision = np.divide(found, total, out=np.zeros_like(found), where=total > 0)
    envelope = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    return at_recalls(envelope, found / np.maximum(objects, 1))


def cumulated(segment: np.ndarray, image: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Detections up to the end of each segment in every draw, (P, D)."""
    shape = (int(segment[-1]) + 1, len(weight))
    table = sparse.csr_matrix((np.ones(len(segment), np.float32), (segment, image)), shape=shape)
    return np.cumsum(table @ weight, axis=0)


def at_recalls(envelope: np.ndarray, recall: np.ndarray) -> np.ndarray:
    """Mean over ``RECALLS`` of the precision (P, D) where each recall is reached, (D,); 0 where it is not."""
    places, draws = recall.shape
    # one search for all draws: recall is at most 1, so that draws 2 apart stay in order
    shift = 2.0 * np.arange(draws)[:, None]
    where = np.searchsorted((recall.T + shift).ravel(), (RECALLS + shift - NEARLY).ravel())
    row = where.reshape(draws, -1) - places * np.arange(draws)[:, None]
    padded = np.concatenate((envelope, np.zeros((1, draws), envelope.dtype)))
    return padded[row.clip(0, places), np.arange(draws)[:, None]].mean(1)


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
