"""Truth of a rendered video: where every marker is in each frame, in px and mm, and how it moves.

Three files say the same: ``truth.json`` (camera, markers), ``truth.csv`` (a row per marker and frame) and ``mot.txt``
(MOT challenge format, for trackers). Frames count from 0 in the first two and from 1 in the last, as MOT has it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from gjadet_yolo.data.synth.camera import Camera
from gjadet_yolo.data.synth.motion import BodyMotion
from gjadet_yolo.data.synth.strip import boxes_of

COLUMNS = ("frame", "time_s", "id", "visible", "x_px", "y_px", "x_mm", "y_mm", "vx_mps", "vy_mps", "ax_mps2", "ay_mps2")


@dataclass(frozen=True)
class VideoTruth:
    """Markers of a video: N markers in T frames.

    Attributes:
        fps: Frames per second.
        exposure_s: Exposure time; a frame shows the middle of its exposure at ``time_s``.
        camera: View of the plane.
        time_s: (T,).
        visible: Part of the marker's outline box inside the image, 0 to 1, (T, N).
        position_px: Centre in the image, (T, N, 2).
        boxes_px: Visible extents, xyxy, (T, N, 4).
        position_mm: (T, N, 2).
        velocity_mps: (T, N, 2).
        acceleration_mps2: (T, N, 2).
    """

    fps: float
    exposure_s: float
    camera: Camera
    time_s: np.ndarray
    visible: np.ndarray
    position_px: np.ndarray
    boxes_px: np.ndarray
    position_mm: np.ndarray
    velocity_mps: np.ndarray
    acceleration_mps2: np.ndarray

    def rows(self) -> Iterator[tuple[float, ...]]:
        """One row per frame and marker, in the order of ``COLUMNS``."""
        for frame, time_s in enumerate(self.time_s.tolist()):
            for marker in range(self.visible.shape[1]):
                values = (self.position_px, self.position_mm, self.velocity_mps, self.acceleration_mps2)
                numbers = [float(number) for value in values for number in value[frame, marker]]
                yield (frame, time_s, marker, float(self.visible[frame, marker]), *numbers)


def follow(
    bodies: list[tuple[BodyMotion, np.ndarray]], camera: Camera, frames: int, fps: float, exposure_s: float = 0.0
) -> VideoTruth:
    """Truth of square markers on bodies.

    Args:
        bodies: Motion of each body, and the corners of its markers on it in mm, (N, 4, 2).
        camera: View of the plane.
        frames: Number of frames T.
        fps: Frames per second.
        exposure_s: Exposure time, at most a frame.

    Raises:
        ValueError: Impossible frame rate, exposure or number of frames.
    """
    if frames < 1 or not fps > 0 or not 0 <= exposure_s <= 1 / fps:
        raise ValueError(
            f"frames {frames}, fps {fps}, exposure_s {exposure_s}; allowed: 1 frame or more, a rate above 0, and an "
            f"exposure from 0 to one frame."
        )
    time_s = np.arange(frames) / fps
    centres, outlines = [], []
    for body, squares_mm in bodies:
        centres.append(body.markers(time_s, squares_mm.mean(1)))
        corners = body.markers(time_s, squares_mm.reshape(-1, 2)).position_mm
        outlines.append(corners.reshape(frames, -1, 4, 2))
    corners = np.concatenate(outlines, 1)  # (T, N, 4, 2)
    position, velocity, acceleration = (
        np.concatenate([getattr(motion, name) for motion in centres], 1)
        for name in ("position_mm", "velocity_mps", "acceleration_mps2")
    )
    boxes = boxes_of(corners.reshape(-1, 4, 2), camera).reshape(frames, -1, 4)
    whole = np.ptp(camera.project(corners), axis=2)
    inside = (boxes[..., 2:] - boxes[..., :2]).prod(-1) / whole.prod(-1)
    return VideoTruth(
        fps, exposure_s, camera, time_s, inside, camera.project(position), boxes, position, velocity, acceleration
    )


def write_truth(truth: VideoTruth, folder: Path, least_visible: float = 0.25) -> None:
    """Write ``truth.json``, ``truth.csv`` and ``mot.txt`` into an existing folder.

    Args:
        truth: What to write.
        folder: Where to.
        least_visible: Markers of which less is visible are left out of ``mot.txt``, which lists what can be detected.
    """
    rows = list(truth.rows())
    with (folder / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    scale = truth.camera.mm_per_px(truth.camera.locate(np.array(truth.camera.size_px) / 2))
    camera = asdict(truth.camera) | {"mm_per_px": float(scale), "fps": truth.fps, "exposure_s": truth.exposure_s}
    content = {"camera": camera, "columns": COLUMNS, "rows": rows}
    (folder / "truth.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "mot.txt").write_text("".join(mot_lines(truth, least_visible)), encoding="utf-8")


def mot_lines(truth: VideoTruth, least_visible: float) -> Iterator[str]:
    """Lines ``frame, id, left, top, width, height, 1, class, visible`` of the MOT ground-truth format."""
    for frame, marker in zip(*np.nonzero(truth.visible >= least_visible), strict=True):
        x1, y1, x2, y2 = truth.boxes_px[frame, marker]
        visible = truth.visible[frame, marker]
        yield f"{frame + 1},{marker + 1},{x1:.4f},{y1:.4f},{x2 - x1:.4f},{y2 - y1:.4f},1,1,{visible:.4f}\n"
