"""Running gear near by: a bogie, a wheelset or single wheels that fill much of the picture, under the edge of a car."""

from __future__ import annotations

import numpy as np

from gjadet_yolo.synth.scenes.bogie import bogie
from gjadet_yolo.synth.scenes.builder import STEADY, SceneBuilder
from gjadet_yolo.synth.scenes.coach import coach_parts, frame_parts, wagon_parts
from gjadet_yolo.synth.scenes.track import add_ground
from gjadet_yolo.synth.scenes.wheel import wheel_parts, wheel_thing
from gjadet_yolo.synth.world import coat
from gjadet_yolo.synth.world.motion import BodyMotion
from gjadet_yolo.synth.world.scene import Body, Part
from gjadet_yolo.synth.world.shape import rectangle
from gjadet_yolo.synth.world.target import Targets


def build(builder: SceneBuilder) -> str:
    """Fill the scene; returns the material of the background."""
    rng, (hx, hy) = builder.rng, builder.half_mm
    moving = builder.braked(0.15 * hx)
    slots = max(count_slots(builder), 1)
    # alone it may be cut off by the picture's edges; several must not stand in each other
    radius = min(hx, hy) * float(np.exp(rng.uniform(-1.9, -0.45)))
    radius = radius if slots == 1 else min(radius, 2 * hx / slots / rng.uniform(4.4, 8.0))
    ground_y = hy * rng.uniform(0.2, 0.95)
    if builder.chance(0.85):
        add_ground(builder, ground_y)
    floor_y = ground_y - radius * rng.uniform(2.1, 2.9)
    has_body = builder.chance(0.75)
    if has_body:
        add_body(builder, moving, floor_y)
    add_running_gear(builder, moving, ground_y, radius, 2 * hx / slots)
    if has_body and builder.chance(0.2):
        add_apron(builder, moving, floor_y, radius, 1.1 * hx)
    if builder.chance(0.25):
        add_fence(builder)
    return builder.pick("hall", "hall", "dark", "concrete", "paint", "facade", "foliage", "brick")


def count_slots(builder: SceneBuilder) -> int:
    """Places along the vehicle that bogies and single wheels need."""
    bogies, wheels = builder.wanted.bogie, builder.wanted.wheel
    return bogies + max(wheels - 2 * bogies, 0)


def add_running_gear(builder: SceneBuilder, motion: BodyMotion, ground_y: float, radius: float, pitch: float) -> None:
    """Bogies with up to two wheels in sight each, and single wheels, as many as are wanted, ``pitch`` apart."""
    rng, hx = builder.rng, builder.half_mm[0]
    bogies, wheels = builder.wanted.bogie, builder.wanted.wheel
    kinds = [True] * bogies + [False] * max(wheels - 2 * bogies, 0)
    if builder.chance(0.5):
        kinds.reverse()
    for index, is_bogie in enumerate(kinds):
        x, y = -hx + (index + rng.uniform(0.4, 0.6)) * pitch, ground_y - radius
        if is_bogie:
            here = min(2, wheels)
            # far enough apart for the wheels not to touch, near enough to leave the next place free
            reach = max(min(radius * rng.uniform(1.2, 2.8), pitch / 2 - radius), 1.08 * radius)
            builder.bodies += bogie(builder, motion, (x, y), reach, radius, here)
            wheels -= here
        elif wheels > 0:
            builder.bodies.append(
                Body(motion, tuple(wheel_parts(builder, (x, y), radius)), things=(wheel_thing((x, y), radius),))
            )
            wheels -= 1


def add_body(builder: SceneBuilder, motion: BodyMotion, floor_y: float) -> None:
    """The lower part of a car above the gear, with a strip along its sill."""
    rng, (hx, hy), side = builder.rng, builder.half_mm, builder.square_mm
    height = max(hy * rng.uniform(0.5, 1.4), floor_y + 0.5 * hy)
    width = 2.5 * hx + hx * (rng.uniform(0.3, 1.1) if builder.chance(0.5) else 2.0)
    side_of = (coach_parts, wagon_parts, frame_parts)[int(rng.integers(3))]
    parts = side_of(builder, (-2.5 * hx, floor_y - height, width, height))
    parts += underfloor(builder, floor_y, width - 2.5 * hx, 0.3 * (hy - floor_y))
    band = builder.columns * side * 1.1
    begin = -hx * rng.uniform(0.2, 1.0)
    targets, paper = Targets(), ()
    if floor_y - band > -hy:
        targets, paper = builder.strip((begin, floor_y - band), min(width - 2.5 * hx, hx) - begin, lying=True)
    builder.bodies.append(Body(motion, (*parts, *paper), targets))


def underfloor(builder: SceneBuilder, floor_y: float, front_x: float, deep: float) -> list[Part]:
    """Boxes, tanks and pipes that hang under a floor: what is between bogies without being one."""
    rng, hx = builder.rng, builder.half_mm[0]
    parts = []
    for _ in range(int(rng.choice((0, 0, 1, 2, 4)))):
        width, tall = deep * rng.uniform(0.5, 2.5), deep * rng.uniform(0.3, 1.0)
        x = builder.between(-hx, min(front_x, hx) - width)
        material, shade = builder.pick("dark", "steel", "paint", "rust"), builder.pick("flat", "flat", "round_y")
        parts.append(Part(rectangle(x, floor_y, width, tall), material, shade, rng.uniform(0.5, 1.1)))
        if builder.chance(0.5):
            grille = rectangle(x + 0.15 * width, floor_y + 0.25 * tall, 0.5 * width, 0.5 * tall)
            parts.append(Part(grille, builder.pick("grating", "corrugated", "dark", "lettering"), gain=0.8))
    if parts and builder.chance(0.5):
        parts.append(Part(rectangle(-1.2 * hx, floor_y + 0.1 * deep, 2.4 * hx, 0.06 * deep), "steel", "round_y", 0.8))
    return parts


def add_apron(builder: SceneBuilder, motion: BodyMotion, floor_y: float, radius: float, front_x: float) -> None:
    """A sheet that hangs from the floor before the gear and hides the upper part of wheels and bogies."""
    hx, deep = builder.half_mm[0], radius * builder.rng.uniform(0.4, 1.4)
    sheet = rectangle(-2.5 * hx, floor_y, 2.5 * hx + front_x, deep)
    seam = rectangle(-2.5 * hx, floor_y + 0.94 * deep, 2.5 * hx + front_x, 0.06 * deep)
    material, gain = builder.pick("paint", "paint", "steel", "dark"), float(builder.rng.uniform(0.6, 1.2))
    parts = (Part(sheet, material, gain=gain, coat=coat.CAR), Part(seam, "dark"))
    builder.bodies.append(Body(motion, parts))


def add_fence(builder: SceneBuilder) -> None:
    """Something before the gear: a post or a low barrier, behind which wheels are half seen."""
    rng, (hx, hy) = builder.rng, builder.half_mm
    x = rng.uniform(-0.9, 0.7) * hx
    if builder.chance(0.5):
        shape = rectangle(x, -1.1 * hy, hx * rng.uniform(0.03, 0.15), 2.2 * hy)
    else:
        shape = rectangle(-1.2 * hx, rng.uniform(0.3, 0.9) * hy, 2.4 * hx, hy * rng.uniform(0.05, 0.2))
    builder.bodies.append(Body(STEADY, (Part(shape, builder.pick("steel", "paint", "hazard", "rust"), "round_x"),)))
