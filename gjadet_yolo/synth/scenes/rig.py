"""Absorber rig: an impactor runs into an absorber in front of a fixed plate or wall; strips on both sides."""

from __future__ import annotations

import numpy as np

from gjadet_yolo.synth.scenes.absorber import ABSORBER, absorber
from gjadet_yolo.synth.scenes.builder import STEADY, SceneBuilder
from gjadet_yolo.synth.scenes.closeup import discs
from gjadet_yolo.synth.scenes.wall import wall
from gjadet_yolo.synth.world.motion import BodyMotion
from gjadet_yolo.synth.world.scene import Body, Crush, Part, Thing
from gjadet_yolo.synth.world.shape import Area, rectangle, regular
from gjadet_yolo.synth.world.target import Targets


def build(builder: SceneBuilder) -> str:
    """Fill the scene; returns the material of the background."""
    rng, (hx, hy) = builder.rng, builder.half_mm
    wall_x = hx * rng.uniform(0.35, 0.85)
    plate_w, gap = hx * rng.uniform(0.12, 0.4), hx * rng.uniform(0.25, 0.7)
    fixed, moving = STEADY, builder.braked(0.75 * gap)
    add_wall(builder, wall_x)
    add_plate(builder, fixed, (wall_x - plate_w, -hy * rng.uniform(0.6, 1.3), plate_w, hy * rng.uniform(1.3, 2.5)), 0.0)
    add_between(builder, fixed, moving, wall_x - plate_w, gap)
    top, face_x = -hy * rng.uniform(0.5, 1.2), wall_x - plate_w - gap
    # so long that its rear end stays out of view all the way
    block = (-2.5 * hx, top, 2.5 * hx + face_x, min(hy * rng.uniform(1.2, 2.3), 2.5 * hy))
    add_plate(builder, moving, block, 1.0)
    return builder.pick("dark", "dark", "hall", "hall", "rust", "concrete", "paint")


def add_wall(builder: SceneBuilder, wall_x: float) -> None:
    """The rigid wall where one is wanted; else beams of a frame."""
    rng, (hx, hy) = builder.rng, builder.half_mm
    if not builder.wanted.rw:
        for _ in range(int(rng.integers(0, 3))):
            x = wall_x + hx * rng.uniform(-0.1, 0.4)
            builder.bodies.append(Body(STEADY, builder.panel((x, -1.2 * hy, hx * rng.uniform(0.08, 0.4), 2.4 * hy))))
        return
    builder.bodies.append(wall(builder, wall_x, 2 * hx, -1.2 * hy * rng.uniform(0.6, 1), 2.4 * hy))


def add_plate(builder: SceneBuilder, motion: BodyMotion, place: Area, right: float) -> None:
    """A block with upright strips near its free edge (right = 1) or anywhere (right = 0), sometimes one that lies."""
    rng, (hx, hy), side = builder.rng, builder.half_mm, builder.square_mm
    x, y, w, h = place
    parts = list(builder.panel(place, "paint", "paint", "steel", "steel", "rust", "dark"))
    width, targets = builder.columns * side, Targets()
    top, bottom = max(y, -hy * 1.05), min(y + h, hy * 1.05)
    inset = rng.uniform(0, 0.25) * min(w, 2 * hx)
    left = x + w - width - inset if right else x + rng.uniform(0, 1) * max(w - width, 0)
    start = top + rng.uniform(0, 0.25) * (bottom - top)
    more, paper = builder.strip((left, start), bottom - start, share=rng.uniform(0.35, 1))
    targets += more
    parts += paper
    if builder.short() > 10 and builder.chance(0.4):
        level = builder.between(top, bottom - width)
        end = left - 0.5 * side
        begin = max(x, -hx * 1.05)
        if end - begin > 4 * side and builder.is_free((begin, level, end - begin, width)):
            more, paper = builder.strip((begin, level), end - begin, lying=True)
            targets += more
            parts += paper
    if builder.chance(0.15):
        targets += discs(builder, (max(x, -hx), top, min(w, hx), bottom - top))
    if builder.chance(0.25):  # eye bolt
        centre, ring = (left + rng.uniform(-1, 3) * side, y - 0.8 * side), side * rng.uniform(0.7, 1.8)
        ring_parts = [Part(regular(centre, ring), "steel", "disc"), Part(regular(centre, ring * 0.55), "dark")]
        parts = [*ring_parts, *parts]  # behind the block: only the eye looks out over its edge
    grime = float(rng.uniform(0.02, 0.2)) if builder.chance(0.3) else 0.0
    builder.bodies.append(Body(motion, tuple(parts), targets, grime=grime))


def add_between(builder: SceneBuilder, fixed: BodyMotion, moving: BodyMotion, x: float, gap: float) -> None:
    """Absorbers where they are wanted; else plates and cylinders of a buffer."""
    rng, hy = builder.rng, builder.half_mm[1]
    count = builder.wanted.absorber
    for index in range(max(count, 1)):
        centre_y = hy * (rng.uniform(-0.3, 0.3) if count < 2 else 1.1 * ((index + 0.5) / count - 0.5) * 1.6)
        height = hy * rng.uniform(0.25, 0.7) / max(count, 1) ** 0.5
        contact_s = builder.impact.time_s if builder.impact else 0.0
        motion = Crush(fixed, moving, (x, centre_y), (x - gap, centre_y), contact_s)
        rails, parts, outline = absorber(builder, gap, height) if count else ((), *buffer(builder, gap, height))
        things = (Thing(ABSORBER, outline),) if count else ()
        targets, more = Targets(), ()
        # a strip that is squeezed with the tube; a buffer has no face for one
        if count and builder.chance(0.3) and height > builder.columns * builder.square_mm:
            corner = (-gap * 0.95, -builder.columns * builder.square_mm / 2)
            taken = len(builder.taken)
            targets, more = builder.strip(corner, gap * 0.9, lying=True)
            del builder.taken[taken:]  # it is in coordinates of the tube, not of the scene
        builder.bodies.append(Body(motion, (*rails, *parts, *more), targets, things))


def buffer(builder: SceneBuilder, length: float, height: float) -> tuple[tuple[Part, ...], np.ndarray]:
    """Plates, discs and a piston between the two sides: no object of any class."""
    rng, parts, x = builder.rng, [], 0.0
    while x < length * 0.98:
        step = length * rng.uniform(0.06, 0.4)
        tall = height * rng.uniform(0.5, 2.6)
        place = rectangle(-min(x + step, length), -tall / 2, min(step, length - x), tall)
        material, shade = builder.pick("steel", "steel", "dark"), builder.pick("round_x", "round_y")
        parts.append(Part(place, material, shade, rng.uniform(0.4, 1.5)))
        x += step
    return tuple(parts), rectangle(-length, -height / 2, length, height)
