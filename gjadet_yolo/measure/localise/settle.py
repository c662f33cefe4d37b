"""Where markers are in their looks: what fits of their models say in several frames, and how well these agree.

A single fit may take the edge of something in front of a marker for the marker's own; in other frames that has passed.
So the middle of all fits counts, not the first one, and not their mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MODEL_PX = 0.02  # what is left of an absolute place's error in the mean of many frames
FLOOR_PX = 0.012  # of a single fit
ROUNDS = 5
SHARED = 0.7  # of a fit's deviation: what is the same in all frames, as rims and glare are


@dataclass
class Offsets:
    """Absolute place less displacement of K markers, in px of the frame in which they were learned.

    Attributes:
        value: (F, K, 2), F fits; NaN where there is none.
        sigma: Their deviations, (F, K, 2).
    """

    value: np.ndarray
    sigma: np.ndarray

    @classmethod
    def of(cls, sigma: np.ndarray) -> Offsets:
        """From the first fits, with deviations (K, 2), which place the looks."""
        return cls(np.where(np.isfinite(sigma), 0.0, np.nan)[None], sigma[None])

    def add(self, value: np.ndarray, sigma: np.ndarray) -> None:
        """One more fit, (K, 2) each."""
        self.value, self.sigma = np.concatenate((self.value, value[None])), np.concatenate((self.sigma, sigma[None]))

    def joined(self, other: Offsets) -> Offsets:
        """These markers and others after them."""
        most = max(len(self.value), len(other.value))

        def filled(part: np.ndarray) -> np.ndarray:
            return np.concatenate((part, np.full((most - len(part), *part.shape[1:]), np.nan)))

        pairs = (self.value, other.value), (self.sigma, other.sigma)
        return Offsets(*(np.concatenate([filled(part) for part in pair], 1) for pair in pairs))

    def settled(self) -> tuple[np.ndarray, np.ndarray]:
        """What all fits say together, (K, 2), and its deviation (K, 2); 0 and NaN where there is none."""
        known = np.isfinite(self.value) & np.isfinite(self.sigma)
        value, spread = np.where(known, self.value, 0), np.hypot(np.where(known, self.sigma, 1), FLOOR_PX)
        plain = np.where(known, 1 / spread**2, 0)
        mean = weighted_median(np.where(known, value, np.inf), plain)
        for _ in range(ROUNDS):
            weight = plain / (1 + ((value - mean) / (2 * spread)) ** 2)
            mean = (weight * value).sum(0) / np.maximum(weight.sum(0), 1e-12)
        total = weight.sum(0)
        scatter = (weight * (value - mean) ** 2).sum(0) / np.maximum(total, 1e-12)
        usual = np.sqrt(known.sum(0) / np.maximum(plain.sum(0), 1e-12))
        count = np.maximum(known.sum(0), 1)
        sigma = np.sqrt((SHARED * usual) ** 2 + (scatter + usual**2) / count + MODEL_PX**2)
        some = known.any(0)
        return np.where(some, mean, 0), np.where(some, sigma, np.nan)


def weighted_median(value: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Of values (F, ...) with weights, (...); what has no weight is infinite. 0 where nothing has."""
    order = np.argsort(value, 0)
    value, weight = np.take_along_axis(value, order, 0), np.take_along_axis(weight, order, 0)
    reached = np.cumsum(weight, 0) >= weight.sum(0) / 2
    found = np.take_along_axis(value, reached.argmax(0)[None], 0)[0]
    return np.where(np.isfinite(found), found, 0)
