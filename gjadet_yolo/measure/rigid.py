"""Motion of one stiff body from its markers: translation and rotation in each frame, with standard deviations.

Points of the plane are complex numbers. Where a marker lies on the body is not known beforehand, so poses and layout
are fitted in turns (generalised Procrustes analysis: Gower 1975, Psychometrika 40); each pose given the layout is the
weighted least-squares one in closed form (Umeyama 1991, IEEE PAMI 13). Samples off by more than four standard
deviations are left out, and so is a marker from the frame on at which it leaves the body.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gjadet_yolo.measure.scatter import departures, spread, spread_around

ROUNDS, INNER, REFITS = 4, 5, 3  # of leaving out outliers, of pose and layout in turns, and of easing
OUTLIER = 4.0  # standard deviations: one Gaussian sample in 3,000 is lost
SQUEEZE, SQUEEZE_PER_PX = 1e-4, 3e-4  # prior deviation of what tilted views squeeze a body by, and more with its way
LEAST_INERTIA = 1e-6  # of the greatest: below it, direction rests on rounding
TINY = 1e-300
LEAST_EXCESS = 0.05  # for leaving out outliers: without noise, rounding would be one


@dataclass(frozen=True)
class BodyFit:
    """Motion of a body with K markers in T frames, in the unit of its positions; NaN where no marker was measured.

    Attributes:
        position: Where the mean of its markers is, (T, 2): one point of the body, whichever markers are seen.
        sigma: (T, 2).
        angle_rad: Rotation since its first frame, positive from x towards y, (T,); NaN where only one marker is seen.
        sigma_angle_rad: Of the direction in each frame, (T,).
        scale: Size against its mean size; all 1 for a rigid fit, (T,).
        markers: Samples that were used, (T,) int.
        left: Frame in which each marker left the body, (K,) int; -1 where it stayed.
        excess: How many times larger residuals are than the standard deviations of the samples say.
        layout: Places of the markers on the body against their mean, at the direction of its first frame, (K, 2).
    """

    position: np.ndarray
    sigma: np.ndarray
    angle_rad: np.ndarray
    sigma_angle_rad: np.ndarray
    scale: np.ndarray
    markers: np.ndarray
    left: np.ndarray
    excess: float
    layout: np.ndarray


@dataclass(frozen=True)
class Poses:
    """``place + turn * layout + squeeze * conj(layout)`` in T frames, and what the errors of that need.

    Attributes:
        turn, squeeze, place: (T,) complex each.
        weight: Sum of weights, (T,).
        pivot: Weighted mean of the layout, (T,) complex: about it, errors of turn and place are independent.
        inertia, product: Sums of weights times |layout|² and layout², about the pivot, (T,).
        stiff: Weight of the prior that ``squeeze`` is 0; infinite where it is, (T,).
    """

    turn: np.ndarray
    squeeze: np.ndarray
    place: np.ndarray
    weight: np.ndarray
    pivot: np.ndarray
    inertia: np.ndarray
    product: np.ndarray
    stiff: np.ndarray

    def __call__(self, layout: np.ndarray) -> np.ndarray:
        """Where points (K,) of the layout are, (T, K) complex."""
        return self.place[:, None] + self.turn[:, None] * layout + self.squeeze[:, None] * np.conj(layout)

    def back(self, points: np.ndarray) -> np.ndarray:
        """Where points (T, K) are on the layout, complex."""
        arm, turn, squeeze = points - self.place[:, None], self.turn[:, None], self.squeeze[:, None]
        return (np.conj(turn) * arm - squeeze * np.conj(arm)) / (np.abs(turn) ** 2 - np.abs(squeeze) ** 2)

    def variance(self, layout: np.ndarray) -> np.ndarray:
        """Variance along each axis of where the poses put points (K,) or (T, K) of the layout, (T, K)."""
        arm = layout - self.pivot[:, None]
        away, inertia, product = np.abs(arm) ** 2, self.inertia[:, None], self.product[:, None]
        if np.isinf(self.stiff).all():
            lever = np.divide(away, inertia, out=np.zeros_like(away), where=inertia > 0)
        else:
            stiff = self.stiff[:, None]
            determinant = inertia * (inertia + stiff) - np.abs(product) ** 2
            form = away * (2 * inertia + stiff) - 2 * (np.conj(arm) ** 2 * product).real
            lever = np.divide(form, determinant, out=np.zeros_like(form), where=determinant > 0)
        return 1 / np.maximum(self.weight, TINY)[:, None] + lever


def complex_of(points: np.ndarray) -> np.ndarray:
    """Points (..., 2) as complex numbers (...)."""
    return points[..., 0] + 1j * points[..., 1]


def fit_poses(points: np.ndarray, weights: np.ndarray, layout: np.ndarray, similar: bool) -> Poses:
    """Poses that put a layout (K,) on points (T, K), both complex; a weight (T, K) of 0 leaves a sample out."""
    use = np.where(np.isfinite(layout), weights, 0.0)
    layout, points = np.where(np.isfinite(layout), layout, 0), np.where(use > 0, points, 0)
    weight = use.sum(1)
    safe = np.maximum(weight, TINY)
    pivot, middle = (use * layout).sum(1) / safe, (use * points).sum(1) / safe
    arm, moved = layout[None] - pivot[:, None], points - middle[:, None]
    inertia, product = (use * np.abs(arm) ** 2).sum(1), (use * arm**2).sum(1)
    straight, crossed = (use * np.conj(arm) * moved).sum(1), (use * arm * moved).sum(1)
    turn, squeeze = np.ones(len(points), complex), np.zeros(len(points), complex)
    fixed = inertia > LEAST_INERTIA * inertia.max(initial=0)
    if similar:
        way = middle - pivot
        way = np.hypot(np.ptp(way[fixed].real), np.ptp(way[fixed].imag)) if fixed.any() else 0.0
        stiff = np.full(len(points), (SQUEEZE + SQUEEZE_PER_PX * way) ** -2)
        determinant = inertia * (inertia + stiff) - np.abs(product) ** 2
        np.divide(straight * (inertia + stiff) - crossed * np.conj(product), determinant, out=turn, where=fixed)
        np.divide(crossed * inertia - straight * product, determinant, out=squeeze, where=fixed)
    else:
        stiff = np.full(len(points), np.inf)
        np.divide(straight, np.abs(straight), out=turn, where=fixed)
    if fixed.any():  # one marker shows no direction: that of the nearest frame which shows one
        known = np.nonzero(fixed)[0]
        nearest = known[np.abs(np.arange(len(points))[:, None] - known).argmin(1)] if not fixed.all() else slice(None)
        turn, squeeze = turn[nearest], squeeze[nearest]
    inertia = np.where(fixed, inertia, 0.0)
    place = middle - turn * pivot - squeeze * np.conj(pivot)
    return Poses(turn, squeeze, place, weight, pivot, inertia, product, stiff)


def fit_layout(points: np.ndarray, weights: np.ndarray, poses: Poses) -> np.ndarray:
    """Layout (K,) complex, from points (T, K) and poses; NaN for markers without a sample."""
    use = np.where(poses.weight[:, None] > 0, weights, 0.0)
    back = np.where(use > 0, poses.back(np.where(use > 0, points, 0)), 0)
    total = use.sum(0)
    return np.divide((use * back).sum(0), total, out=np.full(len(total), np.nan + 0j), where=total > 0)


def median_layout(points: np.ndarray, weights: np.ndarray, poses: Poses) -> np.ndarray:
    """As :func:`fit_layout`, by medians: a marker that has left late in the video keeps its place on the body."""
    back = np.where((weights > 0) & (poses.weight[:, None] > 0), poses.back(points), np.nan)
    return middle_of(back)


def middle_of(back: np.ndarray) -> np.ndarray:
    """Median place of each marker, (K,) complex, over frames (T, K); nan where it is known in none."""
    layout = np.full(back.shape[1], np.nan + 0j)
    some = np.isfinite(back).any(0)
    layout[some] = np.nanmedian(back[:, some].real, 0) + 1j * np.nanmedian(back[:, some].imag, 0)
    return layout


def centred(layout: np.ndarray) -> np.ndarray:
    """A layout (K,) with a mean of 0; as it is where no place is known."""
    known = np.isfinite(layout)
    return layout - layout[known].mean() if known.any() else layout


def alternate(points: np.ndarray, weights: np.ndarray, similar: bool) -> tuple[Poses, np.ndarray]:
    """Poses and layout (K,) of points (T, K), complex; the layout's mean is 0."""
    best = int((weights > 0).sum(1).argmax())
    layout = np.where(weights[best] > 0, points[best], np.nan)
    for _ in range(INNER):
        layout = centred(layout)
        poses = fit_poses(points, weights, layout, similar)
        layout = fit_layout(points, weights, poses)
    layout = centred(layout)
    return fit_poses(points, weights, layout, similar), layout


def settle(points: np.ndarray, weights: np.ndarray, limit: np.ndarray, similar: bool) -> tuple[Poses, np.ndarray]:
    """As :func:`alternate`, for most of the markers: those that often differ by more than a limit (T, K) lose weight.

    Least squares alone would let one marker far out on another body bend the motion of thirty.
    """
    eased = weights
    for _ in range(REFITS):
        poses, _ = alternate(points, eased, similar)
        layout = median_layout(points, weights, poses)
        residual = np.abs(np.where(weights > 0, points - poses(layout), 0)) / limit
        seen = np.maximum((weights > 0).sum(0), 1)
        worst = np.sqrt((residual**2).sum(0) / seen)
        worst /= max(float(np.median(worst)), 0.25)
        eased = weights / (1 + residual**2) / (1 + (worst / 2) ** 4)
    kept = np.where(residual <= 1, weights, 0.0)
    # a frame that nobody fits is no frame without markers: left out, it would hide that two bodies part in it
    bare = (kept > 0).sum(1) < 2
    kept[bare] = weights[bare]
    return fit_poses(points, kept, layout, similar), layout


def fit_body(position: np.ndarray, sigma: np.ndarray, similar: bool = False, slack: float = 0.0) -> BodyFit:
    """Fit the motion of a body.

    Args:
        position: Markers, (T, K, 2), in any unit; NaN where one was not measured.
        sigma: Standard deviations, (T, K, 2).
        similar: Let the size change, as in views that are not square to the plane of motion.
        slack: Departure from the body below which a marker never counts as leaving it, in the unit of positions.

    Raises:
        ValueError: The shapes do not agree.
    """
    if position.shape != sigma.shape or position.ndim != 3 or position.shape[2] != 2:
        raise ValueError(f"position is {position.shape} and sigma {sigma.shape}; expected (T, K, 2) for both.")
    points, variance = complex_of(position), (sigma**2).mean(2)
    seen = np.isfinite(points) & (variance > 0)
    weights = np.divide(1.0, variance, out=np.zeros_like(variance), where=seen)
    use, excess, around = weights, 1.0, np.ones(len(points))
    if seen.any():
        limit = OUTLIER / np.sqrt(np.maximum(weights, TINY)) + slack
        poses, layout = settle(points, weights, limit, similar)
        use = np.where(np.abs(points - poses(layout)) <= 2 * limit, weights, 0.0)
    left = np.full(points.shape[1], -1)
    for _ in range(ROUNDS if seen.any() else 0):
        poses, layout = alternate(points, use, similar)
        residual = points - poses(layout)
        excess = spread(residual, use)
        stays = (left < 0) | (np.arange(len(points))[:, None] < left)
        around = spread_around(residual, np.where(stays, weights, 0.0), excess)
        away = np.where(seen, np.abs(residual), 0.0)
        far = away**2 * weights > (OUTLIER * np.maximum(around, LEAST_EXCESS))[:, None] ** 2
        left = departures(far & (away > slack), seen)
        stays = (left < 0) | (np.arange(len(points))[:, None] < left)
        use = np.where(far | ~stays, 0.0, weights)
    return assemble(points, use, similar, left, excess, around)


def assemble(
    points: np.ndarray, use: np.ndarray, similar: bool, left: np.ndarray, excess: float, around: np.ndarray
) -> BodyFit:
    """The result from the samples that are used, (T, K), with errors ``around`` (T,) times those stated."""
    frames, markers = use.shape
    if not use.any():
        nothing = np.full(frames, np.nan)
        pair = np.full((frames, 2), np.nan)
        none = np.zeros(frames, int)
        return BodyFit(pair, pair, nothing, nothing, nothing, none, left, excess, np.full((markers, 2), np.nan))
    poses, layout = alternate(points, use, similar)
    known, turning = poses.weight > 0, poses.inertia > 0
    if turning.any():
        start = poses.turn[int(np.argmax(turning))]
        start = start / abs(start)
    else:
        start = 1.0 + 0j
    angle = np.full(frames, np.nan)
    angle[turning] = np.unwrap(np.angle(poses.turn[turning] / start))
    sigma_angle = np.divide(around, np.sqrt(poses.inertia), out=np.full(frames, np.nan), where=turning)
    place = np.where(known, poses.place, np.nan)
    placed = layout * start
    return BodyFit(
        pair_of(place),
        np.where(known[:, None], around[:, None] * mean_sigma(poses, similar), np.nan),
        angle,
        sigma_angle,
        np.where(known, np.abs(poses.turn), np.nan),
        (use > 0).sum(1),
        left,
        excess,
        pair_of(placed),
    )


def mean_sigma(poses: Poses, similar: bool) -> np.ndarray:
    """Standard deviation of the image of the layout's mean, (T, 2), for samples as good as their weights say."""
    if similar:
        return np.sqrt(np.repeat(poses.variance(np.zeros(1, complex)), 2, 1))
    # a rigid body's mean can only go round the markers that are seen, at right angles to the arm
    inertia = poses.inertia[:, None]
    swing = pair_of(1j * poses.turn * poses.pivot) ** 2
    lever = np.divide(swing, inertia, out=np.zeros_like(swing), where=inertia > 0)
    return np.sqrt(1 / np.maximum(poses.weight, TINY)[:, None] + lever)


def pair_of(numbers: np.ndarray) -> np.ndarray:
    """Complex numbers (...) as points (..., 2)."""
    return np.stack((numbers.real, numbers.imag), -1)
