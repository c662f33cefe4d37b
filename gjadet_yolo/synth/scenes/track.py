"""Track from the side: ballast or a slab, sleepers' ends, a rail with head, web, foot and clips, at times a strip."""

from __future__ import annotations

import numpy as np

from gjadet_yolo.synth.scenes.builder import STEADY, SceneBuilder
from gjadet_yolo.synth.world import coat
from gjadet_yolo.synth.world.scene import Body, Part
from gjadet_yolo.synth.world.shape import rectangle
from gjadet_yolo.synth.world.target import Targets


def add_ground(builder: SceneBuilder, ground_y: float) -> None:
    """The ground under a vehicle whose wheels stand at ``ground_y``."""
    rng, (hx, hy), side = builder.rng, builder.half_mm, builder.square_mm
    ballast = builder.chance(0.5)
    rail = rng.uniform(0.05, 0.11) * hy
    bed = builder.pick("rock", "rock", "concrete") if ballast else builder.pick("concrete", "paint", "dark", "tiles")
    parts = [Part(rectangle(-2 * hx, ground_y + 0.7 * rail, 4 * hx, 2 * hy), bed)]
    if ballast:
        parts += sleepers(builder, ground_y + rail, 0.9 * rail)
    parts += rail_parts(builder, ground_y, rail)
    targets, y = Targets(), ground_y + 1.1 * rail
    if builder.chance(0.4):
        begin = -hx * rng.uniform(0.2, 1.1)
        room = hy * 1.02 - y
        columns = 2 if room > side and builder.chance(0.8) else 1
        level = y + rng.uniform(0, 0.3) * max(room - 2 * side, 0)
        targets, paper = builder.strip((begin, level), hx - begin, True, columns, share=0.5)
        parts += paper
    builder.bodies.append(Body(STEADY, tuple(parts), targets))


def rail_parts(builder: SceneBuilder, y: float, height: float) -> list[Part]:
    """A rail with its running surface at y."""
    hx, h = builder.half_mm[0], height
    material, gain = builder.pick("steel", "rust", "rust"), float(builder.rng.uniform(0.6, 1.1))
    return [
        Part(rectangle(-2 * hx, y + 0.3 * h, 4 * hx, 0.55 * h), material, gain=0.45 * gain),
        Part(rectangle(-2 * hx, y + 0.8 * h, 4 * hx, 0.2 * h), material, "round_y", 0.9 * gain),
        Part(rectangle(-2 * hx, y + 0.08 * h, 4 * hx, 0.26 * h), material, "round_y", gain),
        Part(rectangle(-2 * hx, y, 4 * hx, 0.1 * h), "steel", gain=1.4),  # polished by wheels
    ]


def sleepers(builder: SceneBuilder, y: float, height: float) -> list[Part]:
    """Ends of sleepers under the rail's foot, with the clips that hold it."""
    hx, material = builder.half_mm[0], builder.pick("concrete", "wood", "wood")
    step = height * builder.rng.uniform(3.2, 5.0)
    first = -1.1 * hx + builder.rng.uniform(0, step)
    parts = []
    for x in np.arange(first, 1.1 * hx, step):
        parts.append(Part(rectangle(x, y, 1.6 * height, height), material, coat=coat.TRACK))
        parts.append(
            Part(rectangle(x + 0.55 * height, y - 0.35 * height, 0.5 * height, 0.4 * height), "rust", "round_x")
        )
    return parts
