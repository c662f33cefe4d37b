"""Newcomers in the frames before they were detected, so that seldom detection costs no samples.

The last frames are kept, a dozen at most. Once a track is confirmed, its group tells where it was in each of them, back
to the first in which it is not found.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from gjadet_yolo.measure.track.field import fit_fields
from gjadet_yolo.measure.track.flock import Flock, Learned, locate_all
from gjadet_yolo.measure.track.judge import OVERLAP, near, passes
from gjadet_yolo.measure.track.record import Record, Row
from gjadet_yolo.measure.tracks import Status

KEPT = 12


@dataclass
class Recall:
    """The last frames, (H, W) grey, the newest at the end."""

    frames: deque[np.ndarray] = field(default_factory=lambda: deque(maxlen=KEPT))

    def trace(self, flock: Flock, record: Record, learned: list[Learned], which: np.ndarray, score: float) -> None:
        """Find some tracks (n,) bool in the frames on record before they began, and write them down there.

        The kept frames are the last on record. Tracks of the ``which`` must have begun in the same frame or later than
        all other tracks they share a row with, as newcomers have.
        """
        oldest = len(record.rows) - len(self.frames)
        for born in np.unique(flock.born[which]):
            tracks = np.nonzero(which & (flock.born == born))[0]
            for frame in range(int(born) - 1, oldest - 1, -1):
                tracks = self.found(flock, record, learned, tracks, frame, score)
                if not len(tracks):
                    break

    def found(
        self, flock: Flock, record: Record, learned: list[Learned], tracks: np.ndarray, frame: int, score: float
    ) -> np.ndarray:
        """Those of the tracks (K,) int that are found in a frame, which are written down."""
        grey = self.frames[frame - len(record.rows)].astype(np.float32)
        guess = np.full((len(flock), 2), np.nan)
        guess[tracks] = earlier(flock, record, tracks, frame)
        located = locate_all(learned, grey, flock.ids, guess, flock.shape)
        good = passes(located, guess, flock.size, grey.shape, score)
        row = record.rows[frame]
        others = row.position[row.status == Status.MEASURED]
        good &= ~near(located.position_px, others, OVERLAP * flock.extent)
        good &= flock.ids > row.ids.max(initial=-1)
        measured = np.full(int(good.sum()), Status.MEASURED, np.uint8)
        parts = (flock.ids[good], located.position_px[good], located.sigma_px[good], measured)
        more = Row(*parts, located.disagreement_px[good], flock.shape[good].astype(np.float32))
        record.rows[frame] = Row(*(np.concatenate((getattr(row, name), part)) for name, part in vars(more).items()))
        return np.nonzero(good)[0]


def earlier(flock: Flock, record: Record, tracks: np.ndarray, frame: int) -> np.ndarray:
    """Where tracks (K,) int that began in one frame were in an earlier one, by the motion of their groups, (K, 2)."""
    born = int(flock.born[tracks[0]])
    then, before = record.positions(born, flock.ids), record.positions(frame, flock.ids)
    mates = np.isfinite(then).all(1) & np.isfinite(before).all(1)
    count = int(flock.group.max()) + 1
    fields = fit_fields(then[mates], before[mates], flock.group[mates], count, flock.extent[mates])
    return then[tracks] + fields.step(then[tracks], flock.group[tracks])
