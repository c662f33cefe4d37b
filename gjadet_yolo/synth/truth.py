"""Truth of a rendered video: where every marker is in each frame, in px and mm, and how it moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from gjadet_yolo.geometry.camera import Camera
from gjadet_yolo.synth.paint.visible import Seen
from gjadet_yolo.synth.world.motion import MarkerMotion
from gjadet_yolo.synth.world.scene import Scene

COLUMNS = ("frame", "time_s", "id", "visible", "x_px", "y_px", "x_mm", "y_mm", "vx_mps", "vy_mps", "ax_mps2", "ay_mps2")


@dataclass(frozen=True)
class VideoTruth:
    """Markers of a video: N markers in T frames.

    Attributes:
        exposure_s: Exposure time; a frame shows the middle of its exposure at ``time_s``.
        time_s: (T,).
        visible: Share of the marker that is seen, 0 to 1, (T, N).
        position_px: Centroid of the marker's image, which is what a tracker sees, (T, N, 2). In tilted views it is not
            quite the image of the marker's middle: the near half looks larger.
        boxes_px: Visible extents, xyxy, (T, N, 4).
        position_mm: (T, N, 2); ``velocity_mps`` and ``acceleration_mps2`` likewise.
        objects: Labels of the other classes in each frame: class and visible extent, xyxy in px, (M, 5) each.
        impact: Scene, pulse, contact_s, speed_mps, peak_mps2, duration_s.
        kinds: Kind of each marker: ``square`` or a key of ``MARKERS``.
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
    kinds: tuple[str, ...] = ()

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
    """Truth of a rendered video, from its scene and what was visible in each frame.

    ``seen`` and ``objects`` hold one entry per frame, ``objects`` (M, 5) each; see :class:`VideoTruth`.
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
        kinds=tuple(kind for body in scene.bodies for kind in body.targets.kinds),
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
