"""Small rendered scenes with long-tailed classes: the data of ``head_trial.py``, kept to repeat its table.

The scenes hold what a crash-test frame holds, much simplified: strips of a two-column checkerboard (every square one
``point``), bogies with wheels, absorbers and a rigid wall, on a noisy background. Boxes are exact. They teach a
detector nothing about real frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from gjadet_yolo.data.yolo import write_yolo_set

NAMES = ("point", "bogie", "wheel", "absorber", "rw")
LIGHT = ((235, 235, 235), (40, 200, 235))  # BGR: white, yellow


@dataclass
class Canvas:
    """Image under construction and the boxes drawn on it.

    Attributes:
        image: BGR pixels, (H, W, 3) uint8.
        boxes: Rows of class and xyxy in px.
        taken: xyxy areas that later objects keep clear of.
    """

    image: np.ndarray
    boxes: list[tuple[int, float, float, float, float]] = field(default_factory=list)
    taken: list[tuple[int, int, int, int]] = field(default_factory=list)

    def place(self, rng: np.random.Generator, width: int, height: int) -> tuple[int, int] | None:
        """Top left corner of a free area, or None after 20 attempts."""
        rows, columns = self.image.shape[:2]
        if width >= columns or height >= rows:
            return None
        for _ in range(20):
            x, y = int(rng.integers(0, columns - width)), int(rng.integers(0, rows - height))
            if all(x >= c or y >= d or x + width <= a or y + height <= b for a, b, c, d in self.taken):
                self.taken.append((x, y, x + width, y + height))
                return x, y
        return None


def background(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Uneven light on a grey wall with girders; ``size`` is (W, H) px."""
    width, height = size
    base = rng.integers(60, 150) + rng.uniform(-40, 40) * np.linspace(-1, 1, width)[None, :, None]
    image = np.repeat(base + rng.uniform(-25, 25) * np.linspace(-1, 1, height)[:, None, None], 3, axis=2)
    for _ in range(int(rng.integers(2, 6))):
        x = int(rng.integers(0, width))
        image[:, x : x + int(rng.integers(2, 12))] += rng.uniform(-30, 30)
    return np.clip(image, 0, 255).astype(np.uint8)


def draw_strip(canvas: Canvas, rng: np.random.Generator) -> None:
    """Two-column checkerboard strip, upright or lying; each square is one point."""
    square, length = int(rng.integers(6, 14)), int(rng.integers(6, 14))
    upright = rng.random() < 0.5
    columns, rows = (2, length) if upright else (length, 2)
    corner = canvas.place(rng, columns * square, rows * square)
    if corner is None:
        return
    light, phase = LIGHT[int(rng.random() < 0.4)], int(rng.integers(0, 2))
    for column in range(columns):
        for row in range(rows):
            x, y = corner[0] + column * square, corner[1] + row * square
            colour = light if (column + row + phase) % 2 else (20, 20, 20)
            canvas.image[y : y + square, x : x + square] = colour
            canvas.boxes.append((0, x, y, x + square, y + square))


def draw_bogie(canvas: Canvas, rng: np.random.Generator) -> None:
    """Frame on two wheels: one bogie box and two wheel boxes."""
    radius = int(rng.integers(14, 28))
    width, height = radius * 6, radius * 3
    corner = canvas.place(rng, width, height)
    if corner is None:
        return
    x, y = corner
    cv2.rectangle(canvas.image, (x, y), (x + width - 1, y + radius), (70, 60, 50), -1)
    for centre_x in (x + radius, x + width - radius):
        centre = (centre_x, y + height - radius)
        cv2.circle(canvas.image, centre, radius - 1, (40, 40, 45), -1)
        cv2.circle(canvas.image, centre, radius // 2, (120, 120, 125), -1)
        canvas.boxes.append((2, centre_x - radius, y + height - 2 * radius, centre_x + radius, y + height))
    canvas.boxes.append((1, x, y, x + width, y + height))


def draw_absorber(canvas: Canvas, rng: np.random.Generator) -> None:
    """Folded tube."""
    width, height = int(rng.integers(50, 90)), int(rng.integers(24, 44))
    corner = canvas.place(rng, width, height)
    if corner is None:
        return
    x, y = corner
    shade = 110 + 60 * np.sin(np.arange(width) * 2 * np.pi / 8)
    canvas.image[y : y + height, x : x + width] = shade[None, :, None] * np.array([0.6, 0.7, 1.0])
    canvas.boxes.append((3, x, y, x + width, y + height))


def draw_wall(canvas: Canvas, rng: np.random.Generator) -> None:
    """Rigid wall: an upright slab with ribs."""
    width, height = int(rng.integers(30, 50)), int(rng.integers(140, 200))
    corner = canvas.place(rng, width, height)
    if corner is None:
        return
    x, y = corner
    canvas.image[y : y + height, x : x + width] = rng.integers(150, 200)
    canvas.image[y : y + height : 20, x : x + width] = 90
    canvas.boxes.append((4, x, y, x + width, y + height))


def render_scene(rng: np.random.Generator, size: tuple[int, int] = (320, 320)) -> tuple[np.ndarray, np.ndarray]:
    """Render one scene.

    Args:
        rng: Source of all randomness.
        size: (W, H) px, at least 128 each.

    Returns:
        BGR image (H, W, 3) uint8, and labels (N, 5): class index and xyxy box in px.

    Raises:
        ValueError: A side below 128 px.
    """
    if min(size) < 128:
        raise ValueError(f"size of a rendered scene is {size}, each side must be at least 128 px.")
    canvas = Canvas(background(rng, size))
    for draw, probability in ((draw_wall, 0.06), (draw_absorber, 0.12), (draw_bogie, 0.2)):
        if rng.random() < probability:
            draw(canvas, rng)
    for _ in range(int(rng.integers(1, 5))):
        draw_strip(canvas, rng)
    gain, noise = rng.uniform(0.5, 1.3), rng.normal(0, rng.uniform(2, 10), canvas.image.shape)
    image = np.clip(canvas.image * gain + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.2))
    return image, np.array(canvas.boxes, dtype=np.float32).reshape(-1, 5)


def render_set(out: Path, train: int, val: int, imgsz: int = 320, seed: int = 0) -> Path:
    """Render a data set as a YOLO tree.

    Args:
        out: Folder to create; it must not exist.
        train: Number of training images.
        val: Number of validation images.
        imgsz: Side of the images in px.
        seed: Same seed, same set.

    Returns:
        The data YAML.
    """

    def scenes(split: int, count: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        for index in range(count):
            yield f"{index:06d}", *render_scene(np.random.default_rng([seed, split, index]), (imgsz, imgsz))

    return write_yolo_set(out, {"train": scenes(0, train), "val": scenes(1, val)}, NAMES)


def render_video(path: Path, frames: int = 40, imgsz: int = 320, seed: int = 0, fps: int = 20) -> Path:
    """Write a video in which the camera passes along three scenes side by side, chosen for their many classes.

    Args:
        path: File to write, ``.avi`` (MJPG).
        frames: Number of frames.
        imgsz: Side of the frames in px.
        seed: Same seed, same video.
        fps: Frames per second.

    Returns:
        The file.

    Raises:
        OSError: The video cannot be written.
    """
    scenes = [render_scene(np.random.default_rng([seed, 2, index]), (imgsz, imgsz)) for index in range(12)]
    scenes.sort(key=lambda scene: len(np.unique(scene[1][:, 0])), reverse=True)
    image = np.hstack([scene[0] for scene in scenes[:3]])
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), fps, (imgsz, imgsz))
    if not writer.isOpened():
        raise OSError(f"{path} cannot be written as an MJPG video.")
    for x in np.linspace(0, 2 * imgsz, frames).astype(int):
        writer.write(image[:, x : x + imgsz])
    writer.release()
    return path
