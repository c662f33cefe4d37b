"""How a group of markers moved between two frames: a robust affine field, also where a marker itself was not seen.

Weighted least squares with Cauchy weights (Holland and Welsch 1977, "Robust regression using iteratively reweighted
least-squares"). The linear part is drawn towards the identity by a ridge of one squared marker size, so the same
formula gives a translation for one marker and hardly any bias for a whole strip, which may turn, shear or be squeezed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROUNDS = 5
LEAST_SPREAD_PX = 0.3  # residuals below it never count as outliers: localisation and perspective alone reach it


@dataclass(frozen=True)
class Field:
    """Map ``after = linear @ (before - centre) + centre + shift``, with the spread of its residuals in px."""

    centre: np.ndarray
    linear: np.ndarray
    shift: np.ndarray
    spread_px: float

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Where points (K, 2) of the first frame are in the second, (K, 2)."""
        return (points - self.centre) @ self.linear.T + self.centre + self.shift


def fit_field(before: np.ndarray, after: np.ndarray, size_px: float) -> Field:
    """Field that takes most of the points (K, 2), K of 1 or more, to where they are after, (K, 2)."""
    moved = after - before
    weights = 1 / (1 + (distance(moved - np.median(moved, axis=0)) / (0.5 * size_px)) ** 2)
    for _ in range(ROUNDS):
        total = weights.sum()
        centre = weights @ before / total
        shift = weights @ moved / total
        arm = before - centre
        gram = (arm * weights[:, None]).T @ arm + size_px**2 * np.eye(2)
        # the ridge acts on the linear part's deviation from the identity
        strain = np.linalg.solve(gram, (arm * weights[:, None]).T @ (moved - shift)).T
        residual = distance(moved - shift - arm @ strain.T)
        spread = max(LEAST_SPREAD_PX, 1.5 * float(np.median(residual)))
        weights = 1 / (1 + (residual / spread) ** 2)
    return Field(centre, np.eye(2) + strain, shift, spread)


def distance(vectors: np.ndarray) -> np.ndarray:
    """Lengths of vectors (..., 2)."""
    return np.hypot(vectors[..., 0], vectors[..., 1])
