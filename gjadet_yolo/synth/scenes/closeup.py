"""Component close-up: a few plates with strips in any direction, with what is bolted to them."""

from __future__ import annotations

from gjadet_yolo.synth.scenes.builder import SceneBuilder
from gjadet_yolo.synth.world.scene import Body
from gjadet_yolo.synth.world.shape import Area
from gjadet_yolo.synth.world.target import Targets


def build(builder: SceneBuilder) -> str:
    """Fill the scene; returns the material of the background."""
    rng, (hx, hy) = builder.rng, builder.half_mm
    for _ in range(int(rng.integers(1, 4))):  # plates behind
        w, h = hx * rng.uniform(0.2, 1.6), hy * rng.uniform(0.2, 2.2)
        place = (rng.uniform(-hx, hx - w / 2), rng.uniform(-1.1 * hy, hy - h / 2), w, h)
        builder.bodies.append(Body(builder.shaken(), builder.panel(place)))
    for _ in range(6):  # hardly more find room
        if builder.short() < 1:
            break
        add_plate(builder)
    return builder.pick("hall", "hall", "dark", "dark", "concrete", "rust", "steel", "paint", "tiles")


def add_plate(builder: SceneBuilder) -> None:
    """A plate with a strip, placed where there is room; it may move."""
    rng, (hx, hy), side = builder.rng, builder.half_mm, builder.square_mm
    lying = builder.chance(0.4)
    width = builder.columns * side
    room = 2 * (hx if lying else hy)
    length = min(
        max(room * rng.uniform(0.3, 1.25), 3 * side), (builder.short() / builder.columns + 1) * side * builder.flatness
    )
    size = (length, width) if lying else (width, length)
    for _ in range(8):  # places to try before the plate is left out
        corner = builder.between(-hx, hx - 0.6 * size[0]), builder.between(-hy - 0.1 * size[1], hy - 0.6 * size[1])
        gap = 0.4 * side
        if builder.is_free((corner[0] - gap, corner[1] - gap, size[0] + 2 * gap, size[1] + 2 * gap)):
            break
    else:
        return
    margin = side * rng.uniform(0, 3.0, 4)
    place = (
        corner[0] - margin[0],
        corner[1] - margin[1],
        size[0] + margin[0] + margin[2],
        size[1] + margin[1] + margin[3],
    )
    # a video needs one braked body at least
    if builder.impact and (builder.event is None or builder.chance(0.5)):
        motion = builder.braked(0.18 * hx)
    else:
        motion = builder.shaken(tuple(builder.speed_mps * rng.uniform(-1, 1, 2)) if builder.chance(0.3) else (0.0, 0.0))
    parts = list(builder.panel(place)) if builder.chance(0.8) else []
    targets, paper = builder.strip(corner, length, lying, share=0.6 if builder.impact else 1.0)
    if not targets.patches_mm:  # an empty plate is clutter, which the hall has enough of
        return
    if builder.chance(0.15):
        targets += discs(builder, place)
    grime = float(rng.uniform(0.02, 0.25)) if builder.chance(0.3) else 0.0
    parts += paper
    builder.bodies.append(Body(motion, tuple(parts), targets, grime=grime))


def discs(builder: SceneBuilder, place: Area) -> Targets:
    """Up to three round targets on a plate, clear of its strips."""
    targets, (x, y, w, h) = Targets(), place
    for _ in range(int(builder.rng.integers(1, 4))):
        radius = builder.square_mm * builder.rng.uniform(0.5, 1.2)
        centre = builder.rng.uniform(x, x + w), builder.rng.uniform(y, y + h)
        if builder.is_free((centre[0] - radius, centre[1] - radius, 2 * radius, 2 * radius)):
            targets += builder.disc(centre, radius)
    return targets
