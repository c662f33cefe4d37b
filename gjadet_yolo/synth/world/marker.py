"""Markers of crash laboratories besides checkerboard strips: quadrants, spots, dots, coded rings and crosses.

Each is a plate with what is printed on it, symmetric about its middle, so that the middle of its outline is the point
that is measured. Proportions of spot targets: the circle through the outer spots measures the marker / 1.6, a spot that
circle / 4; outer spots are 90 or 72 degrees apart (maker's data of five- and six-spot targets).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gjadet_yolo.synth.world.shape import rectangle, regular
from gjadet_yolo.synth.world.target import ARC, Colour, Targets

CODE_BITS = 12  # fields of a coded ring, each light or dark
SPOT_CIRCLE = 1 / 1.6  # of the outer spots, in radii of the marker
SPOT = SPOT_CIRCLE / 4
Prints = tuple[bool, list[np.ndarray]]  # whether the plate is light, and what is printed in the other colour


def fans(angles: tuple[float, ...], width_rad: float, radius: float = 1.0) -> list[np.ndarray]:
    """Sectors of a disc that begin at some angles."""
    found = []
    for angle in angles:
        arc = angle + width_rad * np.linspace(0, 1, ARC // 4 + 1)
        rim = radius * np.stack((np.cos(arc), np.sin(arc)), -1)
        found.append(np.concatenate((np.zeros((1, 2)), rim)))
    return found


def quadrant(rng: np.random.Generator) -> Prints:
    """Disc of four quarters, light and dark by turns."""
    return True, fans((0, np.pi), np.pi / 2)


def bowtie(rng: np.random.Generator) -> Prints:
    """Two dark fields with a common tip on a light disc."""
    width = rng.uniform(0.8, 1.3)
    return True, fans((0, np.pi), width, 0.9)


def spots(outer: int) -> Callable[[np.random.Generator], Prints]:
    """Light spots on a dark disc: one in the middle and so many around it."""
    around = [(0.0, 0.0), *(tuple(point) for point in regular((0.0, 0.0), SPOT_CIRCLE, outer))]
    return lambda rng: (False, [regular(point, SPOT, ARC // 2) for point in around])


def dot(rng: np.random.Generator) -> Prints:
    """Light disc in a dark ring as wide as the disc's radius, or dark in light."""
    return bool(rng.random() < 0.3), [regular((0.0, 0.0), 0.5, ARC)]


def ring(rng: np.random.Generator) -> Prints:
    """Light dot on a dark disc with a ring of fields that hold a number."""
    bits = np.flatnonzero(rng.random(CODE_BITS) < 0.5)
    step = 2 * np.pi / CODE_BITS
    fields = []
    for half in np.concatenate((2 * bits, 2 * bits + 1)):  # halves of a field: chords of 15 degrees
        arc = half * step / 2 + np.array((0, step / 2))
        edge = np.stack((np.cos(arc), np.sin(arc)), -1)
        fields.append(np.concatenate((0.62 * edge, 0.9 * edge[::-1])))
    return False, [regular((0.0, 0.0), 0.36, ARC), *fields]


def cross(rng: np.random.Generator) -> Prints:
    """Two dark bars on a light disc."""
    w, r = rng.uniform(0.08, 0.2), 0.88
    whole, half = rectangle(-r, -w, 2 * r, 2 * w), rectangle(-w, w, 2 * w, r - w)
    return True, [whole, half, -half]


MARKERS = {
    "quadrant": quadrant,
    "bowtie": bowtie,
    "spots5": spots(4),
    "spots6": spots(5),
    "dot": dot,
    "ring": ring,
    "cross": cross,
}
"""What is printed on a marker of each kind, as convex polygons (K, 2) in radii of it."""


def marker(
    kind: str,
    rng: np.random.Generator,
    centre_mm: tuple[float, float],
    radius_mm: float,
    light: Colour,
    dark: Colour,
    angle_rad: float = 0.0,
    turned: tuple[float, float] = (1.0, 0.0),
) -> Targets:
    """One marker.

    Args:
        kind: Key of ``MARKERS``.
        rng: Draws the number of a coded ring, and proportions.
        angle_rad: By how much it is turned in its plane.
        turned: Of a bent surface that turns away: how much narrower it looks, 1 to above 0, and the direction, rad.
    """
    plate_is_light, prints = MARKERS[kind](rng)
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    shape = narrowed(*turned) @ np.array([(cosine, -sine), (sine, cosine)]) * radius_mm
    plate, *tops = (outline @ shape.T + centre_mm for outline in (regular((0.0, 0.0), 1.0, ARC), *prints))
    plate_colour, print_colour = (light, dark) if plate_is_light else (dark, light)
    return Targets(
        plate[None],
        (plate,),
        np.array([plate_colour], dtype=float),
        tops_mm=tuple(tops),
        top_colours=np.array([print_colour] * len(tops), dtype=float),
        kinds=(kind,),
    )


def narrowed(factor: float, direction_rad: float) -> np.ndarray:
    """Matrix (2, 2) that makes a plane narrower along a direction."""
    along = np.array((np.cos(direction_rad), np.sin(direction_rad)))
    return np.eye(2) - (1 - factor) * np.outer(along, along)
