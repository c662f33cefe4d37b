"""All tracks that are followed at present, as arrays with one entry per track."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

from gjadet_yolo.measure.track.seams import Templates
from gjadet_yolo.measure.tracks import Located


def none(*shape: int, kind: type = float) -> np.ndarray:
    return field(default_factory=lambda: np.zeros((0, *shape), kind))


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
        patches: Surroundings for searching, n of them.
    """

    ids: np.ndarray = none(kind=int)
    position: np.ndarray = none(2)
    step: np.ndarray = none(2)
    known: np.ndarray = none(kind=bool)
    size: np.ndarray = none(2)
    group: np.ndarray = none(kind=int)
    born: np.ndarray = none(kind=int)
    seen: np.ndarray = none(kind=int)
    hits: np.ndarray = none(kind=int)
    chances: np.ndarray = none(kind=int)
    shape: np.ndarray = none(2, 2)
    patches: np.ndarray = none(kind=object)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def extent(self) -> np.ndarray:
        """Mean of width and height, (n,)."""
        return self.size.mean(1)

    @property
    def confirmed(self) -> np.ndarray:
        """Which were detected twice, (n,) bool."""
        return self.hits >= 2

    def keep(self, which: np.ndarray) -> None:
        """Drop all others."""
        for part in fields(self):
            setattr(self, part.name, getattr(self, part.name)[which])

    def add(self, newcomers: Flock) -> None:
        """Append tracks, whose ids are higher."""
        for part in fields(self):
            both = (getattr(self, part.name), getattr(newcomers, part.name))
            setattr(self, part.name, np.concatenate(both))


@dataclass
class Learned:
    """Templates of the tracks that were learned in the same frame: their ids (K,)."""

    ids: np.ndarray
    templates: Templates


def locate_all(
    learned: list[Learned], grey: np.ndarray, ids: np.ndarray, guess: np.ndarray, shape: np.ndarray
) -> Located:
    """Locate tracks with these ids (n,), ascending, in a frame; those with a NaN guess are left out."""
    count = len(ids)
    empty = np.full((count, 2), np.nan)
    found = Located(empty, empty.copy(), np.full(count, np.nan), np.full(count, np.nan))
    wanted = np.isfinite(guess).all(1)
    for batch in learned:
        place = np.minimum(np.searchsorted(ids, batch.ids), max(count - 1, 0))
        here = (ids[place] == batch.ids) & wanted[place] if count else np.zeros(len(batch.ids), bool)
        if not here.any():
            continue
        asked, shapes = np.full((len(batch.ids), 2), np.nan), np.tile(np.eye(2), (len(batch.ids), 1, 1))
        asked[here], shapes[here] = guess[place[here]], shape[place[here]]
        result = batch.templates.locate(grey, asked, shapes)
        for name in ("position_px", "sigma_px", "disagreement_px", "score"):
            getattr(found, name)[place[here]] = getattr(result, name)[here]
    return found
