"""T0 of a measurement: when the body that moves most leaves its constant velocity."""

from __future__ import annotations

import numpy as np

from gjadet_yolo.measure.curves import way
from gjadet_yolo.measure.onset import Onset, find_onset


def find_start(
    time_s: np.ndarray, position: np.ndarray, sigma: np.ndarray, seen: np.ndarray, moving: np.ndarray
) -> Onset | None:
    """Onset of the first body that has one, bodies with the longest way first; None where none has.

    Args:
        time_s: (T,).
        position: (T, B, 2) in mm, or in px without a scale; ``sigma`` likewise.
        seen: Where they were measured, (T, B) bool.
        moving: Bodies that do not stand, (B,) bool.
    """
    path = np.where(seen[..., None], way(position), np.nan)
    far = np.nan_to_num(np.hypot(path[..., 0], path[..., 1]))  # (T, B)
    for body in np.argsort(-far.max(0, initial=0)):
        if not moving[body] or not far[:, body].any():
            continue
        farthest = int(far[:, body].argmax())
        direction = path[farthest, body] / far[farthest, body]
        along, noise = position[:, body] @ direction, np.sqrt(sigma[:, body] ** 2 @ direction**2)
        if (found := find_onset(time_s, along, noise, seen[:, body])) is not None:
            return found
    return None
