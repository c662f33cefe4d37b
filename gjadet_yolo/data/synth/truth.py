"""Truth of a rendered video: where every marker is in each frame, in px and mm, and how it moves.

Three files say the same: ``truth.json`` (camera, markers), ``truth.csv`` (a row per marker and frame) and ``mot.txt``
(MOT challenge format, for trackers). Frames count from 0 in the first two and from 1 in the last, as MOT has it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from gjadet_yolo.data.stream import write_list
from gjadet_yolo.data.synth.camera import Camera
from gjadet_yolo.data.synth.motion import MarkerMotion
from gjadet_yolo.data.synth.scene import NAMES, Scene
from gjadet_yolo.data.synth.visible import LEAST_PX, LEAST_VISIBLE, Seen

COLUMNS = ("frame", "time_s", "id", "visible", "x_px", "y_px", "x_mm", "y_mm", "vx_mps", "vy_mps", "ax_mps2", "ay_mps2")


@dataclass(frozen=True)
class VideoTruth:
    """Markers of a video: N markers in T frames.

    Attributes:
        fps: Frames per second.
        exposure_s: Exposure time; a frame shows the middle of its exposure at ``time_s``.
        camera: View of the plane.
        time_s: (T,).
        visible: Share of the marker that is seen, 0 to 1, (T, N).
        position_px: Centroid of the marker's image, which is what a tracker sees, (T, N, 2). In tilted views it is not
            quite the image of the marker's middle: the near half looks larger.
        boxes_px: Visible extents, xyxy, (T, N, 4).
        position_mm: (T, N, 2).
        velocity_mps: (T, N, 2).
        acceleration_mps2: (T, N, 2).
        objects: Labels of the other classes in each frame: class and visible extent, xyxy in px, (M, 5) each.
        impact: Scene, pulse, contact_s, speed_mps, peak_mps2, duration_s.
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
    objects: list[np.ndarray]
    impact: dict[str, float | str] = field(default_factory=dict)

    def rows(self) -> Iterator[tuple[float, ...]]:
        """One row per frame and marker, in the order of ``COLUMNS``."""
        for frame, time_s in enumerate(self.time_s.tolist()):
            for marker in range(self.visible.shape[1]):
                values = (self.position_px, self.position_mm, self.velocity_mps, self.acceleration_mps2)
                numbers = [float(number) for value in values for number in value[frame, marker]]
                yield (frame, time_s, marker, float(self.visible[frame, marker]), *numbers)


def follow(
    scene: Scene, time_s: np.ndarray, fps: float, exposure_s: float, seen: list[Seen], objects: list[np.ndarray]
) -> VideoTruth:
    """Truth of a rendered video.

    Args:
        scene: What was rendered.
        time_s: Middle of each exposure, (T,).
        fps: Frames per second.
        exposure_s: Exposure time.
        seen: What became of the targets in each frame.
        objects: Labels of the other classes in each frame, (M, 5) each.
    """
    motions = [
        body.motion.markers(time_s, body.targets.outlines_mm.mean(1))
        for body in scene.bodies
        if len(body.targets.outlines_mm)
    ] or [MarkerMotion(*(np.zeros((len(time_s), 0, 2)),) * 3)]
    position, velocity, acceleration = (
        np.concatenate([getattr(motion, name) for motion in motions], 1)
        for name in ("position_mm", "velocity_mps", "acceleration_mps2")
    )
    return VideoTruth(
        fps,
        exposure_s,
        scene.camera,
        time_s,
        np.array([frame.visible for frame in seen]),
        centroids(scene, time_s),
        np.array([frame.boxes for frame in seen]),
        position,
        velocity,
        acceleration,
        objects,
    )


def centroids(scene: Scene, time_s: np.ndarray) -> np.ndarray:
    """Centroids of the images of all markers, (T, N, 2) in px."""
    found = [np.zeros((len(time_s), 0, 2))]
    for body in scene.bodies:
        outlines = body.targets.outlines_mm
        placed = body.motion.markers(time_s, outlines.reshape(-1, 2)).position_mm
        corners = scene.camera.project(placed).reshape(len(time_s), *outlines.shape)  # (T, N, K, 2)
        middle = corners.mean(2, keepdims=True)  # keeps the numbers small
        first, second = corners - middle, np.roll(corners, -1, axis=2) - middle
        cross = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
        moment = ((first + second) * cross[..., None]).sum(2)
        found.append(middle[:, :, 0] + moment / (3 * cross.sum(2)[..., None]))
    return np.concatenate(found, 1)


def write_truth(truth: VideoTruth, folder: Path) -> None:
    """Write ``truth.json``, ``truth.csv`` and ``mot.txt`` into an existing folder.

    ``mot.txt`` lists what a detector can be asked to find: markers that the rule of ``visible.py`` grants a box.
    """
    with (folder / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(truth.rows())
    scale = truth.camera.mm_per_px(truth.camera.locate(np.array(truth.camera.size_px) / 2))
    camera = asdict(truth.camera) | {"mm_per_px": float(scale), "fps": truth.fps, "exposure_s": truth.exposure_s}
    head = json.dumps({"impact": truth.impact, "camera": camera, "columns": COLUMNS})
    with (folder / "truth.json").open("w", encoding="utf-8") as file:
        file.write(head.removesuffix("}"))
        for name, rows in (("rows", truth.rows()), ("objects", object_rows(truth))):
            file.write(f', "{name}": ')
            write_list(file, rows)
        file.write("}")
    with (folder / "mot.txt").open("w", encoding="utf-8") as file:
        file.writelines(mot_lines(truth))


def object_rows(truth: VideoTruth) -> Iterator[tuple[int, str, float, float, float, float]]:
    """Frame, class name and box of everything that is not a marker."""
    for frame, labels in enumerate(truth.objects):
        for label, *box in labels.tolist():
            yield (frame, NAMES[int(label)], *box)


def mot_lines(truth: VideoTruth) -> Iterator[str]:
    """Lines ``frame, id, left, top, width, height, 1, class, visible`` of the MOT ground-truth format."""
    sides = truth.boxes_px[..., 2:] - truth.boxes_px[..., :2]
    for frame, marker in zip(*np.nonzero((truth.visible >= LEAST_VISIBLE) & (sides >= LEAST_PX).all(-1)), strict=True):
        x1, y1, x2, y2 = truth.boxes_px[frame, marker]
        visible = truth.visible[frame, marker]
        yield f"{frame + 1},{marker + 1},{x1:.4f},{y1:.4f},{x2 - x1:.4f},{y2 - y1:.4f},1,1,{visible:.4f}\n"
