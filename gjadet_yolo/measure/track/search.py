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
PATCH = 1.3  # half side of a patch in marker sizes: the marker, and more than half of each neighbour
SLACK = 1  # reduced px by which markers of a group may differ, as turning and squeezing make them
AGREES = 0.12  # below its own best correlation by which a marker still agrees with its group
PEAKS, PEAKS_APART = 8, 3  # of a sum that are compared, and px between them
MANY = 12  # markers of a strip that can go from border to border; fewer show their ends, and need all their votes
MOST_CUT = 0.7  # share of markers at the border up to which those within speak for all
SHOWN = 0.3  # share of the markers that a displacement must leave in the image
HOME = 0.002  # advantage in correlation of a displacement of zero over one of a size: decides ties only


@dataclass(frozen=True)
class Patch:
    """Surroundings of a marker, (S, S) float32, ``scale`` times smaller than in the video; the border may cut them."""

    image: np.ndarray
    scale: int
    cut: bool


def cut_patches(grey: np.ndarray, position_px: np.ndarray, size_px: np.ndarray) -> list[Patch]:
    """Patches of markers at positions (K, 2) with sizes (K,) in a frame (H, W) float32."""
    found = []
    for (x, y), size in zip(position_px.tolist(), size_px.tolist(), strict=True):
        scale = max(round(size / REDUCED_PX), 1)  # whole, or patches and images would shrink by different amounts
        side = 2 * round(PATCH * size / scale) + 1
        half = scale * side / 2
        cut = min(x, y, grey.shape[1] - x, grey.shape[0] - y) < half
        found.append(Patch(window(grey, (x, y), side, scale), scale, cut))
    return found


def window(grey: np.ndarray, centre_px: tuple[float, float], side: int, scale: int) -> np.ndarray:
    """Square of an image about a point, (side, side), shrunk by ``scale``; beyond the border its edge is repeated."""
    if scale == 1:
        return cv2.getRectSubPix(grey, (side, side), (centre_px[0] - 0.5, centre_px[1] - 0.5))
    full = side * scale
    return cv2.resize(
        cv2.getRectSubPix(grey, (full, full), (centre_px[0] - 0.5, centre_px[1] - 0.5)),
        (side, side),
        interpolation=cv2.INTER_AREA,
    )


def surfaces(grey: np.ndarray, patches: list[Patch], guess_px: np.ndarray, reach: int) -> np.ndarray:
    """Correlation of each patch at displacements of -reach to reach reduced px from its guess, (K, 2R+1, 2R+1).

    NaN where the patch would reach beyond the border, of which nothing is known, or did so before: strips that go from
    border to border would be told to move as little as possible, or as much.
    """
    found = np.empty((len(patches), 2 * reach + 1, 2 * reach + 1), np.float32)
    axis = np.arange(-reach, reach + 1)
    spare = np.mean([patch.cut for patch in patches]) < MOST_CUT and len(patches) >= MANY
    for index, (patch, guess) in enumerate(zip(patches, guess_px.tolist(), strict=True)):
        area = window(grey, tuple(guess), patch.image.shape[0] + 2 * reach, patch.scale)
        found[index] = np.nan_to_num(cv2.matchTemplate(area, patch.image, cv2.TM_CCOEFF_NORMED), posinf=0, neginf=0)
        half = patch.scale * patch.image.shape[0] / 2
        x, y = (place + patch.scale * axis for place in guess)
        if patch.cut and spare:
            found[index] = np.nan
        if len(patches) < MANY:
            continue
        found[index, (y < half) | (y > grey.shape[0] - half)] = np.nan
        found[index][:, (x < half) | (x > grey.shape[1] - half)] = np.nan
    return found


def vote(surface: np.ndarray, least: float, quorum: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Displacements on which markers agree.

    Args:
        surface: Correlations, (K, 2R+1, 2R+1); NaN where a marker cannot tell, which follows the others there.
        least: Correlation that an agreeing marker has at least.
        quorum: Share of the K markers that must agree.

    Returns:
        Displacement of each marker in reduced px, (K, 2), NaN where it agrees with none, and the number of the round in
        which it was found, (K,), -1 for none: markers of one round moved alike.
    """
    count, side = surface.shape[:2]
    inside = np.isfinite(surface)
    surface = np.where(inside, surface, -1.0)
    eased = maximum_filter(surface, (1, 2 * SLACK + 1, 2 * SLACK + 1))
    best = eased.max((1, 2))
    axis = np.arange(side) - side // 2
    home = HOME * np.hypot(axis[:, None], axis[None]) / REDUCED_PX
    moved, rounds = np.full((count, 2), np.nan), np.full(count, -1)
    open_ = (best >= least) | ~inside.any((1, 2))
    for number in range(8):
        members = np.nonzero(open_)[0]
        if not len(members):
            break
        shown = inside[members].sum(0)
        total = np.where(inside[members], np.clip(eased[members], 0, None), 0).sum(0) / np.maximum(shown, 1)
        # a few at the border are no majority
        row, column = np.unravel_index(
            int(np.where(shown > SHOWN * len(members), total - home, -1).argmax()), home.shape
        )
        at = eased[members, row, column]
        blind = ~inside[members, row, column]
        agree = ((at >= best[members] - AGREES) & (at >= least)) | blind
        if (agree & ~blind).sum() < max(1, quorum * count):
            break
        agree, blind = members[agree], members[blind]
        moved[agree] = [refined(surface[member], row, column) for member in agree]
        moved[blind] = np.median(moved[np.setdiff1d(agree, blind)], axis=0)
        rounds[agree] = number
        open_[agree] = False
    return moved, rounds


def highest(surface: np.ndarray, total: np.ndarray) -> tuple[int, int]:
    """Place of the highest of the peaks of a sum (S, S), by the heights that its parts (K, S, S) reach between samples.

    Shifts by two squares differ by less than what a peak loses where it falls between two samples.
    """
    peaks = (total == maximum_filter(total, 2 * PEAKS_APART + 1)) & (total > 0)
    rows, columns = np.nonzero(peaks)
    best = np.argsort(-total[rows, columns])[:PEAKS]
    if not len(best):
        return tuple(np.unravel_index(int(total.argmax()), total.shape))
    height, last = [], len(total) - 2
    for row, column in zip(rows[best].tolist(), columns[best].tolist(), strict=True):
        row, column = min(max(row, 1), last), min(max(column, 1), last)
        near = surface[:, row - 1 : row + 2, column - 1 : column + 2]
        near = near[(near > -1).all((1, 2))]  # those that can tell
        sharp = near.mean(0) if len(near) else total[row - 1 : row + 2, column - 1 : column + 2]
        height.append(top(sharp) - float(np.hypot(row - last / 2 - 0.5, column - last / 2 - 0.5)) * HOME / REDUCED_PX)
    chosen = best[int(np.argmax(height))]
    return int(rows[chosen]), int(columns[chosen])


def top(near: np.ndarray) -> float:
    """Height of a peak between samples (3, 3), by the parabolas through its middle."""
    middle, height = float(near[1, 1]), float(near[1, 1])
    for low, high in ((near[1, 0], near[1, 2]), (near[0, 1], near[2, 1])):
        curvature = float(low) - 2 * middle + float(high)
        if curvature < 0:
            height -= (float(low) - float(high)) ** 2 / (8 * curvature)
    return height


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
