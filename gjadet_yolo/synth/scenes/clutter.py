"""What stands about in a test hall and may not be taken for a target: bolts, holes, plates, lettering, stripes, bars.

Much of it is as large and as bright as a square, has its corners, or repeats as squares do; only the alternation of a
checkerboard tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gjadet_yolo.synth.world.scene import Part
from gjadet_yolo.synth.world.shape import Area, Point, rectangle, regular

PATTERNS = ("grating", "tiles", "brick", "keyboard", "barcode", "mesh", "cloth", "facade", "lettering", "hazard")
WORDS = (
    "TEST 04",
    "CRASH 2",
    "TH/GZ112",
    "V=25",
    "1113-01",
    "DANGER",
    "No. 7",
    "EN15227",
    "A B C D",
    "0123456789",
    "X",
)


def clutter(rng: np.random.Generator, area: Area, size_mm: float, count: int) -> tuple[Part, ...]:
    """Things in a rectangle.

    Args:
        rng: Source of randomness.
        area: Where they may be: x, y, width, height.
        size_mm: About their size.
        count: How many.
    """
    x, y, width, height = area
    parts: list[Part] = []
    for _ in range(count):
        # 0.4 to 4.5 times a square, so that size alone tells nothing
        size = min(size_mm * np.exp(rng.uniform(-0.9, 1.5)), 0.45 * min(width, height))
        centre = rng.uniform(x + size / 2, x + width - size / 2), rng.uniform(y + size / 2, y + height - size / 2)
        parts += KINDS[int(rng.choice(len(KINDS), p=SHARES))](rng, centre, size)
    return tuple(parts)


def around(centre: Point, width: float, height: float) -> np.ndarray:
    """Rectangle (4, 2) about a centre."""
    return rectangle(centre[0] - width / 2, centre[1] - height / 2, width, height)


def any_of(rng: np.random.Generator, *names: str) -> str:
    return names[int(rng.integers(len(names)))]


def bolt_from_above(rng: np.random.Generator, centre: Point, size: float) -> list[Part]:
    """Hexagon on a washer."""
    head = regular(centre, size * 0.42, 6, rng.uniform(0, 1))
    return [Part(regular(centre, size * 0.6), "steel", "disc"), Part(head, "steel", "disc", rng.uniform(0.6, 1.6))]


def bolt_from_the_side(rng: np.random.Generator, centre: Point, size: float) -> list[Part]:
    """Two or three facets, one of which may shine, and the shank: dark and light rectangles side by side."""
    facets, (x, y), lying = int(rng.integers(2, 4)), centre, rng.random() < 0.5
    parts, step, deep = [], size * rng.uniform(0.8, 1.6), size * rng.uniform(0.8, 1.4)
    # one facet shines, one lies in shadow: side by side they look like two squares
    gains = rng.permutation(np.array((rng.uniform(1.5, 4), rng.uniform(0.2, 0.6), rng.uniform(0.3, 1.2))))
    for index in range(facets):
        away = (index - (facets - 1) / 2) * step
        place = (x + away, y) if lying else (x, y + away)
        shape = around(place, *((step, deep) if lying else (deep, step)))
        parts.append(Part(shape, "steel", any_of(rng, "flat", "round_x", "round_y"), float(gains[index])))
    shank = (x, y + 0.75 * deep) if lying else (x + 0.75 * deep, y)
    thick = facets * step * 0.5
    size_of = (thick, deep * 0.5) if lying else (deep * 0.5, thick)
    return [Part(around(shank, *size_of), "steel", "round_x" if lying else "round_y"), *parts]


def hole(rng: np.random.Generator, centre: Point, size: float) -> list[Part]:
    """Round or rounded opening."""
    corners = int(rng.choice((4, 8, 24)))
    # half a step of phase sets a square on its side rather than on its corner
    return [Part(regular(centre, size * 0.5, corners, np.pi / corners), any_of(rng, "dark", "dark", "hall"))]


def plate(rng: np.random.Generator, centre: Point, size: float) -> list[Part]:
    """One rectangle, dull or shining: as large as a square may be, but alone."""
    shape = around(centre, size, size * float(np.exp(rng.uniform(-1, 1))))
    shade = any_of(rng, "flat", "flat", "round_x", "round_y")
    return [Part(shape, any_of(rng, "paint", "dark", "steel", "tiles"), shade, float(np.exp(rng.uniform(-0.8, 1.3))))]


def steps(rng: np.random.Generator, centre: Point, size: float) -> list[Part]:
    """Turned part in profile: discs of several sizes along an axis, each with its highlight."""
    parts, (x, y), lying = [], centre, rng.random() < 0.5
    for _ in range(int(rng.integers(2, 6))):
        long, wide = size * rng.uniform(0.2, 1.0), size * rng.uniform(0.5, 2.5)
        shape = around((x, y), *((long, wide) if lying else (wide, long)))
        gain = float(np.exp(rng.uniform(-0.8, 1.2)))
        parts.append(Part(shape, any_of(rng, "steel", "steel", "dark"), "round_y" if lying else "round_x", gain))
        x, y = (x + long, y) if lying else (x, y + long)
    return parts


def row_of_openings(rng: np.random.Generator, centre: Point, size: float) -> list[Part]:
    """Equal openings or bars in a row, all of one colour, closer than the squares of one colour in a strip."""
    count, lying = int(rng.integers(3, 9)), rng.random() < 0.5
    # a strip's dark squares are two sides apart; were these too, nothing would tell them apart
    step = size * rng.uniform(1.15, 1.6)
    deep, material = size * rng.uniform(0.6, 2.5), any_of(rng, "dark", "paint", "steel")
    gain, parts = rng.uniform(0.4, 1.6), []
    for index in range(count):
        away = (index - (count - 1) / 2) * step
        place = (centre[0] + away, centre[1]) if lying else (centre[0], centre[1] + away)
        parts.append(Part(around(place, *((size, deep) if lying else (deep, size))), material, gain=gain))
    return parts


def name_plate(rng: np.random.Generator, centre: Point, size: float) -> list[Part]:
    """Plate with lettering."""
    wide, tall = size * rng.uniform(2, 6), size
    shape = around(centre, *((wide, tall) if rng.random() < 0.7 else (tall, wide)))
    return [Part(shape, any_of(rng, "paint", "steel", "dark"), text=any_of(rng, *WORDS))]


def stripes(rng: np.random.Generator, centre: Point, size: float) -> list[Part]:
    """Warning stripes."""
    return [Part(around(centre, size * rng.uniform(2, 9), size), "hazard")]


def board(rng: np.random.Generator, centre: Point, size: float) -> list[Part]:
    """A piece of something that repeats: grating, tiles, bricks, keys, bars, mesh, checked cloth, print, windows."""
    wide = size * float(np.exp(rng.uniform(0.5, 1.8)))
    shape = around(centre, wide, wide * float(np.exp(rng.uniform(-1, 0.5))))
    return [Part(shape, any_of(rng, *PATTERNS), any_of(rng, "flat", "flat", "round_x"), float(rng.uniform(0.5, 1.3)))]


KINDS: tuple[Callable[[np.random.Generator, Point, float], list[Part]], ...] = (
    bolt_from_above,
    bolt_from_the_side,
    hole,
    plate,
    steps,
    row_of_openings,
    name_plate,
    stripes,
    board,
)
# what resembles squares most, facets of bolts and plates, comes most often
SHARES = (0.1, 0.18, 0.08, 0.17, 0.12, 0.09, 0.1, 0.05, 0.11)
