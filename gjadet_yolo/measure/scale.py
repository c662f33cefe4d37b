"""From px to mm: what a length in the picture is in the plane in which bodies move.

Four ways, all behind a lens's correction where a camera file is given:

- ``square_mm``: each body has a scale of its own, from the squares on it (``pitch.py``), so bodies may be at different
  depths. Positions count from the optical axis (the middle of the picture, or the principal point of the camera file),
  because that is the point that a pinhole camera sees in the same place at every depth.
- two points and their distance: one scale for all, from the same origin.
- a plane of known points (``plane.py``): positions in the plane's own axes and origin.
- none: results stay in px.

Noise and scale are kept apart. What ``to_mm`` returns is the noise of positions; the error of the scale stretches
every length on a body alike, and does not average out. It is ``relative_sigma``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from gjadet_yolo.measure.lens import Lens, spread
from gjadet_yolo.measure.pitch import BodyScale, body_scale
from gjadet_yolo.messages import is_number, shown

CLICK_PX = 0.5  # standard deviation of a coordinate that a person states
SHORTEST_MM, LONGEST_MM = 1e-3, 1e7  # of a stated length: a micrometre to ten kilometres
ELSEWHERE = 0.05  # relative sigma of a body's scale taken from others: 5 % of the distance to the camera


@dataclass(frozen=True)
class Unscaled:
    """No scale: positions in mm are NaN, and a note says so."""

    relative_sigma: np.ndarray = field(default_factory=lambda: np.full(1, np.nan))
    origin: str = "top left corner of the picture, in px"
    notes: tuple[str, ...] = (
        "There is no scale: results are in px. State square_mm, scale=x1,y1,x2,y2,mm or plane=FILE for mm, m/s and "
        "m/s2.",
    )

    def to_mm(
        self, position_px: np.ndarray, sigma_px: np.ndarray, body: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """NaN in the shape of the positions."""
        return np.full_like(position_px, np.nan, dtype=float), np.full_like(sigma_px, np.nan, dtype=float)


@dataclass(frozen=True)
class Similar:
    """Scales of B bodies, and one more for what belongs to none: the last, which an index of -1 picks.

    Attributes:
        mm_per_px: (B + 1,).
        relative_sigma: Standard deviation of each scale, relative to it, (B + 1,).
        centre_px: Origin of positions in mm, (2,), an ideal image point.
        notes: Sentences for the reader of the results.
        pivot_px: Where each body was when its scale was taken, (B + 1, 2), ideal image points.
        tilt: Of the view of each body about there, (B + 1, 2) in 1/px, see ``tilt.py``; None where it is not known.
    """

    mm_per_px: np.ndarray
    relative_sigma: np.ndarray
    centre_px: np.ndarray
    lens: Lens | None = None
    notes: tuple[str, ...] = ()
    pivot_px: np.ndarray | None = None
    tilt: np.ndarray | None = None

    @property
    def origin(self) -> str:
        """What positions in mm count from."""
        where = "principal point of the camera file" if self.lens else "middle of the picture"
        return f"{where}, x to the right and y down"

    def to_mm(
        self, position_px: np.ndarray, sigma_px: np.ndarray, body: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Positions (T, K, 2) in mm and their noise (T, K, 2).

        Args:
            position_px: (T, K, 2); NaN stays NaN.
            sigma_px: (T, K, 2).
            body: Index of each marker's body, (K,); -1 or None where it belongs to none.
        """
        index = np.full(position_px.shape[-2], -1) if body is None else np.asarray(body)
        scale = self.mm_per_px[index][:, None]
        ideal, slope = self.lens.undistort(position_px) if self.lens else (position_px, np.eye(2))
        if self.tilt is not None and self.pivot_px is not None:
            ideal, tilt = seen_straight(ideal, self.pivot_px[index], self.tilt[index])
            slope = tilt @ slope
        return (ideal - self.centre_px) * scale, spread(slope, sigma_px) * scale


def seen_straight(position: np.ndarray, pivot: np.ndarray, tilt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Image points (T, K, 2) as a view that is tilted nowhere shows them, unchanged at the pivots, and derivatives.

    Args:
        position: (T, K, 2).
        pivot: (K, 2).
        tilt: (K, 2).

    Returns:
        (T, K, 2) and (T, K, 2, 2).
    """
    arm = position - pivot
    depth = 1 + (arm * tilt).sum(-1, keepdims=True)
    slope = np.eye(2) - arm[..., :, None] * tilt[..., None, :] / depth[..., None]
    return pivot + arm / depth, slope / depth[..., None]


def centre_of(size_px: tuple[int, int], lens: Lens | None) -> np.ndarray:
    """Where the optical axis meets the picture, as far as that is known, (2,)."""
    return lens.centre_px if lens else np.array(size_px) / 2


def scale_of_squares(
    position_px: np.ndarray,
    sizes_px: np.ndarray,
    body: np.ndarray,
    square_mm: float | tuple[float, float],
    size_px: tuple[int, int],
    lens: Lens | None = None,
) -> Similar | Unscaled:
    """A scale for each body from the squares on it.

    Args:
        position_px: Centres of the squares in the reference frame, (K, 2); NaN where one was not found.
        sizes_px: Width and height of their boxes, (K, 2).
        body: Index of each square's body, (K,); -1 where it belongs to none.
        square_mm: Side of a square; where squares are longer than wide, across the strip and along it.
        size_px: Of the picture, (W, H).

    Raises:
        ValueError: ``square_mm`` is not one or two lengths.
    """
    sides = sides_of(square_mm)
    ideal = lens.undistort(position_px)[0] if lens else position_px
    known = np.isfinite(ideal).all(1)
    count = int(body.max(initial=-1)) + 1
    found = [body_scale(ideal[mine], sizes_px[mine], sides) for mine in (known & (body == one) for one in range(count))]
    if not any(found):
        everything = body_scale(ideal[known], sizes_px[known], sides) if known.any() else None
        if everything is None:
            note = f"square_mm={shown(square_mm)} gave no scale, because no squares were found: results are in px."
            return Unscaled(notes=(note,))
        found = [*found, everything]
    made = similar(found[:count], [one for one in found if one], sides, size_px, lens)
    if count:
        return made
    note = f"The scale of all squares together is uncertain by {made.relative_sigma[-1]:.1%}, as no body was found."
    return replace(made, notes=(*made.notes, note))


def similar(
    bodies: list[BodyScale | None],
    found: list[BodyScale],
    sides: tuple[float, float | None],
    size_px: tuple[int, int],
    lens: Lens | None,
) -> Similar:
    """Scales of all bodies from those that were found, of which there is one at least."""
    scale, sigma = pooled(found)
    # the error of a borrowed scale is mostly that of a depth that nobody knows
    borrowed = BodyScale(scale, math.hypot(sigma, ELSEWHERE), 0, "")
    filled = [*(one or borrowed for one in bodies), borrowed]
    return Similar(
        np.array([one.mm_per_px for one in filled]),
        np.array([one.relative_sigma for one in filled]),
        centre_of(size_px, lens),
        lens,
        tuple(note_of(index, one, sides) for index, one in enumerate(bodies) if not one or "boxes" in one.method),
    )


def sides_of(square_mm: object) -> tuple[float, float | None]:
    """Side of a square across its strip, and along it where it is stated.

    Raises:
        ValueError: Not one or two numbers, or beyond what a side can be.
    """
    values = list(square_mm) if isinstance(square_mm, (tuple, list)) else [square_mm]
    if len(values) not in (1, 2) or not all(
        is_number(value) and SHORTEST_MM <= value <= LONGEST_MM for value in values
    ):
        raise ValueError(
            f"square_mm is {shown(square_mm)}, allowed: the side of a square in mm, e.g. square_mm=40, or its sides "
            f"across and along the strip, e.g. square_mm=40,50; {SHORTEST_MM:g} to {LONGEST_MM:g} mm."
        )
    return float(values[0]), float(values[1]) if len(values) == 2 else None


def pooled(found: list[BodyScale]) -> tuple[float, float]:
    """Scale of what belongs to no body, and its relative standard deviation: the middle of the bodies' scales."""
    logs = np.log([one.mm_per_px for one in found])
    noise = float(np.sqrt(np.mean([one.relative_sigma**2 for one in found])))
    return float(np.exp(np.median(logs))), math.hypot(float(logs.std()), noise)


def note_of(index: int, found: BodyScale | None, sides: tuple[float, float | None]) -> str:
    """What a reader must know of a body whose scale does not come from pairs of squares."""
    if found is None:
        return (
            f"Body {index} has no two squares side by side: it has the scale of the others, {ELSEWHERE:.0%} uncertain."
        )
    hint = "" if sides[1] else f" For a better one state both sides, e.g. square_mm={sides[0]:g},{sides[0]:g}."
    return (
        f"Body {index} has strips of one column only: its scale comes from the boxes of its squares and is uncertain "
        f"by {found.relative_sigma:.1%}.{hint}"
    )


def ends_of(points: object) -> tuple[np.ndarray, float]:
    """Two image points (2, 2) in px and their distance in mm.

    Raises:
        ValueError: Not five numbers, or beyond what a distance can be.
    """
    values = list(points) if isinstance(points, (tuple, list, np.ndarray)) else []
    if len(values) != 5 or not all(map(is_number, values)) or not SHORTEST_MM <= values[4] <= LONGEST_MM:
        raise ValueError(
            f"scale is {shown(points)}, allowed: five numbers: x1,y1,x2,y2 in px and their distance in mm, "
            f"{SHORTEST_MM:g} to {LONGEST_MM:g}, e.g. scale=100,200,500,200,1500."
        )
    return np.array(values[:4], float).reshape(2, 2), float(values[4])


def scale_of_two_points(
    points: tuple[float, float, float, float, float], size_px: tuple[int, int], lens: Lens | None = None
) -> Similar:
    """One scale from two image points and their distance.

    Args:
        points: x1, y1, x2, y2 in px, as a picture shows them, and their distance in mm.

    Raises:
        ValueError: Not such numbers; a point outside of the picture; both the same.
    """
    ends, distance_mm = ends_of(points)
    if (ends < 0).any() or (ends > size_px).any():
        raise ValueError(
            f"scale is {shown(points)}: a point lies outside of the picture of {size_px[0]} x {size_px[1]} px."
        )
    slopes = np.broadcast_to(np.eye(2), (2, 2, 2))
    if lens:
        ends, slopes = lens.undistort(ends)
        if not np.isfinite(ends).all():
            raise ValueError(f"scale is {shown(points)}: a point lies where the camera file's lens model ends.")
    arm = ends[1] - ends[0]
    length = float(np.linalg.norm(arm))
    if length < 4 * CLICK_PX:
        raise ValueError(
            f"scale is {shown(points)}: the points are {length:.2g} px apart, allowed: {4 * CLICK_PX:g} or more."
        )
    along = arm / length
    noise = CLICK_PX * math.sqrt(sum(float(((along @ slope) ** 2).sum()) for slope in slopes))
    relative = np.full(1, noise / length)
    return Similar(np.full(1, distance_mm / length), relative, centre_of(size_px, lens), lens)
