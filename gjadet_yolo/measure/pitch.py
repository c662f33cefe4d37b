"""Scale of each body from its checkerboard strips: the distance of neighbouring squares in px against its length in mm.

Centres of squares are known to hundredths of a pixel, their outlines to about one; so a pitch of two squares is worth
more than the sizes of all boxes. The side that a user states is the one across the strip: a strip keeps its width where
the structure under it is squeezed, and its rows are often not as long as they are wide. Across and along are told apart
by what continues: along the strip there is a third square in line, across it there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

NEIGHBOURS = 8
CROSSED = np.cos(np.radians(65))  # two directions of a lattice, also in tilted views
LONGEST = 2.3  # sides of a lattice against each other; squares are up to twice as long as wide
IN_LINE = 0.35  # how far a third square may be from the continuation, in pitches
CLIP = 3.0  # standard deviations
BOX_EDGE_PX = 0.7  # how well a box of a detector knows a side
TILT = 0.01  # half the foreshortening of a view turned by 11 degrees, which pairs in one direction do not show
NOISE, CHANGE = 0.01, 0.02  # of a pair's scale to begin with, and over a body in tilted views, relative


@dataclass(frozen=True)
class Pairs:
    """Neighbouring squares: indices (P, 2), distance in px (P,), and whether it runs along the strip (P,) bool."""

    index: np.ndarray
    length_px: np.ndarray
    along: np.ndarray


@dataclass(frozen=True)
class BodyScale:
    """Scale of a body: mm per px, its relative standard deviation, pairs it rests on, and how it was found."""

    mm_per_px: float
    relative_sigma: float
    pairs: int
    method: str


def neighbours(centres_px: np.ndarray) -> Pairs:
    """Pairs of neighbouring squares in the strips of one body.

    Args:
        centres_px: (K, 2), without the distortion of the lens.
    """
    count = len(centres_px)
    if count < 2:
        return Pairs(np.zeros((0, 2), int), np.zeros(0), np.zeros(0, bool))
    tree = cKDTree(centres_px)
    distance, other = tree.query(centres_px, k=min(NEIGHBOURS, count - 1) + 1)
    distance, other = distance[:, 1:], other[:, 1:]  # without the square itself
    arm = centres_px[other] - centres_px[:, None]
    unit = arm / np.maximum(distance, 1e-9)[..., None]
    crossed = np.abs(np.einsum("kni,ki->kn", unit, unit[:, 0])) < CROSSED
    crossed &= distance < LONGEST * distance[:, :1]
    second = np.argmax(crossed, 1)  # the nearest of them, as neighbours are sorted
    rows = np.arange(count)
    has_second = crossed[rows, second]
    first = np.column_stack((rows, other[:, 0]))
    pairs = np.concatenate((first, np.column_stack((rows, other[rows, second]))[has_second]))
    pairs = np.unique(np.sort(pairs, 1), axis=0)
    return classified(centres_px, tree, pairs)


def classified(centres_px: np.ndarray, tree: cKDTree, pairs: np.ndarray) -> Pairs:
    """Pairs (P, 2) with their lengths; those that are neither clearly along nor across a strip are left out."""
    arm = centres_px[pairs[:, 1]] - centres_px[pairs[:, 0]]
    length = np.linalg.norm(arm, axis=1)
    ends = np.stack((centres_px[pairs[:, 0]] - arm, centres_px[pairs[:, 1]] + arm))
    continues = (tree.query(ends)[0] < IN_LINE * length).any(0)
    # directions of the strips at each square: sums of the doubled angles of what continues
    doubled = (arm[:, 0] + 1j * arm[:, 1]) ** 2 / length**2
    axis = np.zeros(len(centres_px), complex)
    for end in (0, 1):
        np.add.at(axis, pairs[continues, end], doubled[continues])
    here = axis[pairs].sum(1)
    cosine = np.real(doubled * np.conj(here)) / np.maximum(np.abs(here), 1e-9)  # of the doubled angle: -1 is across
    across = ~continues & (cosine < 2 * CROSSED**2 - 1) & (np.abs(here) > 0)
    keep = continues | across
    return Pairs(pairs[keep], length[keep], continues[keep])


def body_scale(centres_px: np.ndarray, sizes_px: np.ndarray, side_mm: tuple[float, float | None]) -> BodyScale | None:
    """Scale of one body; None where it has no two squares side by side and no size to go by.

    Args:
        centres_px: Of its squares, (K, 2), without the distortion of the lens.
        sizes_px: Width and height of their boxes, (K, 2).
        side_mm: Length of a square across its strip, and along it where it is stated.
    """
    pairs = neighbours(centres_px)
    across_mm, along_mm = side_mm
    middle = centres_px[pairs.index].mean(1)
    found = []
    for direction, mm in ((~pairs.along, across_mm), (pairs.along, along_mm)):
        if mm is not None and direction.sum() >= 2:
            found.append(averaged(np.log(mm / pairs.length_px[direction]), middle[direction], centres_px))
    if found:
        value, noise, uneven, used = (np.array(part) for part in zip(*found, strict=True))
        # two directions show the tilt of the view as a difference: half of it is the error of either one
        tilt = abs(value[0] - value[1]) / 2 if len(value) == 2 else TILT
        sigma = np.sqrt(np.mean(noise**2) / len(value) + np.mean(uneven) ** 2 + tilt**2)
        return BodyScale(float(np.exp(value.mean())), float(sigma), int(used.sum()), "pitch of its squares")
    return boxed(pairs, centres_px, sizes_px, across_mm)


def averaged(log_scale: np.ndarray, middle_px: np.ndarray, centres_px: np.ndarray) -> tuple[float, float, float, int]:
    """Robust mean of pairs' scales: its logarithm, its noise, how much it varies over the body, and pairs used.

    In tilted views the scale varies linearly to first order; that variation is no noise, but a marker at one end of
    the body has a scale of its own.
    """
    keep = np.abs(log_scale - np.median(log_scale)) <= 0.25  # a square missing between two makes a double pitch
    origin, extent = middle_px[keep].mean(0), float(np.sqrt(np.mean(np.ptp(centres_px, axis=0) ** 2)))
    design = np.column_stack((np.ones(len(middle_px)), (middle_px - origin) / max(extent, 1e-9)))
    scatter, fit = NOISE, np.zeros(3)
    for _ in range(3):
        # a strip tells nothing of how the scale changes across it: there the fit rests on what is usual
        usual = np.eye(3)[1:] * (scatter / CHANGE)
        fit = np.linalg.lstsq(
            np.concatenate((design[keep], usual)), np.concatenate((log_scale[keep], np.zeros(2))), rcond=None
        )[0]
        residual = log_scale - design @ fit
        scatter = 1.4826 * float(np.median(np.abs(residual[keep]))) + 1e-4
        keep &= np.abs(residual) <= CLIP * scatter
    uneven = float(np.sqrt(np.mean((((centres_px - origin) / max(extent, 1e-9)) @ fit[1:]) ** 2)))
    return float(log_scale[keep].mean()), float(scatter / np.sqrt(keep.sum())), uneven, int(keep.sum())


def boxed(pairs: Pairs, centres_px: np.ndarray, sizes_px: np.ndarray, across_mm: float) -> BodyScale | None:
    """Scale by the boxes of squares, for strips of one column: the side of a square that is turned by some angle."""
    sizes = sizes_px[np.isfinite(sizes_px).all(1)]
    if not len(sizes):
        return None
    across_px = float(np.median(sizes.min(1)))
    if len(pairs.index):
        arm = np.abs(np.diff(centres_px[pairs.index], axis=1)[:, 0]) / pairs.length_px[:, None]
        sine, cosine = np.median(arm.min(1)), np.median(arm.max(1))
        long_px = float(np.median(pairs.length_px))
        # the box of a turned rectangle: across * cos + along * sin in the direction across the strip
        upright = np.median(arm[:, 1]) >= np.median(arm[:, 0])
        across_px = (float(np.median(sizes[:, 0 if upright else 1])) - long_px * sine) / cosine
    if across_px <= BOX_EDGE_PX:
        return None
    return BodyScale(
        across_mm / across_px, float(np.hypot(BOX_EDGE_PX / across_px, TILT)), len(sizes), "boxes of its squares"
    )
