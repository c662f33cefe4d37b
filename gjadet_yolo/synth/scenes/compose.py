"""From an empty hall to a whole scene: a camera, things far behind, one kind of scene, things in front."""

from __future__ import annotations

import numpy as np

from gjadet_yolo.geometry.camera import Camera
from gjadet_yolo.synth.scenes import closeup, empty, gear, railcar, rig
from gjadet_yolo.synth.scenes.builder import STEADY, SceneBuilder, Wanted
from gjadet_yolo.synth.scenes.clutter import clutter
from gjadet_yolo.synth.world.motion import BodyMotion
from gjadet_yolo.synth.world.scene import Body, Part, Scene
from gjadet_yolo.synth.world.shape import regular

SCENES = {
    "rig": rig.build,
    "train": railcar.build,
    "closeup": closeup.build,
    "gear": gear.build,
    "empty": empty.build,
}
IMPACTS = ("rig", "train", "closeup")
"""Kinds of scene that videos show: those in which something is hit."""
SCENES_WITH = {
    "point": ("rig", "train", "closeup", "gear"),
    "bogie": ("train", "gear"),
    "wheel": ("train", "gear"),
    "absorber": ("rig",),
    "rw": ("rig", "train"),
}
"""Kinds of scene that can hold an object of a class."""


def begin_scene(
    rng: np.random.Generator,
    size: tuple[int, int],
    square_px: float,
    wanted: Wanted,
    square_mm: float | None = None,
    upright: bool = False,
) -> SceneBuilder:
    """An empty scene, seen by a camera that may be tilted.

    Args:
        rng: Source of all randomness.
        size: (W, H) in px.
        square_px: Side of the main squares in the picture.
        wanted: Objects to place.
        square_mm: Side of the main squares on the bodies; default: drawn.
        upright: Turn the scene by a quarter: what moves to the right falls.
    """
    any_mm = float(rng.choice((15.0, 20.0, 25.0, 40.0, 60.0)))  # drawn in any case, so that the rest stays the same
    square_mm = any_mm if square_mm is None else square_mm
    mm_per_px = square_mm / square_px
    roll = rng.normal(0, 0.06) if rng.random() < 0.8 else rng.uniform(-0.8, 0.8)  # most cameras stand level
    pan, tilt = rng.uniform(-0.35, 0.35), rng.uniform(-0.25, 0.25)
    if rng.random() < 0.5:  # half of them look squarely at the plane, as measuring from video asks for
        pan, tilt = pan * 0.1, tilt * 0.1
    k1 = float(rng.uniform(-0.25, 0.1)) if rng.random() < 0.25 else 0.0
    focal_px = 1.7 * max(size)  # 33 degrees wide: no horizon at these angles
    camera = Camera.facing(size, mm_per_px, (0.0, 0.0), roll + upright * np.pi / 2, pan, tilt, focal_px, k1)
    half = size[upright] / 2 * mm_per_px, size[not upright] / 2 * mm_per_px
    return SceneBuilder(rng, camera, half, square_mm, wanted)


def add_backdrop(builder: SceneBuilder) -> None:
    """Things far behind, of any size."""
    rng, (hx, hy) = builder.rng, builder.half_mm
    if builder.chance(0.6):
        size = 2 * min(hx, hy) * float(np.exp(rng.uniform(-3.5, -1.2)))
        for _ in range(int(rng.integers(1, 7))):  # one body each: a layer as large as all of them costs more
            builder.bodies.append(Body(STEADY, clutter(rng, (-hx, -hy, 2 * hx, 2 * hy), size, 1)))


def add_foreground(builder: SceneBuilder) -> None:
    """Cables, rods and flying debris in front of everything."""
    rng, (hx, hy) = builder.rng, builder.half_mm
    if builder.chance(0.2):
        start = rng.uniform(-hx, hx), -1.2 * hy
        end = rng.uniform(-hx, hx), 1.2 * hy
        width = builder.square_mm * rng.uniform(0.1, 0.9)
        builder.bodies.append(Body(STEADY, (builder.rod(start, end, width, builder.pick("dark", "steel", "paint")),)))
    if builder.chance(0.25):
        for _ in range(int(rng.integers(1, 9))):
            place, radius = rng.uniform(-1, 1, 2) * (hx, hy), builder.square_mm * np.exp(rng.uniform(-2, 0.6))
            outline = regular(place, radius, int(rng.integers(3, 7)), rng.uniform(0, 2))
            piece = Part(outline, builder.pick("dark", "rust", "paint"), gain=rng.uniform(0.5, 1.5))
            motion = BodyMotion((0.0, 0.0), tuple(builder.speed_mps * rng.uniform(-2, 2, 2)))
            builder.bodies.append(Body(motion, (piece,)))


def compose(builder: SceneBuilder, kind: str) -> Scene:
    """Fill an empty scene from back to front.

    Args:
        builder: From :func:`begin_scene`; afterwards it knows the impact and how long the scene may run.
        kind: Key of ``SCENES``.
    """
    add_backdrop(builder)
    background = SCENES[kind](builder)
    add_foreground(builder)
    return Scene(builder.camera, tuple(builder.bodies), background, int(builder.rng.integers(2**31)))
