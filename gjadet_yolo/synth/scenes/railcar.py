"""Railway vehicle from the side: car body or nose on bogies, rail, poles, a heap of ballast or a rigid wall.

Users know this scene as ``train``; the file is not called so because that word means training everywhere else.
"""

from __future__ import annotations

import numpy as np

from gjadet_yolo.synth.scenes.builder import STEADY, SceneBuilder
from gjadet_yolo.synth.scenes.closeup import discs
from gjadet_yolo.synth.scenes.clutter import clutter
from gjadet_yolo.synth.scenes.coach import coach_parts, end_parts, frame_parts, wagon_parts
from gjadet_yolo.synth.scenes.gear import add_apron, add_running_gear, count_slots, underfloor
from gjadet_yolo.synth.scenes.rig import add_between
from gjadet_yolo.synth.scenes.track import add_ground
from gjadet_yolo.synth.scenes.wall import wall
from gjadet_yolo.synth.world.motion import BodyMotion
from gjadet_yolo.synth.world.scene import Body, Part
from gjadet_yolo.synth.world.shape import rectangle
from gjadet_yolo.synth.world.target import Targets


def build(builder: SceneBuilder) -> str:
    """Fill the scene; returns the material of the background."""
    rng, (hx, hy) = builder.rng, builder.half_mm
    ground_y = hy * rng.uniform(0.55, 1.0)
    front_x = hx * (rng.uniform(0.1, 0.6) if builder.wanted.rw or builder.chance(0.5) else rng.uniform(0.5, 1.6))
    gap = hx * rng.uniform(0.12, 0.3)  # to the wall, where there is one
    moving = builder.braked(0.75 * gap)
    if builder.chance(0.4):
        add_poles(builder, ground_y)
    if builder.wanted.rw:
        builder.bodies.append(wall(builder, front_x + gap, 2 * hx, -hy * rng.uniform(0.4, 1.1), ground_y + 1.1 * hy))
        if builder.wanted.absorber:
            add_between(builder, STEADY, moving, front_x + gap, gap)
    add_ground(builder, ground_y)
    slots = count_slots(builder)
    pitch = (hx + min(front_x, 0.9 * hx)) / max(slots, 1)
    # wheels are larger than squares, fit into the picture, and two of them into a bogie
    radius = min(builder.square_mm * np.exp(rng.uniform(0.9, 2.2)), 0.28 * min(hx, hy))
    radius = min(radius, pitch / rng.uniform(4.4, 8.0))
    if not slots:  # no wheel is drawn, and the floor still needs a height
        radius = 0.1 * hy
    floor_y = ground_y - radius * rng.uniform(2.3, 3.2)
    if builder.chance(0.35) and not builder.wanted.rw:
        add_nose(builder, moving, floor_y, front_x)
    else:
        add_car(builder, moving, floor_y, front_x)
    add_running_gear(builder, moving, ground_y, radius, pitch)
    if builder.chance(0.15):
        add_apron(builder, moving, floor_y, radius, front_x)
    if builder.chance(0.3) and not builder.wanted.rw:
        add_heap(builder, ground_y)
    return builder.pick("hall", "hall", "dark", "dark", "concrete", "paint")


def add_poles(builder: SceneBuilder, ground_y: float) -> None:
    """Fixed reference poles with upright strips; dark poles before a dark background are the rule."""
    rng, (hx, hy), side = builder.rng, builder.half_mm, builder.square_mm
    for _ in range(int(rng.integers(1, 4))):
        x, width = rng.uniform(-hx, hx), side * builder.columns
        top = rng.uniform(-hy, 0.2 * hy)
        length = ground_y - top
        if length < 2 * side or not builder.is_free((x - side, top, width + 2 * side, length)):
            continue
        margin = side * rng.uniform(0, 0.5)
        board = rectangle(x - margin, top - margin, width + 2 * margin, length + margin)
        targets, paper = builder.strip((x, top), length, share=0.4)
        parts = (Part(board, builder.pick("dark", "dark", "paint")), *paper) if builder.chance(0.7) else paper
        if targets.patches_mm:
            builder.bodies.append(Body(STEADY, parts, targets))


def add_car(builder: SceneBuilder, motion: BodyMotion, floor_y: float, front_x: float) -> None:
    """Car body or open frame, with strips along the sill, upright ones at the end, and windows."""
    rng, (hx, hy), side = builder.rng, builder.half_mm, builder.square_mm
    top = -hy * rng.uniform(0.5, 1.3)
    area = (-2.5 * hx, top, 2.5 * hx + front_x, floor_y - top)
    side_of = (coach_parts, coach_parts, frame_parts, wagon_parts)[int(rng.integers(4))]
    parts = side_of(builder, area)
    if builder.chance(0.5):
        parts += end_parts(builder, front_x, floor_y, 0.3 * hy)
    parts += underfloor(builder, floor_y, front_x, (hy - floor_y) * 0.3)
    band = builder.columns * side * 1.1
    if builder.chance(0.4):  # solebar: a dark or light beam under the windows
        sill = rectangle(-2.5 * hx, floor_y - band, 2.5 * hx + front_x, band)
        parts.append(Part(sill, builder.pick("dark", "paint", "steel")))
    targets = Targets()
    if builder.chance(0.8):
        begin = -hx * rng.uniform(0.3, 1.05)
        more, paper = builder.strip((begin, floor_y - band), front_x - begin - 1.5 * band, lying=True, share=0.7)
        targets, parts = targets + more, parts + list(paper)
    if builder.short() and front_x < hx:
        upright_y = top + rng.uniform(0, 0.3) * (floor_y - top)
        more, paper = builder.strip((front_x - builder.columns * side, upright_y), floor_y - upright_y - 1.3 * band)
        targets, parts = targets + more, parts + list(paper)
    for _ in range(2):
        if builder.short() > 6 and builder.chance(0.5):
            x, y = builder.between(-hx, front_x - 4 * side), builder.between(top, floor_y - 3 * band)
            lying = builder.chance(0.5)
            length = rng.uniform(5, 20) * side
            size = (length, builder.columns * side) if lying else (builder.columns * side, length)
            if builder.is_free((x, y, *size)) and x + size[0] < front_x and y + size[1] < floor_y:
                more, paper = builder.strip((x, y), length, lying)
                targets, parts = targets + more, parts + list(paper)
    if builder.chance(0.15):
        targets += discs(builder, (-hx, top, hx + min(front_x, hx), floor_y - top))
    parts += clutter(rng, (-hx, top, max(hx + min(front_x, hx), side), floor_y - top), side, int(rng.integers(0, 5)))
    builder.bodies.append(Body(motion, tuple(parts), targets, grime=0.08 if builder.chance(0.25) else 0.0))


def add_nose(builder: SceneBuilder, motion: BodyMotion, floor_y: float, front_x: float) -> None:
    """Streamlined nose with strips that follow its curve."""
    rng, (hx, hy), side = builder.rng, builder.half_mm, builder.square_mm
    length, height = hx * rng.uniform(0.6, 1.6), hy * rng.uniform(0.5, 1.3)
    angle = np.linspace(0, np.pi / 2, 16)
    power = rng.uniform(0.7, 1.3)
    curve = np.stack((front_x - length * (1 - np.cos(angle) ** power), floor_y - height * np.sin(angle) ** power), -1)
    back = np.array([(-2.5 * hx, floor_y - height), (-2.5 * hx, floor_y)])
    outline = np.concatenate(([(front_x, floor_y)], curve, back))
    parts = [Part(outline, builder.pick("paint", "paint", "steel"), gain=1.2)]
    targets = Targets()
    for band in range(2):
        columns, radius = int(rng.integers(2, 5)), length * rng.uniform(0.7, 2.5)
        y = floor_y - height * (0.05 + 0.4 * band) - columns * side
        sense = 1.0 if builder.chance(0.8) else -1.0
        # no tighter than 0.4 radii across, or the inner squares would be slivers
        bend = sense * min(1 / radius, 0.4 / (columns * side))
        begin = (max(front_x - length * rng.uniform(0.5, 1.1), -hx), y)
        turn = rng.uniform(-0.3, 0.3)
        more, _ = builder.strip(
            begin, length * 0.7, True, columns, bend_per_mm=bend, angle_rad=turn or 0.01, within=outline
        )
        targets += more
    builder.bodies.append(Body(motion, tuple(parts), targets, grime=0.1 if builder.chance(0.2) else 0.0))


def add_heap(builder: SceneBuilder, ground_y: float) -> None:
    """Heap of ballast in front of everything."""
    rng, (hx, hy) = builder.rng, builder.half_mm
    top = ground_y - hy * rng.uniform(0.1, 0.5)
    x = np.linspace(-1.3 * hx, hx * rng.uniform(0, 1.3), 24)
    ridge = top + hy * 0.02 * np.cumsum(rng.standard_normal(24)) * 0.3
    slope = np.clip((x[-1] - x) / (0.3 * hx), 0, 1)
    outline = np.stack((x, ground_y - (ground_y - ridge) * slope), -1)
    outline = np.concatenate((outline, [(x[-1], ground_y), (x[0], ground_y)]))
    builder.bodies.append(Body(STEADY, (Part(outline, "rock", gain=float(np.exp(rng.uniform(-0.3, 1.2)))),)))
