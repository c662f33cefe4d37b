"""Markers held against those around them: where one moves otherwise for some frames, and is unsure, these are right.

A light square before a light wall has no edges of its own, and takes those of the wall for its own when one passes
behind it. The squares around it tell where it went. This changes only samples that contradict them by more than the
deviations of both allow; what a marker is off by in all frames is not seen here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from gjadet_yolo.measure.tracks import Tracks

REACH, MOST, LEAST = 3.2, 8, 3  # sides within which neighbours count, how many at most, and at least
EXCESS = 3.0  # deviations from which a contradiction is no chance
FLOOR_PX = 0.1  # of what neighbours say
REFERENCES = 6  # frames at most in which neighbours are looked up: markers come and go
ROUNDS = 4


@dataclass(frozen=True)
class Told:
    """What neighbours say of K markers in T frames, x + iy.

    Attributes:
        place: (T, K) complex; NaN where too few are seen.
        sigma: Deviation per axis, (T, K).
    """

    place: np.ndarray
    sigma: np.ndarray


def alongside(tracks: Tracks) -> Tracks:
    """Tracks whose samples follow their neighbours where they contradict them."""
    position, sigma = tracks.position_px.copy(), tracks.sigma_px.copy()
    open_ = tracks.measured.any(0)
    for _ in range(REFERENCES):
        frame = int((tracks.measured & open_).sum(1).argmax()) if len(open_) and open_.any() else -1
        if frame < 0 or not (tracks.measured[frame] & open_).any():
            break
        index, others = neighbours(tracks, frame, open_)
        open_ &= ~tracks.measured[frame]
        if len(index):
            place, spread = corrected(tracks, index, told_by(tracks, frame, index, others))
            position[:, index], sigma[:, index] = place, spread
    return replace(tracks, position_px=position, sigma_px=sigma)


def neighbours(tracks: Tracks, frame: int, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Markers (K,) of the wanted ones that a frame shows with enough others around, and these, (K, MOST); -1: none."""
    seen = np.flatnonzero(tracks.measured[frame])
    if len(seen) <= LEAST:
        return np.zeros(0, int), np.zeros((0, MOST), int)
    place, side = tracks.position_px[frame, seen], tracks.size_px[seen].mean(1)
    away, near = cKDTree(place).query(place, k=MOST + 1, distance_upper_bound=float(REACH * side.max()))
    near = np.where(away[:, 1:] <= REACH * side[:, None], near[:, 1:], len(seen))
    others = np.append(seen, -1)[near]
    keep = wanted[seen] & ((others >= 0).sum(1) >= LEAST)
    return seen[keep], others[keep]


def told_by(tracks: Tracks, frame: int, index: np.ndarray, others: np.ndarray) -> Told:
    """Where markers (K,) would be if they moved with their neighbours (K, J) since a frame, by robust similarities."""
    whole = tracks.position_px[..., 0] + 1j * tracks.position_px[..., 1]
    before, now = whole[frame, others], whole[:, others]  # (K, J), (T, K, J)
    plain = 1 / ((tracks.sigma_px[:, others] ** 2).mean(-1) + FLOOR_PX**2)
    known = tracks.measured[:, others] & (others >= 0) & np.isfinite(plain)
    plain, now, before = np.where(known, plain, 0), np.where(known, now, 0), np.where(others >= 0, before, 0)
    weight, count = plain, known.sum(-1)
    for _ in range(ROUNDS):
        total = np.maximum(weight.sum(-1), 1e-12)
        start, end = (weight * before).sum(-1) / total, (weight * now).sum(-1) / total
        arm = np.where(known, before - start[..., None], 0)
        power = np.maximum((weight * np.abs(arm) ** 2).sum(-1), 1e-9)
        turn = (weight * np.conj(arm) * (now - end[..., None])).sum(-1) / power
        square = np.abs(now - end[..., None] - turn[..., None] * arm) ** 2 / 2
        spread = (weight * square).sum(-1) / total * count / np.maximum(count - 2, 1)
        weight = plain / (1 + square / (4 * np.maximum(spread, FLOOR_PX**2)[..., None]))
    lever = whole[frame, index] - start
    # of the mean of all neighbours, and of how they turn and stretch
    share = (1 + np.abs(lever) ** 2 * total / power) / np.maximum(count, 1)
    sigma = np.sqrt(np.maximum(spread, FLOOR_PX**2) * share + FLOOR_PX**2)
    place = end + turn * lever
    return Told(np.where(count >= LEAST, place, np.nan), sigma)


def corrected(tracks: Tracks, index: np.ndarray, told: Told) -> tuple[np.ndarray, np.ndarray]:
    """Positions and deviations of markers (K,), (T, K, 2) each."""
    position, own = tracks.position_px[:, index], tracks.sigma_px[:, index]
    away = position - np.stack((told.place.real, told.place.imag), -1)
    away[~tracks.measured[:, index]] = np.nan
    both = np.hypot(own, told.sigma[..., None])
    away -= usual(away, 1 / both**2)
    # who knows its own place well is right against its neighbours: they may be of another body
    off = (np.abs(away) > EXCESS * both) & (own > told.sigma[..., None])  # NaN is not
    size = np.abs(np.where(off, away, 1))
    share = size**2 / (size**2 + told.sigma[..., None] ** 2)  # of the neighbours' word
    sigma = np.where(off, np.hypot(told.sigma[..., None], (1 - share) * size), own)
    return np.where(off, position - share * np.where(off, away, 0), position), sigma


def usual(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted median over frames of values (T, K, 2), NaN left out, (K, 2); 0 where all are."""
    known = np.isfinite(values) & np.isfinite(weight)
    values, weight = np.where(known, values, np.inf), np.where(known, weight, 0)
    order = np.argsort(values, 0)
    values, weight = np.take_along_axis(values, order, 0), np.take_along_axis(weight, order, 0)
    at = (np.cumsum(weight, 0) >= weight.sum(0) / 2).argmax(0)
    found = np.take_along_axis(values, at[None], 0)[0]
    return np.where(np.isfinite(found), found, 0)
