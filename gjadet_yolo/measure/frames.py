"""Frames of a crash video, one after the other: videos, folders of images, and Phantom's .cine files.

No more than a few frames are in memory at a time. Time is counted in frames of the camera, so its rate has to be known:
what a container states is the speed of playback (25 or 30 frames/s), a slow motion of what was filmed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from gjadet_yolo.data.formats.content import is_pipe
from gjadet_yolo.measure.cine import open_cine
from gjadet_yolo.measure.container import open_container
from gjadet_yolo.measure.reader import EndedEarly, Reader
from gjadet_yolo.measure.stills import open_stills
from gjadet_yolo.messages import is_number, shown

CHUNK_BYTES = 1 << 20
LOWEST_FPS, HIGHEST_FPS = 1e-3, 1e9  # time lapse of a creep test; the fastest cameras that there are
SAME_RATE = 1e-3  # a camera set to 1000 frames/s may write 1000.02


@dataclass
class Frames:
    """A source whose frames can be iterated over, as often as wanted: (H, W) or (H, W, 3) BGR, uint8 or uint16.

    Attributes:
        name: As the user typed it.
        fps: Capture rate in frames/s.
        ended: Where and why the last reading ended before the end; empty where it did not.
    """

    name: str
    fps: float
    reader: Reader
    ended: str = ""

    @property
    def size_px(self) -> tuple[int, int]:
        """(W, H) of every frame."""
        return self.reader.size_px

    @property
    def count(self) -> int | None:
        """Frames that the source says it holds, which may be more than can be read; None where it does not say."""
        return self.reader.count

    @property
    def white(self) -> float:
        """Grey value of white, e.g. 4095 for a camera of 12 bits."""
        return self.reader.white

    @property
    def notes(self) -> list[str]:
        """What a reader of the results should know about the source."""
        return self.reader.notes

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the file; of a folder, of the names and contents of its images in their order."""
        return digest(self.reader.files, named=Path(self.name).is_dir())

    def __iter__(self) -> Iterator[np.ndarray]:
        self.ended = ""
        try:
            yield from self.reader.images()
        except EndedEarly as end:
            self.ended = str(end)


def open_frames(source: str | Path, fps: float | None = None) -> Frames:
    """Open a video that OpenCV reads, a folder of images, or a .cine file.

    Args:
        fps: Capture rate in frames/s; may be left out where the camera's own file states it.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It holds no frame that can be read, or its frames differ in size, or the rate is missing or is none.
        ModuleNotFoundError: A .cine file, without the library that reads it.
    """
    if not isinstance(source, (str, Path)) or not str(source) or "\0" in str(source):
        raise ValueError(f"source is {shown(source)}, allowed: the name of a video, folder of images or .cine file.")
    file = Path(source)
    if fps is not None and not (is_number(fps) and LOWEST_FPS <= fps <= HIGHEST_FPS):
        raise ValueError(
            f"fps is {shown(fps)}, allowed: a number above 0, the frames per second of the camera, {LOWEST_FPS:g} to "
            f"{HIGHEST_FPS:g}."
        )
    if not file.exists():
        raise FileNotFoundError(f"{file} does not exist. Name a video, a folder of images or a .cine file.")
    if is_pipe(file):
        raise ValueError(f"{file} is a pipe or device, expected a video, a folder of images or a .cine file.")
    if file.is_dir():
        reader = open_stills(file)
    elif file.stat().st_size == 0:
        raise ValueError(f"{file} is empty (0 bytes). Copy it again.")
    else:
        reader = open_cine(file) if file.suffix.lower() == ".cine" else open_container(file)
    return Frames(str(source), rate(file, fps, reader), reader)


def rate(file: Path, fps: float | None, reader: Reader) -> float:
    """Capture rate, stated or of the camera's file.

    Raises:
        ValueError: Neither is there, or they differ.
    """
    known = reader.rate_fps
    if known is not None and fps is not None and abs(fps / known - 1) > SAME_RATE:
        raise ValueError(f"fps is {fps:g}, but the camera wrote {known:g} frames/s into {file}. Leave fps out.")
    if fps is not None or known is not None:
        return float(fps or known)
    playback = reader.playback_fps
    states = f"The {playback:g} frames/s that it states are those of playback, not of the camera" if playback else ""
    raise ValueError(
        f"{file}: the capture rate is not known. {states or 'Images do not state one'}; with a wrong rate every speed "
        f"would be wrong. State it, e.g. fps=1000."
    )


def digest(files: tuple[Path, ...], named: bool) -> str:
    """SHA-256 of files as hexadecimal text; ``named`` lets their names and lengths count too."""
    total = hashlib.sha256()
    for file in files:
        if named:
            # the length keeps the end of one file from counting as the start of the next
            total.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                total.update(chunk)
    return total.hexdigest()


def grey(image: np.ndarray, white: float = 255.0) -> np.ndarray:
    """Grey picture (H, W) float32 from 0 to 255 of a frame, (H, W) or (H, W, 3) BGR, uint8 or uint16.

    Args:
        white: Of the frame, as in :attr:`Frames.white`.
    """
    single = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
    return single.astype(np.float32) if white == 255 else single * np.float32(255 / white)


def picture(image: np.ndarray, white: float = 255.0) -> np.ndarray:
    """Picture (H, W, 3) uint8 BGR of a frame, for detectors and for drawing."""
    if image.dtype != np.uint8:
        image = cv2.convertScaleAbs(image, alpha=255 / white)
    return image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
