"""What a measurement gives: curves of markers and bodies, the figures people quote, and what stands behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Curves:
    """Motion of K markers or bodies in T frames; arrays are (T, K, 2), x to the right and y down.

    Every ``sigma_*`` is one standard deviation. Without a scale, what is in mm, m/s and m/s² is NaN. A value without a
    measured sample behind it is NaN.
    """

    position_px: np.ndarray
    sigma_px: np.ndarray
    position_mm: np.ndarray
    sigma_mm: np.ndarray
    velocity_mps: np.ndarray
    sigma_velocity_mps: np.ndarray
    acceleration_mps2: np.ndarray
    sigma_acceleration_mps2: np.ndarray


@dataclass(frozen=True)
class Turning:
    """Rotation of B bodies since their first frame, arrays (T, B); positive turns x towards y: clockwise on screen."""

    angle_rad: np.ndarray
    sigma_angle_rad: np.ndarray
    rate_radps: np.ndarray
    sigma_rate_radps: np.ndarray


@dataclass(frozen=True)
class Figure:
    """A number that people quote, e.g. impact speed, with its standard deviation.

    Attributes:
        name: As in ``impact_speed``.
        body: Which body; -1 for the whole measurement.
        unit: As in ``m/s``.
        time_s: When, for a maximum; NaN else.
    """

    name: str
    body: int
    value: float
    sigma: float
    unit: str
    time_s: float = float("nan")


@dataclass(frozen=True)
class Source:
    """Which video: file, SHA-256, size (W, H), frames read, capture rate, and why reading ended before the end."""

    name: str
    sha256: str
    size_px: tuple[int, int]
    frames: int
    fps: float
    ended: str = ""


@dataclass(frozen=True)
class Measurement:
    """A video measured: T frames, N markers, B bodies.

    Attributes:
        settings: Every setting, as a user would type it.
        time_s: Middle of each exposure against T0, (T,).
        body: Index of each marker's body, (N,) int; -1 where it belongs to none.
        kind: What each marker is, N words.
        status: (T, N) uint8, of type :class:`~gjadet_yolo.measure.tracks.Status`.
        disagreement_px: (T, N).
        markers: Measured markers of each body in each frame, (T, B) int.
        reference: Which bodies stand still, (B,) bool.
        quality: Figures about the measurement, by name.
        notes: Sentences that a reader of the curves must know, e.g. that there is no scale.
        scale_sigma: Relative standard deviation of each body's scale and, last, of what belongs to none, (B + 1,); part
            of every bar in mm, m/s and m/s².
    """

    source: Source
    model: dict[str, str]
    settings: dict[str, Any]
    time_s: np.ndarray
    body: np.ndarray
    kind: tuple[str, ...]
    status: np.ndarray
    disagreement_px: np.ndarray
    points: Curves
    bodies: Curves
    turning: Turning
    markers: np.ndarray
    reference: np.ndarray
    figures: list[Figure] = field(default_factory=list)
    quality: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    scale_sigma: np.ndarray = field(default_factory=lambda: np.zeros(0))
