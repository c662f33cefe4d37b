"""How tracks move on: with their group, on their own, or carried along by the group where they are hidden."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from gjadet_yolo.measure.track.field import Fields, distance, fit_fields
from gjadet_yolo.measure.track.flock import Flock
from gjadet_yolo.measure.track.groups import REACH, neighbour_groups
from gjadet_yolo.measure.track.judge import OFF
from gjadet_yolo.measure.track.record import Record
from gjadet_yolo.measure.tracks import Located

WINDOW = 8  # frames whose motion tells groups apart
FADING = 0.85  # weight of the past in what is usual of late
WORSENING = 0.03  # of the score that is usual, per frame: light fades slowly, and what passes in front does so fast
ODD, ODD_SIZE = 3.0, 0.05  # drift against the group that is odd: in spreads of its motion, and in marker sizes
IMPAIRED = 0.08  # fall of the score below what is usual that tells something in front from a marker that leaves
UNEVEN = 0.07  # spread of a group's motion, in marker sizes, from which it is not that of one body
LEAST_MATES = 3  # that show how a group is turned and squeezed


def settle(flock: Flock, record: Record, located: Located, good: np.ndarray) -> np.ndarray:
    """Move all tracks to the frame at hand and expect the next one.

    Returns which finds (n,) bool agree with the motion of their groups; tracks without one are carried.
    """
    frame, before, size = len(record.rows), flock.position, flock.extent
    expected = before + flock.step
    after = np.where(good[:, None], located.position_px, expected)
    usable = good & (flock.seen == frame - 1)
    count = int(flock.group.max(initial=-1)) + 1
    fields = fit_fields(before[usable], after[usable], flock.group[usable], count, size[usable])
    common = fields.step(before, flock.group)
    told = np.isfinite(common).all(1)
    step = np.where(told[:, None], common, flock.step)
    strange = odd(flock, located, good, usable, after - before - step, fields.spread_px[flock.group])
    stray = strange & (located.score < flock.likeness - IMPAIRED)
    # off its group's motion: on a neighbour or on debris, unless it went its own way in the frame before too
    stray |= strange & (distance(after - before - step) > OFF * size) & (distance(after - expected) > 0.5 * OFF * size)
    stray &= flock.known
    own = strange & ~stray
    step[own] = (after - before)[own]
    good = good & ~stray
    after[stray] = expected[stray]
    carry(flock, record, after, good)
    flock.position, flock.step, flock.known = after, step, flock.known | told
    flock.seen = np.where(good, frame, flock.seen)
    return good


def odd(
    flock: Flock, located: Located, good: np.ndarray, usable: np.ndarray, apart: np.ndarray, spread: np.ndarray
) -> np.ndarray:
    """Which tracks moved against their groups of late, (n,) bool; ``apart`` (n, 2) is by how much in this frame.

    Keeps the drift of each, and what its score is as a rule. Something that moves across a marker drags it along little
    by little, so single frames show it too late.
    """
    flock.drift = np.where(usable[:, None], FADING * flock.drift + apart, 0.0)
    usual = np.minimum(located.score, 1.0)
    rate = np.where(usual > flock.likeness, 1 - FADING, WORSENING)
    flock.likeness = np.where(good, flock.likeness + rate * (usual - flock.likeness), flock.likeness)
    return usable & (distance(flock.drift) > np.maximum(ODD * spread, ODD_SIZE * flock.extent))


def carry(flock: Flock, record: Record, after: np.ndarray, good: np.ndarray) -> None:
    """Put tracks that were not found where the rest of their group has gone since they were last seen."""
    lost = ~good & np.isin(flock.group, flock.group[good]) & (flock.seen < len(record.rows))
    moved, job = since(flock, record, after, good, lost, flock.seen)
    then = np.full_like(after, np.nan)
    for frame in np.unique(flock.seen[lost]):
        which = lost & (flock.seen == frame)
        then[which] = record.positions(int(frame), flock.ids[which])
    place = then[lost] + moved.step(then[lost], job)
    known = np.isfinite(place).all(1)
    after[np.nonzero(lost)[0][known]] = place[known]


def since(
    flock: Flock, record: Record, after: np.ndarray, good: np.ndarray, which: np.ndarray, frame: np.ndarray
) -> tuple[Fields, np.ndarray]:
    """Fields from a frame of each track (n,) to the one at hand, of the groups of some tracks (n,) bool.

    Returns the fields, and for each of the K tracks which of the fields is its, (K,).
    """
    pairs, job = np.unique(np.stack((flock.group[which], frame[which])), axis=1, return_inverse=True)
    before, now, label, size = [np.zeros((0, 2))], [np.zeros((0, 2))], [np.zeros(0, int)], [np.zeros(0)]
    for number, (group, then) in enumerate(pairs.T.tolist()):
        mates = np.nonzero(good & (flock.group == group))[0]
        past = record.positions(then, flock.ids[mates]) if then < len(record.rows) else after[mates]
        mates, past = mates[np.isfinite(past).all(1)], past[np.isfinite(past).all(1)]
        before.append(past)
        now.append(after[mates])
        label.append(np.full(len(mates), number))
        size.append(flock.extent[mates])
    parts = (np.concatenate(part) for part in (before, now, label))
    return fit_fields(*parts, pairs.shape[1], np.concatenate(size)), job.reshape(-1)


def reshape(flock: Flock, record: Record, good: np.ndarray) -> None:
    """Update how tracks are turned and squeezed since they were learned; the frame at hand is on record."""
    everyone = np.ones(len(flock), bool)
    fields, job = since(flock, record, flock.position, good, everyone, flock.learned)
    mates = np.bincount(job[good], minlength=len(fields.shift))
    enough = (mates >= LEAST_MATES)[job] & np.isfinite(fields.strain[job]).all((1, 2))
    # bodies that stand side by side are one group by their last frames, but did not move as one since they were learned
    enough &= fields.spread_px[job] < UNEVEN * flock.extent
    flock.shape[enough] = np.eye(2) + fields.strain[job[enough]]


def regroup(flock: Flock, record: Record, good: np.ndarray) -> None:
    """Form groups by the motion of the last frames; the frame at hand is on record."""
    last = len(record.rows) - 1
    past = record.positions(max(last - WINDOW, 0), flock.ids, measured=False)
    moved = flock.position - past
    moved[~good] = np.nan
    # whoever has no past has the last step only
    brief = ~np.isfinite(moved).all(1) & flock.known & good
    moved[brief] = flock.step[brief] * min(WINDOW, last)
    settled = np.nonzero(np.isfinite(moved).all(1))[0]
    label = flock.group + len(flock) + 1
    if len(settled):
        label[settled] = neighbour_groups(flock.position[settled], flock.extent[settled], moved[settled])
        join(flock, label, np.setdiff1d(np.arange(len(flock)), settled), settled)
    flock.group = np.unique(label, return_inverse=True)[1].reshape(-1)


def join(flock: Flock, label: np.ndarray, loose: np.ndarray, settled: np.ndarray) -> None:
    """Let tracks without motion of their own follow their old group, or else their nearest neighbour."""
    if not len(loose):
        return
    tree = cKDTree(flock.position[settled])
    for track in loose:
        mates = settled[flock.group[settled] == flock.group[track]]
        if len(mates):
            away = distance(flock.position[mates] - flock.position[track])
            label[track] = label[mates[away.argmin()]]
            continue
        away, place = tree.query(flock.position[track])
        if away <= REACH * flock.extent[track]:
            label[track] = label[settled[place]]
            flock.step[track], flock.known[track] = flock.step[settled[place]], True
