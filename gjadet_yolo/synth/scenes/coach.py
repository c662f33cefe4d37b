"""Car bodies from the side: windows, doors, livery, roof, an open test frame, and couplers or buffers at the end."""

from __future__ import annotations

import numpy as np

from gjadet_yolo.synth.scenes.builder import SceneBuilder
from gjadet_yolo.synth.world import coat
from gjadet_yolo.synth.world.coat import coated
from gjadet_yolo.synth.world.scene import Part
from gjadet_yolo.synth.world.shape import Area, polygon, rectangle, regular


def coach_parts(builder: SceneBuilder, area: Area) -> list[Part]:
    """A passenger car's side in a rectangle whose right edge is the car's end."""
    x, y, width, height = area
    colour = float(builder.rng.uniform(0.7, 1.3))
    parts = [Part(rectangle(*area), builder.pick("paint", "paint", "paint", "steel"), gain=colour)]
    parts.append(Part(rectangle(x, y, width, 0.07 * height), "steel", "round_y", 0.8))  # edge of the roof
    if builder.chance(0.6):  # livery
        band = height * builder.rng.uniform(0.05, 0.4)
        parts.append(Part(rectangle(x, y + height * builder.rng.uniform(0.1, 0.6), width, band), "paint"))
    return parts + openings(builder, area)


def openings(builder: SceneBuilder, area: Area) -> list[Part]:
    """Windows and doors by turns, from the car's end to the left as far as the view goes."""
    rng, (left, y, width, height) = builder.rng, area
    first = left + width
    pane, gap = height * rng.uniform(0.35, 0.9), height * rng.uniform(0.08, 0.4)
    window = y + height * rng.uniform(0.12, 0.22), height * rng.uniform(0.3, 0.42)
    doors, glass = int(rng.integers(1, 5)), builder.pick("glass", "glass", "dark", "hall")
    parts, x, index = [], first - gap, 0
    while x > -1.2 * builder.half_mm[0] and index < 12:
        if index % doors == doors - 1 and builder.chance(0.7):
            wide = height * rng.uniform(0.32, 0.5)
            parts += door(builder, (x - wide, y + 0.1 * height, wide, 0.88 * height), glass)
        else:
            wide = pane
            parts += pane_parts(builder, (x - wide, window[0], wide, window[1]), glass)
        x, index = x - wide - gap, index + 1
    return parts


def pane_parts(builder: SceneBuilder, area: Area, glass: str) -> list[Part]:
    """A window: rubber, glass with a reflection, at times a bar across."""
    x, y, w, h = area
    rim = 0.05 * min(w, h)
    parts = [
        Part(rounded(area, 0.12), "dark"),
        Part(rounded((x + rim, y + rim, w - 2 * rim, h - 2 * rim), 0.12), glass, gain=1.2),
    ]
    shine = [(x + 0.15 * w, y + rim), (x + 0.4 * w, y + rim), (x + 0.22 * w, y + h - rim), (x + rim, y + h - rim)]
    parts.append(Part(np.array(shine), glass, gain=1.8))
    if builder.chance(0.3):
        parts.append(Part(rectangle(x + rim, y + 0.3 * h, w - 2 * rim, 0.05 * h), "steel"))
    return parts


def door(builder: SceneBuilder, area: Area, glass: str) -> list[Part]:
    """Two leaves with windows, handles beside them and a step."""
    x, y, w, h = area
    parts = [Part(rectangle(*area), "dark")]
    gain = float(builder.rng.uniform(0.7, 1.3))
    for side in (0, 1):
        leaf = x + (0.03 + 0.485 * side) * w, y + 0.02 * h, 0.455 * w, 0.93 * h
        parts.append(Part(rectangle(*leaf), "paint", gain=gain, coat=coat.DOOR))
        parts += pane_parts(builder, (leaf[0] + 0.12 * w, y + 0.1 * h, 0.24 * w, 0.4 * h), glass)
    parts += [
        Part(rectangle(x + side * w, y + 0.45 * h, 0.04 * w, 0.3 * h), "steel", "round_x", 1.4) for side in (-0.1, 1.06)
    ]
    parts.append(
        Part(rectangle(x - 0.05 * w, y + 0.97 * h, 1.1 * w, 0.05 * h), "hazard" if builder.chance(0.3) else "steel")
    )
    return parts


def frame_parts(builder: SceneBuilder, area: Area) -> list[Part]:
    """An open test body: posts, rails and diagonals in profile, with the hall behind them."""
    rng, (x, y, width, height) = builder.rng, area
    material, gain, thick = builder.pick("steel", "steel", "paint", "rust"), rng.uniform(0.7, 1.2), 0.09 * height
    parts = []
    rows = int(rng.integers(2, 5))
    for row in range(rows + 1):
        level = y + row * (height - thick) / rows
        parts.append(Part(rectangle(x, level, width, thick), material, "round_y", gain))
    step, right = height * rng.uniform(0.35, 0.9), x + width
    for index in range(12):
        post = right - thick - index * step
        if post < -1.2 * builder.half_mm[0]:
            break
        parts.append(Part(rectangle(post, y, thick, height), material, "round_x", gain))
        if builder.chance(0.35):
            rod = builder.rod((post, y + height), (post - step, y), 0.6 * thick, material)
            parts.append(Part(rod.outline_mm, material, "round_y", 0.8 * gain))
    return coated(parts, material, coat.CAR)


def wagon_parts(builder: SceneBuilder, area: Area) -> list[Part]:
    """A freight wagon's side: ribs on sheet, a heavy sill, lettering."""
    rng, (x, y, width, height) = builder.rng, area
    material, gain = builder.pick("rust", "paint", "paint"), float(rng.uniform(0.6, 1.2))
    parts = [Part(rectangle(*area), material, gain=0.85 * gain)]
    step, right = height * rng.uniform(0.2, 0.5), x + width
    for index in range(14):
        rib = right - (index + 0.2) * step
        if rib < -1.2 * builder.half_mm[0]:
            break
        parts.append(Part(rectangle(rib, y, 0.16 * step, height), material, "round_x", 1.2 * gain))
    parts.append(Part(rectangle(x, y, width, 0.08 * height), material, "round_y", 1.1 * gain))
    parts.append(Part(rectangle(x, y + 0.86 * height, width, 0.14 * height), material, "round_y", 0.8 * gain))
    return coated(parts, material, coat.CAR)


def end_parts(builder: SceneBuilder, front_x: float, floor_y: float, size: float) -> list[Part]:
    """What a car's end carries at floor height: a buffer with hook and hose, or an automatic coupler."""
    rng, s = builder.rng, size
    y = floor_y - 0.1 * s
    if builder.chance(0.5):
        parts = [Part(rectangle(front_x, y - 0.18 * s, 0.5 * s, 0.36 * s), "steel", "round_y", 0.8)]
        parts.append(Part(rectangle(front_x + 0.4 * s, y - 0.12 * s, 0.3 * s, 0.24 * s), "steel", "round_y", 1.3))
        parts.append(Part(rectangle(front_x + 0.7 * s, y - 0.42 * s, 0.1 * s, 0.84 * s), "dark", "round_y", 1.6))
    else:
        head = [(0.5, -0.2), (0.85, -0.3), (1.0, -0.1), (0.86, 0.02), (1.0, 0.14), (0.9, 0.34), (0.5, 0.22)]
        parts = [Part(rectangle(front_x, y - 0.12 * s, 0.55 * s, 0.24 * s), "rust", "round_y", 0.9)]
        parts.append(Part(polygon(head, (front_x, y), (s, s)), builder.pick("rust", "steel", "dark"), "round_y", 1.2))
        parts.append(Part(regular((front_x + 0.72 * s, y), 0.1 * s, 14), "dark", "dish", 1.5))
    hang = front_x + 0.15 * s
    for _ in range(int(rng.integers(0, 3))):
        parts.append(builder.rod((hang, y), (hang + 0.12 * s, y + 0.7 * s), 0.08 * s, "dark"))
        hang += 0.18 * s
    return parts


def rounded(area: Area, share: float) -> np.ndarray:
    """Rectangle (8, 2) with its corners cut by a share of its shorter side."""
    x, y, w, h = area
    c = share * min(w, h)
    shape = [(c, 0), (w - c, 0), (w, c), (w, h - c), (w - c, h), (c, h), (0, h - c), (0, c)]
    return polygon(shape, (x, y))
