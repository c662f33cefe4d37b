"""Pictures without any target: patterns that resemble strips, crowds of round things, and the clutter of a hall.

Nothing here gets a box: what a detector finds is false.
"""

from __future__ import annotations

import numpy as np

from gjadet_yolo.synth.scenes.builder import STEADY, SceneBuilder
from gjadet_yolo.synth.scenes.clutter import PATTERNS, clutter
from gjadet_yolo.synth.scenes.coach import coach_parts, frame_parts, wagon_parts
from gjadet_yolo.synth.scenes.track import add_ground
from gjadet_yolo.synth.world.scene import Body, Part
from gjadet_yolo.synth.world.shape import rectangle, regular

GROUNDS = (*PATTERNS, "rounds", "rounds", "rounds", "specks", "specks", "foliage", "hall", "concrete", "wood", "paint")


def build(builder: SceneBuilder) -> str:
    """Fill the scene; returns the material of the background."""
    rng, (hx, hy) = builder.rng, builder.half_mm
    kind = int(rng.integers(4))
    if kind == 0:  # one surface all over, with little on it
        add_panels(builder, int(rng.integers(0, 2)))
    elif kind == 1:
        add_panels(builder, int(rng.integers(3, 9)))
    elif kind == 2:  # a car body without gear, before its track
        floor_y = hy * rng.uniform(0.3, 0.8)
        add_ground(builder, floor_y + hy * rng.uniform(0.05, 0.2))
        side_of = (coach_parts, frame_parts, wagon_parts)[int(rng.integers(3))]
        area = -2.5 * hx, -hy * rng.uniform(0.5, 1.2), 3.5 * hx + hx * rng.uniform(-0.8, 0.3), 0.0
        builder.bodies.append(Body(STEADY, tuple(side_of(builder, (*area[:3], floor_y - area[1])))))
    else:
        add_round_things(builder)
    size = 2 * min(hx, hy) * float(np.exp(rng.uniform(-3.5, -1.5)))
    for _ in range(int(rng.integers(0, 5))):
        builder.bodies.append(Body(STEADY, clutter(rng, (-hx, -hy, 2 * hx, 2 * hy), size, int(rng.integers(1, 5)))))
    return builder.pick(*GROUNDS)


def add_panels(builder: SceneBuilder, count: int) -> None:
    """Boards of patterns, each as a rig, a wall or a cloth would have one."""
    rng, (hx, hy) = builder.rng, builder.half_mm
    for _ in range(count):
        w, h = hx * rng.uniform(0.1, 1.2), hy * rng.uniform(0.1, 1.2)
        outline = rectangle(rng.uniform(-hx, hx) - w / 2, rng.uniform(-hy, hy) - h / 2, w, h)
        shade = builder.pick("flat", "flat", "round_x", "round_y")
        builder.bodies.append(
            Body(builder.shaken(), (Part(outline, builder.pick(*GROUNDS), shade, rng.uniform(0.5, 1.4)),))
        )


def add_round_things(builder: SceneBuilder) -> None:
    """Discs, rings, lids, gauges and pipes' ends: round as wheels, but without flange, rim or hub."""
    rng, (hx, hy) = builder.rng, builder.half_mm
    materials = ("paint", "steel", "dark", "rust", "alloy", "concrete", "glass")
    for _ in range(int(rng.integers(1, 10))):
        centre = rng.uniform(-hx, hx), rng.uniform(-hy, hy)
        radius = min(hx, hy) * float(np.exp(rng.uniform(-3.2, -0.7)))
        shade = builder.pick("flat", "flat", "disc", "cone", "dish")
        parts = [Part(regular(centre, radius, 36), builder.pick(*materials), shade, rng.uniform(0.5, 1.4))]
        if builder.chance(0.5):
            inner = radius * rng.uniform(0.3, 0.95)
            parts.append(Part(regular(centre, inner, 30), builder.pick(*materials), gain=rng.uniform(0.5, 1.4)))
        if builder.chance(0.2):
            across = builder.rod(
                (centre[0] - radius, centre[1]), (centre[0] + radius, centre[1]), 0.15 * radius, "steel"
            )
            parts.append(across)
        builder.bodies.append(Body(builder.shaken(), tuple(parts)))
