"""Compare what was measured with the truth. All scores are sums and counts, so that videos can be pooled."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gjadet_yolo.measure.filters import Filter
from gjadet_yolo.measure.kinematics import kinematics
from gjadet_yolo.measure.onset import Onset
from gjadet_yolo.measure.quantities import figures
from gjadet_yolo.measure.result import Curves, Measurement
from measuring.videos import Truth

BINS = ((6, 12), (12, 16), (16, 24), (24, 1000))
SEEN, WHOLE = 0.1, 0.9  # share of a marker that must be visible to count as there, and as measurable
LEAST_PX = 12.0
NEAR = 0.45  # of a marker's box, or of the way to its neighbour
FLAT = 0.6  # of its first side: a square that is crushed further is none
BAR = 1.96
Scores = dict[str, float]


def matched(position_px: np.ndarray, truth: Truth) -> np.ndarray:
    """Marker of the truth at each sample (T, N, 2); -1 where there is none, (T, N)."""
    found = np.full(position_px.shape[:2], -1)
    for frame, place in enumerate(position_px):
        there = np.flatnonzero(truth.visible[frame] > SEEN)
        known = np.flatnonzero(np.isfinite(place).all(1))
        if len(there) and len(known):
            apart = np.linalg.norm(place[known][:, None] - truth.position_px[frame, there], axis=2)
            nearest = apart.argmin(1)
            reach = NEAR * np.fmin(truth.side_px[frame], truth.apart(frame))[there]
            close = apart.min(1) < reach[nearest]
            found[frame, known[close]] = there[nearest[close]]
    return found


def upright(truth: Truth) -> np.ndarray:
    """Which markers (T, N) are about as large as ever: a square that is crushed further is none."""
    side = np.nan_to_num(truth.side_px)
    return side >= FLAT * np.where(truth.visible > 0.99, side, 0).max(0)


def usual(match: np.ndarray) -> np.ndarray:
    """The marker that most samples of each track are of, (N,); -1 where most are of none."""
    result = np.full(match.shape[1], -1)
    for track, column in enumerate(match.T):
        hits = column[column >= 0]
        if len(hits):
            result[track] = np.bincount(hits).argmax()
    return result


def identity(position_px: np.ndarray, truth: Truth) -> Scores:
    """Switches of identity, fragments, and tracks without a marker; position (T, N, 2), NaN where not measured."""
    match = matched(position_px, truth)
    samples = np.isfinite(position_px).all(2).sum(0)
    switches = 0
    for column in match.T:
        hits = column[column >= 0]
        switches += int((np.diff(hits) != 0).sum())
    real = (match >= 0).sum(0) > 0.5 * samples
    ids = usual(match)[real]
    wanted = (truth.visible >= WHOLE) & (truth.width_px >= LEAST_PX) & upright(truth)
    hit = np.zeros(truth.visible.shape, bool)
    frames, tracks = np.nonzero(match >= 0)
    hit[frames, match[frames, tracks]] = True
    return {
        "tracks": int((samples > 0).sum()),
        "switches": switches,
        "fragments": int(len(ids) - len(np.unique(ids))),
        "ghosts": int(((samples > 0) & ~real).sum()),
        "wanted": int(wanted.sum()),
        "wanted_found": int((wanted & hit).sum()),
    }


def positions(position_px: np.ndarray, sigma_px: np.ndarray | None, truth: Truth, prefix: str = "") -> Scores:
    """Sums of squared errors per axis by size, of place and of motion, and what bars of 95 % hold."""
    match, scores = matched(position_px, truth), {}
    frames, tracks = np.nonzero(match >= 0)
    ids = match[frames, tracks]
    good = (truth.visible[frames, ids] >= WHOLE) & upright(truth)[frames, ids]
    frames, tracks, ids = frames[good], tracks[good], ids[good]
    error = position_px[frames, tracks] - truth.position_px[frames, ids]
    # a marker's own mean error stays in no velocity
    key = tracks * truth.visible.shape[1] + ids
    _, group, count = np.unique(key, return_inverse=True, return_counts=True)
    mean = np.stack([np.bincount(group, error[:, axis]) for axis in (0, 1)], 1) / count[:, None]
    motion, side = error - mean[group], truth.width_px[ids]
    for low, high in BINS:
        here = truth.square[ids] & (side >= low) & (side < high)
        scores |= sums(f"{prefix}place_{low}", error[here]) | sums(f"{prefix}motion_{low}", motion[here])
    other = ~truth.square[ids] & (side >= LEAST_PX)
    scores |= sums(f"{prefix}place_other", error[other]) | sums(f"{prefix}motion_other", motion[other])
    if sigma_px is not None:
        scores |= covered(f"{prefix}bar_position", error, sigma_px[frames, tracks])
    return scores


def sums(name: str, error: np.ndarray) -> Scores:
    """Number, sum of squares, and number beyond half a pixel."""
    return {
        f"{name}_n": int(error.size),
        f"{name}_ss": float((error**2).sum()),
        f"{name}_far": int((np.abs(error) > 0.5).sum()),
    }


def covered(name: str, error: np.ndarray, sigma: np.ndarray) -> Scores:
    """How many errors a bar of 95 % holds, of how many."""
    known = np.isfinite(error) & np.isfinite(sigma) & (sigma > 0)
    inside = np.abs(error[known]) <= BAR * sigma[known]
    return {f"{name}_n": int(known.sum()), f"{name}_in": int(inside.sum())}


def through(position_mm: np.ndarray, seen: np.ndarray, fps: float, filter_: Filter) -> tuple[np.ndarray, np.ndarray]:
    """Velocity in m/s and acceleration in m/s² of true positions (T, K, 2) through a filter, where seen (T, K)."""
    flat = position_mm.reshape(len(position_mm), -1)
    motion = kinematics(flat, np.full_like(flat, 1e-6), np.repeat(seen, 2, 1), fps, filter_)
    return tuple(value.reshape(position_mm.shape) / 1e3 for value in (motion.velocity, motion.acceleration))


def motions(curves: Curves, true_mm: np.ndarray, good: np.ndarray, fps: float, filter_: Filter, name: str) -> Scores:
    """Errors and bars of velocities and accelerations of K curves against their truth (T, K, 2), where good (T, K)."""
    seen = np.isfinite(curves.position_mm).all(2)
    velocity, acceleration = through(true_mm, seen, fps, filter_)
    scores = {}
    for quantity, truth, found, sigma in (
        ("velocity", velocity, curves.velocity_mps, curves.sigma_velocity_mps),
        ("acceleration", acceleration, curves.acceleration_mps2, curves.sigma_acceleration_mps2),
    ):
        error = np.where(good[..., None], found - truth, np.nan)
        known = error[np.isfinite(error)]
        scores |= {f"{name}_{quantity}_n": known.size, f"{name}_{quantity}_ss": float((known**2).sum())}
        scores |= covered(f"bar_{name}_{quantity}", error, sigma)
    return scores


def markers(found: Measurement, truth: Truth, filter_: Filter) -> Scores:
    """Kinematics of single markers."""
    place = np.where((found.status == 2)[..., None], found.points.position_px, np.nan)
    match = matched(place, truth)
    ids = usual(match)
    true_mm = truth.position_mm[:, np.maximum(ids, 0)]
    good = (match == ids) & (ids >= 0) & (truth.visible[:, np.maximum(ids, 0)] >= WHOLE)
    return motions(found.points, true_mm, good, truth.fps, filter_, "marker")


def grouping(found: Measurement, ids: np.ndarray, truth: Truth) -> Scores:
    """Markers of stiff bodies that are in a wrong body, or in none; ``ids`` (N,) of the truth, -1 for none."""
    label = np.where(ids >= 0, truth.body[np.maximum(ids, 0)], -1)
    stiff = (ids >= 0) & (label >= 0)
    wrong = 0
    for body in range(found.body.max(initial=-1) + 1):
        mine = label[(found.body == body) & stiff]
        if len(mine):
            wrong += int((mine != np.bincount(mine).argmax()).sum())
    return {"stiff": int(stiff.sum()), "misgrouped": wrong, "alone": int((stiff & (found.body < 0)).sum())}


def bodies(found: Measurement, truth: Truth, filter_: Filter) -> tuple[Scores, list[Scores]]:
    """Kinematics of bodies: pooled, and one row for each, with its figures beside those of the truth."""
    place = np.where((found.status == 2)[..., None], found.points.position_px, np.nan)
    ids = usual(matched(place, truth))
    pooled, rows = grouping(found, ids, truth), []
    for body in range(len(found.reference)):
        members = ids[(found.body == body) & (ids >= 0)]
        members = members[truth.body[members] >= 0]
        if len(members) < 3:
            continue
        # those of another body too, if it was not told apart: they are part of the mean that was measured
        true_mm = truth.position_mm[:, members].mean(1, keepdims=True)
        one = Curves(*(getattr(found.bodies, name)[:, [body]] for name in Curves.__dataclass_fields__))
        good = np.isfinite(one.position_mm).all(2)
        scores = motions(one, true_mm, good, truth.fps, filter_, "body")
        error = np.where(good[..., None], one.position_mm - true_mm, np.nan)
        error -= np.nanmean(error, axis=0)  # a body has no point of its own: how far it went is what is known
        scores |= covered("bar_body_position", error, one.sigma_mm)
        for key, value in scores.items():
            pooled[key] = pooled.get(key, 0) + value
        row = {"body": body, "markers": len(members), "moves": int(not found.reference[body])}
        row |= {"mm_per_px": float(np.median(truth.mm_per_px[members])), **scores}
        rows.append(row | {"figures": quoted(found, body, true_mm, truth, filter_)})
    return pooled, rows


def quoted(found: Measurement, body: int, true_mm: np.ndarray, truth: Truth, filter_: Filter) -> list[list]:
    """Name, value, standard deviation and truth of each figure of a body and, with the first that moves, of T0."""
    mine = [one for one in found.figures if one.body == body]
    if not mine:
        return []
    time_s = np.arange(len(true_mm)) / truth.fps
    seen, t0 = np.ones((len(true_mm), 1), bool), Onset(truth.impact["contact_s"], 0.0)
    exact = figures(time_s, true_mm, np.full_like(true_mm, 1e-6), seen, t0, filter_, np.random.default_rng(0))
    true = {one.name: one.value for one in exact} | {"t0": t0.time_s}
    mine += [one for one in found.figures if one.name == "t0" and body == mine_first(found)]
    return [[one.name, one.value, one.sigma, true[one.name]] for one in mine if one.name in true]


def mine_first(found: Measurement) -> int:
    """The first body that has figures."""
    return min(one.body for one in found.figures if one.body >= 0)


def pool(results: Iterable[Scores]) -> Scores:
    """Sum of scores."""
    total: Scores = {}
    for scores in results:
        for name, value in scores.items():
            total[name] = total.get(name, 0) + value
    return total
