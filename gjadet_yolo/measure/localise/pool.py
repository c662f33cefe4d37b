"""Markers that were learned in different frames, looked for together.

Each call of a search costs some hundred array operations, whether it is for one marker or for a hundred. And a square
is placed with the help of its neighbours, whichever of them was learned first.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gjadet_yolo.measure.localise.model import to_grey
from gjadet_yolo.measure.localise.templates import Templates
from gjadet_yolo.measure.localise.tone import power_of, toned
from gjadet_yolo.measure.tracks import Located


@dataclass
class Pool:
    """A localiser: see :class:`~gjadet_yolo.measure.track.seams.Localiser`. For one video.

    Attributes:
        templates: Of all markers learned so far.
        power: Of the grey levels, which undoes the camera's tone curve; see ``tone.py``.
    """

    templates: Templates | None = field(default=None, repr=False)
    power: float = 1.0

    def learn(self, grey: np.ndarray, boxes_xyxy: np.ndarray) -> Part:
        """Learn K markers from a frame (H, W) and their boxes (K, 4)."""
        grey, boxes_xyxy = to_grey(grey), np.asarray(boxes_xyxy, float).reshape(-1, 4)
        if self.templates is None:
            self.power = power_of(grey, boxes_xyxy)
        grey = toned(grey, self.power)
        sides = [] if self.templates is None else sorted({group.side for group in self.templates.groups})
        fresh = Templates.learn(grey, boxes_xyxy, sides)
        first = 0 if self.templates is None else len(self.templates.kind)
        self.templates = fresh if self.templates is None else self.templates.joined(fresh)
        return Part(self, np.arange(first, len(self.templates.kind)))

    def __len__(self) -> int:
        return 0 if self.templates is None else len(self.templates.kind)

    def locate(self, grey: np.ndarray, guess_px: np.ndarray, shape: np.ndarray) -> Located:
        """Find all markers (K,) as :meth:`Templates.locate` does."""
        return self.templates.locate(toned(to_grey(grey), self.power), guess_px, shape)


@dataclass(frozen=True)
class Part:
    """Templates of K markers within a pool, at ``index`` (K,)."""

    pool: Pool
    index: np.ndarray

    @property
    def kind(self) -> tuple[str, ...]:
        kinds = self.pool.templates.kind
        return tuple(kinds[number] for number in self.index)

    def locate(self, grey: np.ndarray, guess_px: np.ndarray, shape: np.ndarray | None) -> Located:
        """Find these markers only."""
        count = len(self.pool)
        guess, shapes = np.full((count, 2), np.nan), np.tile(np.eye(2), (count, 1, 1))
        guess[self.index] = guess_px
        if shape is not None:
            shapes[self.index] = shape
        found = self.pool.locate(grey, guess, shapes)
        return Located(*(getattr(found, name)[self.index] for name in Located.__dataclass_fields__))

    def settled(self) -> tuple[np.ndarray, np.ndarray]:
        """See :meth:`Templates.settled`."""
        offset, sigma = self.pool.templates.settled()
        return offset[self.index], sigma[self.index]
