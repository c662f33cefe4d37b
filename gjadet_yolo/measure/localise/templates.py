"""Markers followed against what they looked like when first seen: displacement without drift, absolute place beside it.

Two estimates of a marker's place in a frame:

- displacement: the pixels of the frame against the look of the first frame, under an affine map with gain and offset
  (Lucas and Kanade 1981; Baker and Matthews 2004). It knows texture and surroundings, and repeats to hundredths of
  a px; but where the marker's middle is in the look is known only as well as one frame tells.
- absolute: the same pixels against the fitted model of the marker (``fit.py``). It is bound to no frame.

What their difference is in several frames places the look (``settle.py``), so the final position has the constancy of
the first and the exactness of the second. Their disagreement in one frame tells when something is wrong with either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from gjadet_yolo.measure.localise import solve
from gjadet_yolo.measure.localise.atlas import Atlas, lattice, looks_of_image, most
from gjadet_yolo.measure.localise.fit import fit, refit
from gjadet_yolo.measure.localise.kinds import KINDS, REGIONS, SHAPES, value_of
from gjadet_yolo.measure.localise.model import Fit, to_grey
from gjadet_yolo.measure.localise.search import Search
from gjadet_yolo.measure.localise.settle import Offsets
from gjadet_yolo.measure.localise.windows import cut, groups, reach
from gjadet_yolo.measure.tracks import Located

COARSE = 2  # steps with blurred pictures
COARSE_PX = 1.5  # deviation of that blur: widens the reach to 3 px, for squares of 8 px and more
FLOOR_PX = 0.012  # of every standard deviation: interpolation and the phase of the pixels
LEAST_SEEN = 0.25  # of a look: pixels that agree with it
WRONG = 0.4  # of half a side between both estimates: a wrong fit
EARLY, REFIT = (3, 8, 16), 32  # frames in which models are fitted again, and every so many
LOST_PX = 4.0  # a marker found further from the guess is not the one that was looked for


@dataclass(frozen=True)
class Group:
    """Markers of like size: their indices (K,), the side of their windows, looks as seen and as modelled."""

    index: np.ndarray
    side: int
    seen: Atlas
    blurred: Atlas
    modelled: Atlas

    def joined(self, other: Group, first: int) -> Group:
        """These and others of the same side, whose indices begin at ``first``."""
        parts = zip(*((one.seen, one.blurred, one.modelled) for one in (self, other)), strict=True)
        atlases = (mine.joined(more) for mine, more in parts)
        return Group(np.concatenate((self.index, other.index + first)), self.side, *atlases)


@dataclass
class Templates:
    """Looks of K markers; markers without a box (NaN) are never found.

    Attributes:
        model: Their models in the first frame.
        extent_px: How far the looks reach around their middles, x and y, (K, 2).
        groups: The looks.
        noise: Of the first frame around each marker, in grey levels, (K,).
        offsets: Absolute place less displacement, in frames in which the models were fitted again.
        frames: In which most of the markers were looked for.
        usual: How many are looked for in a frame.
    """

    model: Fit
    extent_px: np.ndarray
    groups: list[Group]
    noise: np.ndarray
    offsets: Offsets = field(repr=False)
    frames: int = 0
    usual: float = 0.0

    @property
    def kind(self) -> tuple[str, ...]:
        """``square``, ``quadrant``, ``dot`` or ``patch``, K of them."""
        return tuple(KINDS[index] for index in self.model.kind)

    @classmethod
    def learn(cls, grey: np.ndarray, boxes_xyxy: np.ndarray, sides_px: Sequence[int] = ()) -> Templates:
        """Take looks of the markers in boxes (K, 4) of an image (H, W), grey or colour."""
        grey, boxes = to_grey(grey), np.asarray(boxes_xyxy, float).reshape(-1, 4)
        return cls.of(grey, fit(grey, boxes), sides_px)

    @classmethod
    def of_points(cls, grey: np.ndarray, points_px: np.ndarray, size_px: np.ndarray) -> Templates:
        """Take looks of any texture around points (K, 2), of sizes (K,): their middle is where the points are."""
        grey = to_grey(grey)
        model = Fit.empty(len(points_px))
        model.kind[:] = KINDS.index("patch")
        model.middle_px[:] = points_px
        half = np.asarray(size_px, float).reshape(len(points_px), -1).mean(1) / 2
        model.frame *= half[:, None, None]
        model.sigma[:], model.explained[:] = 0, 1
        return cls.of(grey, model)

    @classmethod
    def of(cls, grey: np.ndarray, model: Fit, sides_px: Sequence[int] = ()) -> Templates:
        """Looks of a grey image around models fitted to it, in windows of sides ``sides_px`` where these fit."""
        half = np.abs(model.frame).sum(2)  # of the box around the turned square
        sides = np.linalg.norm(model.frame, axis=1).mean(1)
        extent = half * reach(sides)[:, None]
        extent[model.kind == KINDS.index("patch")] = half[model.kind == KINDS.index("patch")]
        found = np.isfinite(model.middle_px).all(1)
        made, noise = [], np.zeros(len(found))
        for index, side in groups(np.where(found, 2 * extent.max(1) + 2, 0), sides_px):
            index = index[found[index]]
            for few in np.array_split(index, -(-len(index) // most(side))) if len(index) else ():
                noise[few] = solve.grain(cut(grey, model.middle_px[few], side)[0])
                looks = looks_of_image(grey, model.middle_px[few], side)
                blurred = np.stack([cv2.GaussianBlur(look, (0, 0), 4 * COARSE_PX) for look in looks])
                seen, coarse = Atlas.of(looks, side), Atlas.of(blurred, side, bends=False)
                modelled = Atlas.of(looks_of_model(model.take(few), side), side, slopes=False, bends=False)
                made.append(Group(few, side, seen, coarse, modelled))
        return cls(model, extent, made, noise, Offsets.of(np.where(found[:, None], model.sigma[:, :2], np.nan)))

    def joined(self, other: Templates) -> Templates:
        """These markers and others after them."""
        first, made = len(self.model.kind), list(self.groups)
        for group in other.groups:
            full = most(group.side) - len(group.index)
            place = next((n for n, one in enumerate(made) if one.side == group.side and len(one.index) <= full), None)
            if place is None:
                made.append(replace(group, index=group.index + first))
            else:
                made[place] = made[place].joined(group, first)
        extent, noise = np.concatenate((self.extent_px, other.extent_px)), np.concatenate((self.noise, other.noise))
        offsets = self.offsets.joined(other.offsets)
        return Templates(self.model.joined(other.model), extent, made, noise, offsets, self.frames, self.usual)

    def locate(self, grey: np.ndarray, guess_px: np.ndarray, shape: np.ndarray | None = None) -> Located:
        """Find the markers in an image (H, W), grey or colour, from guesses (K, 2) that are good to 3 px.

        Args:
            shape: Expected affine maps of the looks, (K, 2, 2), as in ``Located.shape``; None: unchanged.

        Markers with a guess of NaN are not looked for. Positions are the displacement's; :meth:`settled` says by how
        much all of a marker's positions have to be moved in the end.
        """
        grey, count = to_grey(grey), len(self.model.kind)
        position, absolute, sigma = (np.full((count, 2), np.nan) for _ in range(3))
        score, maps = np.full(count, np.nan), np.tile(np.eye(2), (count, 1, 1))
        maps = maps if shape is None else np.where(np.isfinite(shape), shape, maps)
        smooth = cv2.GaussianBlur(grey, (0, 0), COARSE_PX)
        for group in self.groups:
            rows = np.flatnonzero(np.isfinite(guess_px[group.index]).all(1))
            if not len(rows):
                continue
            index = group.index[rows]
            search = Search(rows, self.extent_px[index], group.side, guess_px[index], maps[index])
            for _ in range(COARSE):
                search.coarse(group.blurred, smooth)
            search.full(group.seen, grey)
            search.full(group.seen, grey)
            search.again(group.seen, grey)
            seen = search.weight.sum(1) / np.maximum(4 * search.extent.prod(1), 1e-6)
            found = (np.hypot(*(search.place - guess_px[index]).T) < LOST_PX) & (seen >= LEAST_SEEN)
            index, known = index[found], found & (self.model.kind[index] != KINDS.index("patch"))
            position[index], maps[index] = search.place[found], search.maps[found]
            sigma[index], score[index] = (
                np.hypot(search.sigma(self.noise[group.index[rows]]), FLOOR_PX)[found],
                search.score()[found],
            )
            search.again(group.modelled, grey)
            absolute[group.index[rows][known]] = search.place[known]
        if self.due(int(np.isfinite(guess_px).all(1).sum())):
            self.place_looks(grey, position, maps)
        return Located(position, sigma, np.hypot(*(absolute - position).T), score, maps, absolute)

    def place_looks(self, grey: np.ndarray, position: np.ndarray, maps: np.ndarray) -> None:
        """Fit the models to an image in which the markers have been found, and note what that says about the looks."""
        rows = np.flatnonzero(np.isfinite(position).all(1) & (self.model.kind < len(SHAPES)))
        start, value, sigma = self.model.take(rows), np.full_like(position, np.nan), np.full_like(position, np.nan)
        start.middle_px, start.frame = position[rows], maps[rows] @ start.frame
        found = refit(grey, start)
        apart = np.linalg.solve(maps[rows], (found.middle_px - position[rows])[..., None])[..., 0]
        usable = (np.abs(apart) < WRONG * np.abs(np.linalg.det(start.frame))[:, None] ** 0.5).all(1)
        value[rows[usable]], sigma[rows[usable]] = apart[usable], found.sigma[usable, :2]
        self.offsets.add(value, sigma)

    def due(self, sought: int) -> bool:
        """Whether the models are to be fitted again in a frame in which so many markers are looked for."""
        self.usual = max(0.95 * self.usual, sought)
        if sought < self.usual / 2:
            return False
        self.frames += 1
        return self.frames in EARLY or self.frames % REFIT == 0

    def settled(self) -> tuple[np.ndarray, np.ndarray]:
        """What to add to all positions of each marker, (K, 2) in px of the first frame, with its deviation (K, 2)."""
        return self.offsets.settled()


def looks_of_model(model: Fit, side: int) -> np.ndarray:
    """Looks that fitted models predict, (K, FINE * side, FINE * side); 0 for patches, which have none."""
    line = lattice(side).astype(np.float32)
    x, y = (axis.reshape(1, -1) for axis in np.meshgrid(line, line))
    looks = np.zeros((len(model.kind), len(line) ** 2), np.float32)
    for number, kind in enumerate(SHAPES):
        index = np.flatnonzero(model.kind == number)
        if not len(index):
            continue
        inverse = np.linalg.inv(model.frame[index]).astype(np.float32)
        u = inverse[:, 0, :1] * x + inverse[:, 0, 1:] * y
        v = inverse[:, 1, :1] * x + inverse[:, 1, 1:] * y
        greys = model.greys[index, : REGIONS[kind]].astype(np.float32)
        shown = value_of(kind, u, v, model.blur[index].astype(np.float32), greys)
        light = model.light[index].astype(np.float32)
        looks[index] = shown * (1 + light[:, :1] * u + light[:, 1:] * v)
    return looks.reshape(len(looks), len(line), len(line))
