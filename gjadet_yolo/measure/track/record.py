"""What was found in each frame, kept as it comes in, and handed over as arrays at the end."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gjadet_yolo.measure.tracks import Status, Tracks


@dataclass(frozen=True)
class Row:
    """Tracks of one frame.

    Attributes:
        ids: (n,), ascending.
        position, sigma: (n, 2); status, disagreement: (n,).
        shape: How each is turned and squeezed since it was learned, (n, 2, 2).
    """

    ids: np.ndarray
    position: np.ndarray
    sigma: np.ndarray
    status: np.ndarray
    disagreement: np.ndarray
    shape: np.ndarray


@dataclass
class Record:
    """Rows of all frames so far. Tracks that turn out to be no markers stay in a few rows and are left out at last."""

    rows: list[Row] = field(default_factory=list)

    def positions(self, frame: int, ids: np.ndarray, measured: bool = True) -> np.ndarray:
        """Positions of tracks (K,) in a frame, (K, 2); NaN where there is none, or none that was measured."""
        row = self.rows[frame]
        found = np.full((len(ids), 2), np.nan)
        if len(row.ids):
            place = np.minimum(np.searchsorted(row.ids, ids), len(row.ids) - 1)
            least = Status.MEASURED if measured else Status.PREDICTED
            here = (row.ids[place] == ids) & (row.status[place] >= least)
            found[here] = row.position[place[here]]
        return found

    def move(self, ids: np.ndarray, offset: np.ndarray, first: int, until: np.ndarray) -> None:
        """Move tracks (K,) by offsets (K, 2) in px of when they were learned, in frames from ``first`` to ``until``."""
        order = np.argsort(ids)
        ids, offset, until = ids[order], offset[order], until[order]
        for frame, row in enumerate(self.rows[first:], first):
            _, mine, place = np.intersect1d(ids, row.ids, assume_unique=True, return_indices=True)
            mine, place = mine[frame < until[mine]], place[frame < until[mine]]
            # in place: a copy of all frames would double what a long video needs
            row.position[place] += np.einsum("kij,kj->ki", row.shape[place], offset[mine])

    def tracks(self, ids: np.ndarray, size_px: np.ndarray, kind: tuple[str, ...], fps: float) -> Tracks:
        """Tracks with these ids (N,), ascending."""
        shape = (len(self.rows), len(ids))
        position, sigma = np.full((*shape, 2), np.nan), np.full((*shape, 2), np.nan)
        status, disagreement = np.zeros(shape, np.uint8), np.full(shape, np.nan)
        for frame, row in enumerate(self.rows):
            _, column, place = np.intersect1d(ids, row.ids, assume_unique=True, return_indices=True)
            status[frame, column] = row.status[place]
            seen = row.status[place] != Status.MISSING
            column, place = column[seen], place[seen]
            position[frame, column], sigma[frame, column] = row.position[place], row.sigma[place]
            disagreement[frame, column] = row.disagreement[place]
        time_s = np.arange(len(self.rows)) / fps
        return Tracks(time_s, position, sigma, status, disagreement, size_px, kind)
