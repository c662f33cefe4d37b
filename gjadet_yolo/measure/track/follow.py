"""Follow all markers through a video, each with its identity.

In every frame each marker is localised where its group's motion puts it. A group whose motion is not known yet, or that
fails as a whole, is searched by the vote of its members; a marker that fails alone is carried along by its group, and
measured again under the same id when it comes back. Detection finds newcomers and sorts out what is no marker: a track
counts from its second detection on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import cv2
import numpy as np

from gjadet_yolo.measure.track.boxes import Found, clean, match, whole
from gjadet_yolo.measure.track.flock import FOREVER, Flock, Learned, locate_all
from gjadet_yolo.measure.track.groups import neighbour_groups
from gjadet_yolo.measure.track.judge import OVERLAP, chosen, inside, joined, merge, near, passes, without_doubles
from gjadet_yolo.measure.track.motion import IMPAIRED, regroup, reshape, settle
from gjadet_yolo.measure.track.recall import Recall
from gjadet_yolo.measure.track.record import Record, Row
from gjadet_yolo.measure.track.seams import Detector, Localiser, TrackSettings
from gjadet_yolo.measure.track.search import REDUCED_PX, cut_patches, surfaces, vote
from gjadet_yolo.measure.tracks import Located, Status, Tracks

CARRIED_SIGMA, CARRIED_PX = 0.02, 0.3  # deviation of a carried marker: share of its size, and px besides
COASTING = 3  # frames for which a group that nothing is seen of is taken to go on as before
UNKNOWN_REACH, KNOWN_REACH, MOST_REACH = 1.45, 0.8, 2.5  # of searching, in marker sizes
ALONE_REACH, ALONE = 0.45, 4  # fewer markers have no ends to tell them from their likes: half a pitch is too far
QUORUM = 0.4  # share of a group that must agree on where it went, once its motion is known
FAILED = 2  # detections of a marker that is not recognised, before it is learned anew
SOON = 3  # frames: a look that was recognised for longer was a good one, and will be again
LONG = 10  # frames without it: what passes in front has passed by then
LEAST_RATIO = 0.9  # of its size to that of its group, or else something still hides a part
RESHAPE = 4  # frames between updates of how markers are turned and squeezed, which change slowly


def follow(
    frames: Iterable[np.ndarray],
    detector: Detector,
    localiser: Localiser,
    settings: TrackSettings | None = None,
    fps: float = 1.0,
    grey: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Tracks:
    """Follow the markers of a video; frames are taken one by one, and only the last dozen are kept.

    Args:
        frames: Images (H, W) or (H, W, 3), uint8 or uint16, all of the same size.
        fps: Capture rate, for the times of the result.
        grey: From an image to (H, W), as the localiser wants it; :func:`grey_of` by default.
    """
    tracker = Tracker(detector, localiser, settings or TrackSettings(), grey or grey_of)
    for image in frames:
        tracker.step(image)
    return tracker.tracks(fps)


def grey_of(image: np.ndarray) -> np.ndarray:
    """Image (H, W) or (H, W, 3), BGR, as grey."""
    # a copy: the last frames are kept, and a reader may use one buffer for all of them
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image.copy()


class Tracker:
    """Follows markers from frame to frame; see the file's docstring."""

    def __init__(
        self,
        detector: Detector,
        localiser: Localiser,
        settings: TrackSettings,
        grey: Callable[[np.ndarray], np.ndarray] = grey_of,
    ) -> None:
        self.detector, self.localiser, self.settings, self.grey = detector, localiser, settings, grey
        self.flock, self.record = Flock.empty(), Record()
        self.learned: list[Learned] = []
        self.recall = Recall()
        self.sizes: list[np.ndarray] = []
        self.kinds: list[str] = []
        self.detected, self.asked = -1, True  # frame of the last detection, and whether another is due at once

    @property
    def frame(self) -> int:
        """Index of the frame at hand."""
        return len(self.record.rows)

    def step(self, image: np.ndarray) -> None:
        """Take the next frame."""
        narrow, flock = self.grey(image), self.flock
        grey = narrow.astype(np.float32)
        located, good = self.find(grey)
        lost = (flock.seen == self.frame - 1) & ~good & inside(flock.position + flock.step, flock.size, grey.shape)
        overdue = self.frame - self.detected
        if self.asked or overdue >= self.settings.every or (lost.any() and overdue > 1):
            located, good = self.detect(image, grey, located, good)
        good = settle(flock, self.record, located, good)
        self.note(located, good, grey.shape)
        self.recall.frames.append(narrow)
        if self.detected == self.frame - 1 or self.frame % RESHAPE == 0:
            # what is half hidden may be dragged along; it must not leave its group for that
            regroup(flock, self.record, good & (located.score >= flock.likeness - IMPAIRED))
        if self.detected == self.frame - 1:
            fresh = (flock.hits == 2) & ~flock.traced & (flock.born > 0)
            self.recall.trace(flock, self.record, self.learned, fresh, self.settings.score)
            flock.traced |= fresh
        if self.frame % RESHAPE == 0:
            reshape(flock, self.record, good)

    def find(self, grey: np.ndarray) -> tuple[Located, np.ndarray]:
        """Localise all tracks where they are expected, and search the groups that are not there."""
        flock = self.flock
        guess = flock.position + flock.step
        guess[~inside(guess, flock.size, grey.shape)] = np.nan
        known = np.where(flock.known[:, None], guess, np.nan)
        located = self.locate(grey, known)
        good = self.passes(located, known, grey)
        seeking = self.troubled(good, np.isfinite(guess).all(1))
        if seeking.any():
            searched = self.search(grey, seeking)
            again = self.locate(grey, searched)
            found = self.passes(again, searched, grey) & seeking
            found &= ~near(again.position_px, located.position_px[good & ~seeking], OVERLAP * flock.extent)
            merge(located, again, found)
            good = np.where(seeking, found, good)
        return located, without_doubles(located, good, flock.extent)

    def locate(self, grey: np.ndarray, guess: np.ndarray) -> Located:
        return locate_all(self.learned, grey, self.flock.ids, guess, self.flock.shape)

    def passes(self, located: Located, guess: np.ndarray, grey: np.ndarray) -> np.ndarray:
        return passes(located, guess, self.flock.size, grey.shape, self.settings.score)

    def troubled(self, good: np.ndarray, expected: np.ndarray) -> np.ndarray:
        """Which tracks are of groups whose motion is unknown, or most of which was not found, (n,) bool."""
        flock = self.flock
        if good[expected].all():
            return np.zeros(len(flock), bool)
        count = int(flock.group.max()) + 1
        total = np.bincount(flock.group[expected], minlength=count)
        found = np.bincount(flock.group[good], minlength=count)
        return expected & ((found < 0.5 * total)[flock.group] | ~flock.known)

    def search(self, grey: np.ndarray, seeking: np.ndarray) -> np.ndarray:
        """Where groups have gone, (n, 2); NaN for tracks that are not sought or not found."""
        flock, guess = self.flock, np.full((len(self.flock), 2), np.nan)
        fresh = int(flock.group.max()) + 1
        for group in np.unique(flock.group[seeking]):
            members = np.nonzero(seeking & (flock.group == group))[0]
            known = bool(flock.known[members].any())
            gap = self.frame - 1 - int(flock.seen[members].max())
            reach = min(KNOWN_REACH + 0.2 * gap, MOST_REACH) if known else UNKNOWN_REACH
            reach = min(reach, ALONE_REACH) if known and len(members) < ALONE else reach
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

    def detect(
        self, image: np.ndarray, grey: np.ndarray, located: Located, good: np.ndarray
    ) -> tuple[Located, np.ndarray]:
        """Detect: lost markers are looked for where something is seen, no markers are dropped, newcomers begin."""
        flock = self.flock
        found = clean(self.detector(image), self.settings.marker_class)
        self.detected, self.asked = self.frame, False
        place = np.where(good[:, None], located.position_px, flock.position + flock.step)
        matched, far = match(place, flock.extent, found)
        good = good | self.retry(grey, located, good, matched, found)
        self.relearn(grey, good, matched, found)
        flock.hits += matched >= 0
        flock.chances += inside(place, flock.size, grey.shape) | (matched >= 0)
        # two ghosts may fall on one place; three hardly do
        alive = (flock.hits >= 3) | (self.settings.confirm == 1) | (flock.chances - flock.hits <= flock.hits)
        flock.keep(alive)
        located, good = chosen(located, alive), good[alive]
        begin = found[far & whole(found, grey.shape) & (found.scores >= self.settings.confidence)]
        if len(begin.boxes):
            place = self.begin(grey, begin)
            located = joined(located, place)
            good = np.concatenate((good, place.score >= self.settings.score))
            self.asked = True  # whether they are markers shows in the next frame
        # light and shape change, so what is searched for does
        which = np.nonzero(good)[0]
        flock.patches[which] = cut_patches(grey, located.position_px[which], flock.extent[which])
        return located, good

    def retry(
        self, grey: np.ndarray, located: Located, good: np.ndarray, matched: np.ndarray, found: Found
    ) -> np.ndarray:
        """Localise lost tracks again from the detections that match them; returns which are found, (n,) bool."""
        again = (matched >= 0) & ~good
        if not again.any():
            return again
        guess = np.where(again[:, None], found.centre[matched], np.nan)
        place = self.locate(grey, guess)
        hit = self.passes(place, guess, grey) & again
        hit &= ~near(place.position_px, located.position_px[good], OVERLAP * self.flock.extent)
        merge(located, place, hit)
        return hit

    def relearn(self, grey: np.ndarray, good: np.ndarray, matched: np.ndarray, found: Found) -> None:
        """Learn tracks anew that are detected again and again, but not recognised since soon after they were learned.

        Something was in front of them then, and is not now if what is detected is not smaller than its group.
        """
        flock = self.flock
        flock.failed = np.where(good, 0, flock.failed + (matched >= 0))
        never = (flock.seen - flock.learned <= SOON) & (self.frame - flock.seen >= LONG)
        fresh = np.nonzero(never & (flock.failed >= FAILED) & (matched >= 0))[0]
        whole_size = [np.median(flock.size[good & (flock.group == group)], axis=0) for group in flock.group[fresh]]
        usual = np.fmax(flock.size[fresh], np.array(whole_size).reshape(-1, 2))  # NaN where none of the group is good
        ratio = found.size[matched[fresh]] / usual
        fresh = fresh[(ratio > LEAST_RATIO).all(1) & (ratio < 1 / LEAST_RATIO).all(1)]
        if not len(fresh):
            return
        ids, boxes = flock.ids[fresh], found.boxes[matched[fresh]]
        for batch in self.learned:
            batch.until[np.isin(batch.ids, ids) & (batch.until == FOREVER)] = self.frame
        self.learned.append(Learned.of(ids, self.localiser.learn(grey, boxes), self.frame))
        flock.failed[fresh], flock.likeness[fresh], flock.shape[fresh] = 0, 1.0, np.eye(2)
        flock.learned[fresh], flock.position[fresh] = self.frame, found.centre[matched[fresh]] - flock.step[fresh]

    def begin(self, grey: np.ndarray, found: Found) -> Located:
        """Begin tracks at detections; returns their places."""
        flock, count, first = self.flock, len(found.boxes), len(self.sizes)
        ids, extent = np.arange(first, first + count), found.size.mean(1)
        batch = Learned.of(ids, self.localiser.learn(grey, found.boxes))
        self.learned = [one for one in self.learned if np.isin(one.ids, flock.ids).any()] + [batch]
        self.sizes += list(found.size)
        self.kinds += list(getattr(batch.templates, "kind", ("square",) * count))
        place = locate_all([batch], grey, ids, found.centre, np.tile(np.eye(2), (count, 1, 1)))
        position = np.where(np.isfinite(place.position_px), place.position_px, found.centre)
        group = neighbour_groups(position, extent, np.full((count, 2), np.nan)) + int(flock.group.max(initial=-1)) + 1
        patches = cut_patches(grey, position, extent)
        flock.add(Flock.beginning(ids, position, found.size, group, self.frame, patches))
        return place

    def note(self, located: Located, good: np.ndarray, shape: tuple[int, ...]) -> None:
        """Write the frame down."""
        flock = self.flock
        carried = np.isin(flock.group, flock.group[good]) | (self.frame - flock.seen <= COASTING)
        carried &= inside(flock.position, flock.size, shape)
        status = np.where(good, Status.MEASURED, np.where(carried, Status.PREDICTED, Status.MISSING)).astype(np.uint8)
        sigma = np.where(good[:, None], located.sigma_px, CARRIED_SIGMA * flock.size + CARRIED_PX)
        disagreement = np.where(good, located.disagreement_px, np.nan)
        # a copy of the position: the record is corrected in place at the end, and the tracks go on
        parts = (flock.ids, flock.position.copy(), sigma, status, disagreement)
        self.record.rows.append(Row(*parts, flock.shape.astype(np.float32)))

    def tracks(self, fps: float) -> Tracks:
        """Everything found, without tracks that turned out to be no markers."""
        # one frame cannot tell a ghost from a marker
        counted = self.flock.hits >= self.settings.confirm
        ids = self.flock.ids[counted] if self.frame > 1 else self.flock.ids
        size = np.array(self.sizes).reshape(-1, 2)[ids]
        common = self.settled()
        found = self.record.tracks(ids, size, tuple(self.kinds[index] for index in ids), fps)
        return replace(found, common_px=common[ids]) if common is not None else found

    def settled(self) -> np.ndarray | None:
        """Apply what the localiser found out about all positions of each marker; returns its deviations, (ids, 2)."""
        common = None
        for batch in self.learned:
            if hasattr(batch.templates, "settled"):
                offset, deviation = batch.templates.settled()
                self.record.move(batch.ids, offset, batch.first, batch.until)
                common = np.full((len(self.sizes), 2), np.nan) if common is None else common
                common[batch.ids] = deviation
        return common
