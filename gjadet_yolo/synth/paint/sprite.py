"""Surfaces of a body as pixels, painted once and then moved with it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from gjadet_yolo.geometry.camera import Camera
from gjadet_yolo.synth.paint.material import surface as surface_of
from gjadet_yolo.synth.paint.plain import fractal
from gjadet_yolo.synth.paint.visible import fill
from gjadet_yolo.synth.world.scene import Body, Part


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


def pose_matrix(body: Body, time_s: float) -> np.ndarray:
    """Affine map (3, 3) from the body to the plane of motion, in mm."""
    # from three points, so that it holds for every motion, that of a crushed tube included
    unit = np.array([(0.0, 0.0), (1000.0, 0.0), (0.0, 1000.0)])
    origin, right, down = body.motion.markers(np.array([time_s]), unit).position_mm[0]
    matrix = np.eye(3)
    matrix[:2] = np.column_stack(((right - origin) / 1000, (down - origin) / 1000, origin))
    return matrix


def paint_sprite(
    body: Body, camera: Camera, times_s: tuple[float, float], rng: np.random.Generator, coats: np.ndarray
) -> Sprite | None:
    """Surfaces of what is in view of a body between two times; None where nothing is.

    ``coats`` (COATS, 4) are the tones that parts of the scene share, see ``material.py``.
    """
    if not body.parts:
        return None
    low, high = in_view(body, camera, times_s)
    if (high - low <= 0).any():
        return None
    scale = float(1 / camera.mm_per_px(camera.locate(np.array(camera.size_px) / 2)))
    width, height = np.ceil((high - low) * scale).astype(int) + 2
    pixels = np.zeros((height, width, 4), np.float32)
    for part in body.parts:
        paint_part(pixels, part, (part.outline_mm - low) * scale, rng, coats[part.coat] if part.coat else None)
    return Sprite(pixels, grime_of(rng, pixels.shape, body.grime) if body.grime > 0 else None, low, scale)


def in_view(body: Body, camera: Camera, times_s: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Low and high corner on a body of what the camera sees of its parts between two times."""
    points = np.concatenate([part.outline_mm for part in body.parts])
    width, height = camera.size_px
    view = camera.locate(np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=float))
    spans = []
    for time_s in np.linspace(*times_s, 9 if times_s[1] > times_s[0] else 1):
        inverse = np.linalg.inv(pose_matrix(body, time_s))
        spans.append(view @ inverse[:2, :2].T + inverse[:2, 2])
    seen = np.concatenate(spans)
    margin = 0.03 * np.ptp(seen, axis=0)  # for what happens between the nine times
    return np.maximum(points.min(0), seen.min(0) - margin), np.minimum(points.max(0), seen.max(0) + margin)


def paint_part(
    pixels: np.ndarray, part: Part, corners_px: np.ndarray, rng: np.random.Generator, coat: np.ndarray | None
) -> None:
    """Paint one part into a sprite in place."""
    limits = np.array((pixels.shape[1], pixels.shape[0]))
    low = np.clip(np.floor(corners_px.min(0)).astype(int), 0, limits)
    high = np.clip(np.ceil(corners_px.max(0)).astype(int), 0, limits)
    width, height = high - low
    if width < 1 or height < 1:
        return
    surface = surface_of(part.material, rng, (width, height), part.gain, coat)
    if part.shade != "flat":
        surface *= shading(part.shade, corners_px, low, (width, height))[..., None]
    if part.text:
        write_text(surface, part.text, rng)
    window = pixels[low[1] : high[1], low[0] : high[0]]
    if is_upright(part.outline_mm):  # most parts: nothing to blend
        window[..., :3], window[..., 3] = surface, 1
        return
    mask = np.zeros((height, width), np.uint8)
    fill(mask, corners_px - low)
    alpha = (mask / np.float32(255))[..., None]
    window *= 1 - alpha
    window[..., :3] += alpha * surface
    window[..., 3:] += alpha


def is_upright(outline_mm: np.ndarray) -> bool:
    """Whether an outline is a rectangle with its sides along the axes."""
    return len(outline_mm) == 4 and all(len(np.unique(outline_mm[:, axis])) == 2 for axis in (0, 1))


def shading(shade: str, corners_px: np.ndarray, low: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Brightness over a part, (H, W) float32: 1 in its middle, less where it turns away."""
    first, extent = corners_px.min(0), np.maximum(np.ptp(corners_px, axis=0), 1e-6)
    x, y = (
        ((low[axis] + np.arange(size[axis]) + 0.5 - first[axis]) * (2 / extent[axis]) - 1)
        .clip(-1, 1)
        .astype(np.float32)
        for axis in (0, 1)
    )
    x, y = x[None, :], y[:, None]
    if shade == "round_x":
        return np.broadcast_to(dome(x**2), size[::-1])
    if shade == "round_y":
        return np.broadcast_to(dome(y**2), size[::-1])
    if shade == "disc":
        return dome(0.5 * (x + y + 0.6).clip(-1, 1) ** 2)
    # light from the top left; 0.1 keeps the middle, where a cone has no slope, from dividing by zero
    slope = (x + 1.6 * y) / np.sqrt(x**2 + y**2 + 0.1)
    if shade == "cone":
        return 1 - 0.3 * slope
    if shade == "dish":
        return 0.85 + 0.3 * slope
    return 0.6 + 0.16 * slope**2 * slope**2  # "turned": a lathe's grooves shine in two opposite fans


def dome(square: np.ndarray) -> np.ndarray:
    """Brightness where a round surface turns away, of the squared distance from its middle."""
    return 0.25 + 0.75 * np.sqrt(1 - square)


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
    colour = np.float32(20 if surface.mean() > 110 else 230) * np.float32(rng.uniform(0.6, 1))
    surface += alpha * (colour - surface)


def grime_of(rng: np.random.Generator, shape: tuple[int, ...], share: float) -> np.ndarray:
    """Dirt, oil and scuffs that cover about a share of a sprite, (H, W, 4) float32."""
    height, width = shape[:2]
    field_of = fractal(rng, (width, height), rng.uniform(15, 60))
    # every fourth pixel is enough for a quantile
    alpha = np.clip((field_of - np.quantile(field_of[::4, ::4], 1 - share)) * 2, 0, rng.uniform(0.3, 0.95))[..., None]
    colour = np.float32(rng.uniform(20, 150)) * np.float32((0.85, 0.95, 1.05))
    return np.concatenate((alpha * colour, alpha), -1).astype(np.float32)
