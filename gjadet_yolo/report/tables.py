"""Curves as comma-separated tables, one row per frame and marker or body; an empty cell where there is no value.

Rows are formatted frame by frame, so that memory does not grow with the length of a video.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gjadet_yolo.measure.result import Curves, Measurement
from gjadet_yolo.measure.tracks import Status

CURVE_COLUMNS = (
    *("x_px", "y_px", "sx_px", "sy_px", "x_mm", "y_mm", "sx_mm", "sy_mm"),
    *("vx_mps", "vy_mps", "svx_mps", "svy_mps", "ax_mps2", "ay_mps2", "sax_mps2", "say_mps2"),
)
TURN_COLUMNS = ("angle_deg", "sangle_deg", "rate_dps", "srate_dps")
POINT_COLUMNS = ("frame", "time_s", "id", "body", "status", *CURVE_COLUMNS)
BODY_COLUMNS = ("frame", "time_s", "body", "markers", "status", *CURVE_COLUMNS, *TURN_COLUMNS)
WORDS = {status.value: status.name.lower() for status in Status}


def curve_values(curves: Curves, frame: int) -> np.ndarray:
    """Values of one frame in the order of ``CURVE_COLUMNS``, (K, 16)."""
    return np.concatenate(
        [
            *(curves.position_px[frame], curves.sigma_px[frame], curves.position_mm[frame], curves.sigma_mm[frame]),
            *(curves.velocity_mps[frame], curves.sigma_velocity_mps[frame]),
            *(curves.acceleration_mps2[frame], curves.sigma_acceleration_mps2[frame]),
        ],
        axis=-1,
    )


def turn_values(measurement: Measurement, frame: int) -> np.ndarray:
    """Values of one frame in the order of ``TURN_COLUMNS``, (B, 4), in degrees."""
    turning = measurement.turning
    rows = (turning.angle_rad, turning.sigma_angle_rad, turning.rate_radps, turning.sigma_rate_radps)
    return np.rad2deg(np.stack([row[frame] for row in rows], axis=-1))


def body_status(measurement: Measurement, frame: int) -> np.ndarray:
    """Of type :class:`Status`, (B,): measured where a marker was, predicted where there is a place all the same."""
    placed = np.isfinite(measurement.bodies.position_px[frame]).all(axis=-1)
    unseen = np.where(placed, Status.PREDICTED, Status.MISSING)
    return np.where(measurement.markers[frame] > 0, Status.MEASURED, unseen)


def point_rows(measurement: Measurement, frame: int) -> tuple[list[tuple[int, int, str]], np.ndarray]:
    """Columns id, body and status of each marker in one frame, and the values behind them, (N, 16)."""
    status = measurement.status[frame]
    heads = [(k, int(b), WORDS[int(s)]) for k, (b, s) in enumerate(zip(measurement.body, status, strict=True))]
    return heads, curve_values(measurement.points, frame)


def body_rows(measurement: Measurement, frame: int) -> tuple[list[tuple[int, int, str]], np.ndarray]:
    """Columns body, markers and status of each body in one frame, and the values behind them, (B, 20)."""
    status = body_status(measurement, frame)
    heads = [
        (k, int(n), WORDS[int(s)]) for k, (n, s) in enumerate(zip(measurement.markers[frame], status, strict=True))
    ]
    return heads, np.concatenate([curve_values(measurement.bodies, frame), turn_values(measurement, frame)], axis=-1)


def csv_lines(measurement: Measurement, bodies: bool) -> Iterator[str]:
    """Lines of ``bodies.csv`` or ``points.csv``, the header first."""
    columns, rows = (BODY_COLUMNS, body_rows) if bodies else (POINT_COLUMNS, point_rows)
    yield ",".join(columns) + "\n"
    values_format = ",%.8g" * (len(columns) - 5) + "\n"
    for frame, time_s in enumerate(measurement.time_s):
        heads, values = rows(measurement, frame)
        start = f"{frame},{time_s:.9g},"
        for (first, second, status), row in zip(heads, values.tolist(), strict=True):
            yield f"{start}{first},{second},{status}" + (values_format % tuple(row)).replace("nan", "")


def write_csv(path: Path, measurement: Measurement, bodies: bool) -> None:
    """Write ``points.csv``, or ``bodies.csv``: columns ``POINT_COLUMNS`` or ``BODY_COLUMNS``."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(csv_lines(measurement, bodies))
