"""All tracks that are followed at present, as arrays with one entry per track, and their templates."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from gjadet_yolo.measure.track.judge import PARTS, nowhere
from gjadet_yolo.measure.track.seams import Templates
from gjadet_yolo.measure.tracks import Located


@dataclass
class Flock:
    """n tracks, in the order of their ids.

    Attributes:
        ids: (n,) int.
        position: Where each is, measured or carried along, in px, (n, 2).
        step: Expected motion to the next frame, (n, 2).
        known: Whether ``step`` rests on anything, (n,) bool.
        size: Width and height when first seen, (n, 2).
        group: Label of those that are followed together, (n,) int.
        born: Frame of the first detection, (n,) int.
        seen: Last frame in which it was measured, (n,) int.
        hits, chances: Detections of it, and detections in which it could have been found, (n,) int.
        shape: How its surroundings are turned, sheared and squeezed since it was learned, (n, 2, 2).
        drift: Motion against its group's of late, in px, (n, 2).
        likeness: What its score is as a rule, (n,).
        learned: Frame in which its look was learned, (n,) int.
        failed: Detections since it was last recognised, (n,) int.
        traced: Whether it has been looked for before its first frame, (n,) bool.
        patches: Surroundings for searching, (n,) of type ``Patch``.
    """

    ids: np.ndarray
    position: np.ndarray
    step: np.ndarray
    known: np.ndarray
    size: np.ndarray
    group: np.ndarray
    born: np.ndarray
    seen: np.ndarray
    hits: np.ndarray
    chances: np.ndarray
    shape: np.ndarray
    drift: np.ndarray
    likeness: np.ndarray
    learned: np.ndarray
    failed: np.ndarray
    traced: np.ndarray
    patches: np.ndarray

    @classmethod
    def beginning(
        cls, ids: np.ndarray, position: np.ndarray, size: np.ndarray, group: np.ndarray, frame: int, patches: list
    ) -> Flock:
        """Tracks that begin in a frame, in which they have been detected once."""
        count = len(ids)
        once, born = np.ones(count, int), np.full(count, frame)
        looks = np.empty(count, object)
        looks[:] = patches
        shape = np.tile(np.eye(2), (count, 1, 1))
        state = (
            position,
            np.zeros((count, 2)),
            np.zeros(count, bool),
            size,
            group,
            born,
            born.copy(),
            once,
            once.copy(),
        )
        return cls(
            ids,
            *state,
            shape,
            np.zeros((count, 2)),
            np.ones(count),
            born.copy(),
            np.zeros(count, int),
            np.zeros(count, bool),
            looks,
        )

    @classmethod
    def empty(cls) -> Flock:
        none = np.zeros(0, int)
        return cls.beginning(none, np.zeros((0, 2)), np.zeros((0, 2)), none, 0, [])

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def extent(self) -> np.ndarray:
        """Mean of width and height, (n,)."""
        return self.size.mean(1)

    def keep(self, which: np.ndarray) -> None:
        """Drop all others."""
        for part in fields(self):
            setattr(self, part.name, getattr(self, part.name)[which])

    def add(self, newcomers: Flock) -> None:
        """Append tracks, whose ids are higher."""
        for part in fields(self):
            both = (getattr(self, part.name), getattr(newcomers, part.name))
            setattr(self, part.name, np.concatenate(both))


FOREVER = np.iinfo(int).max


@dataclass
class Learned:
    """Templates of tracks that were learned in the same frame.

    Attributes:
        ids: Ascending, (K,) int.
        first: First frame in which they count.
        until: Frame from which others stand for each, (K,) int; ``FOREVER`` where these still do.
    """

    ids: np.ndarray
    templates: Templates
    first: int
    until: np.ndarray

    @classmethod
    def of(cls, ids: np.ndarray, templates: Templates, first: int = 0) -> Learned:
        """Templates that count from a frame on; newcomers are looked for in earlier frames, too."""
        return cls(ids, templates, first, np.full(len(ids), FOREVER))


def locate_all(
    learned: list[Learned], grey: np.ndarray, ids: np.ndarray, guess: np.ndarray, shape: np.ndarray
) -> Located:
    """Locate tracks with these ids (n,), ascending, in a frame; those with a NaN guess are left out."""
    found, wanted = nowhere(len(ids)), np.isfinite(guess).all(1)
    searches: dict[int, tuple[Templates, np.ndarray, np.ndarray, np.ndarray]] = {}
    for batch in learned if wanted.any() else ():
        place = np.minimum(np.searchsorted(ids, batch.ids), len(ids) - 1)
        here = (ids[place] == batch.ids) & wanted[place] & (batch.until == FOREVER)
        if not here.any():
            continue
        # what lies in one pool is looked for at once
        owner = getattr(batch.templates, "pool", batch.templates)
        rows = getattr(batch.templates, "index", np.arange(len(batch.ids)))[here]
        count = len(batch.ids) if owner is batch.templates else len(owner)
        nothing = owner, np.full((count, 2), np.nan), np.tile(np.eye(2), (count, 1, 1)), np.full(count, -1)
        _, guesses, shapes, tracks = searches.setdefault(id(owner), nothing)
        guesses[rows], shapes[rows], tracks[rows] = guess[place[here]], shape[place[here]], place[here]
    for owner, guesses, shapes, tracks in searches.values():
        result, mine = owner.locate(grey, guesses, shapes), tracks >= 0
        for name in PARTS:
            getattr(found, name)[tracks[mine]] = getattr(result, name)[mine]
    return found
