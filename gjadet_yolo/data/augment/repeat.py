"""Repeat-factor sampling: images that hold rare classes are seen more often.

Source: LVIS, CVPR 2019, arXiv 1908.03195, section on repeat factor sampling. With f_c the share of images that hold
class c and a threshold t, ``r_c = max(1, sqrt(t / f_c))``, and an image is repeated by the largest r_c of its classes.
An addition of this project: r_c is at most 10.
"""

from __future__ import annotations

import numpy as np

# sqrt(t / f_c) reaches 10 where a class is in less than t / 100 of the images. In LVIS every class has several images;
# a class of a single image among 10,000 would have it shown 55 times per epoch (t = 0.3), which teaches the image and
# not the class.
MOST_REPEATS = 10


def repeat_factors(present: np.ndarray, threshold: float) -> np.ndarray:
    """Repeat factor of each image, (N,), from 1 to ``MOST_REPEATS``, by which image holds which class, (N, C) bool."""
    share = present.mean(0) if len(present) else np.zeros(present.shape[1])
    by_class = np.sqrt(np.divide(threshold, share, out=np.zeros(len(share)), where=share > 0)).clip(1, MOST_REPEATS)
    return np.where(present, by_class, 1.0).max(1, initial=1.0)


def extra_copies(factors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Indices of the images to add so that each occurs as often as its factor, (N,) of 1 and more, says; ascending.

    Every draw gives as many, so that each epoch of a training can draw anew.
    """
    # Fractions are rounded by chance: right in the mean, where rounding to the nearest would favour some classes. The
    # draw is systematic (Madow, 1949): points at equal distances, so that the number of those drawn is always the same.
    whole = np.floor(factors).astype(int)
    mixed = rng.permutation(len(factors))
    edges = np.cumsum((factors - whole)[mixed])
    total = float(edges[-1]) if len(edges) else 0.0
    points = (rng.random() + np.arange(round(total))) * (total / max(round(total), 1))
    drawn = mixed[np.searchsorted(edges, points, side="right")]
    return np.repeat(np.arange(len(factors)), whole - 1 + np.bincount(drawn, minlength=len(factors)))


def effective_counts(counts: np.ndarray, shown: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Objects of each class that an epoch is expected to show, with those that are repeated and pasted, (C,).

    Args:
        counts: Objects by image and class, (N, C).
        shown: How often an epoch shows each image in the mean, (N,).
        drawn: Probability of each class to be pasted into an image, (C,).
    """
    # An estimate: objects that find no room, and those that come along in the cut of another, are not counted.
    return shown @ counts + shown.sum() * drawn
