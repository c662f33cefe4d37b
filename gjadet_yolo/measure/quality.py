"""Figures that say how well a video could be measured."""

from __future__ import annotations

import warnings

import numpy as np

from gjadet_yolo.measure.rigid import BodyFit
from gjadet_yolo.measure.tracks import Status, Tracks


def quality_of(tracks: Tracks, fits: list[BodyFit], ratio: np.ndarray) -> dict[str, float]:
    """Figures by name; NaN where nothing stands behind one.

    Args:
        ratio: Frame-to-frame noise of each marker against what was stated, (N,).
    """
    seen = tracks.measured
    # from its first to its last sample: what was not in view yet is no gap
    first, last = seen.argmax(0), len(seen) - seen[::-1].argmax(0)
    frame = np.arange(len(seen))[:, None]
    span = (frame >= first) & (frame < last) & seen.any(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # means of nothing are NaN, which is what is said
        return {
            "markers": float(len(tracks.kind)),
            "measured_percent": float(100 * seen[span].mean()) if span.any() else float("nan"),
            "predicted_percent": float(100 * (tracks.status[span] == Status.PREDICTED).mean()) if span.any() else 0.0,
            "standard_deviation_of_a_position_px": float(np.nanmedian(tracks.sigma_px[seen])) if seen.any() else 0.0,
            "disagreement_of_two_estimates_px": float(np.nanmedian(tracks.disagreement_px)),
            "noise_against_stated": float(np.nanmedian(ratio)),
            "misfit_of_stiff_bodies": float(np.median([fit.excess for fit in fits])) if fits else float("nan"),
        }
