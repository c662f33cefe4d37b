"""Coats: which parts of a scene look alike, as they were painted, cast or left to rust together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gjadet_yolo.synth.world.scene import Part

WHEEL, BOGIE, CAR, DOOR, ABSORBER, WALL, TRACK = range(1, 8)


def coated(parts: Iterable[Part], material: str, coat: int) -> list[Part]:
    """The parts, those of a material in a coat."""
    return [replace(part, coat=coat) if part.material == material and not part.coat else part for part in parts]
