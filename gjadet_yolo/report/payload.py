"""Curves as the page's script takes them: components, quantities in the units of a test report, and what is too much.

A report shows ms, mm, m/s and g; the tables are in SI.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gjadet_yolo.measure.result import Curves, Measurement
from gjadet_yolo.measure.tracks import Status
from gjadet_yolo.report.colours import body_colours, marker_colours
from gjadet_yolo.report.film import film_size, play_rate
from gjadet_yolo.report.isomme import first_index
from gjadet_yolo.report.markings import enlargement
from gjadet_yolo.report.parts import packed
from gjadet_yolo.report.wording import BAR, MINUS, G, body_name

MOST_POINT_VALUES = 6_000_000  # of markers' curves: 32 MB of page; beyond it a browser takes too long to open it


def displaced(position: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Places (T, K, 2) against those at T0, or against the first of each."""
    starts = [position[first_index(position[:, k], time_s), k] for k in range(position.shape[1])]
    return position - np.array(starts).reshape(1, -1, 2)


def quantities(curves: Curves, time_s: np.ndarray) -> list[dict[str, Any]]:
    """Curves of K markers or bodies, (T, K, 2) each: displacement, velocity, acceleration; in px without a scale."""
    if not np.isfinite(curves.position_mm).any():
        shown = [("Displacement", "px", displaced(curves.position_px, time_s), curves.sigma_px)]
    else:
        shown = [
            ("Displacement", "mm", displaced(curves.position_mm, time_s), curves.sigma_mm),
            ("Velocity", "m/s", curves.velocity_mps, curves.sigma_velocity_mps),
            ("Acceleration", "g", curves.acceleration_mps2 / G, curves.sigma_acceleration_mps2 / G),
        ]
    return [{"title": t, "unit": u, "value": packed(v), "sigma": packed(s)} for t, u, v, s in shown]


def main_direction(measurement: Measurement) -> np.ndarray:
    """Unit vector (2,) along which the body that moves most goes; x where nothing moves.

    It is the axis of largest spread of that body's places, so that noise and vibration do not turn it.
    """
    spread, best = 0.0, np.array([1.0, 0.0])
    for body in np.flatnonzero(~measurement.reference):
        places = measurement.bodies.position_px[:, body]
        places = places[np.isfinite(places).all(axis=-1)]
        if len(places) < 2:
            continue
        _, sizes, axes = np.linalg.svd(places - places.mean(axis=0), full_matrices=False)
        if sizes[0] > spread:
            along = axes[0] * (np.sign(axes[0] @ (places[-1] - places[0])) or 1)
            spread, best = float(sizes[0]), along
    return best


def payload(measurement: Measurement) -> dict[str, Any]:
    """Everything that the script of the page draws; no value in it is NaN but in packed arrays."""
    turning, time_s = measurement.turning, measurement.time_s
    along = main_direction(measurement)
    angle = round(math.degrees(math.atan2(along[1], along[0])), 1) + 0.0  # from x towards y, as bodies turn; never -0
    turns = [
        ("Angle", "°", turning.angle_rad, turning.sigma_angle_rad),
        ("Angular rate", "°/s", turning.rate_radps, turning.sigma_rate_radps),
    ]
    colours = body_colours(measurement.reference)
    fits = measurement.points.position_px.size * 8 <= MOST_POINT_VALUES
    return {
        "time_ms": [round(1000 * t, 6) for t in time_s.tolist()],
        "bar": BAR,
        "play_fps": float(play_rate(measurement.source.fps)),
        "film": [side / enlargement(measurement.source.size_px) for side in film_size(measurement.source.size_px)],
        "bodies": [
            {"name": body_name(k, bool(stands)), "colour": colours[k], "standing": bool(stands)}
            for k, stands in enumerate(measurement.reference)
        ],
        "points": [
            {"name": f"Marker {k}", "colour": colour}
            for k, colour in enumerate(marker_colours(measurement.body, measurement.reference))
        ],
        "axes": [
            {"name": f"main direction ({angle:.1f}° from x)".replace("-", MINUS), "vector": along.tolist()},
            {"name": "x (to the right)", "vector": [1, 0]},
            {"name": "y (down)", "vector": [0, 1]},
        ],
        "curves": quantities(measurement.bodies, time_s),
        "turns": [
            {"title": t, "unit": u, "value": packed(np.rad2deg(v)), "sigma": packed(np.rad2deg(s))}
            for t, u, v, s in turns
        ],
        "point_curves": quantities(measurement.points, time_s) if fits else None,
        "point_places": packed(measurement.points.position_px) if fits else None,
        "point_status": packed(measurement.status, np.uint8) if fits else None,
        "measured": int(Status.MEASURED),
    }
