"""Absolute place of markers in one image: the model of a marker fitted to its pixels by Gauss-Newton.

Parameters are the middle, an affine frame (a target of a few pixels has no perspective), two blurs, a slope of the light
in two directions, and the grey of each region. All enter one normal matrix, so that what is not known about them widens
the standard deviation of the place: a square whose rim has no contrast is held by its other edges, and says so.
Markers are fitted many at once; Marquardt's damping is each one's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from gjadet_yolo.measure.localise import solve
from gjadet_yolo.measure.localise.neighbours import Expected, expect, upright
from gjadet_yolo.measure.localise.shapes import REGIONS, SHAPES, Rendered
from gjadet_yolo.measure.localise.windows import cut, groups, places, reach

STEPS = 12
SHAPED = 10  # parameters before the greys: middle 2, frame 4, log blurs 2, light 2
STANDS_ALONE = 0.97  # share of the grey variance that a square explains, above which no other shape is tried
CONTRADICTION = 4.0  # deviations from what neighbours say, beyond which a fit starts from their word
LEAST_SEEN = 0.6  # of a marker's area: pixels that lie in the image
BLUR = (0.25, 4.0)  # px, least and most; a pixel's own area is 0.29
LIGHT_SPREAD, BLUR_SPREAD = 0.1, 0.5  # what slopes of the light per half side, and log blurs, deviate by


@dataclass
class Fit:
    """Models of K markers.

    Attributes:
        kind: Index into ``KINDS``, (K,).
        middle_px: (K, 2).
        frame: Half sides as columns, px per unit of the shape's coordinates, (K, 2, 2).
        blur: In units of the shape's coordinates, (K, 2).
        light: Relative slope of the light per unit, (K, 2).
        greys: Of the regions, (K, 9).
        sigma: Standard deviations of middle x, y and frame xx, xy, yx, yy, (K, 6).
        explained: Share of the grey variance around the marker, (K,).
    """

    kind: np.ndarray
    middle_px: np.ndarray
    frame: np.ndarray
    blur: np.ndarray
    light: np.ndarray
    greys: np.ndarray
    sigma: np.ndarray
    explained: np.ndarray

    @property
    def sigma_px(self) -> np.ndarray:
        """Standard deviations of the middle, (K, 2)."""
        return self.sigma[:, :2]

    def take(self, index: np.ndarray) -> Fit:
        return Fit(*(value[index] for value in vars(self).values()))

    def put(self, index: np.ndarray, other: Fit) -> None:
        for name, value in vars(self).items():
            value[index] = getattr(other, name)

    @classmethod
    def empty(cls, count: int) -> Fit:
        """Nothing found yet."""
        nan = np.full
        return cls(
            np.zeros(count, int),
            nan((count, 2), np.nan),
            np.tile(np.eye(2), (count, 1, 1)),
            nan((count, 2), 0.1),
            np.zeros((count, 2)),
            np.zeros((count, 9)),
            nan((count, 6), np.nan),
            np.zeros(count),
        )


def fit(grey: np.ndarray, boxes_xyxy: np.ndarray) -> Fit:
    """Fit every kind of marker to boxes (K, 4) in a grey image (H, W) float32, and keep the best of each."""
    half = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]) / 2
    result = Fit.empty(len(boxes_xyxy))
    usable = np.isfinite(boxes_xyxy).all(1) & (half > 0.5).all(1)
    batches = []
    for index, side in groups(np.where(usable, 2 * (half.max(1) * reach(half.max(1)) + 1), 0)):
        index = index[usable[index]]
        if not len(index):
            continue
        best = fit_group(grey, boxes_xyxy[index], side, "square")
        doubtful = np.flatnonzero(best.explained < STANDS_ALONE)
        for other in ("quadrant", "dot") if len(doubtful) else ():
            rival = fit_group(grey, boxes_xyxy[index[doubtful]], side, other)
            better = rival.explained > best.explained[doubtful]
            best.put(doubtful[better], rival.take(better))
        result.put(index, best)
        batches.append((index, side))
    ask_neighbours(grey, result, batches)
    return result


def ask_neighbours(grey: np.ndarray, model: Fit, batches: list[tuple[np.ndarray, int]]) -> None:
    """Fit squares once more, with what those around them say; in place."""
    squares = np.flatnonzero((model.kind == 0) & np.isfinite(model.sigma).all(1))
    if len(squares) < 2:
        return
    part = model.take(squares)
    order = upright(part.frame)
    swapped = np.abs(part.frame[:, 0, 0]) < np.abs(part.frame[:, 0, 1])
    sigma = np.where(swapped[:, None], part.sigma[:, [0, 1, 3, 2, 5, 4]], part.sigma)
    told = expect(part.middle_px, order, sigma, part.greys[:, 4])
    started = from_neighbours(part, order, swapped, told)
    for index, side in batches:
        rows = np.flatnonzero(np.isin(squares, index))
        if not len(rows):
            continue
        middle = started.middle_px[rows]
        again = started.take(rows)
        problem = Problem.around(grey, middle, side, "square")
        again.middle_px = np.zeros_like(middle)
        value = told.value[rows].copy()
        value[:, :2] -= middle
        problem.minimise(again, Expected(value, told.variance[rows]))
        again.middle_px += middle
        model.put(squares[rows], again)


def from_neighbours(part: Fit, order: np.ndarray, swapped: np.ndarray, told: Expected) -> Fit:
    """Models to start from: their own fits, or where these contradict the neighbours by far, what those say."""
    sigma = np.where(swapped[:, None], part.sigma[:, [0, 1, 3, 2, 5, 4]], part.sigma)
    own = np.concatenate((part.middle_px, order.reshape(-1, 4)), 1)
    known = np.isfinite(told.variance)
    weight = np.where(known, 1 / np.maximum(told.variance, 1e-12), 0)
    away = (own - told.value) ** 2 / (np.where(known, told.variance, 1) + sigma**2)
    doubtful = (known & (away > CONTRADICTION**2)).any(1)
    mixed = (own / sigma**2 + told.value * weight) / (1 / sigma**2 + weight)
    start = np.where(doubtful[:, None], np.where(known, told.value, own), mixed)
    result = part.take(np.arange(len(own)))
    result.middle_px, result.frame = start[:, :2], start[:, 2:].reshape(-1, 2, 2)
    result.blur = np.where(swapped[:, None], part.blur[:, ::-1], part.blur)
    result.light = np.zeros_like(part.light)
    return result


def fit_group(grey: np.ndarray, boxes_xyxy: np.ndarray, side: int, kind: str) -> Fit:
    """Fit one kind to boxes (K, 4) of like size in windows of ``side`` px."""
    middle = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2
    problem = Problem.around(grey, middle, side, kind)
    start = Fit.empty(len(boxes_xyxy))
    start.kind[:] = list(SHAPES).index(kind)
    start.middle_px[:] = 0  # against the box's middle, until the end
    start.frame = first_frame(problem.pixels.reshape(-1, side, side), boxes_xyxy, kind)
    start.blur[:] = np.clip(0.8 / np.sqrt(np.abs(np.linalg.det(start.frame)))[:, None], 0.05, 0.4)
    problem.minimise(start)
    start.middle_px += middle
    lost = ~(np.hypot(*(start.middle_px - middle).T) < (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).min(1) / 2)
    start.middle_px[lost] = start.sigma[lost] = np.nan
    start.explained[lost] = 0
    return start


def first_frame(pixels: np.ndarray, boxes_xyxy: np.ndarray, kind: str) -> np.ndarray:
    """Half sides (K, 2, 2) from the direction of the edges and the box around the turned target."""
    extent = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]) / 2
    across, along = pixels[:, 1:-1, 2:] - pixels[:, 1:-1, :-2], pixels[:, 2:, 1:-1] - pixels[:, :-2, 1:-1]
    gradient = across + 1j * along
    # the fourth power makes the directions of all four edges the same
    angle = np.angle((gradient**4 / np.maximum(np.abs(gradient) ** 2, 1e-6)).sum((1, 2))) / 4
    c, s = np.cos(angle), np.abs(np.sin(angle))
    if kind == "square":
        spread = np.maximum(c**2 - s**2, 0.3)  # near 45° a box says nothing about the ratio of the sides
        first = (extent[:, 0] * c - extent[:, 1] * s) / spread
        second = (extent[:, 1] * c - extent[:, 0] * s) / spread
        even = extent.mean(1) / (c + s)
        sane = (np.minimum(first, second) > 0.4 * even) & (np.maximum(first, second) < 2.5 * even)
        half = np.stack((np.where(sane, first, even), np.where(sane, second, even)), -1)
    else:
        half = extent
    turn = np.stack((np.stack((c, -np.sin(angle)), -1), np.stack((np.sin(angle), c), -1)), -2)
    return turn @ (half[:, :, None] * np.eye(2))


class Problem:
    """Pixels of K markers, (K, n) with places x, y against their first middles, and the shape that shall explain them."""

    def __init__(self, kind: str, pixels: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
        self.kind, self.x, self.y = kind, x, y
        self.seen = np.isfinite(pixels)
        self.pixels = np.nan_to_num(pixels)
        self.regions = REGIONS[kind]

    @classmethod
    def around(cls, grey: np.ndarray, middle_px: np.ndarray, side: int, kind: str) -> Problem:
        """Windows of ``side`` px around points (K, 2)."""
        pixels, low = cut(grey, middle_px, side)
        x, y = places(low, side, middle_px)
        x, y = (np.broadcast_to(value, pixels.shape).reshape(len(pixels), -1) for value in (x, y))
        return cls(kind, pixels.reshape(len(pixels), -1), x, y)

    def coordinates(self, model: Fit) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The shape's coordinates u, v of each pixel, (K, n), and the inverse frames (K, 2, 2)."""
        inverse = np.linalg.inv(model.frame).astype(np.float32)
        x, y = self.x - model.middle_px[:, :1].astype(np.float32), self.y - model.middle_px[:, 1:].astype(np.float32)
        return (
            inverse[:, 0, :1] * x + inverse[:, 0, 1:] * y,
            inverse[:, 1, :1] * x + inverse[:, 1, 1:] * y,
            inverse,
        )

    def inside(self, model: Fit) -> np.ndarray:
        """Which pixels belong to the marker and its nearest surroundings, (K, n) float32."""
        u, v, _ = self.coordinates(model)
        half = np.linalg.norm(model.frame, axis=1)  # (K, 2), of the columns
        limit = reach(half).astype(np.float32)
        if self.kind == "square":
            near = (np.abs(u) < limit[:, :1]) & (np.abs(v) < limit[:, 1:])
        else:
            near = np.hypot(u, v) < np.minimum(limit.mean(1, keepdims=True), 1.4)
        return (near & self.seen).astype(np.float32)

    def render(self, model: Fit) -> tuple[Rendered, np.ndarray, np.ndarray, np.ndarray]:
        u, v, inverse = self.coordinates(model)
        shown = SHAPES[self.kind](
            u, v, model.blur.astype(np.float32), model.greys[:, : self.regions].astype(np.float32)
        )
        return shown, u, v, inverse

    def jacobian(self, model: Fit) -> tuple[np.ndarray, np.ndarray]:
        """Residuals (K, n) and the model's derivatives (K, P, n)."""
        shown, u, v, inverse = self.render(model)
        light = model.light.astype(np.float32)
        factor = 1 + light[:, :1] * u + light[:, 1:] * v
        by_u = shown.by_u * factor + shown.value * light[:, :1]
        by_v = shown.by_v * factor + shown.value * light[:, 1:]
        by_x = -(by_u * inverse[:, 0, :1] + by_v * inverse[:, 1, :1])
        by_y = -(by_u * inverse[:, 0, 1:] + by_v * inverse[:, 1, 1:])
        jacobian = np.empty((len(u), SHAPED + self.regions, u.shape[1]), np.float32)
        # the frame moves a pixel's point by its column times the coordinate: middle's derivative times u or v
        columns = (by_x, by_y, by_x * u, by_x * v, by_y * u, by_y * v)
        for column, value in enumerate(columns):
            jacobian[:, column] = value
        jacobian[:, 6:8] = shown.by_blur.transpose(0, 2, 1) * factor[:, None]
        jacobian[:, 8], jacobian[:, 9] = shown.value * u, shown.value * v
        jacobian[:, SHAPED:] = shown.shares.transpose(0, 2, 1) * factor[:, None]
        return self.pixels - shown.value * factor, jacobian

    def first_greys(self, model: Fit, inside: np.ndarray) -> None:
        """Greys of the regions by linear least squares at the first place."""
        shown, *_ = self.render(model)
        basis = shown.shares.transpose(0, 2, 1)
        matrix, right = solve.normal_equations(basis, self.pixels, inside)
        mean = (self.pixels * inside).sum(1) / np.maximum(inside.sum(1), 1)
        ridge = 0.01 * inside.shape[1] / self.regions  # empty regions stay at the mean
        full = matrix.astype(float) + ridge * np.eye(self.regions)
        model.greys[:, : self.regions] = np.linalg.solve(full, (right + ridge * mean[:, None])[..., None])[..., 0]

    def prior(self, model: Fit, variance: np.ndarray) -> np.ndarray:
        """Inverse variances of the parameters, times the residual variance, (K, P)."""
        result = np.zeros((len(variance), SHAPED + self.regions))
        half = np.linalg.norm(model.frame, axis=(1, 2)) / np.sqrt(2)
        result[:, 2:6] = (1 / (0.3 * half) ** 2)[:, None]
        result[:, 6:8], result[:, 8:10] = 1 / BLUR_SPREAD**2, 1 / LIGHT_SPREAD**2
        result[:, SHAPED:] = 1 / 60.0**2
        return result * variance[:, None]

    def minimise(self, model: Fit, told: Expected | None = None) -> None:
        """Improve a model in place, with what is expected of middle and frame, and set ``sigma`` and ``explained``."""
        inside = self.inside(model)
        self.first_greys(model, inside)
        damping = np.full(len(inside), 1e-2)
        residual, jacobian = self.jacobian(model)
        for step in range(STEPS):
            if step in (3, 6):  # the frame is better known than from the box
                inside = self.inside(model)
                residual, jacobian = self.jacobian(model)
            weight, variance = self.weigh(model, residual, inside)
            matrix, right = solve.normal_equations(jacobian, residual, weight)
            pull, cost = expectation(model, told, variance)
            prior = self.prior(model, variance)
            prior[:, :6] += pull[0]
            right = np.concatenate((right[:, :6] + pull[1], right[:, 6:]), 1)
            move = solve.solve(matrix, right, damping, prior)
            moved = advanced(model, move)
            after, slopes = self.jacobian(moved)
            now = (weight * residual**2).sum(1) + cost
            better = (weight * after**2).sum(1) + expectation(moved, told, variance)[1] <= now * (1 + 1e-6)
            model.put(better, moved.take(better))
            residual[better], jacobian[better] = after[better], slopes[better]
            damping = np.where(better, damping * 0.2, damping * 8)
            if (np.abs(move[:, :2]) < 2e-3).all():
                break
        self.judge(model, residual, jacobian, inside, told)

    def weigh(self, model: Fit, residual: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights (K, n) and residual variances (K,)."""
        greys = model.greys[:, : self.regions]
        scale = np.hypot(solve.spread(residual, inside), solve.MODEL_SHARE * np.ptp(greys, axis=1))
        weight = inside * solve.cauchy(residual, scale).astype(np.float32)
        return weight, solve.noise_variance(residual, weight, SHAPED + self.regions)

    def judge(
        self, model: Fit, residual: np.ndarray, jacobian: np.ndarray, inside: np.ndarray, told: Expected | None
    ) -> None:
        weight, variance = self.weigh(model, residual, inside)
        matrix, _ = solve.normal_equations(jacobian, residual, weight)
        side = round(residual.shape[1] ** 0.5)
        shape = (len(residual), side, side)
        factor = solve.correlation_factor(residual.reshape(shape), weight.reshape(shape))
        variance = factor * variance  # which what is expected does not share
        prior = self.prior(model, variance)
        prior[:, :6] += expectation(model, told, variance)[0][0]
        spread = solve.covariance(matrix, variance, prior)
        model.sigma = np.sqrt(np.einsum("kpp->kp", spread)[:, :6])
        mean = (self.pixels * inside).sum(1, keepdims=True) / np.maximum(inside.sum(1, keepdims=True), 1)
        total = (inside * (self.pixels - mean) ** 2).sum(1)
        model.explained = 1 - (inside * residual**2).sum(1) / np.maximum(total, 1e-6)
        # of the marker itself, without surroundings; what is cut off by the border cannot be told from what is short
        hidden = inside.sum(1) < LEAST_SEEN * 4 * np.abs(np.linalg.det(model.frame))
        model.middle_px[hidden] = np.nan


def expectation(
    model: Fit, told: Expected | None, variance: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Share of what is expected in normal matrix and right-hand side, (K, 6) each, and in the cost (K,).

    All in units of the residual variances (K,), as sums over pixels are.
    """
    if told is None:
        return (np.zeros((len(variance), 6)),) * 2, np.zeros(len(variance))
    now = np.concatenate((model.middle_px, model.frame.reshape(-1, 4)), 1)
    weight = variance[:, None] / told.variance
    away = told.value - now
    return (weight, weight * away), (weight * away**2).sum(1)


def advanced(model: Fit, move: np.ndarray) -> Fit:
    """A model after steps (K, P) of its parameters, kept within what makes sense."""
    half = np.linalg.norm(model.frame, axis=(1, 2), keepdims=True) / np.sqrt(2)
    frame = model.frame + np.clip(move[:, 2:6].reshape(-1, 2, 2), -0.3 * half, 0.3 * half)
    scale = half[..., 0]
    blur = model.blur * np.exp(np.clip(move[:, 6:8], -0.7, 0.7))
    return Fit(
        model.kind,
        model.middle_px + np.clip(move[:, :2], -0.5 * scale, 0.5 * scale),
        frame,
        np.clip(blur, BLUR[0] / scale, np.maximum(np.minimum(BLUR[1] / scale, 0.8), BLUR[0] / scale)),
        np.clip(model.light + move[:, 8:10], -0.5, 0.5),
        np.pad(model.greys[:, : move.shape[1] - SHAPED] + move[:, SHAPED:], ((0, 0), (0, 9 - move.shape[1] + SHAPED))),
        model.sigma,
        model.explained,
    )


def to_grey(image: np.ndarray) -> np.ndarray:
    """(H, W) float32 of a grey or BGR image, 8 or 16 bit (then in 256ths) or float."""
    scale = 1 / 257 if image.dtype == np.uint16 else 1.0
    plane = image if image.ndim == 2 else image[..., 0] if image.shape[2] == 1 else None
    if plane is None:
        plane = cv2.cvtColor(np.ascontiguousarray(image[..., :3]), cv2.COLOR_BGR2GRAY)
    return plane.astype(np.float32) * np.float32(scale)
