"""Frames cut into overlapping tiles, and raw predictions of tiles put back into the frame, before the host's NMS.

Slicing at inference: SAHI, arXiv 2202.06934, which merges boxes afterwards. A tile answers for what lies inside it, up
to the size of the overlap and a quarter more; the whole frame, reduced to the size of a tile, for what is larger than
the overlap. What two of them see whole is found twice at the same place, which NMS is for.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Protocol

import torch
from torch.nn.functional import interpolate, pad

from gjadet_yolo.messages import shown

SHARED = 1.25  # of the overlap: up to this size tiles answer too, so that nothing falls between them and the frame
BORDER = 2.0  # px from a border within which a box counts as cut
STEP = 32  # sides of what the network sees are multiples of this


class Watch(Protocol):
    """What is told how far the work is."""

    def start(self, total: int | None) -> None:
        """Work begins; its number of views, or None where it has no known end."""

    def tick(self, views: int) -> None:
        """So many more views are done."""

    def stop(self) -> None:
        """Work is over, done or not."""


class Unwatched:
    """Nobody looks."""

    def start(self, total: int | None) -> None: ...

    def tick(self, views: int) -> None: ...

    def stop(self) -> None: ...


@dataclass(frozen=True)
class Tiles:
    """How frames are cut.

    Attributes:
        side: Side of a tile in px, a multiple of 32.
        overlap: Overlap of neighbours in px; objects up to this size are found in tiles.
        batch: Tiles that the network sees at a time.

    Raises:
        TypeError: A value is no number; names it.
        ValueError: A value is outside of its range.
    """

    side: int = 640
    overlap: int = 128
    batch: int = 4

    def __post_init__(self) -> None:
        for field in fields(self):
            value, kind = getattr(self, field.name), Real if field.name == "overlap" else Integral
            if not isinstance(value, kind):
                what = "a number of px" if kind is Real else "a whole number"
                raise TypeError(f"{field.name} of Tiles is {shown(value)}, expected {what}.")
        if self.side < STEP or self.side % STEP:
            raise ValueError(f"the side of a tile is {self.side} px, allowed: multiples of {STEP}.")
        if not 0 <= self.overlap <= self.side // 2:
            raise ValueError(f"the overlap of tiles is {self.overlap} px, allowed: 0 to {self.side // 2}, half a tile.")
        if self.batch < 1:
            raise ValueError(f"the batch of tiles is {self.batch}, allowed: 1 and more.")

    def starts(self, length: int) -> list[int]:
        """First px of each tile along a side of a frame."""
        if length <= self.side:
            return [0]
        count = math.ceil((length - self.overlap) / (self.side - self.overlap))
        # Spread evenly: overlaps grow a little, and no tile reaches over the border into padding.
        return [round(index * (length - self.side) / (count - 1)) for index in range(count)]

    def boxes(self, height: int, width: int) -> list[tuple[int, int, int, int]]:
        """Tiles of a frame as xyxy px; smaller than ``side`` only where the frame is."""
        return [
            (x, y, min(x + self.side, width), min(y + self.side, height))
            for y in self.starts(height)
            for x in self.starts(width)
        ]

    def views(self, height: int, width: int) -> int:
        """How many pictures the network sees of a frame."""
        count = len(self.starts(height)) * len(self.starts(width))
        return count + (count > 1)


def fitted(height: int, width: int, side: int | None) -> tuple[int, int]:
    """Height and width in px of a frame whose longer side becomes ``side``, rounded as by the host; None: as it is."""
    ratio = 1.0 if side is None else side / max(height, width)
    if ratio == 1:
        return height, width
    return min(math.ceil(height * ratio), side), min(math.ceil(width * ratio), side)


def padded(height: int, width: int) -> tuple[int, int]:
    return math.ceil(height / STEP) * STEP, math.ceil(width / STEP) * STEP


def predict_tiles(
    call: Callable[[torch.Tensor], torch.Tensor], frames: torch.Tensor, tiles: Tiles, watch: Watch | None = None
) -> torch.Tensor:
    """Raw predictions of frames by tiles: (B, 4 + C, sum of all A), in px of the frame; scores of dropped boxes are 0.

    Args:
        call: Network: images (T, 3, h, w) to raw predictions (T, 4 + C, A), xywh px and scores.
        frames: (B, 3, H, W) with sides that are multiples of 32.
    """
    height, width = frames.shape[2:]
    places, watch = tiles.boxes(height, width), Unwatched() if watch is None else watch
    found = [call(frames) if len(places) == 1 else whole_frame(call, frames, tiles)]
    watch.tick(len(frames))
    if len(places) == 1:
        return found[0]
    for start in range(0, len(places), tiles.batch):
        part = places[start : start + tiles.batch]
        raw = call(torch.cat([frames[:, :, y1:y2, x1:x2] for x1, y1, x2, y2 in part]))
        for one, place in zip(raw.chunk(len(part)), part, strict=True):
            found.append(keep_whole(one, place, (height, width), SHARED * tiles.overlap))
        watch.tick(len(part) * len(frames))
    # Joined before NMS, so that the host's NMS, predictor, validator and files stay as they are.
    return torch.cat(found, 2)


def keep_whole(
    raw: torch.Tensor, place: tuple[int, int, int, int], frame_hw: tuple[int, int], largest: float
) -> torch.Tensor:
    """Raw predictions (B, 4 + C, A) of a tile, in the frame; what is cut or above ``largest`` px has scores of 0."""
    height, width = frame_hw
    x1, y1, x2, y2 = place
    # A box at a border inside the frame is cut there, and another tile sees the object whole. At the frame's own border
    # there is no other tile, so boxes may touch it.
    first = [x1 + BORDER if x1 else -math.inf, y1 + BORDER if y1 else -math.inf]
    last = [x2 - BORDER if x2 < width else math.inf, y2 - BORDER if y2 < height else math.inf]
    xy, wh = raw[:, :2] + raw.new_tensor(place[:2])[:, None], raw[:, 2:4]
    low, high = xy - wh / 2, xy + wh / 2
    whole = (low >= low.new_tensor(first)[:, None]) & (high <= low.new_tensor(last)[:, None])
    kept = whole.all(1, keepdim=True) & (wh.amax(1, keepdim=True) <= largest)
    # A score of 0 instead of removal keeps one shape for all images of the batch.
    return torch.cat((xy, wh, raw[:, 4:] * kept), 1)


def whole_frame(call: Callable[[torch.Tensor], torch.Tensor], frames: torch.Tensor, tiles: Tiles) -> torch.Tensor:
    """Raw predictions of the reduced frames for what is larger than the overlap of tiles; other scores are 0."""
    height, width = frames.shape[2:]
    ratio = tiles.side / max(height, width)
    # In a tile such an object is often larger than what the model was trained on, and found in parts.
    small = interpolate(frames, (round(height * ratio), round(width * ratio)), mode="area")
    missing = [-size % STEP for size in small.shape[2:]]
    raw = call(pad(small, (0, missing[1], 0, missing[0]), value=114 / 255))
    scale = raw.new_tensor([width / small.shape[3], height / small.shape[2]])[:, None]
    xy, wh = raw[:, :2] * scale, raw[:, 2:4] * scale
    return torch.cat((xy, wh, raw[:, 4:] * (wh.amax(1, keepdim=True) > tiles.overlap)), 1)
