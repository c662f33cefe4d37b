"""Targets as the renderer takes them: outlines that get a box, and patches of one colour that are painted.

Besides checkerboard strips there are the two other marks of crash testing, one box each: the quadrant target (a disc of
two light and two dark quarters, also sold as MXT mark) and the dot (a dark disc on a light one).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gjadet_yolo.synth.world.shape import regular
from gjadet_yolo.synth.world.strip import Strip

ARC = 24  # corners of a drawn circle: a multiple of 4, for the quarters; 0.9 % short of its radius at the sides
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Targets:
    """Targets of one body.

    Attributes:
        outlines_mm: What is labelled, one polygon per target, (N, K, 2); squares repeat corners where K is above 4.
        patches_mm: What is painted: convex polygons (K, 2) that do not overlap.
        colours: Colour of each patch, BGR from 0 to 255, (P, 3).
    """

    outlines_mm: np.ndarray = field(default_factory=lambda: np.zeros((0, 4, 2)))
    patches_mm: tuple[np.ndarray, ...] = ()
    colours: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))

    def __add__(self, other: Targets) -> Targets:
        # repeated corners change neither the extent nor, as all of them repeat, the mean of an outline
        corners = max(self.outlines_mm.shape[1], other.outlines_mm.shape[1])
        outlines = [np.repeat(one.outlines_mm, corners // one.outlines_mm.shape[1], 1) for one in (self, other)]
        return Targets(
            np.concatenate(outlines),
            self.patches_mm + other.patches_mm,
            np.concatenate((self.colours, other.colours)),
        )

    @classmethod
    def from_strip(cls, strip: Strip, present: np.ndarray | None = None, colours: np.ndarray | None = None) -> Targets:
        """Squares of a strip.

        ``present`` (N,) bool tells which have not been torn off; ``colours`` (N, 3) replace those of the strip.
        """
        squares, colours = strip.squares_mm, strip.colours if colours is None else colours
        keep = np.ones(len(squares), bool) if present is None else present
        return cls(squares[keep], tuple(squares[keep]), colours[keep])

    @classmethod
    def quadrant(
        cls, centre_mm: tuple[float, float], radius_mm: float, angle_rad: float, light: Colour, dark: Colour
    ) -> Targets:
        """Disc of four quarters, light and dark by turns."""
        quarters = []
        for quarter in range(4):
            arc = angle_rad + np.pi / 2 * (quarter + np.linspace(0, 1, ARC // 4 + 1))
            rim = np.stack((np.cos(arc), np.sin(arc)), -1) * radius_mm
            quarters.append(np.concatenate((np.zeros((1, 2)), rim)) + centre_mm)
        return cls(
            regular(centre_mm, radius_mm, ARC)[None], tuple(quarters), np.array([light, dark, light, dark], dtype=float)
        )

    @classmethod
    def dot(cls, centre_mm: tuple[float, float], radius_mm: float, light: Colour, dark: Colour) -> Targets:
        """Dark disc of half the size on a light one."""
        angles = np.linspace(0, 2 * np.pi, ARC + 1)
        rim = np.stack((np.cos(angles), np.sin(angles)), -1)
        outer, inner = rim * radius_mm + centre_mm, rim * radius_mm / 2 + centre_mm
        # quadrilaterals: a ring is not convex, and patches may not overlap
        ring = [np.stack((inner[i], outer[i], outer[i + 1], inner[i + 1])) for i in range(ARC)]
        return cls(outer[None, :-1], (*ring, inner[:-1]), np.array([light] * ARC + [dark], dtype=float))
