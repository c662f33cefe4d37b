"""Least squares between pixels of markers and their models: Gauss-Newton with Marquardt's damping, many at once.

Parameters are the middle, an affine frame (a target of a few pixels has no perspective), two blurs, a slope of the
light in two directions, and the grey of each region. All enter one normal matrix, so that what is not known about them
widens the standard deviation of the place: a square whose rim has no contrast is held by its other edges, and says so.
"""

from __future__ import annotations

import numpy as np

from gjadet_yolo.measure.localise import solve
from gjadet_yolo.measure.localise.kinds import FAR, REGIONS, SHAPES, value_of
from gjadet_yolo.measure.localise.model import SHAPED, Fit, advanced
from gjadet_yolo.measure.localise.neighbours import Expected
from gjadet_yolo.measure.localise.shapes import Rendered
from gjadet_yolo.measure.localise.windows import cut, places, reach

STEPS, REFRAME = 14, (3, 6)
ENOUGH_PX = 2e-3  # smaller moves end a fit
LEAST_SEEN = 0.6  # of a marker's area: pixels that lie in the image
WHITE = 255.0
DOUBT = 10.0  # times the variance of its pixels, by which a square's own fit counts beside what neighbours say of it
LIGHT_SPREAD, BLUR_SPREAD, GREY_SPREAD = 0.1, 0.5, 100.0  # of light per half side, of log blurs, and of greys


class Problem:
    """Pixels of K markers, (K, n), with places x, y against their first middles, and the shape to explain them."""

    def __init__(self, kind: str, pixels: np.ndarray, x: np.ndarray, y: np.ndarray, seen: np.ndarray) -> None:
        self.kind, self.pixels, self.x, self.y, self.seen = kind, pixels, x, y, seen
        self.regions = REGIONS[kind]

    @classmethod
    def around(cls, grey: np.ndarray, middle_px: np.ndarray, side: int, kind: str) -> Problem:
        """Windows of ``side`` px around points (K, 2)."""
        pixels, low = cut(grey, middle_px, side)
        x, y = places(low, side, middle_px)
        x, y = (np.broadcast_to(value, pixels.shape).reshape(len(pixels), -1) for value in (x, y))
        pixels = pixels.reshape(x.shape)
        return cls(kind, np.nan_to_num(pixels), x, y, np.isfinite(pixels))

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
            near = np.hypot(u, v) < np.minimum(limit.mean(1, keepdims=True), FAR.get(self.kind, 1.4))
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
        drawn = shown.value * factor
        burnt = drawn > WHITE  # a sensor shows no more, however bright it is: edges then lie further in than they look
        jacobian *= ~burnt[:, None]
        return self.pixels - np.minimum(drawn, WHITE), jacobian

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
        result[:, SHAPED:] = 1 / GREY_SPREAD**2
        return result * variance[:, None]

    def take(self, index: np.ndarray) -> Problem:
        return Problem(self.kind, self.pixels[index], self.x[index], self.y[index], self.seen[index])

    def minimise(self, model: Fit, told: Expected | None = None, steps: int = STEPS) -> None:
        """Improve a model in place, with what is expected of middle and frame, and set ``sigma`` and ``explained``."""
        told = Expected.nothing(len(self.x)) if told is None else told
        inside = self.inside(model)
        self.first_greys(model, inside)
        left, damping = np.arange(len(inside)), np.full(len(inside), 1e-2)
        for step in range(steps):
            part, now = (self, model) if len(left) == len(inside) else (self.take(left), model.take(left))
            if step in REFRAME:  # the frame is better known than from the box
                inside[left] = part.inside(now)
            moved, better, size = part.step(now, inside[left], damping[left], told.take(left))
            model.put(left[better], moved.take(better))
            damping[left] *= np.where(better, 0.2, 8)
            left = left[(size > ENOUGH_PX) | (step < REFRAME[-1]) & (size > ENOUGH_PX / 10)]
            if not len(left):
                break
        self.judge(model, inside, told)

    def step(
        self, model: Fit, inside: np.ndarray, damping: np.ndarray, told: Expected
    ) -> tuple[Fit, np.ndarray, np.ndarray]:
        """Models after one step, which of them are better (K,), and how far their middles moved in px (K,)."""
        residual, jacobian = self.jacobian(model)
        weight, variance = self.weigh(model, residual, inside)
        matrix, right = solve.normal_equations(jacobian, residual, weight)
        pull, cost = expectation(model, told, variance)
        prior = self.prior(model, variance)
        prior[:, :6] += pull[0]
        right = np.concatenate((right[:, :6] + pull[1], right[:, 6:]), 1)
        move = solve.solve(matrix, right, damping, prior)
        moved = advanced(model, move)
        after = self.residual(moved)
        now = (weight * residual**2).sum(1) + cost
        then = (weight * after**2).sum(1) + expectation(moved, told, variance)[1]
        return moved, then <= now * (1 + 1e-6), np.abs(move[:, :2]).max(1)

    def residual(self, model: Fit) -> np.ndarray:
        """Pixels less their prediction, (K, n)."""
        u, v, _ = self.coordinates(model)
        blur, greys = model.blur.astype(np.float32), model.greys[:, : self.regions].astype(np.float32)
        light = model.light.astype(np.float32)
        shown = value_of(self.kind, u, v, blur, greys)
        return self.pixels - np.minimum(shown * (1 + light[:, :1] * u + light[:, 1:] * v), WHITE)

    def weigh(self, model: Fit, residual: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights (K, n) and residual variances (K,)."""
        greys = model.greys[:, : self.regions]
        scale = np.hypot(solve.spread(residual, inside), solve.MODEL_SHARE * np.ptp(greys, axis=1))
        weight = inside * solve.cauchy(residual, scale).astype(np.float32)
        return weight, solve.noise_variance(residual, weight, SHAPED + self.regions)

    def judge(self, model: Fit, inside: np.ndarray, told: Expected) -> None:
        residual, jacobian = self.jacobian(model)
        weight, variance = self.weigh(model, residual, inside)
        matrix, _ = solve.normal_equations(jacobian, residual, weight)
        side = round(residual.shape[1] ** 0.5)
        shape = (len(residual), side, side)
        factor = solve.correlation_factor(residual.reshape(shape), weight.reshape(shape))
        variance = factor * variance  # which what is expected does not share
        prior, told_share = self.prior(model, variance), expectation(model, told, variance)[0][0]
        noise = prior.copy()
        noise[:, :6] += DOUBT * told_share
        prior[:, :6] += told_share
        spread = solve.sandwich(matrix, variance, prior, noise)
        model.sigma = np.sqrt(np.einsum("kpp->kp", spread)[:, :6])
        mean = (self.pixels * inside).sum(1, keepdims=True) / np.maximum(inside.sum(1, keepdims=True), 1)
        total = (inside * (self.pixels - mean) ** 2).sum(1)
        model.explained = 1 - (inside * residual**2).sum(1) / np.maximum(total, 1e-6)
        # of the marker itself, without surroundings; what is cut off by the border cannot be told from what is short
        hidden = inside.sum(1) < LEAST_SEEN * 4 * np.abs(np.linalg.det(model.frame))
        model.middle_px[hidden] = np.nan


def expectation(model: Fit, told: Expected, variance: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Share of what is expected in normal matrix and right-hand side, (K, 6) each, and in the cost (K,).

    All in units of the residual variances (K,), as sums over pixels are.
    """
    now = np.concatenate((model.middle_px, model.frame.reshape(-1, 4)), 1)
    # rims, glare and light that differ from the model's move edges by more than noise does, and by less in the grid
    weight = DOUBT * variance[:, None] / told.variance
    away = told.value - now
    return (weight, weight * away), (weight * away**2).sum(1)
