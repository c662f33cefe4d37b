"""A measurement drawn by formula: a body of 20 markers that brakes by a haversine, and a standing one of 6."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from gjadet_yolo.measure.result import Curves, Figure, Measurement, Source, Turning
from gjadet_yolo.measure.tracks import Status

MM_PER_PX = 3.0
SPEED_MPS, PULSE_S = 12.5, 0.08
PEAK_MPS2 = 2 * SPEED_MPS / PULSE_S  # of a haversine that takes all the speed


def motion(time_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Displacement m, velocity m/s and acceleration m/s² along x, (T,) each: a(t) = -peak sin²(pi t / pulse)."""
    t, w = np.clip(time_s, 0, PULSE_S), 2 * np.pi / PULSE_S
    velocity = SPEED_MPS - PEAK_MPS2 / 2 * (t - np.sin(w * t) / w)
    x = SPEED_MPS * t - PEAK_MPS2 / 2 * (t**2 / 2 + (np.cos(w * t) - 1) / w**2)
    return x + SPEED_MPS * np.minimum(time_s, 0), velocity, -PEAK_MPS2 * np.sin(np.pi * t / PULSE_S) ** 2


def curves(x_m, velocity, acceleration, at_px, noise, rng) -> Curves:
    """Curves (T, K, 2) of K things at ``at_px`` (K, 2) that move along x, (T, K) each; ``noise`` is sigma in px."""
    shape = (*x_m.shape, 2)

    def along(values: np.ndarray, sigma: float) -> np.ndarray:
        return np.stack([values, np.zeros_like(values)], axis=-1) + sigma * rng.standard_normal(shape)

    sigmas = noise * MM_PER_PX, 0.02, 4.0
    place = along(1000 * x_m, sigmas[0]) + MM_PER_PX * at_px
    full = [np.full(shape, sigma) for sigma in (noise, *sigmas)]
    values = along(velocity, sigmas[1]), along(acceleration, sigmas[2])
    return Curves(place / MM_PER_PX, full[0], place, full[1], values[0], full[2], values[1], full[3])


def braking(frames: int = 150, width: int = 640, height: int = 400, moving: int = 20, seed: int = 0) -> Measurement:
    """The measurement, with gaps: marker 3 predicted in frames 40 to 49, marker 5 missing from 100 on."""
    rng, fps, standing = np.random.default_rng(seed), 1000.0, 6
    time_s = (np.arange(frames) - frames // 5) / fps
    x_m, velocity, acceleration = motion(time_s)
    column, row = np.arange(moving) % 10, np.arange(moving) // 10
    at = np.stack([0.35 * width + 0.028 * width * column, 0.4 * height + 0.07 * width * row], axis=-1)
    posts = np.stack([0.1 * width + 0.15 * width * np.arange(standing), np.full(standing, 0.85 * height)], axis=-1)
    still = np.zeros((frames, standing))
    points = curves(
        *(np.concatenate([np.repeat(v[:, None], moving, 1), still], 1) for v in (x_m, velocity, acceleration)),
        np.concatenate([at, posts]), 0.05, rng,
    )  # fmt: skip
    bodies = curves(
        *(np.stack([v, np.zeros(frames)], -1) for v in (x_m, velocity, acceleration)),
        np.stack([at.mean(0), posts.mean(0)]), 0.01, rng,
    )  # fmt: skip
    body = np.array([0] * moving + [1] * standing)
    status = np.full((frames, len(body)), Status.MEASURED, np.uint8)
    status[40:50, 3], status[100:, 5] = Status.PREDICTED, Status.MISSING
    for values in vars(points).values():
        values[100:, 5] = np.nan
        if values is not points.position_px:
            values[40:50, 3] = np.nan
    angle = np.stack([0.02 * np.sin(40 * time_s), np.zeros(frames)], -1)
    rate = np.stack([0.8 * np.cos(40 * time_s), np.zeros(frames)], -1)
    turning = Turning(angle, np.full_like(angle, 1e-3), rate, np.full_like(angle, 0.05))
    markers = np.stack([(status[:, body == k] == Status.MEASURED).sum(1) for k in (0, 1)], -1)
    return Measurement(
        Source("crash run 7.avi", "ab" * 32, (width, height), frames, fps),
        {"name": "gjadet.pt", "sha256": "cd" * 32},
        {"source": "crash run 7.avi", "fps": 1000, "square_mm": 40, "filter": "cfc60", "every": 5, "t0": None},
        *(time_s, body, ("square",) * moving + ("dot",) * standing, status),
        *(rng.uniform(0, 0.05, status.shape), points, bodies, turning, markers, np.array([False, True])),
        [
            Figure("impact_speed", 0, SPEED_MPS, 0.006, "m/s", 0.0),
            Figure("rebound_speed", 0, -0.31, 0.006, "m/s"),
            Figure("maximum_deceleration", 0, PEAK_MPS2 / 9.80665, 0.3, "g", PULSE_S / 2),
            Figure("maximum_deceleration_3ms", 0, 31.2, 0.22, "g", PULSE_S / 2),
            Figure("mean_deceleration", 0, 15.93, 0.04, "g"),
            Figure("crush", 0, 500.2, 0.9, "mm", PULSE_S),
            Figure("duration", 0, 80.0, 0.6, "ms"),
        ],
        {"disagreement_px": 0.021, "noise_px": 0.018, "scale_spread_percent": 0.12},
        ["One camera measures in a plane: motion towards it is not seen.", "Marker 5 leaves the body at 70 ms."],
    )


def pictures(measurement: Measurement, grey: bool = False) -> Iterator[np.ndarray]:
    """Its frames: checkered squares where the markers are, also where none was measured."""
    width, height = measurement.source.size_px
    ground = np.full((height, width, 3), (120, 125, 130), np.uint8)
    ground[int(0.75 * height) :] = (90, 95, 100)
    ground += np.random.default_rng(0).integers(0, 8, ground.shape, dtype=np.uint8)
    for place in measurement.points.position_px:
        frame = ground.copy()
        for x, y in np.rint(np.nan_to_num(place, nan=-50.0)).astype(int):
            size = max(4, width // 110)
            cv2.rectangle(frame, (x - size, y - size), (x + size, y + size), (235, 235, 235), -1)
            cv2.rectangle(frame, (x - size, y - size), (x, y), (20, 20, 20), -1)
            cv2.rectangle(frame, (x, y), (x + size, y + size), (20, 20, 20), -1)
        yield frame[..., 0] if grey else frame
