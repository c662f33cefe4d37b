"""Follow all markers through a video, each with its identity.

In every frame each marker is localised where its group's motion puts it. A group whose motion is not known yet, or that
fails as a whole, is searched by the vote of its members; a marker that fails alone is carried along by its group, and
measured again under the same id when it comes back. Detection finds newcomers and sorts out what is no marker: a track
counts from its second detection on.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from scipy.spatial import cKDTree

from gjadet_yolo.measure.track.boxes import Found, clean, match, whole
from gjadet_yolo.measure.track.field import distance, fit_field
from gjadet_yolo.measure.track.flock import Flock, Learned, locate_all
from gjadet_yolo.measure.track.groups import neighbour_groups
from gjadet_yolo.measure.track.record import Record, Row
from gjadet_yolo.measure.track.seams import Detector, Localiser, TrackSettings
from gjadet_yolo.measure.track.search import REDUCED_PX, cut_patches, surfaces, vote
from gjadet_yolo.measure.tracks import Located, Status, Tracks

OFF = 0.3  # in marker sizes: a find farther from its guess, or off its group's motion by more, is of something else
OVERLAP = 0.5  # in marker sizes: two tracks nearer than this follow the same marker
DISAGREE = 0.12  # in marker sizes: most that two estimates of one place may differ
CARRIED_SIGMA = 0.02  # of a carried marker, in marker sizes, besides the spread of its group's motion
COASTING = 3  # frames for which a group that nothing is seen of is taken to go on as before
UNKNOWN_REACH, KNOWN_REACH, MOST_REACH = 1.45, 0.8, 2.5  # of searching, in marker sizes
QUORUM = 0.4  # share of a group that must agree on where it went, once its motion is known
WINDOW = 8  # frames whose motion tells groups apart
RESHAPE = 4  # frames between updates of how markers are turned and squeezed, which change slowly


def follow(
    frames: Iterable[np.ndarray],
    detector: Detector,
    localiser: Localiser,
    settings: TrackSettings | None = None,
    fps: float = 1.0,
) -> Tracks:
    """Follow the markers of a video; frames are taken one by one and not kept.

    Args:
        frames: Images (H, W) or (H, W, 3), uint8 or uint16, all of the same size.
        fps: Capture rate, for the times of the result.
    """
    tracker = Tracker(detector, localiser, settings or TrackSettings())
    for image in frames:
        tracker.step(image)
    return tracker.tracks(fps)


def grey_of(image: np.ndarray) -> np.ndarray:
    """Image (H, W) or (H, W, 3), BGR, as grey float32."""
    return (cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image).astype(np.float32)


class Tracker:
    """Follows markers from frame to frame; see the file's docstring."""

    def __init__(self, detector: Detector, localiser: Localiser, settings: TrackSettings) -> None:
        self.detector, self.localiser, self.settings = detector, localiser, settings
        self.flock, self.record, self.learned = Flock(), Record(), []
        self.sizes: list[np.ndarray] = []
        self.kinds: list[str] = []
        self.detected, self.asked = -1, True  # frame of the last detection, and whether another is due at once

    @property
    def frame(self) -> int:
        """Index of the frame at hand."""
        return len(self.record.rows)

    def step(self, image: np.ndarray) -> None:
        """Take the next frame."""
        grey, flock = grey_of(image), self.flock
        located, good = self.find(grey)
        lost = (flock.seen == self.frame - 1) & ~good & inside(flock.position + flock.step, flock.size, grey.shape)
        overdue = self.frame - self.detected
        if self.asked or overdue >= self.settings.every or (lost.any() and overdue > 1):
            located, good = self.detect(image, grey, located, good)
        self.settle(located, good)
        self.note(located, good, grey)

    def find(self, grey: np.ndarray) -> tuple[Located, np.ndarray]:
        """Localise all tracks where they are expected, and search the groups that are not there."""
        flock = self.flock
        guess = flock.position + flock.step
        guess[~inside(guess, flock.size, grey.shape)] = np.nan
        located = self.locate(grey, guess)
        good = self.passes(located, guess, grey) & flock.known
        seeking = self.troubled(good, guess)
        if seeking.any():
            searched = self.search(grey, seeking)
            again = self.locate(grey, searched)
            found = self.passes(again, searched, grey) & seeking
            found &= ~near(again.position_px, located.position_px[good & ~seeking], OVERLAP * flock.extent)
            merge(located, again, found)
            good = np.where(seeking, found, good)
        return located, self.without_doubles(located, good)

    def locate(self, grey: np.ndarray, guess: np.ndarray) -> Located:
        return locate_all(self.learned, grey, self.flock.ids, guess, self.flock.shape)

    def passes(self, located: Located, guess: np.ndarray, grey: np.ndarray) -> np.ndarray:
        """Which finds look like their marker, lie near their guess and wholly in the image, (n,) bool."""
        size = self.flock.extent
        good = (located.score >= self.settings.score) & (distance(located.position_px - guess) <= OFF * size)
        good &= ~(located.disagreement_px > np.maximum(DISAGREE * size, 0.5))  # NaN is no disagreement
        return good & np.isfinite(located.sigma_px).all(1) & inside(located.position_px, self.flock.size, grey.shape)

    def troubled(self, good: np.ndarray, guess: np.ndarray) -> np.ndarray:
        """Which tracks are of groups whose motion is unknown, or most of which was not found, (n,) bool."""
        flock = self.flock
        expected = np.isfinite(guess).all(1)
        if not len(flock) or good[expected].all():
            return np.zeros(len(flock), bool)
        count = flock.group.max() + 1
        total = np.bincount(flock.group[expected], minlength=count)
        found = np.bincount(flock.group[good], minlength=count)
        new = expected & ~flock.known
        return expected & ((found < 0.5 * total)[flock.group]) | (new & ~good)

    def search(self, grey: np.ndarray, seeking: np.ndarray) -> np.ndarray:
        """Where groups have gone, (n, 2); NaN for tracks that are not sought or not found."""
        flock, guess = self.flock, np.full((len(self.flock), 2), np.nan)
        fresh = int(flock.group.max()) + 1
        for group in np.unique(flock.group[seeking]):
            members = np.nonzero(seeking & (flock.group == group))[0]
            known = bool(flock.known[members].any())
            gap = self.frame - 1 - int(flock.seen[members].max())
            # alone, a marker has no ends to tell it from its like next to it
            reach = min(KNOWN_REACH + 0.2 * gap, MOST_REACH) if known else UNKNOWN_REACH
            reach = min(reach, 0.45) if known and len(members) < 4 else reach
            patches = list(flock.patches[members])
            scale = np.array([patch.scale for patch in patches])
            start = flock.position[members] + flock.step[members]
            radius = int(np.ceil(reach * float((flock.extent[members] / scale).max()))) + 1
            surface = surfaces(grey, patches, start, min(radius, int(MOST_REACH * REDUCED_PX)))
            moved, rounds = vote(surface, self.settings.score, QUORUM if known else 0.0)
            guess[members] = start + moved * scale[:, None]
            for number in range(1, rounds.max() + 1):
                flock.group[members[rounds == number]] = fresh
                fresh += 1
        return guess

    def without_doubles(self, located: Located, good: np.ndarray) -> np.ndarray:
        """Good finds less the worse ones of those that lie on each other, (n,) bool."""
        places = np.nonzero(good)[0]
        if len(places) < 2:
            return good
        size = self.flock.extent
        pairs = cKDTree(located.position_px[places]).query_pairs(OVERLAP * size[places].max(), output_type="ndarray")
        first, second = places[pairs].T if len(pairs) else np.zeros((2, 0), int)
        close = distance(located.position_px[first] - located.position_px[second]) < OVERLAP * np.minimum(
            size[first], size[second]
        )
        worse = np.where(located.score[first] < located.score[second], first, second)[close]
        good = good.copy()
        good[worse] = False
        return good

    def detect(
        self, image: np.ndarray, grey: np.ndarray, located: Located, good: np.ndarray
    ) -> tuple[Located, np.ndarray]:
        """Detect: lost markers are looked for where something is seen, no markers are dropped, newcomers begin."""
        flock = self.flock
        found = clean(self.detector(image), self.settings.marker_class)
        self.detected, self.asked = self.frame, False
        place = np.where(good[:, None], located.position_px, flock.position + flock.step)
        matched, far = match(place, flock.extent, found)
        retry = (matched >= 0) & ~good
        if retry.any():
            guess = np.where(retry[:, None], found.centre[matched] if len(found.boxes) else np.nan, np.nan)
            again = self.locate(grey, guess)
            hit = self.passes(again, guess, grey) & retry
            hit &= ~near(again.position_px, located.position_px[good], OVERLAP * flock.extent)
            merge(located, again, hit)
            good = good | hit
        expected = inside(place, flock.size, grey.shape)
        flock.hits += matched >= 0
        flock.chances += expected | (matched >= 0)
        alive = flock.confirmed | (flock.chances - flock.hits < 2)
        flock.keep(alive)
        located, good = Located(*(part[alive] for part in vars(located).values())), good[alive]
        begin = found[far & whole(found, grey.shape) & (found.scores >= self.settings.confidence)]
        if len(begin.boxes):
            located = self.begin(grey, begin, located)
            good = np.concatenate((good, located.score[len(good) :] >= self.settings.score))
            self.asked = True  # whether they are markers shows in the next frame
        self.refresh(grey, located, good)
        return located, good

    def begin(self, grey: np.ndarray, found: Found, located: Located) -> Located:
        """Begin tracks at detections; returns the places of all tracks."""
        count, first = len(found.boxes), len(self.sizes)
        ids = np.arange(first, first + count)
        batch = Learned(ids, self.localiser.learn(grey, found.boxes))
        self.learned = [one for one in self.learned if np.isin(one.ids, self.flock.ids).any()] + [batch]
        self.sizes += list(found.size)
        self.kinds += list(getattr(batch.templates, "kind", ("square",) * count))
        newest = int(self.flock.group.max(initial=-1)) + 1
        born = np.full(count, self.frame)
        shape = np.tile(np.eye(2), (count, 1, 1))
        place = batch.templates.locate(grey, found.centre, shape)
        position = np.where(np.isfinite(place.position_px), place.position_px, found.centre)
        self.flock.add(
            Flock(
                ids=ids,
                position=position,
                step=np.zeros((count, 2)),
                known=np.zeros(count, bool),
                size=found.size,
                group=newest + neighbour_groups(position, found.size.mean(1), np.full((count, 2), np.nan)),
                born=born,
                seen=born,
                hits=np.ones(count, int),
                chances=np.ones(count, int),
                shape=shape,
                patches=np.array(cut_patches(grey, position, found.size.mean(1)) + [None], object)[:-1],
            )
        )
        return Located(*(np.concatenate((getattr(located, name), part)) for name, part in vars(place).items()))

    def refresh(self, grey: np.ndarray, located: Located, good: np.ndarray) -> None:
        """Renew the patches for searching, as light and shape change."""
        flock, which = self.flock, np.nonzero(good)[0]
        for index, patch in zip(which, cut_patches(grey, located.position_px[which], flock.extent[which]), strict=True):
            flock.patches[index] = patch

    def settle(self, located: Located, good: np.ndarray) -> None:
        """Check finds against the motion of their groups, carry what was not found, and expect the next frame."""
        flock, size, before = self.flock, self.flock.extent, self.flock.position
        expected = before + flock.step
        after = np.where(good[:, None], located.position_px, expected)
        usable = good & (flock.seen == self.frame - 1)
        step, known = flock.step.copy(), flock.known.copy()
        spread = np.full(len(flock), np.nan)
        for group in np.unique(flock.group[usable]):
            members = flock.group == group
            base = np.nonzero(members & usable)[0]
            field = fit_field(before[base], after[base], float(size[base].mean()))
            step[members] = field(before[members]) - before[members]
            known[members], spread[members] = True, field.spread_px
        own = usable & (distance(after - before - step) > np.maximum(4 * spread, 0.05 * size))
        # off its group's motion: on a neighbour or on debris, unless it went its own way in the frame before too
        stray = own & (distance(after - before - step) > OFF * size) & (distance(after - expected) > 0.5 * OFF * size)
        stray &= flock.known
        good &= ~stray
        own &= ~stray
        step[own] = (after - before)[own]
        self.carry(after, good, step)
        flock.position, flock.step, flock.known = after, step, known
        flock.seen = np.where(good, self.frame, flock.seen)

    def carry(self, after: np.ndarray, good: np.ndarray, step: np.ndarray) -> None:
        """Put tracks that were not found where the rest of their group has gone since they were last seen."""
        flock = self.flock
        lost = ~good & np.isin(flock.group, flock.group[good])
        for group, seen in {(g, s) for g, s in zip(flock.group[lost], flock.seen[lost], strict=True)}:
            members = np.nonzero(lost & (flock.group == group) & (flock.seen == seen))[0]
            mates = np.nonzero(good & (flock.group == group))[0]
            if seen == self.frame:
                continue
            then = self.record.positions(int(seen), flock.ids[mates])
            mates, then = mates[np.isfinite(then).all(1)], then[np.isfinite(then).all(1)]
            if len(mates):
                field = fit_field(then, after[mates], float(flock.extent[mates].mean()))
                after[members] = field(self.record.positions(int(seen), flock.ids[members]))

    def note(self, located: Located, good: np.ndarray, grey: np.ndarray) -> None:
        """Write the frame down; form the groups anew from time to time."""
        flock = self.flock
        carried = np.isin(flock.group, flock.group[good]) | (self.frame - flock.seen <= COASTING)
        carried &= inside(flock.position, flock.size, grey.shape)
        status = np.where(good, Status.MEASURED, np.where(carried, Status.PREDICTED, Status.MISSING)).astype(np.uint8)
        sigma = np.where(good[:, None], located.sigma_px, CARRIED_SIGMA * flock.size + 0.3)
        gone = status == Status.MISSING
        disagreement = np.where(good, located.disagreement_px, np.nan)
        position = np.where(gone[:, None], np.nan, flock.position)
        self.record.rows.append(Row(flock.ids, position, sigma, status, disagreement))
        if self.detected == self.frame - 1 or self.frame % RESHAPE == 0:
            self.regroup(good)
        if self.frame % RESHAPE == 0:
            self.reshape(good)

    def regroup(self, good: np.ndarray) -> None:
        """Form groups by the motion of the last frames."""
        flock, last = self.flock, self.frame - 1
        past = self.record.positions(max(last - WINDOW, 0), flock.ids, measured=False)
        moved = flock.position - past
        moved[~np.isfinite(past).all(1) | ~good] = np.nan
        # whoever has no past has the last step only
        brief = ~np.isfinite(moved).all(1) & flock.known & good
        moved[brief] = flock.step[brief] * min(WINDOW, last)
        settled = np.nonzero(np.isfinite(moved).all(1))[0]
        label = flock.group + len(flock) + 1
        if len(settled):
            label[settled] = neighbour_groups(flock.position[settled], flock.extent[settled], moved[settled])
            loose = np.setdiff1d(np.arange(len(flock)), settled)
            self.join(label, loose, settled)
        flock.group = np.unique(label, return_inverse=True)[1].reshape(-1)

    def join(self, label: np.ndarray, loose: np.ndarray, settled: np.ndarray) -> None:
        """Let tracks without motion of their own follow their old group, or else their nearest neighbour."""
        flock = self.flock
        tree = cKDTree(flock.position[settled])
        for track in loose:
            mates = settled[flock.group[settled] == flock.group[track]]
            if len(mates):
                away = distance(flock.position[mates] - flock.position[track])
                label[track] = label[mates[away.argmin()]]
                continue
            away, place = tree.query(flock.position[track])
            if away <= 2.3 * flock.extent[track]:
                label[track] = label[settled[place]]
                flock.step[track] = flock.step[settled[place]]
                flock.known[track] = True

    def reshape(self, good: np.ndarray) -> None:
        """Update how tracks are turned and squeezed since they were learned."""
        flock = self.flock
        for group, born in {(g, b) for g, b in zip(flock.group, flock.born, strict=True)}:
            members = (flock.group == group) & (flock.born == born)
            mates = np.nonzero(good & (flock.group == group))[0]
            then = self.record.positions(int(born), flock.ids[mates])
            there = np.isfinite(then).all(1)
            if there.sum() >= 3:
                field = fit_field(then[there], flock.position[mates[there]], float(flock.extent[mates].mean()))
                flock.shape[members] = field.linear

    def tracks(self, fps: float) -> Tracks:
        """Everything found, without tracks that turned out to be no markers."""
        # one frame cannot tell a ghost from a marker
        ids = self.flock.ids[self.flock.confirmed] if self.frame > 1 else self.flock.ids
        size = np.array(self.sizes).reshape(-1, 2)[ids]
        return self.record.tracks(ids, size, tuple(self.kinds[index] for index in ids), fps)


def inside(position: np.ndarray, size: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Which markers lie in an image (H, W) but for a sliver, (n,) bool."""
    half, limit = 0.45 * size, np.array([shape[1], shape[0]])
    return ((position - half >= 0) & (position + half <= limit)).all(1)


def near(position: np.ndarray, others: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Which positions (n, 2) have one of the others (m, 2) within their limit (n,), (n,) bool; NaN has none."""
    close, there = np.zeros(len(position), bool), np.isfinite(position).all(1)
    if len(others) and there.any():
        close[there] = cKDTree(others).query(position[there])[0] < limit[there]
    return close


def merge(located: Located, other: Located, which: np.ndarray) -> None:
    """Take some places (n,) bool from another search."""
    for name, part in vars(located).items():
        part[which] = getattr(other, name)[which]
