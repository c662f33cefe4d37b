"""Absolute place of markers in one image: a model of the marker and its surroundings, fitted to their pixels."""

from __future__ import annotations

import numpy as np

from gjadet_yolo.measure.localise.kinds import KINDS, SHAPES, START, turns
from gjadet_yolo.measure.localise.model import Fit
from gjadet_yolo.measure.localise.neighbours import Expected, expect, upright
from gjadet_yolo.measure.localise.problem import STEPS, Problem
from gjadet_yolo.measure.localise.windows import groups, reach

STANDS_ALONE = 0.97  # share of the grey variance that a square explains, above which no other shape is tried
ONE_OF_MANY = 0.94  # likewise of the best of the usual shapes, above which no rare one is
LARGEST = 1.7  # times its box, or as much smaller, may a model be
USUAL = ("quadrant", "dot")
AGAIN = 6  # steps of a fit that starts from a model
CONTRADICTION = 4.0  # deviations from what neighbours say, beyond which a fit starts from their word


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
        boxes = boxes_xyxy[index]
        best = fit_group(grey, boxes, side, "square")
        merit = best.explained * fills(best, boxes)
        for enough, kinds in ((STANDS_ALONE, USUAL), (ONE_OF_MANY, tuple(SHAPES)[1:])):
            doubtful = np.flatnonzero(merit < enough)
            for other, turn in attempts(kinds) if len(doubtful) else ():
                rival = fit_group(grey, boxes[doubtful], side, other, turn)
                worth = rival.explained * fills(rival, boxes[doubtful])
                better = worth > merit[doubtful]
                best.put(doubtful[better], rival.take(better))
                merit[doubtful[better]] = worth[better]
        result.put(index, best)
        batches.append((index, side))
    ask_neighbours(grey, result, batches)
    return result


def attempts(kinds: tuple[str, ...]) -> list[tuple[str, float]]:
    """Kinds with the angles in rad from which to fit them."""
    return [(kind, float(turn)) for kind in kinds for turn in (turns(kind) if kinds != USUAL else (0.0,))]


def fills(model: Fit, boxes_xyxy: np.ndarray) -> np.ndarray:
    """Whether models are about as large as the boxes (K, 4) they were fitted to, (K,) bool."""
    # a model that has shrunk to a field of the marker, or grown beyond it, explains the few pixels it looks at well
    names = [KINDS[kind] for kind in model.kind]
    start = np.array([START.get(name, 1.0) for name in names])[:, None]
    square = np.array([name == "square" for name in names])[:, None]
    half = np.where(square, np.abs(model.frame).sum(2), np.linalg.norm(model.frame, axis=2) / start)
    ratio = half / np.maximum((boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]) / 2, 1e-6)
    return ((ratio > 1 / LARGEST) & (ratio < LARGEST)).all(1)


def refit(grey: np.ndarray, start: Fit) -> Fit:
    """Fit models that are known from another image to this one, where they start; kinds stay."""
    half = np.abs(start.frame).sum(2).max(1)
    usable = np.isfinite(start.middle_px).all(1) & (start.kind < len(SHAPES))
    result = start.take(np.arange(len(half)))
    batches = [
        (index[usable[index]], side) for index, side in groups(np.where(usable, 2 * (half * reach(half) + 1), 0))
    ]
    ask_neighbours(grey, result, batches, AGAIN)
    for number, kind in list(enumerate(SHAPES))[1:]:
        for index, side in batches:
            rows = index[result.kind[index] == number]
            if len(rows):
                part, middle = result.take(rows), result.middle_px[rows]
                part.middle_px = np.zeros_like(middle)
                Problem.around(grey, middle, side, kind).minimise(part, steps=AGAIN)
                part.middle_px += middle
                result.put(rows, part)
    return result


def ask_neighbours(grey: np.ndarray, model: Fit, batches: list[tuple[np.ndarray, int]], steps: int = STEPS) -> None:
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
        problem.minimise(again, Expected(value, told.variance[rows]), steps)
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


def fit_group(grey: np.ndarray, boxes_xyxy: np.ndarray, side: int, kind: str, turn_rad: float = 0.0) -> Fit:
    """Fit one kind to boxes (K, 4) of like size in windows of ``side`` px, begun at an angle against its edges."""
    middle = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2
    problem = Problem.around(grey, middle, side, kind)
    start = Fit.empty(len(boxes_xyxy))
    start.kind[:] = list(SHAPES).index(kind)
    start.middle_px[:] = 0  # against the box's middle, until the end
    start.frame = first_frame(problem.pixels.reshape(-1, side, side), boxes_xyxy, kind, turn_rad)
    start.blur[:] = np.clip(0.8 / np.sqrt(np.abs(np.linalg.det(start.frame)))[:, None], 0.05, 0.4)
    problem.minimise(start)
    start.middle_px += middle
    lost = ~(np.hypot(*(start.middle_px - middle).T) < (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).min(1) / 2)
    start.middle_px[lost] = start.sigma[lost] = np.nan
    start.explained[lost] = 0
    return start


def first_frame(pixels: np.ndarray, boxes_xyxy: np.ndarray, kind: str, turn_rad: float = 0.0) -> np.ndarray:
    """Half sides (K, 2, 2) from the direction of the edges and the box around the turned target."""
    extent = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]) / 2
    across, along = pixels[:, 1:-1, 2:] - pixels[:, 1:-1, :-2], pixels[:, 2:, 1:-1] - pixels[:, :-2, 1:-1]
    gradient = across + 1j * along
    # the fourth power makes the directions of all four edges the same
    angle = np.angle((gradient**4 / np.maximum(np.abs(gradient) ** 2, 1e-6)).sum((1, 2))) / 4 + turn_rad
    c, s = np.cos(angle), np.abs(np.sin(angle))
    if kind == "square":
        spread = np.maximum(c**2 - s**2, 0.3)  # near 45° a box says nothing about the ratio of the sides
        first = (extent[:, 0] * c - extent[:, 1] * s) / spread
        second = (extent[:, 1] * c - extent[:, 0] * s) / spread
        even = extent.mean(1) / (c + s)
        sane = (np.minimum(first, second) > 0.4 * even) & (np.maximum(first, second) < 2.5 * even)
        half = np.stack((np.where(sane, first, even), np.where(sane, second, even)), -1)
    else:
        half = np.repeat(extent.mean(1, keepdims=True), 2, 1) * START.get(kind, 1.0)
    turn = np.stack((np.stack((c, -np.sin(angle)), -1), np.stack((np.sin(angle), c), -1)), -2)
    return turn @ (half[:, :, None] * np.eye(2))
