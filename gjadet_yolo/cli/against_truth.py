"""What a rendered video's truth says about the figures of a measurement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gjadet_yolo.measure.result import Measurement
    from gjadet_yolo.synth.truth import VideoTruth

NEAR_PX = 3.0  # of a marker to its truth in the same frame
PLAIN = 20.0  # standard deviations of a speed that is there
STANDARD_GRAVITY = 9.80665  # m/s²


def survey(truth: VideoTruth, folder: Path) -> tuple[Path, Path]:
    """Write what a laboratory knows of its camera: the lens, and points of the plane of motion.

    Returns:
        Camera file and plane file.
    """
    import yaml

    camera, (width, height) = truth.camera, truth.camera.size_px
    lens = {"size": [width, height], "fx": camera.focal_px, "fy": camera.focal_px, "cx": width / 2, "cy": height / 2}
    lens |= {"k1": camera.k1, "k2": camera.k2, "k3": 0.0, "p1": 0.0, "p2": 0.0}
    (folder / "camera.yaml").write_text(yaml.safe_dump(lens, sort_keys=False), encoding="utf-8")
    across, down = np.meshgrid(np.linspace(0.1, 0.9, 4) * width, np.linspace(0.1, 0.9, 4) * height)
    points = np.column_stack((across.ravel(), down.ravel()))
    rows = np.column_stack((points, camera.locate(points)))
    lines = [",".join(f"{value:.4f}" for value in row) for row in rows]
    (folder / "plane.csv").write_text("\n".join(["x_px,y_px,x_mm,y_mm", *lines, ""]), encoding="utf-8")
    return folder / "camera.yaml", folder / "plane.csv"


def true_figures(measurement: Measurement, truth: VideoTruth, body: int) -> dict[str, float]:
    """Impact speed in m/s and peak deceleration in g of a measured body, by the truth of the markers that it has.

    The acceleration goes through the filter of the measurement; the speed is that at contact.
    """
    from gjadet_yolo.measure.filters import Filter
    from gjadet_yolo.measure.kinematics import kinematics

    ids = markers_of(measurement, truth, body)
    fps = measurement.source.fps
    position = truth.position_mm[:, ids].mean(1)
    filter_ = Filter.parse(str(measurement.settings["filter"]))
    exact = np.full(position.shape, 1e-6)
    motion = kinematics(position, exact, np.ones(position.shape, bool), fps, filter_)
    contact = int(float(truth.impact.get("contact_s", 0)) * fps)
    velocity = truth.velocity_mps[contact, ids].mean(0)
    speed = float(np.hypot(*velocity))
    deceleration = -(motion.acceleration[contact:] @ (velocity / max(speed, 1e-9))) / 1000
    return {"impact_speed": speed, "peak_deceleration": float(np.nanmax(deceleration)) / STANDARD_GRAVITY}


def markers_of(measurement: Measurement, truth: VideoTruth, body: int) -> np.ndarray:
    """Numbers that the markers of a body have in the truth."""
    found: set[int] = set()
    for marker in np.flatnonzero(measurement.body == body):
        place = measurement.points.position_px[: len(truth.time_s), marker]
        apart = np.hypot(*np.moveaxis(truth.position_px - place[:, None], 2, 0))  # (T, N)
        apart = np.nanmedian(np.where(np.isfinite(place[:, :1]), apart, np.nan), 0)
        if apart.min() < NEAR_PX:
            found.add(int(apart.argmin()))
    return np.array(sorted(found), int)


def comparison(measurement: Measurement, truth: VideoTruth) -> list[str]:
    """A line for each body that runs into something: ``impact 12.48 ± 0.01 m/s (truth 12.48), peak ...``."""
    from gjadet_yolo.report.wording import with_bar

    lines = []
    for body in range(len(measurement.reference)):
        found = {figure.name: figure for figure in measurement.figures if figure.body == body}
        speed = found.get("impact_speed")
        # what is struck has no speed of its own before
        if speed is None or speed.value < PLAIN * speed.sigma or "peak_deceleration" not in found:
            continue
        exact = true_figures(measurement, truth, body)
        said = [with_bar(found[name].value, found[name].sigma, found[name].unit) for name in exact]
        lines.append(
            f"impact {said[0]} (truth {exact['impact_speed']:.3f}), "
            f"peak deceleration {said[1]} (truth {exact['peak_deceleration']:.2f})"
        )
    return lines
