"""Remove the motion of the camera, as the bodies that stand show it.

All markers of standing bodies are one stiff body for the camera. Its fitted motion is taken back from every marker, and
the standard deviation of that motion, at the place of each marker, is added to the marker's own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gjadet_yolo.measure.bodies import Grouping
from gjadet_yolo.measure.rigid import complex_of, pair_of, settle
from gjadet_yolo.measure.tracks import Tracks

LIMIT = 4.0  # standard deviations from which a standing marker's sample does not count


def steady(tracks: Tracks, grouping: Grouping) -> Tracks:
    """Tracks as a camera that stands still would have seen them; frames are turned to the first with a reference.

    Raises:
        ValueError: No body stands, or frames lack two of its markers.
    """
    standing = np.isin(grouping.body, np.nonzero(grouping.reference)[0])
    if not standing.any():
        raise ValueError(
            "steady=True needs markers that stand, on the ground or on a wall, and none of the bodies does. "
            "Leave it out."
        )
    points = complex_of(np.where(tracks.measured[..., None], tracks.position_px, np.nan))[:, standing]
    variance = (tracks.sigma_px[:, standing] ** 2).mean(2)
    seen = np.isfinite(points) & (variance > 0)
    bare = np.nonzero(seen.sum(1) < 2)[0]
    if len(bare):
        raise ValueError(
            f"steady=True needs two standing markers in each frame; frame {bare[0]} shows {seen[bare[0]].sum()} and "
            f"{len(bare) - 1} more frames too few. Leave it out."
        )
    weights = np.divide(1.0, variance, out=np.zeros_like(variance), where=seen)
    limit = LIMIT / np.sqrt(np.maximum(weights, 1e-300))
    poses, _ = settle(points, weights, limit, similar=False)
    layout = poses.back(complex_of(tracks.position_px))
    start_turn, start_place = poses.turn[0], poses.place[0]
    variance = poses.variance(layout)
    return replace(
        tracks,
        position_px=pair_of(start_place + start_turn * layout),
        sigma_px=np.sqrt(tracks.sigma_px**2 + np.nan_to_num(variance)[..., None]),
    )
