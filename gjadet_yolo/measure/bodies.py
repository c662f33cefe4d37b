"""Which markers belong to one stiff body, found from how they move through the whole video.

A seed of neighbours gives a motion; every marker that follows it within what its own noise, the noise of the motion at
its distance and the slack of a view allow joins, the motion is fitted again, and so on. The seed that gathers most is a
body, and the rest is searched again. Bodies that turn out to move alike are joined at last. A marker that differs in
more than a few frames belongs elsewhere, so two bodies with the same run-up are told apart by what the impact does to
them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from gjadet_yolo.measure.rigid import (
    TINY,
    BodyFit,
    Poses,
    alternate,
    complex_of,
    departures,
    fit_body,
    median_layout,
    middle_of,
    settle,
)
from gjadet_yolo.measure.tracks import Tracks

LEAST = 3  # markers of a body: two can be a stiff pair in anything
SEED = 5  # markers of a seed
SLACK_PX = 0.2  # lens and tilted view make a stiff body's image give by so much
SLACK_TRAVEL = 0.01  # and by this share of the way it has gone
FLAT_TRAVEL = 0.001  # in the plane of motion: what is left of lens and plane that are not quite known
FLOOR_PX = 0.03  # least standard deviation of a sample
SIGMAS = 4.0
EXCHANGES = 3  # rounds in which markers may change to the body that they follow best
STRETCH, STRETCH_PER_PX = 0.02, 0.001  # most that a view lets a body's image grow, and more with the way it goes
MISFITS = 0.1  # share of samples that may be off: wrong finds, not another motion
STAYED = 0.7  # share of its samples for which a marker that left must have belonged to its body
LEAST_STAY = 0.3  # share of the video for which it must have done so: a tube stands with the wall until it is hit
MOST_FRAMES = 80  # that grouping looks at, spread over the video
STILL_PX = 0.5  # a body that moves less stands
STILL_SHARE = (
    0.05  # where none does, the camera shakes, and what moves less than this share of the widest travel stands
)


@dataclass(frozen=True)
class Grouping:
    """Bodies among N markers.

    Attributes:
        body: Body of each marker, (N,) int, the largest body first; -1 where it belongs to none.
        reference: Which of the B bodies stand, (B,) bool.
        left: Frame in which each marker left its body, (N,) int; -1 where it stayed.
    """

    body: np.ndarray
    reference: np.ndarray
    left: np.ndarray

    @property
    def count(self) -> int:
        """Number of bodies."""
        return len(self.reference)


@dataclass(frozen=True)
class Samples:
    """Markers as grouping sees them: points (T, N) complex, NaN where not measured, weights and slack (T, N).

    ``similar`` says that a view may change the size of what is stiff.
    """

    points: np.ndarray
    weights: np.ndarray
    slack: np.ndarray
    similar: bool = True

    @classmethod
    def of(cls, tracks: Tracks, flat: bool = False) -> Samples:
        """Of frames spread over the video; ``flat``: positions are those in the plane of motion."""
        frames = np.unique(np.linspace(0, len(tracks.status) - 1, MOST_FRAMES).round().astype(int))
        seen = tracks.measured[frames]
        points = np.where(seen, complex_of(tracks.position_px[frames]), np.nan)
        variance = (np.nan_to_num(tracks.sigma_px[frames]) ** 2).mean(2) + FLOOR_PX**2
        travel = np.hypot(*(wide(part) for part in (points.real, points.imag)))
        slack = np.broadcast_to(SLACK_PX + (FLAT_TRAVEL if flat else SLACK_TRAVEL) * travel, points.shape)
        return cls(points, np.where(seen, 1 / variance, 0.0), slack, not flat)

    def fit(self, members: np.ndarray, robust: bool = True) -> Poses:
        """Motion of some markers, (K,) int: of most of them, or of all alike."""
        points, weights = self.points[:, members], self.weights[:, members]
        if not robust:
            return alternate(points, weights, self.similar)[0]
        limit = self.slack[:, members] + SIGMAS / np.sqrt(np.maximum(weights, TINY))
        return settle(points, weights, limit, self.similar)[0]

    def off(self, poses: Poses, markers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which samples (T, K) of some markers are off a motion, and which could be judged."""
        points, weights = self.points[:, markers], self.weights[:, markers]
        judged = (weights > 0) & (poses.inertia[:, None] > 0)
        layout = median_layout(points, weights, poses)
        away = np.abs(points - poses(layout))
        own = np.divide(1.0, weights, out=np.zeros_like(weights), where=weights > 0)
        deviation = np.sqrt(own + poses.variance(np.nan_to_num(layout)))
        limit = SIGMAS * deviation + self.slack[:, markers]
        return judged & ~(away <= limit), judged

    def misfit(self, poses: Poses, markers: np.ndarray) -> np.ndarray:
        """Root mean squared departure of some markers from a motion, in standard deviations, (K,)."""
        points, weights = self.points[:, markers], self.weights[:, markers]
        judged = (weights > 0) & (poses.inertia[:, None] > 0)
        away = np.where(judged, np.abs(points - poses(median_layout(points, weights, poses))), 0)
        return np.sqrt((away**2 * weights).sum(0) / np.maximum(judged.sum(0), 1))

    def followers(self, poses: Poses, markers: np.ndarray) -> np.ndarray:
        """Those of some markers that follow a motion, (K,) int; none where the motion is not one of a stiff body."""
        if not stiff(poses):
            return markers[:0]
        off, judged = self.off(poses, markers)
        return markers[(off.sum(0) <= MISFITS * judged.sum(0)) & (judged.sum(0) >= LEAST)]


def stiff(poses: Poses) -> bool:
    """Whether what moves so keeps its size but for what a view does: a column of a tube that is crushed does not."""
    sure = poses.inertia > 0
    size = np.abs(poses.turn[sure])
    if not len(size):
        return False
    way = np.abs(poses.place[sure] - np.median(poses.place[sure]))
    limit = STRETCH + STRETCH_PER_PX * way + SIGMAS / np.sqrt(poses.inertia[sure])
    return bool((np.abs(size / np.median(size) - 1) > limit).mean() <= MISFITS)


def wide(values: np.ndarray) -> np.ndarray:
    """Range of each column of values (T, N), NaN left out; 0 for an empty one."""
    return np.maximum(np.fmax.reduce(values, 0, initial=-np.inf) - np.fmin.reduce(values, 0, initial=np.inf), 0)


def group(tracks: Tracks, flat: bool = False) -> Grouping:
    """Find the bodies of a video, without being told how many there are.

    Args:
        flat: Positions are those in the plane of motion, as :func:`~gjadet_yolo.measure.straight.straightened` gives
            them. There stiff bodies keep their size, so that bodies which move nearly alike are told apart.
    """
    samples = Samples.of(tracks, flat)
    free = np.nonzero((samples.weights > 0).sum(0) >= LEAST)[0]
    bodies: list[np.ndarray] = []
    while len(free) >= LEAST:
        members = largest(samples, free)
        if len(members) < LEAST:
            break
        bodies.append(members)
        free = np.setdiff1d(free, members)
    bodies = sorted(exchanged(samples, joined(samples, bodies)), key=len, reverse=True)
    body, left = np.full(tracks.status.shape[1], -1), np.full(tracks.status.shape[1], -1)
    for number, members in enumerate(bodies):
        body[members] = number
    claim_leavers(tracks, samples, bodies, body, left)
    return Grouping(body, standing(tracks, body, left, len(bodies), not flat), left)


def largest(samples: Samples, free: np.ndarray) -> np.ndarray:
    """The most markers among the free ones (K,) that follow one motion."""
    best = np.zeros(0, int)
    open_ = np.ones(len(free), bool)
    for seed in seeds(samples, free):
        if not open_[seed[0]]:  # its own body has been tried
            continue
        members = free[seed]
        for _ in range(4):
            grown = samples.followers(samples.fit(members), free)
            if len(grown) < LEAST or np.array_equal(grown, members):
                break
            members = grown
        if len(grown) >= LEAST:
            open_[np.isin(free, grown)] = False
        if len(grown) > len(best):
            best = grown
    return best


def seeds(samples: Samples, free: np.ndarray) -> np.ndarray:
    """Indices into the free markers (K,): each with its nearest neighbours, (K, up to SEED)."""
    place = np.nanmedian(samples.points[:, free].real, 0), np.nanmedian(samples.points[:, free].imag, 0)
    return cKDTree(np.stack(place, 1)).query(np.stack(place, 1), k=min(SEED, len(free)))[1]


def joined(samples: Samples, bodies: list[np.ndarray]) -> list[np.ndarray]:
    """Bodies, those that move alike in one."""
    bodies = list(bodies)
    for first in range(len(bodies)):
        for second in range(len(bodies) - 1, first, -1):
            both = np.concatenate((bodies[first], bodies[second]))
            if len(samples.followers(samples.fit(both, robust=False), both)) == len(both):
                bodies[first] = both
                del bodies[second]
    return bodies


def exchanged(samples: Samples, bodies: list[np.ndarray]) -> list[np.ndarray]:
    """Bodies, each marker in that whose motion it follows best.

    The first body that was found had its choice of all: of one that turns a little against it, it took the middle.
    """
    members = np.concatenate([*bodies, np.zeros(0, int)])
    for _ in range(EXCHANGES if len(bodies) > 1 else 0):
        misfit = np.full((len(bodies), len(members)), np.inf)
        for number, body in enumerate(bodies):
            poses = samples.fit(body)
            follows = np.isin(members, samples.followers(poses, members)) | np.isin(members, body)
            misfit[number, follows] = samples.misfit(poses, members[follows])
        best = misfit.argmin(0)
        found = [members[best == number] for number in range(len(bodies))]
        if min(map(len, found)) < LEAST or all(map(np.array_equal, map(np.sort, found), map(np.sort, bodies))):
            break
        bodies = found
    return bodies


def claim_leavers(
    tracks: Tracks, samples: Samples, bodies: list[np.ndarray], body: np.ndarray, left: np.ndarray
) -> None:
    """Give markers without a body (N,) to the one they have left late in the video, and note the frame."""
    frames = np.unique(np.linspace(0, len(tracks.status) - 1, MOST_FRAMES).round().astype(int))
    for number, members in enumerate(bodies):
        alone = np.nonzero((body < 0) & (samples.weights > 0).any(0))[0]
        if not len(alone):
            return
        # its place on the body is that of the frames in which it belonged, hence of the first half of its samples
        early = replace(samples, weights=early_half(samples.weights))
        poses = samples.fit(members)
        off, judged = early.off(poses, alone)
        placed = judged.sum(0) >= LEAST
        off, judged = off_from(early, samples, poses, alone)
        gone = departures(off, judged)
        before = (np.arange(len(off))[:, None] < gone) & judged
        faithful = (off & before).sum(0) <= MISFITS * before.sum(0)
        stayed = before.sum(0) >= np.maximum(STAYED * judged.sum(0), LEAST_STAY * len(frames))
        took = placed & (gone >= 0) & faithful & stayed
        body[alone[took]] = number
        left[alone[took]] = frames[gone[took]]


def early_half(weights: np.ndarray) -> np.ndarray:
    """Weights (T, N) with the second half of each marker's samples left out."""
    count = np.cumsum(weights > 0, 0)
    return np.where(count <= 0.5 * count[-1], weights, 0.0)


def off_from(early: Samples, samples: Samples, poses: Poses, markers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As :meth:`Samples.off`, with each marker's place on the body from its early samples."""
    place = np.where(early.weights[:, markers] > 0, samples.points[:, markers], np.nan)
    layout = middle_of(poses.back(place))
    away = np.abs(samples.points[:, markers] - poses(layout))
    judged = (samples.weights[:, markers] > 0) & (poses.inertia[:, None] > 0)
    deviation = np.sqrt(1 / np.maximum(samples.weights[:, markers], 1e-12) + poses.variance(np.nan_to_num(layout)))
    return judged & ~(away <= SIGMAS * deviation + samples.slack[:, markers]), judged


def standing(tracks: Tracks, body: np.ndarray, left: np.ndarray, count: int, similar: bool) -> np.ndarray:
    """Which bodies stand: those that hardly move against the widest travel of all, (B,) bool."""
    if not count:
        return np.zeros(0, bool)
    fits = fit_bodies(tracks, Grouping(body, np.zeros(count, bool), left), similar)
    travel = np.array([np.ptp(fit.position[fit.sigma.max(1) < STILL_PX], axis=0).max(initial=0) for fit in fits])
    still = travel <= STILL_PX
    return still if still.any() else travel <= STILL_SHARE * travel.max()


def fit_bodies(tracks: Tracks, grouping: Grouping, similar: bool = True) -> list[BodyFit]:
    """Motion of each body in px, from measured samples and without markers that have left; see :func:`fit_body`."""
    gone = (grouping.left >= 0) & (np.arange(len(tracks.status))[:, None] >= grouping.left)
    position = np.where((tracks.measured & ~gone)[..., None], tracks.position_px, np.nan)
    fits = []
    for number in range(grouping.count):
        members = grouping.body == number
        fit = fit_body(position[:, members], tracks.sigma_px[:, members], similar, SLACK_PX)
        fits.append(replace(fit, left=np.where(fit.left < 0, grouping.left[members], fit.left)))
    return fits
