"""Images and videos whose writing is checked: a full disk is an error, not a file that ends early."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

PLAYBACK_FPS = 25  # slow motion: cameras film at hundreds of frames per second


def write_image(file: Path, image: np.ndarray, quality: int = 95) -> None:
    """Write an image, (H, W, 3) or (H, W) uint8 BGR, in the format that the suffix names; quality is that of JPEG.

    Raises:
        OSError: Not all of it could be written.
    """
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality] if file.suffix.lower() in (".jpg", ".jpeg") else []
    encoded, data = cv2.imencode(file.suffix, image, settings)
    if not encoded:
        raise OSError(f"{file} cannot be encoded.")
    file.write_bytes(data.tobytes())


class VideoFile:
    """AVI file (MJPG, played in slow motion at 25 frames/s); a context manager that checks the file at its end.

    Args:
        size_px: (W, H) of every frame; frames are (H, W, 3) uint8 BGR.

    Raises:
        OSError: The file cannot be written; at the end, that it does not hold every frame.
    """

    def __init__(self, file: Path, size_px: tuple[int, int]) -> None:
        self.file, self.frames = file, 0
        self.writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"MJPG"), PLAYBACK_FPS, size_px)
        if not self.writer.isOpened():
            raise OSError(f"{file} cannot be written as an MJPG video. Is there room on the disk?")

    def write(self, picture: np.ndarray) -> None:
        self.writer.write(picture)
        self.frames += 1

    def __enter__(self) -> VideoFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.release()
        if kind is None:
            # OpenCV does not tell when a video's bytes do not arrive on the disk.
            found = count_frames(self.file)
            if found != self.frames or not is_whole(self.file):
                raise OSError(
                    f"{self.file} is incomplete ({found} of {self.frames} frames can be read). Is there room on the "
                    f"disk?"
                )


def count_frames(file: Path) -> int:
    # Frames that can be read, not what the header says; decoding takes a hundredth of the time of rendering.
    capture, frames = cv2.VideoCapture(str(file)), 0
    while capture.grab():
        frames += 1
    capture.release()
    return frames


def is_whole(file: Path) -> bool:
    """Whether an AVI file ends where its chunks (RIFF; large files have several) say that it ends."""
    end, size = 0, file.stat().st_size
    with file.open("rb") as stream:
        while end < size:
            stream.seek(end)
            length = int.from_bytes(stream.read(8)[4:], "little")
            end += 8 + length + length % 2
    return end == size > 0
