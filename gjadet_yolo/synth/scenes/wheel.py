"""Railway wheels from the side: flange, tread, rim, web, hub, and what sits before the axle."""

from __future__ import annotations

import numpy as np

from gjadet_yolo.synth.scenes.builder import SceneBuilder
from gjadet_yolo.synth.world import coat
from gjadet_yolo.synth.world.coat import coated
from gjadet_yolo.synth.world.scene import Part, Thing
from gjadet_yolo.synth.world.shape import Point, regular

WHEEL = 2  # index into NAMES
CORNERS = 40  # of the rim: a polygon that no eye tells from a circle


def wheel_thing(centre: Point, radius: float) -> Thing:
    """Label of a wheel."""
    return Thing(WHEEL, regular(centre, radius, CORNERS))


def wheel_parts(builder: SceneBuilder, centre: Point, radius: float) -> list[Part]:
    """A wheel of the outer radius of its flange; the wheels of one scene look alike, as those of a vehicle do."""
    style = builder.wheels
    rim, web = radius * style.rim, radius * style.web
    parts = [
        Part(regular(centre, radius, CORNERS), "dark" if style.greasy else "steel", "turned", 1.1 * style.gain),
        Part(regular(centre, radius * 0.955, CORNERS), "steel", "turned", 1.25 * style.gain),  # the tread's bright edge
        Part(regular(centre, radius * 0.93, CORNERS), style.face, "cone", style.gain),
        Part(regular(centre, rim, CORNERS), style.face, "dish", 0.65 * style.gain),
        Part(regular(centre, rim * 0.95, CORNERS), style.plate, "cone" if style.bulged else "dish", 0.85 * style.gain),
    ]
    parts += openings(style.holes, centre, (rim + web) / 2, 0.32 * (rim - web), style.turn_rad)
    if style.disc:  # brake disc on the web, with its bolts
        parts.append(Part(regular(centre, rim * 0.86, 32), "steel", "turned", 0.8 * style.gain))
        parts.append(Part(regular(centre, rim * 0.5, 24), style.plate, "dish", 0.6 * style.gain))
        parts += bolts(10, centre, rim * 0.44, 0.04 * radius, style.turn_rad)
    parts.append(Part(regular(centre, web, 24), style.plate, "cone", 1.1 * style.gain))
    parts.append(Part(regular(centre, web * 0.7, 20), "steel", "turned", 0.9 * style.gain))
    if style.cap:
        parts.append(Part(regular(centre, web * 0.5, 20), style.face, "disc", 1.2 * style.gain))
        parts += bolts(style.cap, centre, web * 0.34, 0.035 * radius, style.turn_rad)
    for material in (style.face, style.plate):
        parts = coated(parts, material, coat.WHEEL)
    return parts


def openings(count: int, centre: Point, ring: float, radius: float, turn_rad: float) -> list[Part]:
    """Round holes through the web."""
    return [Part(regular(place, radius, 14), "dark") for place in around(count, centre, ring, turn_rad)]


def bolts(count: int, centre: Point, ring: float, radius: float, turn_rad: float) -> list[Part]:
    """Bolt heads on a circle."""
    return [
        Part(regular(place, radius, 6), "steel", "disc", 1.3) for place in around(count, centre, ring, turn_rad + 0.3)
    ]


def around(count: int, centre: Point, ring: float, turn_rad: float) -> np.ndarray:
    """Places (N, 2) spread evenly over a circle."""
    return regular(centre, ring, count, turn_rad) if count else np.zeros((0, 2))
