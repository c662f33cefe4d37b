"""Rendered videos and their truth, as files that any tool can measure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import yaml
from scipy.spatial import cKDTree

from gjadet_yolo.data.degrade import degrade
from gjadet_yolo.geometry.camera import Camera
from gjadet_yolo.synth.video import Video, VideoPlan, draw_video
from gjadet_yolo.synth.world.motion import BodyMotion
from gjadet_yolo.synth.write.videos import write_video

STIFF_PX = 0.3  # bodies that move alike within so much are as good as one
PLANE_POINTS, PLANE_EDGE_PX = 6, 20


@dataclass(frozen=True)
class Truth:
    """What is known of a video: N markers in T frames, as in :class:`gjadet_yolo.synth.truth.VideoTruth`.

    Attributes:
        body: Stiff body of each marker, (N,); bodies that move as one count as one, -1 on a tube that is crushed.
        square: Whether it is a square, (N,) bool.
        square_mm: Side of the squares across their strips, the middle one of all.
        width_px: Shorter edge of each square, or diameter of a mark, in the first frame, (N,).
        impact: contact_s, speed_mps, peak_mps2, duration_s.
    """

    fps: float
    visible: np.ndarray
    position_px: np.ndarray
    boxes_px: np.ndarray
    position_mm: np.ndarray
    body: np.ndarray
    square: np.ndarray
    square_mm: float
    mm_per_px: np.ndarray
    width_px: np.ndarray
    impact: dict[str, float]

    @property
    def side_px(self) -> np.ndarray:
        """Shorter side of each marker's box, (T, N)."""
        return (self.boxes_px[..., 2:] - self.boxes_px[..., :2]).min(2)

    def every(self, step: int) -> Truth:
        """Truth of every so-many-th frame."""
        parts = (one[::step] for one in (self.visible, self.position_px, self.boxes_px, self.position_mm))
        rest = self.body, self.square, self.square_mm, self.mm_per_px, self.width_px, self.impact
        return Truth(self.fps / step, *parts, *rest)

    def apart(self, frame: int) -> np.ndarray:
        """Distance of each marker to the next one in a frame, (N,)."""
        place = np.where(np.isfinite(self.position_px[frame]), self.position_px[frame], 1e9)
        return cKDTree(place).query(place, k=2)[0][:, 1] if len(place) > 1 else np.full(len(place), np.inf)


def bodies_of(video: Video, position_mm: np.ndarray, mm_per_px: float) -> np.ndarray:
    """Stiff body of each marker, (N,)."""
    counts = [len(body.targets.outlines_mm) for body in video.scene.bodies]
    stiff = [isinstance(body.motion, BodyMotion) for body in video.scene.bodies]
    label, firsts, start = np.full(sum(counts), -1), [], 0
    for count, one in zip(counts, stiff, strict=True):
        if count and one:
            ends = position_mm[:, [start, start + count - 1]]
            for other, known in enumerate(firsts):
                apart = np.linalg.norm(ends[:, :, None] - known[:, None], axis=3)
                if np.ptp(apart, axis=0).max() < STIFF_PX * mm_per_px:
                    label[start : start + count] = other
                    break
            else:
                label[start : start + count] = len(firsts)
                firsts.append(ends)
        start += count
    return label


def sides_of(video: Video) -> tuple[np.ndarray, np.ndarray, float]:
    """Which markers are squares, (N,) bool, the width of each in mm, (N,), and the middle side of squares."""
    square, sides, widths = [], [], []
    for body in video.scene.bodies:
        for outline in body.targets.outlines_mm:
            corners = np.unique(outline.round(6), axis=0)
            square.append(len(corners) == 4)
            edges = np.linalg.norm(np.roll(outline, -1, axis=0) - outline, axis=1)
            sides.append(float(edges[edges > 1e-6].min() if square[-1] else np.ptp(outline, axis=0).min()))
            if len(corners) == 4 and isinstance(body.motion, BodyMotion):
                widths.append(float(edges[edges > 1e-6][0]))
    return np.array(square, bool), np.array(sides), float(np.median(widths))


def render(seed: int, scene: str, frames: int, imgsz: int, folder: Path) -> Truth:
    """Render a seed into ``video.avi``, ``camera.yaml`` and ``plane.csv``; what is there is not rendered again."""
    stored = folder / "truth.npz"
    if not stored.exists():
        folder.mkdir(parents=True, exist_ok=True)
        video = draw_video(np.random.default_rng(seed), VideoPlan((imgsz, imgsz), frames=frames, scene=scene))
        truth = write_video(video, folder / "video.avi")
        write_view(truth.camera, folder)
        square, sides_mm, square_mm = sides_of(video)
        scale = truth.camera.mm_per_px(truth.position_mm[0])
        arrays = {
            "visible": truth.visible,
            "position_px": truth.position_px,
            "boxes_px": truth.boxes_px,
            "position_mm": truth.position_mm,
            "body": bodies_of(video, truth.position_mm, float(np.median(scale))),
            "square": square,
            "mm_per_px": scale,
            "width_px": sides_mm / scale,
        }
        numbers = {name: value for name, value in truth.impact.items() if not isinstance(value, str)}
        np.savez_compressed(stored, **arrays, head=json.dumps([truth.fps, square_mm, numbers]))
    with np.load(stored) as file:
        fps, square_mm, impact = json.loads(str(file["head"]))
        names = ("visible", "position_px", "boxes_px", "position_mm", "body", "square")
        return Truth(fps, *(file[name] for name in names), square_mm, file["mm_per_px"], file["width_px"], impact)


def write_view(camera: Camera, folder: Path) -> None:
    """The camera as ``gjadet measure`` takes it: lens and plane, exact."""
    width, height = camera.size_px
    lens = {"size": [width, height], "fx": camera.focal_px, "fy": camera.focal_px, "cx": width / 2, "cy": height / 2}
    text = yaml.safe_dump(lens | {"k1": camera.k1, "k2": camera.k2, "p1": 0.0, "p2": 0.0, "k3": 0.0})
    (folder / "camera.yaml").write_text(text, encoding="utf-8")
    rows = ["x_px,y_px,x_mm,y_mm"]
    for x in np.linspace(PLANE_EDGE_PX, width - PLANE_EDGE_PX, PLANE_POINTS):
        for y in np.linspace(PLANE_EDGE_PX, height - PLANE_EDGE_PX, PLANE_POINTS):
            rows.append(",".join(f"{value:.6f}" for value in (x, y, *camera.locate(np.array([x, y])))))
    (folder / "plane.csv").write_text("\n".join(rows), encoding="utf-8")


def pictures(file: Path) -> Iterator[np.ndarray]:
    """Frames of a video, (H, W, 3) uint8 each."""
    capture = cv2.VideoCapture(str(file))
    while True:
        good, image = capture.read()
        if not good:
            return
        yield image


def rewrite(frames: Iterable[np.ndarray], file: Path) -> Path:
    """Frames as a video without loss."""
    writer = None
    for image in frames:
        if writer is None:
            writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"FFV1"), 30, image.shape[1::-1])
        writer.write(image)
    writer.release()
    return file


def degraded(folder: Path, kind: str, level: float, seed: int) -> Path:
    """A folder's video with each frame degraded."""
    rng = np.random.default_rng([seed, sum(kind.encode())])
    images = (degrade(image, {kind: level}, rng) for image in pictures(folder / "video.avi"))
    return rewrite(images, folder / f"{kind}.avi")


def thinned(folder: Path, step: int) -> Path:
    """Every so-many-th frame of a folder's video."""
    images = (image for index, image in enumerate(pictures(folder / "video.avi")) if index % step == 0)
    return rewrite(images, folder / f"every{step}.avi")


def step_for(truth: Truth, pitches: float) -> int:
    """Frames to go on by, so that the fastest marker moves by no more than so many of its sides a frame; 1 or more."""
    way = np.linalg.norm(np.diff(truth.position_px, axis=0), axis=2)
    seen = (truth.visible[1:] > 0.5) & (truth.visible[:-1] > 0.5)
    per_side = np.where(seen, way / np.maximum(np.nan_to_num(truth.side_px[1:]), 4.0), 0)
    return max(int(pitches / max(float(per_side.max()), 1e-6)), 1)
