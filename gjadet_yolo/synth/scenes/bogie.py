"""Bogies from the side: frame, axle boxes, springs, dampers, bolster and brakes on two wheels.

Wheels and frame are bodies of their own, so that what the frame hides of a wheel is missing from its box. Three builds:
a coach's swan-necked frame on air springs, a freight frame on pairs of coil springs, a cast side frame with windows.
"""

from __future__ import annotations

import cv2
import numpy as np

from gjadet_yolo.synth.scenes.builder import SceneBuilder
from gjadet_yolo.synth.scenes.wheel import bolts, wheel_parts, wheel_thing
from gjadet_yolo.synth.world import coat
from gjadet_yolo.synth.world.coat import coated
from gjadet_yolo.synth.world.scene import Body, Motion, Part, Thing
from gjadet_yolo.synth.world.shape import Point, polygon, rectangle, regular
from gjadet_yolo.synth.world.target import Targets

BOGIE = 1  # index into NAMES


def bogie(builder: SceneBuilder, motion: Motion, centre: Point, reach: float, radius: float, wheels: int) -> list[Body]:
    """Bodies of a bogie, back to front.

    Args:
        builder: The scene.
        motion: Motion of the vehicle.
        centre: Middle between the axles.
        reach: From there to either axle.
        radius: Of the wheels.
        wheels: How many of the two are in sight; a skirt hides the others.
    """
    rng, (x, y) = builder.rng, centre
    axles = (x - reach, x + reach)
    behind: list[Part] = [Part(rectangle(x - reach, y - 0.5 * radius, 2 * reach, 0.7 * radius), "dark", gain=0.7)]
    things = []
    for axle in axles[: max(wheels, 0)]:
        behind += wheel_parts(builder, (axle, y), radius)
        things.append(wheel_thing((axle, y), radius))
    build = (swan_neck, freight, cast)[int(rng.integers(3))]
    material, gain = builder.pick("paint", "paint", "steel", "rust", "dark"), float(rng.uniform(0.6, 1.2))
    front = coated(build(builder, centre, reach, radius, material, gain), material, coat.BOGIE)
    front = coated(front, builder.wheels.plate, coat.WHEEL)  # springs
    shown = axles[: max(wheels, 0)]
    if builder.chance(0.6):
        front += [part for axle in shown for part in shoe(builder, (axle, y), radius, 1 if axle > x else -1)]
    if wheels < 2:
        front += skirt(builder, centre, reach, radius, wheels)
    rims = [regular((axle, y), radius, 24) for axle in shown]
    corners = np.concatenate([part.outline_mm for part in front] + rims)
    hull = cv2.convexHull(corners.astype(np.float32))[:, 0].astype(float)
    targets = label_strip(builder, centre, reach, radius)
    return [
        Body(motion, tuple(behind), things=tuple(things)),
        Body(motion, tuple(front), targets, (Thing(BOGIE, hull),)),
    ]


def label_strip(builder: SceneBuilder, centre: Point, reach: float, radius: float) -> Targets:
    """At times a strip along the frame."""
    if not (builder.chance(0.35) and builder.short() and 0.5 * radius > builder.square_mm):
        return Targets()
    columns = min(builder.columns, 2)
    y = centre[1] - 0.75 * radius - columns * builder.square_mm / 2
    return builder.strip((centre[0] - reach, y), 2 * reach, lying=True, columns=columns)[0]


def swan_neck(
    builder: SceneBuilder, centre: Point, reach: float, radius: float, material: str, gain: float
) -> list[Part]:
    """Frame of a coach: low in the middle under an air spring, high over the axle boxes with a coil spring each."""
    (x, y), r, rng = centre, radius, builder.rng
    top, deep, low = y - 1.02 * r, 0.34 * r, y - rng.uniform(0.42, 0.6) * r
    end, inner = reach + rng.uniform(0.25, 0.6) * r, max(reach - 0.75 * r, 0.3 * reach)
    neck = 0.55 * inner
    half = [(end, top), (end, top + 0.7 * deep), (inner, top + deep), (neck, low + deep)]
    lower = half + [(-px, py) for px, py in half[:0:-1]] + [(-end, top)]
    upper = [(-inner, top), (-neck, low), (neck, low), (inner, top)]
    beam = polygon(lower + upper, (x, 0))
    parts = []
    for sign in (-1, 1):
        axle = x + sign * reach
        parts += coil(builder, (axle, (top + deep + y - 0.2 * r) / 2), 0.36 * r, max(y - 0.2 * r - top - deep, 0.2 * r))
        parts += axle_box(builder, (axle, y), 0.34 * r, material, gain)
        arm = builder.rod((axle, y + 0.05 * r), (x + sign * 0.5 * inner, low + 0.8 * deep), 0.2 * r, material)
        parts.append(Part(arm.outline_mm, material, "round_y", 0.8 * gain))
    parts.append(Part(beam, material, "flat", gain))
    parts.append(Part(edge_of(beam, upper, x, 0.07 * r), material, gain=1.5 * gain))  # light on the upper flange
    parts += air_spring(builder, (x, low), 0.75 * r, low - (y - 1.5 * r))
    if builder.chance(0.8):
        parts += damper(builder, (x + 0.62 * inner, low + 0.5 * deep), (x + 0.75 * inner, y - 1.5 * r), 0.16 * r)
    if builder.chance(0.5):
        level = low + 0.35 * deep
        parts += damper(builder, (x - 0.1 * inner, level), (x - reach - 0.2 * r, level - 0.25 * r), 0.17 * r)
    return parts


def freight(
    builder: SceneBuilder, centre: Point, reach: float, radius: float, material: str, gain: float
) -> list[Part]:
    """Welded frame of a freight car: straight beam, deeper in the middle, a pair of springs beside each axle box."""
    (x, y), r, rng = centre, radius, builder.rng
    top, thick = y - 0.72 * r, rng.uniform(0.24, 0.36) * r
    end, mid = reach + 0.72 * r, 0.55 * reach
    low = top + rng.uniform(1.6, 2.1) * thick
    right = [(end, top), (end, top + thick), (mid, top + thick), (0.55 * mid, low)]
    beam = polygon([*right, *((-px, py) for px, py in right[::-1])], (x, 0))
    parts = []
    for sign in (-1, 1):
        axle = x + sign * reach
        for side in (-1, 1):
            place = (axle + side * 0.43 * r, (top + thick + y + 0.16 * r) / 2)
            parts += coil(builder, place, 0.26 * r, y + 0.16 * r - top - thick)
        parts.append(
            Part(rectangle(axle - 0.62 * r, y + 0.13 * r, 1.24 * r, 0.13 * r), material, "round_y", 0.8 * gain)
        )
        parts += axle_box(builder, (axle, y), 0.32 * r, material, gain)
        parts.append(Part(rectangle(axle - 0.06 * r, y - 0.5 * r, 0.12 * r, 0.3 * r), material, "round_x", 0.7 * gain))
    parts.append(Part(beam, material, gain=gain))
    parts.append(Part(rectangle(x - end, top, 2 * end, 0.06 * r), material, gain=1.5 * gain))
    parts.append(
        Part(rectangle(x - 0.3 * r, top - 0.16 * r, 0.6 * r, 0.18 * r), "steel", "round_x", 0.8)
    )  # side bearer
    parts += [
        Part(regular((x + side * 0.5 * mid, top + 0.6 * thick), 0.13 * r, 16), "dark", "dish") for side in (-1, 1)
    ]
    return parts


def cast(builder: SceneBuilder, centre: Point, reach: float, radius: float, material: str, gain: float) -> list[Part]:
    """Cast side frame of three pieces: a truss with a nest of springs under the bolster in its middle window."""
    (x, y), r, rng = centre, radius, builder.rng
    top, foot = y - rng.uniform(0.75, 0.95) * r, y + rng.uniform(0.35, 0.55) * r
    end, inner, nest = reach + 0.42 * r, reach - 0.4 * r, 0.34 * reach
    half = [(0.62 * end, top), (end, y - 0.42 * r), (end, y - 0.12 * r), (inner, y - 0.05 * r), (nest, foot)]
    frame = polygon([*half, *((-px, py) for px, py in half[::-1])], (x, 0))
    parts: list[Part] = []
    for sign in (-1, 1):
        parts += axle_box(builder, (x + sign * reach, y - 0.02 * r), 0.34 * r, "steel", 0.8 * gain)
    parts.append(Part(frame, material, "round_y", 1.1 * gain))
    for sign in (-1, 1):  # windows of the truss
        window = [(1.35 * nest, y - 0.45 * r), (0.72 * inner, y - 0.45 * r), (0.86 * inner, y - 0.22 * r)]
        window += [(1.35 * nest, y + 0.12 * r)]
        parts.append(Part(np.array([(x + sign * px, py) for px, py in window]), "dark"))
        parts += bolts(4, (x + sign * reach, y - 0.02 * r), 0.16 * r, 0.05 * r, 0.5)
    parts.append(Part(rectangle(x - nest, y - 0.5 * r, 2 * nest, 0.82 * r), "dark"))
    parts.append(Part(rectangle(x - 0.8 * nest, y - 0.5 * r, 1.6 * nest, 0.28 * r), material, "round_y", 1.3 * gain))
    count = 3 if nest > 0.4 * r else 2
    for index in range(count):
        across = x + (index - (count - 1) / 2) * 2 * nest / count
        parts += coil(builder, (across, y + 0.05 * r), 1.5 * nest / count, 0.5 * r)
    return parts


def edge_of(beam: np.ndarray, upper: list[Point], x: float, thick: float) -> np.ndarray:
    """Band along the upper edge of a beam, (K, 2)."""
    line = np.array([beam[0], *[(x + px, py) for px, py in upper[::-1]], (2 * x - beam[0, 0], beam[0, 1])])
    return np.concatenate((line, polygon(line[::-1], (0, thick))))


def axle_box(builder: SceneBuilder, centre: Point, size: float, material: str, gain: float) -> list[Part]:
    """Housing with a round, bolted cover."""
    (x, y), s = centre, size
    shape = [(-s, -0.7 * s), (-0.7 * s, -s), (0.7 * s, -s), (s, -0.7 * s), (s, 0.6 * s), (0.5 * s, 0.95 * s)]
    shape += [(-0.5 * s, 0.95 * s), (-s, 0.6 * s)]
    cover = builder.wheels.cap or 4
    return [
        Part(polygon(shape, (x, y)), material, "round_y", 0.9 * gain),
        Part(regular((x, y), 0.72 * s, 24), "steel", "dish", 0.7 * gain),
        Part(regular((x, y), 0.62 * s, 24), material, "cone", 1.25 * gain),
        *bolts(cover, (x, y), 0.46 * s, 0.11 * s, 0.4),
    ]


def coil(builder: SceneBuilder, centre: Point, width: float, height: float) -> list[Part]:
    """Coil spring: inclined bars of wire before the dark of its inside."""
    (x, y), turns = centre, int(np.clip(height / (0.3 * width), 3, 6))
    step, left = height / turns, x - width / 2
    wire, parts = 0.55 * step, [Part(rectangle(left, y - height / 2, width, height), "dark", gain=0.6)]
    material, gain = builder.wheels.plate, builder.wheels.gain
    for turn in range(turns):
        level = y - height / 2 + (turn + 0.25) * step
        bar = [(left, level), (left + width, level + 0.35 * step)]
        bar += [(left + width, level + 0.35 * step + wire), (left, level + wire)]
        parts.append(Part(np.array(bar), material, "round_y", 1.4 * gain))
    for level in (y - height / 2 - 0.3 * wire, y + height / 2 - 0.7 * wire):
        parts.append(Part(rectangle(left - 0.1 * width, level, 1.2 * width, wire), material, "round_x", gain))
    return parts


def air_spring(builder: SceneBuilder, foot: Point, width: float, height: float) -> list[Part]:
    """Rubber bellows between two plates, on a foot."""
    (x, y), parts = foot, []
    folds = int(builder.rng.integers(1, 4))
    step = 0.8 * height / folds
    for fold in range(folds):
        level = y - 0.1 * height - (fold + 1) * step
        bulge = [(-0.44, 0), (-0.5, 0.25), (-0.5, 0.75), (-0.44, 1), (0.44, 1), (0.5, 0.75), (0.5, 0.25), (0.44, 0)]
        parts.append(Part(polygon(bulge, (x, level), (width, step)), "dark", "round_y", 1.7))
    for level in (y - height, y - 0.1 * height):
        parts.append(Part(rectangle(x - 0.52 * width, level, 1.04 * width, 0.1 * height), "steel", "round_x", 0.9))
    return parts


def damper(builder: SceneBuilder, start: Point, end: Point, thick: float) -> list[Part]:
    """Hydraulic damper: rod, cylinder and an eye at each end."""
    middle = (0.4 * start[0] + 0.6 * end[0], 0.4 * start[1] + 0.6 * end[1])
    colour = builder.pick("paint", "dark", "steel")
    parts = [builder.rod(start, end, 0.45 * thick, "steel"), builder.rod(start, middle, thick, colour)]
    for place in (start, end):
        parts.append(Part(regular(place, 0.75 * thick, 12), colour, "cone"))
        parts.append(Part(regular(place, 0.35 * thick, 8), "dark"))
    return parts


def shoe(builder: SceneBuilder, centre: Point, radius: float, side: int) -> list[Part]:
    """Brake block beside a tread, with its hanger; side 1 is right of the wheel."""
    x, y = centre
    angles = np.linspace(-0.45, 0.35, 7)
    inner = np.stack((side * np.cos(angles), np.sin(angles)), -1)
    block = polygon(np.concatenate((inner * 0.96, inner[::-1] * 1.1)), (x, y), (radius, radius))
    hanger = builder.rod(
        (x + side * 1.05 * radius, y), (x + side * 1.1 * radius, y - 0.9 * radius), 0.08 * radius, "steel"
    )
    return [hanger, Part(block, "rust", "flat", 0.8)]


def skirt(builder: SceneBuilder, centre: Point, reach: float, radius: float, wheels: int) -> list[Part]:
    """Panel before the wheels that are not in sight."""
    (x, y), r = centre, radius
    left, width = (x + reach - 1.1 * r, 2.2 * r) if wheels else (x - reach - 1.2 * r, 2 * reach + 2.4 * r)
    area = left, y - 0.45 * r, width, builder.rng.uniform(1.1, 1.35) * r  # the frame looks out above it
    parts = [Part(rectangle(*area), "paint", gain=float(builder.rng.uniform(0.6, 1.2)))]
    parts.append(Part(rectangle(left, area[1] + 0.55 * area[3], width, 0.05 * r), "dark"))
    parts += [Part(regular((left + share * width, area[1] + 0.2 * r), 0.05 * r, 6), "steel") for share in (0.1, 0.9)]
    return parts
