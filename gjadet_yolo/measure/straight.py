"""Markers as a camera without distortion would show them that looks straight at the plane of motion.

A stiff body keeps its size and shape there, which it does not in a tilted or distorted view; so bodies are found and
fitted in this view wherever a plane or a lens is known. Its unit is a pixel, i.e. a fixed number of mm: what counts as
small in a picture counts as small in it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gjadet_yolo.measure.lens import Lens, spread
from gjadet_yolo.measure.plane import Plane
from gjadet_yolo.measure.tracks import Tracks


def straightened(tracks: Tracks, plane: Plane | None, lens: Lens | None) -> Tracks:
    """Tracks in the straight view, as far as it is known; without plane and lens they are returned as they are."""
    if plane is not None:
        return in_plane(
            tracks, *plane.to_mm(tracks.position_px, tracks.sigma_px), np.zeros(tracks.status.shape[1], int)
        )
    if lens is None:
        return tracks
    ideal, slope = lens.undistort(tracks.position_px)
    return replace(tracks, position_px=ideal, sigma_px=spread(slope, tracks.sigma_px))


def in_plane(tracks: Tracks, position_mm: np.ndarray, sigma_mm: np.ndarray, body: np.ndarray) -> Tracks:
    """Tracks with positions in mm, divided by the scale of each one's body.

    Args:
        position_mm: (T, N, 2), with ``sigma_mm``.
        body: (N,) int.
    """
    scale = mm_per_px(tracks, sigma_mm, body)[body][:, None]
    return replace(tracks, position_px=position_mm / scale, sigma_px=sigma_mm / scale)


def mm_per_px(tracks: Tracks, sigma_mm: np.ndarray, body: np.ndarray) -> np.ndarray:
    """Scale of each body, (B + 1,), the last that of what belongs to none; 1 where it is not known."""
    seen = tracks.measured & np.isfinite(sigma_mm).all(2) & (tracks.sigma_px > 0).all(2)
    ratio = np.where(seen[..., None], sigma_mm / np.where(tracks.sigma_px > 0, tracks.sigma_px, 1.0), np.nan)
    found = np.ones(body.max(initial=-1) + 2)
    for one in range(-1, len(found) - 1):
        mine = ratio[:, body == one]
        if np.isfinite(mine).any():
            found[one] = np.nanmedian(mine)
    return found
