"""Robust least squares of many small problems at once, and what their residuals say about the noise.

Each of K markers is one problem with n pixels and P parameters. Weights are Cauchy's, 1 / (1 + (r / c s)²), so that a
cable or a neighbour's edge does not pull. Standard deviations are those of Cramér and Rao, residual variance times the
inverse of the normal matrix, times the correlation of neighbouring residuals: compression and colour interpolation make
noise of a few pixels' reach, and n pixels then say less than n.
"""

from __future__ import annotations

import numpy as np

CAUCHY = 3.0  # residuals of so many scales have half the weight
MODEL_SHARE = 0.04  # of a marker's contrast: how well its model can know a clean picture's pixels
LEAST_NOISE = 0.3  # grey levels: what rounding leaves
LAGS = 5  # px over which residuals may be correlated


def spread(residual: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Scale of residuals (K, n) where inside (K, n) is above 0: 1.48 times their median size, (K,)."""
    thin = slice(None, None, 1 + (residual.shape[1] > 400))  # a scale needs no more
    size = np.where(inside[:, thin] > 0, np.abs(residual[:, thin]), np.float32(np.inf))
    size.sort(axis=1)  # many times faster than a median that leaves out what is not a number
    middle = np.isfinite(size).sum(1) // 2
    return np.clip(1.4826 * size[np.arange(len(size)), middle], LEAST_NOISE, 255)


def cauchy(residual: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Weights of residuals (K, n) at scales (K,)."""
    return 1 / (1 + (residual / (CAUCHY * scale[:, None])) ** 2)


def normal_equations(jacobian: np.ndarray, residual: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Normal matrices (K, P, P) and right-hand sides (K, P) of Jacobians (K, P, n)."""
    weighted = jacobian * weight[:, None, :]
    return weighted @ jacobian.transpose(0, 2, 1), (weighted @ residual[..., None])[..., 0]


def solve(matrix: np.ndarray, right: np.ndarray, damping: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Steps (K, P) with Marquardt's damping (K,) and inverse variances (P,) or (K, P) to start with."""
    full = matrix.astype(np.float64)
    diagonal = np.einsum("kpp->kp", full)  # a view
    diagonal *= 1 + damping[:, None]
    diagonal += prior + 1e-9
    return np.linalg.solve(full, right.astype(np.float64)[..., None])[..., 0]


def covariance(matrix: np.ndarray, variance: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Of all parameters, (K, P, P), at residual variances (K,)."""
    # the prior is in units of the normal matrix, so that both weigh as in the steps
    full = matrix.astype(np.float64)
    np.einsum("kpp->kp", full)[...] += prior + 1e-9
    return np.linalg.inv(full) * variance[:, None, None]


def sandwich(matrix: np.ndarray, variance: np.ndarray, prior: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """As :func:`covariance`, for priors (K, P) that weigh more than they know: ``noise`` (K, P) over ``variance``.

    ``noise`` is that of the priors' share in the right-hand side; equal to ``prior`` where these weigh as they should.
    """
    full = matrix.astype(np.float64)
    middle = full.copy()
    np.einsum("kpp->kp", full)[...] += prior + 1e-9
    np.einsum("kpp->kp", middle)[...] += noise
    inverse = np.linalg.inv(full)
    return inverse @ middle @ inverse * variance[:, None, None]


def noise_variance(residual: np.ndarray, weight: np.ndarray, parameters: int) -> np.ndarray:
    """Variance of residuals (K, n) after a fit, (K,)."""
    freedom = np.maximum(weight.sum(1) - parameters, 1)
    return np.maximum((weight * residual**2).sum(1) / freedom, LEAST_NOISE**2)


def correlation_factor(residual: np.ndarray, weight: np.ndarray) -> float:
    """How much noise of some pixels' reach widens variances, from windows of residuals (K, H, W): 1 for white noise.

    The sum of the autocorrelation over lags, pooled over the markers of a frame, because one marker has few pixels.
    """
    root = residual * np.sqrt(weight)
    root = root / np.maximum(np.sqrt((root**2).mean((1, 2), keepdims=True)), 1e-6)
    total, power = 0.0, float((root**2).sum()) or 1.0
    height, width = root.shape[1:]
    for dy in range(LAGS):
        for dx in range(-LAGS + 1, LAGS):
            if dy == 0 and dx <= 0:
                continue
            first = root[:, dy:, max(dx, 0) : width + min(dx, 0)]
            second = root[:, : height - dy, max(-dx, 0) : width - max(dx, 0)]
            total += 2 * float((first * second).sum()) / power
    return max(1.0, 1 + total)


def grain(windows: np.ndarray) -> np.ndarray:
    """Standard deviation of the noise in windows (K, H, W), from a mask that edges do not answer to, (K,).

    Immerkaer, "Fast noise variance estimation", Computer Vision and Image Understanding 1996; the median instead of
    the mean, because corners do answer.
    """
    mask, step = np.array((1, -2, 1), np.float32), 2  # every second pixel: colour interpolation makes neighbours alike
    height, width = (side - 2 * step for side in windows.shape[1:])
    along = sum(mask[k] * windows[:, step * k : step * k + height] for k in range(3))
    both = sum(mask[k] * along[:, :, step * k : step * k + width] for k in range(3))
    size = np.abs(np.nan_to_num(both)).reshape(len(windows), -1)
    return 1.4826 * np.median(size, 1) / 6  # the root of the mask's squared weights
