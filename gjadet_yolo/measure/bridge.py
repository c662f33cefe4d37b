"""Short gaps of a curve, bridged by what the samples on both sides say and no more.

The curve is taken as a random walk in its third differences, whose size is found from third differences over a stride
of the gap's length beside it: the jerk that matters at that scale. The best estimate in a gap is then a weighted sum
of its neighbours (kriging; in one dimension a smoothing spline, Wahba 1990), and its error has a covariance that no
neighbour removes. Both go through filter and derivatives with their correlation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gjadet_yolo.measure.propagate import REACH, Linear, derivatives

LONGEST_CLUSTER = 300  # frames that are solved for at once


@dataclass(frozen=True)
class Bridge:
    """One or more gaps near each other, within samples ``start`` to ``stop``.

    Attributes:
        weights: Of the samples between start and stop for each of them: rows of gaps hold the bridge, others the sample
            itself, (n, n).
        unknown: Root of the covariance of what no neighbour tells, (n, number of gap samples).
    """

    start: int
    stop: int
    weights: np.ndarray
    unknown: np.ndarray


def gaps(measured: np.ndarray) -> list[tuple[int, int]]:
    """Start and stop of each run of False within (n,) bool."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], measured, [True]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def clusters(measured: np.ndarray) -> list[tuple[int, int, int]]:
    """Start, stop and longest gap of stretches that are bridged at once; no two share a sample."""
    found: list[tuple[int, int, int]] = []
    for first, last in gaps(measured):
        beside = 2 * (last - first) + 6
        start, stop = max(first - beside, 0), min(last + beside, len(measured))
        if found and start < found[-1][1]:
            before, end, longest = found[-1]
            if stop - before <= LONGEST_CLUSTER:
                found[-1] = (before, max(stop, end), max(longest, last - first))
                continue
            # the earlier stretch gives up samples, but none that it has bridged, nor all that stand behind a bridge
            cut = (last_gap_end(measured, before, first) + first + 1) // 2
            found[-1], start = (before, cut, longest), cut
        found.append((start, stop, last - first))
    return found


def last_gap_end(measured: np.ndarray, start: int, stop: int) -> int:
    """Just past the last sample between start and stop that is missing."""
    return start + int(np.flatnonzero(~measured[start:stop])[-1]) + 1


def third_difference_variance(values: np.ndarray, variance: np.ndarray, measured: np.ndarray, stride: int) -> float:
    """Variance that motion, not noise, gives third differences of neighbouring frames; found over a stride."""
    span = 3 * stride
    if len(values) <= span:
        return 0.0
    parts = [slice(i * stride, len(values) - span + i * stride) for i in range(4)]
    whole = measured[parts[0]] & measured[parts[1]] & measured[parts[2]] & measured[parts[3]]
    if not whole.any():
        return 0.0
    third = values[parts[3]] - 3 * values[parts[2]] + 3 * values[parts[1]] - values[parts[0]]
    noise = variance[parts[3]] + 9 * variance[parts[2]] + 9 * variance[parts[1]] + variance[parts[0]]
    # neighbours overlap: about one independent value per span
    spread = np.sqrt(2 / max(whole.sum() / span, 1))
    excess = np.mean(third[whole] ** 2) - np.mean(noise[whole]) / (1 + spread)
    # the third difference over L frames of a walk in third differences has L^5 times the variance
    return float(max(excess, 0) / stride**5)


def build(values: np.ndarray, variance: np.ndarray, measured: np.ndarray) -> list[Bridge]:
    """Bridges over all gaps of one curve; values (n,), their variance (n,), which are measured (n,)."""
    result = []
    for start, stop, longest in clusters(measured):
        around = slice(max(start - 8 * longest, 0), stop + 8 * longest)
        noise = float(np.mean(variance[around][measured[around]]))
        stride = longest + 1
        moving = third_difference_variance(values[around], variance[around], measured[around], stride)
        here = slice(start, stop)
        result.append(Bridge(start, stop, *solve(variance[here], measured[here], max(moving, 1e-7 * noise, 1e-30))))
    return result


def solve(variance: np.ndarray, measured: np.ndarray, moving: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights and unknown part as in :class:`Bridge`, of samples (n,) with at least three measured."""
    count, gap = len(measured), np.flatnonzero(~measured)
    precision = np.zeros(count)
    precision[measured] = 1 / np.maximum(variance[measured], 1e-6 * moving)
    third = np.diff(np.eye(count), 3, axis=0)
    covariance = np.linalg.inv(np.diag(precision) + third.T @ third / moving)
    from_samples = covariance[gap] * precision
    explained = (from_samples[:, measured] / precision[measured]) @ from_samples[:, measured].T
    size, axes = np.linalg.eigh(covariance[np.ix_(gap, gap)] - explained)
    weights = np.diag(measured.astype(float))
    weights[gap] = from_samples
    unknown = np.zeros((count, len(gap)))
    unknown[gap] = axes * np.sqrt(np.maximum(size, 0))
    return weights, unknown


def fill(values: np.ndarray, bridges: list[Bridge], measured: np.ndarray) -> np.ndarray:
    """Curve (n,) with its gaps bridged."""
    filled = np.where(measured, values, 0.0)
    for bridge in bridges:
        here, seen = slice(bridge.start, bridge.stop), measured[bridge.start : bridge.stop]
        # the weights keep lines; without one they lose fewer digits
        at = np.arange(len(seen))
        line = np.polynomial.Polynomial.fit(at[seen], values[here][seen], 1)(at)
        filled[here] = line + bridge.weights @ np.where(seen, filled[here] - line, 0.0)
    return filled


def add_variances(filter_: Linear, bridges: list[Bridge], variance: np.ndarray, result: np.ndarray) -> None:
    """Add what bridged stretches bring to the variances (3, n), in place; ``variance`` (n,) is that of the samples."""
    far = 2 * (filter_.memory + REACH)
    for bridge in bridges:
        # beyond twice the filter's memory a cut is as good as no end at all
        low, high = max(bridge.start - far, 0), min(bridge.stop + far, len(variance))
        columns = np.concatenate([bridge.weights, bridge.unknown], axis=1)
        around = np.zeros((high - low, columns.shape[1]))
        around[bridge.start - low : bridge.stop - low] = columns
        of_columns = np.concatenate([variance[bridge.start : bridge.stop], np.ones(bridge.unknown.shape[1])])
        result[:, low:high] += derivatives(filter_, around) ** 2 @ of_columns
