"""Component close-up: a few plates with strips in any direction, with what is bolted to them."""

from __future__ import annotations

from gjadet_yolo.synth.scenes.builder import Stage
from gjadet_yolo.synth.world.scene import Body
from gjadet_yolo.synth.world.target import Targets


def build(stage: Stage) -> str:
    """Fill a stage; returns the material of the background."""
    rng, (hx, hy) = stage.rng, stage.half_mm
    for _ in range(int(rng.integers(1, 4))):  # plates behind
        w, h = hx * rng.uniform(0.2, 1.6), hy * rng.uniform(0.2, 2.2)
        place = (rng.uniform(-hx, hx - w / 2), rng.uniform(-1.1 * hy, hy - h / 2), w, h)
        stage.bodies.append(Body(stage.shaken(), stage.panel(place)))
    for _ in range(6):
        if stage.short() < 1:
            break
        add_plate(stage)
    return stage.pick("hall", "hall", "dark", "dark", "concrete", "rust", "steel", "paint", "tiles")


def add_plate(stage: Stage) -> None:
    """A plate with a strip, placed where there is room; it may move."""
    rng, (hx, hy), side = stage.rng, stage.half_mm, stage.square_mm
    lying = stage.chance(0.4)
    width = stage.columns * side
    room = 2 * (hx if lying else hy)
    length = min(
        max(room * rng.uniform(0.3, 1.25), 3 * side), (stage.short() / stage.columns + 1) * side * stage.flatness
    )
    size = (length, width) if lying else (width, length)
    for _ in range(8):
        corner = stage.between(-hx, hx - 0.6 * size[0]), stage.between(-hy - 0.1 * size[1], hy - 0.6 * size[1])
        gap = 0.4 * side
        if stage.is_free((corner[0] - gap, corner[1] - gap, size[0] + 2 * gap, size[1] + 2 * gap)):
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
    if stage.impact and (stage.event is None or stage.chance(0.5)):
        motion = stage.braked(0.18 * hx)
    else:
        motion = stage.shaken(tuple(stage.speed_mps * rng.uniform(-1, 1, 2)) if stage.chance(0.3) else (0.0, 0.0))
    parts = list(stage.panel(place)) if stage.chance(0.8) else []
    targets, paper = stage.strip(corner, length, lying, share=0.6 if stage.impact else 1.0)
    if not targets.patches_mm:
        return
    if stage.chance(0.15):
        targets += discs(stage, place)
    grime = float(rng.uniform(0.02, 0.25)) if stage.chance(0.3) else 0.0
    parts += paper
    stage.bodies.append(Body(motion, tuple(parts), targets, grime=grime))


def discs(stage: Stage, place: tuple[float, float, float, float]) -> Targets:
    """Up to three round targets on a plate, clear of its strips."""
    targets, (x, y, w, h) = Targets(), place
    for _ in range(int(stage.rng.integers(1, 4))):
        radius = stage.square_mm * stage.rng.uniform(0.5, 1.2)
        centre = stage.rng.uniform(x, x + w), stage.rng.uniform(y, y + h)
        if stage.is_free((centre[0] - radius, centre[1] - radius, 2 * radius, 2 * radius)):
            targets += stage.disc(centre, radius)
    return targets
