"""Surfaces of a body as pixels, painted once and then moved with it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from gjadet_yolo.geometry.camera import Camera
from gjadet_yolo.synth.paint.material import surface as surface_of
from gjadet_yolo.synth.paint.plain import fractal
from gjadet_yolo.synth.paint.shade import shading
from gjadet_yolo.synth.paint.visible import fill
from gjadet_yolo.synth.world.scene import Body, Part

SMALLEST_PX = 0.8  # parts that measure less along both axes, as bolts of far wheels do, are left out


@dataclass(frozen=True)
class Sprite:
    """Surfaces of a body as pixels.

    Attributes:
        pixels: BGR times coverage, and coverage, (H, W, 4) float32.
        grime: The same for dirt over its targets, or None.
        low_mm: Top left corner on the body.
        px_per_mm: Resolution.
    """

    pixels: np.ndarray
    grime: np.ndarray | None
    low_mm: np.ndarray
    px_per_mm: float


@dataclass(frozen=True)
class View:
    """What a camera sees of the plane of motion: its corners (4, 2) in mm, and the resolution in the middle."""

    corners_mm: np.ndarray
    px_per_mm: float


def view_of(camera: Camera) -> View:
    """The view of a camera."""
    width, height = camera.size_px
    corners = camera.locate(np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=float))
    return View(corners, float(1 / camera.mm_per_px(camera.locate(np.array(camera.size_px) / 2))))


def pose_matrix(body: Body, time_s: float) -> np.ndarray:
    """Affine map (3, 3) from the body to the plane of motion, in mm."""
    # from three points, so that it holds for every motion, that of a crushed tube included
    unit = np.array([(0.0, 0.0), (1000.0, 0.0), (0.0, 1000.0)])
    origin, right, down = body.motion.markers(np.array([time_s]), unit).position_mm[0]
    matrix = np.eye(3)
    matrix[:2] = np.column_stack(((right - origin) / 1000, (down - origin) / 1000, origin))
    return matrix


def paint_sprite(
    body: Body, view: View, times_s: tuple[float, float], rng: np.random.Generator, coats: np.ndarray
) -> Sprite | None:
    """Surfaces of what is in view of a body between two times; None where nothing is.

    ``coats`` (COATS, 4) are the tones that parts of the scene share, see ``material.py``.
    """
    if not body.parts:
        return None
    low, high = in_view(body, view.corners_mm, times_s)
    if (high - low <= 0).any():
        return None
    scale = view.px_per_mm
    width, height = np.ceil((high - low) * scale).astype(int) + 2
    pixels = np.zeros((height, width, 4), np.float32)
    for part in body.parts:
        paint_part(pixels, part, (part.outline_mm - low) * scale, rng, coats[part.coat] if part.coat else None)
    return Sprite(pixels, grime_of(rng, pixels.shape, body.grime) if body.grime > 0 else None, low, scale)


def in_view(body: Body, view_mm: np.ndarray, times_s: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Low and high corner on a body of what a camera sees of its parts between two times."""
    points = np.concatenate([part.outline_mm for part in body.parts])
    spans = []
    for time_s in np.linspace(*times_s, 9 if times_s[1] > times_s[0] else 1):
        inverse = np.linalg.inv(pose_matrix(body, time_s))
        spans.append(view_mm @ inverse[:2, :2].T + inverse[:2, 2])
    seen = np.concatenate(spans)
    margin = 0.03 * np.ptp(seen, axis=0)  # for what happens between the nine times
    return np.maximum(points.min(0), seen.min(0) - margin), np.minimum(points.max(0), seen.max(0) + margin)


def paint_part(
    pixels: np.ndarray, part: Part, corners_px: np.ndarray, rng: np.random.Generator, coat: np.ndarray | None
) -> None:
    """Paint one part into a sprite in place."""
    height, width = pixels.shape[:2]
    (x1, y1), (x2, y2) = corners_px.min(0).tolist(), corners_px.max(0).tolist()
    if max(x2 - x1, y2 - y1) < SMALLEST_PX:
        return
    left, top = min(max(math.floor(x1), 0), width), min(max(math.floor(y1), 0), height)
    size = min(max(math.ceil(x2), 0), width) - left, min(max(math.ceil(y2), 0), height) - top
    if size[0] < 1 or size[1] < 1:
        return
    surface = surface_of(part.material, rng, size, part.gain, coat)
    if part.shade != "flat":
        shade = shading(part.shade, np.array((left - x1, top - y1)), np.array((x2 - x1, y2 - y1)), size)
        cv2.multiply(surface, shade, dst=surface)
    if part.text:
        write_text(surface, part.text, rng)
    window = pixels[top : top + size[1], left : left + size[0]]
    if is_upright(part.outline_mm):  # most parts: nothing to blend
        window[:] = surface
        return
    mask = np.zeros(size[::-1], np.uint8)
    fill(mask, corners_px - (left, top))
    alpha = np.multiply(mask, np.float32(1 / 255), dtype=np.float32)
    window[:] = cv2.blendLinear(surface, window, alpha, 1 - alpha)


def is_upright(outline_mm: np.ndarray) -> bool:
    """Whether an outline is a rectangle with its sides along the axes."""
    if len(outline_mm) != 4:
        return False
    (x1, y1), (x2, y2), (x3, y3), (x4, y4) = outline_mm.tolist()
    return (x1 == x4 and x2 == x3 and y1 == y2 and y3 == y4) or (x1 == x2 and x3 == x4 and y1 == y4 and y2 == y3)


def write_text(surface: np.ndarray, text: str, rng: np.random.Generator) -> None:
    """Letter a surface in place, as large as fits, along its longer side."""
    height, width = surface.shape[:2]
    upright = height > width
    board = np.zeros((max(width, 1), height) if upright else (height, width), np.uint8)
    scale = 0.8 * min(board.shape[0] / 30, board.shape[1] / (20 * len(text)))
    if scale < 0.2:  # not even specks
        return
    origin = int(board.shape[1] * 0.05), int(board.shape[0] / 2 + 11 * scale)
    cv2.putText(board, text, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, max(1, int(2 * scale)), cv2.LINE_AA)
    alpha = (np.rot90(board) if upright else board)[..., None] / np.float32(255)
    colours = surface[..., :3]
    colour = np.float32(20 if colours.mean() > 110 else 230) * np.float32(rng.uniform(0.6, 1))
    colours += alpha * (colour - colours)


def grime_of(rng: np.random.Generator, shape: tuple[int, ...], share: float) -> np.ndarray:
    """Dirt, oil and scuffs that cover about a share of a sprite, (H, W, 4) float32."""
    height, width = shape[:2]
    field_of = fractal(rng, (width, height), rng.uniform(15, 60))
    # every fourth pixel is enough for a quantile
    alpha = np.clip((field_of - np.quantile(field_of[::4, ::4], 1 - share)) * 2, 0, rng.uniform(0.3, 0.95))[..., None]
    colour = np.float32(rng.uniform(20, 150)) * np.float32((0.85, 0.95, 1.05))
    return np.concatenate((alpha * colour, alpha), -1).astype(np.float32)
