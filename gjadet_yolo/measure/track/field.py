"""How groups of markers moved between two frames: robust affine fields, also where a marker itself was not seen.

Weighted least squares with Cauchy weights (Holland and Welsch 1977, "Robust regression using iteratively reweighted
least-squares"). The linear part is drawn towards the identity by a ridge of one squared marker size, so the same
formula gives a translation for one marker and hardly any bias for a whole strip, which may turn, shear or be squeezed.
All groups are fitted at once: one by one, the calls alone would take longer than localising.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROUNDS = 4
LEAST_SPREAD_PX = 0.3  # residuals below it never count as outliers: localisation and perspective alone reach it


@dataclass(frozen=True)
class Fields:
    """Maps ``after = before + shift + strain @ (before - centre)`` of G groups.

    Attributes:
        centre, shift: (G, 2); NaN for a group without points.
        strain: (G, 2, 2).
        spread_px: Of the residuals, (G,).
    """

    centre: np.ndarray
    strain: np.ndarray
    shift: np.ndarray
    spread_px: np.ndarray

    def step(self, points: np.ndarray, group: np.ndarray) -> np.ndarray:
        """How far points (K, 2) of the first frame move with their groups (K,), (K, 2)."""
        return self.shift[group] + np.einsum("kij,kj->ki", self.strain[group], points - self.centre[group])


def fit_fields(before: np.ndarray, after: np.ndarray, group: np.ndarray, count: int, size_px: np.ndarray) -> Fields:
    """Fields that take most of the points of each group to where they are after.

    Args:
        before, after: (K, 2).
        group: 0 to ``count`` - 1, (K,).
        size_px: Sizes of the markers, (K,).
    """

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(group, values, count)

    def total_2(values: np.ndarray) -> np.ndarray:
        return np.stack((total(values[:, 0]), total(values[:, 1])), 1)

    moved = after - before
    there = np.bincount(group, minlength=count)
    ridge = (total(size_px) / np.maximum(there, 1)) ** 2
    start = np.stack((medians(moved[:, 0], group, there), medians(moved[:, 1], group, there)), 1)
    weights = 1 / (1 + (distance(moved - start[group]) / (0.5 * size_px)) ** 2)
    for _ in range(ROUNDS):
        sums = total(weights)[:, None]
        sums = np.where(sums > 0, sums, np.nan)
        centre, shift = total_2(before * weights[:, None]) / sums, total_2(moved * weights[:, None]) / sums
        arm, rest = before - centre[group], moved - shift[group]
        pull = arm * weights[:, None]
        xx, yy = total(pull[:, 0] * arm[:, 0]) + ridge, total(pull[:, 1] * arm[:, 1]) + ridge
        xy = total(pull[:, 0] * arm[:, 1])
        determinant = np.where(there > 0, xx * yy - xy**2, 1.0)
        rows = [(total(pull[:, 0] * rest[:, axis]), total(pull[:, 1] * rest[:, axis])) for axis in (0, 1)]
        # the ridge acts on the deviation from the identity: that is what is solved for
        strain = np.stack([np.stack((yy * a - xy * b, xx * b - xy * a), -1) for a, b in rows], 1)
        strain /= determinant[:, None, None]
        residual = distance(rest - np.einsum("kij,kj->ki", strain[group], arm))
        spread = np.maximum(LEAST_SPREAD_PX, 1.5 * medians(residual, group, there))
        weights = 1 / (1 + (residual / spread[group]) ** 2)
    return Fields(centre, strain, shift, spread)


def medians(values: np.ndarray, group: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Upper median of the values (K,) of each group, (G,), of which ``there`` (G,) values each; 0 for an empty one."""
    order = np.lexsort((values, group))
    place = np.cumsum(there) - there + there // 2
    return (
        np.where(there > 0, values[order[np.minimum(place, max(len(values) - 1, 0))]], 0.0)
        if len(values)
        else there * 0.0
    )


def distance(vectors: np.ndarray) -> np.ndarray:
    """Lengths of vectors (..., 2)."""
    return np.hypot(vectors[..., 0], vectors[..., 1])
