"""Markers that are no squares: a disc of even grey with a pattern of another grey on it.

Coordinates are those of ``shapes.py``: the disc has radius 1, borders are blurred alike. Where a pattern's proportions
differ between makers they are one of the usual ones; patterns are symmetric, so that a difference widens no edge on one
side only and moves no middle. Of a coded ring only the dot in its middle is used, because the fields around it are not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gjadet_yolo.measure.localise.shapes import Rendered, Shape, step

SPOT_CIRCLE, SPOT = 1 / 1.6, 1 / 6.4  # in radii of the disc: makers' data of five- and six-spot targets
DOT = 0.5  # radius of a dot's middle against that of its ring
BOWTIE_RAD, BOWTIE_EDGE = 0.52, 0.9  # half the angle of a field, and its radius
BAR, BAR_END = 0.14, 0.88  # of a cross: half its width, half its length
CORE_DOT = 0.58  # radius of a coded ring's dot against that of the dark disc around it


class Pattern(NamedTuple):
    """What is printed: its share at n points of K markers, (K, n), with derivatives by place and log(blur)."""

    share: np.ndarray
    by_u: np.ndarray
    by_v: np.ndarray
    by_blur: np.ndarray

    def __mul__(self, other: Pattern) -> Pattern:  # type: ignore[override]
        pairs = ((a * other.share + self.share * b) for a, b in zip(self[1:], other[1:], strict=True))
        return Pattern(self.share * other.share, *pairs)

    def __add__(self, other: Pattern) -> Pattern:  # type: ignore[override]
        return Pattern(*(a + b for a, b in zip(self, other, strict=True)))

    def without(self) -> Pattern:
        """What is not printed."""
        return Pattern(1 - self.share, -self.by_u, -self.by_v, -self.by_blur)


Print = Callable[[np.ndarray, np.ndarray, np.ndarray], Pattern]


def disc(u: np.ndarray, v: np.ndarray, blur: np.ndarray, x: float, y: float, radius: float) -> Pattern:
    """Disc around a point."""
    du, dv = u - np.float32(x), v - np.float32(y)
    away = np.hypot(du, dv) + 1e-6
    share, slope = step(radius - away, blur)
    return Pattern(share, -slope * du / away, -slope * dv / away, -(radius - away) * slope)


def beside(u: np.ndarray, v: np.ndarray, blur: np.ndarray, x: float, y: float, offset: float = 0.0) -> Pattern:
    """Half plane: all points whose product with a unit vector (x, y) is above an offset."""
    along = np.float32(x) * u + np.float32(y) * v - np.float32(offset)
    share, slope = step(along, blur)
    return Pattern(share, slope * np.float32(x), slope * np.float32(y), -along * slope)


def quarters(u: np.ndarray, v: np.ndarray, blur: np.ndarray) -> Pattern:
    """Two opposite quarters of the plane."""
    right, below = beside(u, v, blur, 1, 0), beside(u, v, blur, 0, 1)
    return right * below + right.without() * below.without()


def bowtie(u: np.ndarray, v: np.ndarray, blur: np.ndarray) -> Pattern:
    """Two narrow opposite fields."""
    s, c = np.sin(BOWTIE_RAD), np.cos(BOWTIE_RAD)
    first, second = beside(u, v, blur, s, c), beside(u, v, blur, s, -c)
    return (first * second + first.without() * second.without()) * disc(u, v, blur, 0, 0, BOWTIE_EDGE)


def spots(outer: int) -> Print:
    """A spot in the middle and so many around it."""
    angles = 2 * np.pi * np.arange(outer) / outer
    around = [(SPOT_CIRCLE * np.cos(angle), SPOT_CIRCLE * np.sin(angle)) for angle in angles]

    def pattern(u: np.ndarray, v: np.ndarray, blur: np.ndarray) -> Pattern:
        printed = disc(u, v, blur, 0, 0, SPOT)
        for x, y in around:
            printed = printed + disc(u, v, blur, x, y, SPOT)
        return printed

    return pattern


def middle(u: np.ndarray, v: np.ndarray, blur: np.ndarray) -> Pattern:
    """Disc of half the size."""
    return disc(u, v, blur, 0, 0, DOT)


def bars(u: np.ndarray, v: np.ndarray, blur: np.ndarray) -> Pattern:
    """Two bars across each other."""

    def bar(x: int, y: int) -> Pattern:
        wide = beside(u, v, blur, x, y, -BAR) * beside(u, v, blur, -x, -y, -BAR)
        return wide * beside(u, v, blur, y, x, -BAR_END) * beside(u, v, blur, -y, -x, -BAR_END)

    first, second = bar(1, 0), bar(0, 1)
    return (first.without() * second.without()).without()


def plate(pattern: Print) -> Shape:
    """A disc with a pattern: background, disc and print."""

    def shape(u: np.ndarray, v: np.ndarray, blur: np.ndarray, greys: np.ndarray) -> Rendered:
        even = blur.mean(1, keepdims=True)
        inside, printed = disc(u, v, even, 0, 0, 1.0), pattern(u, v, even)
        return rendered([inside.without(), inside * printed.without(), inside * printed], greys)

    return shape


def core(u: np.ndarray, v: np.ndarray, blur: np.ndarray, greys: np.ndarray) -> Rendered:
    """Middle of a coded ring: a dot on a dark disc, whose border is not looked at."""
    dot = disc(u, v, blur.mean(1, keepdims=True), 0, 0, CORE_DOT)
    return rendered([dot.without(), dot], greys)


def rendered(regions: list[Pattern], greys: np.ndarray) -> Rendered:
    """Regions in greys (K, G)."""
    grey = greys[:, : len(regions), None].transpose(1, 0, 2)  # (G, K, 1)
    value, by_u, by_v, by_blur = (
        sum(part[index] * level for part, level in zip(regions, grey, strict=True)) for index in range(4)
    )
    shares = np.stack([part.share for part in regions], -1)
    return Rendered(shares, value, by_u, by_v, np.stack((by_blur, by_blur), -1) / 2)
