"""Crash absorbers from the side, along x from 0 to minus their length, y centred: tubes, folds, honeycomb, crushed."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from gjadet_yolo.synth.scenes.builder import SceneBuilder
from gjadet_yolo.synth.world import coat
from gjadet_yolo.synth.world.coat import coated
from gjadet_yolo.synth.world.scene import Part
from gjadet_yolo.synth.world.shape import polygon, rectangle, regular

ABSORBER = 3  # index into NAMES


def absorber(builder: SceneBuilder, length: float, height: float) -> tuple[list[Part], list[Part], np.ndarray]:
    """Guide rails behind an absorber, its own parts, and their outline (K, 2), which is what gets the box."""
    build = KINDS[int(builder.rng.choice(len(KINDS), p=SHARES))]
    material = builder.pick("paint", "paint", "steel", "steel", "alloy", "rust")
    parts = build(builder, length, height, material, float(builder.rng.uniform(0.6, 1.2)))
    parts = coated(parts, material, coat.ABSORBER)
    if builder.chance(0.55):
        parts += flanges(builder, length, height)
    corners = np.concatenate([part.outline_mm for part in parts]).astype(np.float32)
    outline = cv2.convexHull(corners)[:, 0].astype(float)
    rails = guide_rails(builder, length, height) if builder.chance(0.3) else []
    return rails, parts, outline


def folded(builder: SceneBuilder, length: float, height: float, material: str, gain: float) -> list[Part]:
    """Even folds: crests that catch the light and valleys in shadow."""
    count = int(builder.rng.integers(5, 14))
    step, bulge = length / count, builder.rng.uniform(0.05, 0.14) * height
    return [part for fold in range(count) for part in crest(-fold * step, step, height, bulge, material, gain)]


def crest(x: float, step: float, height: float, bulge: float, material: str, gain: float) -> list[Part]:
    """One fold from x to the left: a dark valley and a round crest that stands out by a bulge."""
    half, out = height / 2, height / 2 + bulge
    valley = rectangle(x - step, -half, step, height)
    shape = [(-0.08, -half), (-0.3, -out), (-0.7, -out), (-0.92, -half), (-0.92, half), (-0.7, out), (-0.3, out)]
    shape.append((-0.08, half))
    return [
        Part(valley, material, "round_y", 0.35 * gain),
        Part(polygon(shape, (x, 0), (step, 1)), material, "round_x", 1.15 * gain),
    ]


def crushed(builder: SceneBuilder, length: float, height: float, material: str, gain: float) -> list[Part]:
    """A tube whose pushed half has folded: tight folds of any height, the rest still straight."""
    rng, whole = builder.rng, length * builder.rng.uniform(0.2, 0.65)
    parts, x = [Part(rectangle(-whole, -height / 2, whole, height), material, "round_y", gain)], -whole
    while x > -0.985 * length:
        step = min(length * rng.uniform(0.03, 0.09), length + x)
        tall, shift = height * rng.uniform(0.95, 1.3), height * rng.uniform(-0.05, 0.05)
        tear = [(-step, -0.45 * tall), (-0.5 * step, -0.52 * tall), (0.2 * step, -0.46 * tall)]
        tear += [(0.1 * step, 0.47 * tall), (-0.5 * step, 0.52 * tall), (-step, 0.44 * tall)]
        parts.append(Part(polygon(tear, (x, shift)), material, "round_x", gain * rng.uniform(0.5, 1.3)))
        x -= step
    return parts


def tapered(builder: SceneBuilder, length: float, height: float, material: str, gain: float) -> list[Part]:
    """A tapered box with beads that make it fold, and a seam."""
    rng, narrow = builder.rng, height * builder.rng.uniform(0.5, 0.95)
    outline = np.array([(-length, -narrow / 2), (0, -height / 2), (0, height / 2), (-length, narrow / 2)])
    parts = [Part(outline, material, builder.pick("round_y", "flat"), gain)]
    for share in np.arange(1, int(rng.integers(3, 8))) / 8:
        tall = narrow * share + height * (1 - share)
        parts.append(Part(rectangle(-share * length, -tall / 2, 0.03 * length, tall), material, "round_x", 0.5 * gain))
        parts.append(
            Part(
                rectangle(-share * length - 0.012 * length, -tall / 2, 0.012 * length, tall), material, gain=1.5 * gain
            )
        )
    return parts


def perforated(builder: SceneBuilder, length: float, height: float, material: str, gain: float) -> list[Part]:
    """A box with rows of holes."""
    parts = [Part(rectangle(-length, -height / 2, length, height), material, builder.pick("flat", "round_y"), gain)]
    columns, rows = int(builder.rng.integers(3, 8)), int(builder.rng.integers(1, 4))
    radius = 0.3 * min(length / columns, height / rows) * builder.rng.uniform(0.6, 1)
    for index in range(columns * rows):
        column, row = index // rows, index % rows
        centre = -length * (column + 0.5) / columns, height * ((row + 0.5) / rows - 0.5)
        parts.append(Part(regular(centre, 1.15 * radius, 16), material, "cone", 1.3 * gain))
        parts.append(Part(regular(centre, radius, 16), "dark"))
    return parts


def honeycomb(builder: SceneBuilder, length: float, height: float, material: str, gain: float) -> list[Part]:
    """Blocks of aluminium honeycomb between thin plates."""
    count = int(builder.rng.integers(1, 5))
    step, parts = length / count, []
    for block in range(count):
        kind = builder.pick("honeycomb", "honeycomb", "corrugated")
        parts.append(Part(rectangle(-(block + 1) * step, -height / 2, step, height), kind, gain=1.1 * gain))
        parts.append(
            Part(rectangle(-(block + 1) * step, -0.53 * height, 0.04 * step, 1.06 * height), "steel", gain=gain)
        )
    return parts


def bundle(builder: SceneBuilder, length: float, height: float, material: str, gain: float) -> list[Part]:
    """Tubes one above the other, held by plates."""
    count = int(builder.rng.integers(2, 5))
    step, parts = height / count, []
    for row in range(count):
        top = -height / 2 + row * step
        parts.append(Part(rectangle(-length, top, length, step), "dark"))
        parts.append(Part(rectangle(-length, top + 0.1 * step, length, 0.8 * step), material, "round_y", gain))
    for share in builder.rng.uniform(0.2, 0.9, int(builder.rng.integers(0, 3))):
        parts.append(Part(rectangle(-share * length, -0.54 * height, 0.04 * length, 1.08 * height), "steel"))
    return parts


def telescope(builder: SceneBuilder, length: float, height: float, material: str, gain: float) -> list[Part]:
    """Tubes that slide into each other, each with a collar."""
    count, parts = int(builder.rng.integers(2, 4)), []
    for stage in range(count):
        tall, left = height * (1 - 0.55 * (count - 1 - stage) / count), -length * (count - stage) / count
        parts.append(Part(rectangle(left, -tall / 2, length / count, tall), material, "round_y", gain))
        collar = 0.05 * length
        parts.append(Part(rectangle(left, -0.54 * tall, collar, 1.08 * tall), "steel", "round_y", 1.2 * gain))
    return parts


def flanges(builder: SceneBuilder, length: float, height: float) -> list[Part]:
    """End plates with bolts."""
    thick, tall, parts = 0.05 * length, height * builder.rng.uniform(1.12, 1.4), []
    for x in (-thick, -length):
        parts.append(Part(rectangle(x, -tall / 2, thick, tall), "steel", "flat", builder.rng.uniform(0.6, 1.2)))
        inner = x - 0.6 * thick if x > -length / 2 else x + thick
        for y in (-0.44 * tall, 0.44 * tall - 0.06 * tall):
            parts.append(Part(rectangle(inner, y, 0.6 * thick, 0.06 * tall), "steel", "round_y", 1.3))
    return parts


def guide_rails(builder: SceneBuilder, length: float, height: float) -> list[Part]:
    """Round bars above and below that keep the impactor on its way."""
    away, thick = height * builder.rng.uniform(0.62, 0.9), height * builder.rng.uniform(0.05, 0.1)
    return [
        Part(rectangle(-length, sign * away - thick / 2, length, thick), "steel", "round_y", 1.2) for sign in (-1, 1)
    ]


KINDS: tuple[Callable[[SceneBuilder, float, float, str, float], list[Part]], ...] = (
    folded,
    crushed,
    tapered,
    perforated,
    honeycomb,
    bundle,
    telescope,
)
SHARES = (0.22, 0.18, 0.14, 0.1, 0.16, 0.1, 0.1)
