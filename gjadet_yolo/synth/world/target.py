"""Targets as the renderer takes them: outlines that get a box, and patches of one colour that are painted.

Squares of checkerboard strips are made here, other markers in ``marker.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

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
        tops_mm: What is painted on top of the patches, likewise; ``top_colours`` (Q, 3).
        kinds: Kind of each target, ``square`` or a key of ``MARKERS``, N in number.
    """

    outlines_mm: np.ndarray = field(default_factory=lambda: np.zeros((0, 4, 2)))
    patches_mm: tuple[np.ndarray, ...] = ()
    colours: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    tops_mm: tuple[np.ndarray, ...] = ()
    top_colours: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    kinds: tuple[str, ...] = ()

    def __add__(self, other: Targets) -> Targets:
        # repeated corners change neither the extent nor, as all of them repeat, the mean of an outline
        corners = max(self.outlines_mm.shape[1], other.outlines_mm.shape[1])
        outlines = [np.repeat(one.outlines_mm, corners // one.outlines_mm.shape[1], 1) for one in (self, other)]
        return Targets(
            np.concatenate(outlines),
            self.patches_mm + other.patches_mm,
            np.concatenate((self.colours, other.colours)),
            self.tops_mm + other.tops_mm,
            np.concatenate((self.top_colours, other.top_colours)),
            self.kinds + other.kinds,
        )

    @classmethod
    def from_strip(cls, strip: Strip, present: np.ndarray | None = None, colours: np.ndarray | None = None) -> Targets:
        """Squares of a strip.

        ``present`` (N,) bool tells which have not been torn off; ``colours`` (N, 3) replace those of the strip.
        """
        squares, colours = strip.squares_mm, strip.colours if colours is None else colours
        keep = np.ones(len(squares), bool) if present is None else present
        return cls(squares[keep], tuple(squares[keep]), colours[keep], kinds=("square",) * int(keep.sum()))
