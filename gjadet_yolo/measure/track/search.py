"""Where a group has gone: its markers vote for a common displacement by the correlation of their surroundings.

A checkerboard strip matches itself when shifted by two squares. Only its ends and what lies around it tell such a shift
from the true one, so no marker decides alone: correlation surfaces of all markers of a group, each of a patch that
reaches into its surroundings, are added up, and the highest sum wins. Markers that do not agree with it vote again
among themselves, since at the start nobody knows which neighbours share a body.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import maximum_filter

REDUCED_PX = 12.0  # markers are searched at about this size: the work does not depend on their size in the video
PATCH = 1.1  # half side of a patch in marker sizes: the marker, and more than half of each neighbour
SLACK = 1  # reduced px by which markers of a group may differ, as turning and squeezing make them
AGREES = 0.12  # below its own best correlation by which a marker still agrees with its group
HOME = 0.01  # advantage in correlation of a displacement of zero over one of a size: decides ties only


@dataclass(frozen=True)
class Patch:
    """Surroundings of a marker, (S, S) float32, ``scale`` times smaller than in the video."""

    image: np.ndarray
    scale: float


def cut_patches(grey: np.ndarray, position_px: np.ndarray, size_px: np.ndarray) -> list[Patch]:
    """Patches of markers at positions (K, 2) with sizes (K,) in a frame (H, W) float32."""
    found = []
    for (x, y), size in zip(position_px.tolist(), size_px.tolist(), strict=True):
        scale = max(size / REDUCED_PX, 1.0)
        side = 2 * round(PATCH * size / scale) + 1
        found.append(Patch(window(grey, (x, y), side, scale), scale))
    return found


def window(grey: np.ndarray, centre_px: tuple[float, float], side: int, scale: float) -> np.ndarray:
    """Square of an image about a point, (side, side), shrunk by ``scale``; beyond the border its edge is repeated."""
    if scale == 1:
        return cv2.getRectSubPix(grey, (side, side), (centre_px[0] - 0.5, centre_px[1] - 0.5))
    full = round(side * scale)
    return cv2.resize(
        cv2.getRectSubPix(grey, (full, full), (centre_px[0] - 0.5, centre_px[1] - 0.5)),
        (side, side),
        interpolation=cv2.INTER_AREA,
    )


def surfaces(grey: np.ndarray, patches: list[Patch], guess_px: np.ndarray, reach: int) -> np.ndarray:
    """Correlation of each patch at displacements of -reach to reach reduced px from its guess, (K, 2R+1, 2R+1)."""
    found = np.empty((len(patches), 2 * reach + 1, 2 * reach + 1), np.float32)
    for index, (patch, guess) in enumerate(zip(patches, guess_px.tolist(), strict=True)):
        area = window(grey, tuple(guess), patch.image.shape[0] + 2 * reach, patch.scale)
        found[index] = cv2.matchTemplate(area, patch.image, cv2.TM_CCOEFF_NORMED)
    return np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)


def vote(surface: np.ndarray, least: float, quorum: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Displacements on which markers agree.

    Args:
        surface: Correlations, (K, 2R+1, 2R+1).
        least: Correlation that an agreeing marker has at least.
        quorum: Share of the K markers that must agree.

    Returns:
        Displacement of each marker in reduced px, (K, 2), NaN where it agrees with none, and the number of the round in
        which it was found, (K,), -1 for none: markers of one round moved alike.
    """
    count, side = surface.shape[:2]
    eased = maximum_filter(surface, (1, 2 * SLACK + 1, 2 * SLACK + 1))
    best = eased.max((1, 2))
    axis = np.arange(side) - side // 2
    home = HOME * np.hypot(axis[:, None], axis[None]) / REDUCED_PX
    moved, rounds = np.full((count, 2), np.nan), np.full(count, -1)
    open_ = best >= least
    for number in range(8):
        members = np.nonzero(open_)[0]
        if not len(members):
            break
        total = np.clip(eased[members], 0, None).mean(0) - home
        row, column = np.unravel_index(int(total.argmax()), total.shape)
        at = eased[members, row, column]
        agree = members[(at >= best[members] - AGREES) & (at >= least)]
        if len(agree) < max(1, quorum * count):
            break
        moved[agree] = [refined(surface[member], row, column) for member in agree]
        rounds[agree] = number
        open_[agree] = False
    return moved, rounds


def refined(surface: np.ndarray, row: int, column: int) -> tuple[float, float]:
    """Displacement (x, y) of the highest value within the slack of a place, to a fraction of a px by parabolas."""
    last = len(surface) - 1
    top, left = max(row - SLACK, 0), max(column - SLACK, 0)
    near = surface[top : row + SLACK + 1, left : column + SLACK + 1]
    down, right = np.unravel_index(int(near.argmax()), near.shape)
    y, x = top + int(down), left + int(right)
    middle = float(surface[y, x])
    place = [x - last / 2, y - last / 2]
    if 0 < x < last and 0 < y < last:
        for index, (low, high) in enumerate(
            ((surface[y, x - 1], surface[y, x + 1]), (surface[y - 1, x], surface[y + 1, x]))
        ):
            curvature = float(low) - 2 * middle + float(high)
            if curvature < 0:
                place[index] += float(np.clip(0.5 * (float(low) - float(high)) / curvature, -0.5, 0.5))
    return place[0], place[1]
