"""Picture of a calibration: every corner that was found, and by how much the model misses it, as an enlarged arrow.

A good calibration shows short arrows in all directions, and corners out to the rim of the picture.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from gjadet_yolo.measure.calibrate import Calibration

WIDTH_PX, HEAD_PX, MARGIN_PX = 1280, 92, 16
ARROW_SHARE = 0.03  # of the width, for a residual that one corner in twenty exceeds
PAPER, INK, DOT, FAINT = (255, 255, 255), (40, 40, 40), (190, 190, 190), (238, 232, 226)
SHIFT = 4  # binary places of OpenCV's coordinates: lines between pixels


def residual_chart(found: Calibration) -> np.ndarray:
    """Draw the corners and their residuals over the frame; (H, W, 3) uint8 BGR."""
    width, height = found.lens.size_px
    scale = (WIDTH_PX - 2 * MARGIN_PX) / width
    canvas = np.full((HEAD_PX + round(height * scale) + MARGIN_PX, WIDTH_PX, 3), PAPER, np.uint8)
    origin = np.array((MARGIN_PX, HEAD_PX))
    corners = found.corners_px * scale + origin
    size = np.linalg.norm(found.residual_px, axis=-1)
    enlarged = round_number(ARROW_SHARE * WIDTH_PX / max(float(np.quantile(size, 0.95)), 1e-6))
    for view in corners:
        cv2.fillConvexPoly(canvas, fixed(cv2.convexHull(np.float32(view))[:, 0]), FAINT, cv2.LINE_AA, SHIFT)
    frame = origin + np.array([(0, 0), (width, 0), (width, height), (0, height)]) * scale
    cv2.polylines(canvas, [fixed(frame)], True, INK, 1, cv2.LINE_AA, SHIFT)
    colours = colours_by(size)
    for view, misses, shades in zip(corners, found.residual_px, colours, strict=True):
        for corner, miss, shade in zip(view, misses, shades, strict=True):
            start, end = fixed(np.stack((corner, corner + miss * enlarged)))
            cv2.circle(canvas, tuple(map(int, start)), 2 << SHIFT, DOT, -1, cv2.LINE_AA, SHIFT)
            colour = tuple(map(int, shade))
            cv2.arrowedLine(canvas, tuple(map(int, start)), tuple(map(int, end)), colour, 1, cv2.LINE_AA, SHIFT, 0.25)
    centre = fixed(found.lens.centre_px * scale + origin)
    cv2.drawMarker(canvas, tuple(int(value) >> SHIFT for value in centre), INK, cv2.MARKER_CROSS, 24, 1, cv2.LINE_AA)
    write_head(canvas, found, enlarged)
    return canvas


def write_head(canvas: np.ndarray, found: Calibration, enlarged: float) -> None:
    """Write what is drawn above the frame."""
    lens, sigma = found.lens, found.sigma
    lines = (
        f"{len(found.pictures)} pictures, {found.corners_px[..., 0].size} corners, RMS residual {found.rms_px:.3f} px; "
        f"arrows: found minus model, {enlarged:g} times as long",
        f"fx {lens.fx:.1f} +- {sigma['fx']:.1f}, fy {lens.fy:.1f} +- {sigma['fy']:.1f}, centre (cross) "
        f"{lens.cx:.1f} +- {sigma['cx']:.1f}, {lens.cy:.1f} +- {sigma['cy']:.1f} px",
        "grey: where boards were; nothing is known of the lens where none was",
    )
    for row, line in enumerate(lines):
        place = (MARGIN_PX, 26 + 26 * row)
        cv2.putText(canvas, line, place, cv2.FONT_HERSHEY_SIMPLEX, 0.58, INK, 1, cv2.LINE_AA)


def colours_by(size: np.ndarray) -> np.ndarray:
    """Colours of arrows by their length (P, N), from blue over violet to red; (P, N, 3) BGR."""
    share = np.clip(size / max(float(np.quantile(size, 0.95)), 1e-6), 0, 1)[..., None]
    return (1 - share) * np.array((190, 110, 30)) + share * np.array((40, 40, 215))


def round_number(value: float) -> float:
    """The largest of 1, 2 or 5 times a power of ten that is not above a value."""
    power = 10.0 ** math.floor(math.log10(value))
    return power * max(step for step in (1, 2, 5) if step * power <= value * (1 + 1e-9))


def fixed(points: np.ndarray) -> np.ndarray:
    """Points (N, 2) in px as OpenCV draws them: the middle of the first pixel at 0, in binary fractions."""
    return np.round((np.asarray(points, float) - 0.5) * (1 << SHIFT)).astype(np.int32)
