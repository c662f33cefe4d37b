"""What every source of frames gives, whether a video, a folder of images or a camera's own file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

# a camera of 10 or 12 bits stores them in 16, and its white is not 65535
WHITES = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)


class EndedEarly(Exception):
    """No more frames can be read, though there should be more; the message says where and why."""


@dataclass(frozen=True)
class Reader:
    """A source that has been opened, and whose first frame has been read.

    Attributes:
        size_px: (W, H) of every frame.
        count: Frames that the source says it holds; None where it does not.
        white: Grey value of white.
        rate_fps: Capture rate, where the source knows it. No container of videos does.
        playback_fps: Rate at which a player shows it.
        images: Starts reading: (H, W) or (H, W, 3) BGR, uint8 or uint16; raises :class:`EndedEarly`.
        files: What is hashed.
        notes: Sentences about what was met so far; reading adds to them.
    """

    size_px: tuple[int, int]
    count: int | None
    white: float
    images: Callable[[], Iterator[np.ndarray]]
    files: tuple[Path, ...]
    rate_fps: float | None = None
    playback_fps: float | None = None
    notes: list[str] = field(default_factory=list)


def white_of(image: np.ndarray) -> float:
    """White of a camera's grey values, guessed from a frame of it: the least of ``WHITES`` that holds all of them."""
    if image.dtype == np.uint8:
        return 255.0
    # a 16-bit picture is never taken for one of 8 bits, however dark it is
    return next(white for white in WHITES[1:] if white >= int(image.max(initial=0)))


def checked(image: np.ndarray, name: str) -> np.ndarray:
    """A frame of a kind that can be measured: grey or BGR, of 8 or 16 bits.

    Raises:
        ValueError: Names the source, what it holds and what is allowed.
    """
    if image.dtype not in (np.uint8, np.uint16) or not (image.ndim == 2 or image.shape[2] == 3):
        raise ValueError(
            f"{name} holds {image.dtype} values in {image.shape[2] if image.ndim == 3 else 1} channels, allowed: grey "
            f"or colour of 8 or 16 bits. Export it again."
        )
    return image
