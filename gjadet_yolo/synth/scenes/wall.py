"""Rigid walls: slotted plates, concrete, ribbed steel, load cells, with or without a facing on the side of impact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gjadet_yolo.synth.scenes.builder import STEADY, SceneBuilder
from gjadet_yolo.synth.world import coat
from gjadet_yolo.synth.world.coat import coated
from gjadet_yolo.synth.world.scene import Body, Part, Thing
from gjadet_yolo.synth.world.shape import Area, rectangle, regular

WALL = 4  # index into NAMES
MOST_CELLS = 6  # along an axis: more than this cost time and look like one surface


def wall(builder: SceneBuilder, x: float, width: float, y: float, height: float) -> Body:
    """A massive block that fills a rectangle; the face that is hit is its left edge."""
    area = x, y, width, height
    build = KINDS[int(builder.rng.integers(len(KINDS)))]
    parts = build(builder, area, min(width, builder.half_mm[0]))
    if builder.chance(0.45):
        parts += facing(builder, area)
    return Body(STEADY, tuple(parts), things=(Thing(WALL, rectangle(*area)),))


def slotted(builder: SceneBuilder, area: Area, seen: float) -> list[Part]:
    """Stacked plates with T-slots between them and bolts in the slots, as of a mounting wall."""
    (x, y, width, height), rng = area, builder.rng
    material, gain = builder.pick("rust", "rust", "steel", "paint"), float(rng.uniform(0.6, 1.2))
    parts = [Part(rectangle(*area), material, gain=gain)]
    count = int(rng.integers(4, 9))
    step = height / count
    for row in range(count):
        top = y + row * step
        parts.append(Part(rectangle(x, top, width, 0.05 * step), material, gain=1.5 * gain))
        parts.append(Part(rectangle(x, top + 0.93 * step, width, 0.07 * step), "dark"))
        if builder.chance(0.5):
            place = x + seen * rng.uniform(0.05, 0.9), top + 0.96 * step
            parts += bolt(place, 0.1 * step)
    seam = x + seen * rng.uniform(0.3, 0.7)
    parts.append(Part(rectangle(seam, y, 0.02 * step, height), "dark"))
    return coated(parts, material, coat.WALL)


def concrete(builder: SceneBuilder, area: Area, seen: float) -> list[Part]:
    """Cast block: boards of the formwork, holes of its ties, often a steel edge and warning stripes."""
    (x, y, width, height), rng = area, builder.rng
    parts = [Part(rectangle(*area), "concrete")]
    count = int(rng.integers(2, 6))
    step = height / count
    for row in range(1, count):
        parts.append(Part(rectangle(x, y + row * step, width, 0.015 * step), "concrete", gain=0.5))
    for index in range(count * 2):
        centre = x + seen * (0.25 + 0.5 * (index % 2)), y + (index // 2 + 0.5) * step
        parts.append(Part(regular(centre, 0.035 * step, 12), "dark"))
    if builder.chance(0.5):
        parts.append(Part(rectangle(x, y, 0.06 * seen, height), "steel", "round_x"))
    if builder.chance(0.3):
        parts.append(Part(rectangle(x + 0.1 * seen, y, 0.14 * seen, height), "hazard"))
    return parts


def ribbed(builder: SceneBuilder, area: Area, seen: float) -> list[Part]:
    """Steel weldment: a face plate, ribs and buttresses behind it, bolts along the ribs."""
    (x, y, width, height), rng = area, builder.rng
    material, gain = builder.pick("steel", "rust", "paint", "paint"), float(rng.uniform(0.6, 1.2))
    parts = [Part(rectangle(*area), material, gain=0.6 * gain)]
    step = height / int(rng.integers(4, 8))
    for row in np.arange(y + step / 2, y + height, step):
        parts.append(Part(rectangle(x, row - 0.09 * step, width, 0.18 * step), material, "round_y", gain))
        gusset = [(x, row + 0.09 * step), (x + 0.5 * seen, row + 0.09 * step), (x, row + 0.6 * step)]
        parts.append(Part(np.array(gusset), material, gain=0.85 * gain))
        for share in (0.12, 0.3, 0.48):
            parts += bolt((x + share * seen, row), 0.06 * step)
    parts.append(Part(rectangle(x, y, 0.08 * seen, height), material, "round_x", 1.3 * gain))
    return coated(parts, material, coat.WALL)


def load_cells(builder: SceneBuilder, area: Area, seen: float) -> list[Part]:
    """Square faces of load cells in rows, four bolts each, numbered; the block carries them."""
    (x, y, _, height), rng = area, builder.rng
    material, gain = builder.pick("alloy", "steel", "paint"), float(rng.uniform(0.7, 1.2))
    parts = [Part(rectangle(*area), builder.pick("concrete", "rust"), gain=0.7)]
    rows = int(rng.integers(3, MOST_CELLS + 1))
    step = height / rows
    columns = int(np.clip(seen / step, 1, MOST_CELLS))
    for index in range(rows * columns):
        left, top = x + (index // rows + 0.04) * step, y + (index % rows + 0.04) * step
        parts.append(Part(rectangle(left, top, 0.92 * step, 0.92 * step), material, gain=gain))
        parts.append(Part(rectangle(left, top, 0.92 * step, 0.03 * step), material, gain=1.6 * gain))
        for side in ((0.12, 0.12), (0.8, 0.12), (0.12, 0.8), (0.8, 0.8)):
            parts.append(Part(regular((left + side[0] * step, top + side[1] * step), 0.05 * step, 6), "dark"))
        if builder.chance(0.2):
            label = rectangle(left + 0.3 * step, top + 0.38 * step, 0.34 * step, 0.2 * step)
            parts.append(Part(label, material, gain=gain, text=f"{chr(65 + index % rows)}{index // rows + 1}"))
    return coated(parts, material, coat.WALL)


def facing(builder: SceneBuilder, area: Area) -> list[Part]:
    """Sheet of wood, steel or honeycomb screwed before the wall."""
    (x, y, _, height), rng = area, builder.rng
    thick = 2 * builder.half_mm[0] * rng.uniform(0.015, 0.06)
    material = builder.pick("wood", "wood", "steel", "honeycomb", "hazard")
    parts = [Part(rectangle(x, y, thick, height), material, gain=float(rng.uniform(0.8, 1.3)))]
    parts.append(Part(rectangle(x + 0.9 * thick, y, 0.2 * thick, height), "dark"))
    for share in (0.15, 0.4, 0.65, 0.9):
        parts += bolt((x + thick / 2, y + share * height), 0.2 * thick)
    return parts


def bolt(centre: tuple[float, float], radius: float) -> list[Part]:
    """Hexagonal head on a washer."""
    return [
        Part(regular(centre, 1.4 * radius, 16), "steel", "cone", 0.8),
        Part(regular(centre, radius, 6), "steel", "disc", 1.2),
    ]


KINDS: tuple[Callable[[SceneBuilder, Area, float], list[Part]], ...] = (slotted, concrete, ribbed, load_cells)
