"""Videos in a container (AVI, MP4, MOV, ...), as OpenCV and FFmpeg read them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from gjadet_yolo.data.formats.images import refused_name
from gjadet_yolo.measure.reader import EndedEarly, Reader, checked

MISSING = "frames are missing"
GAP_STEPS = 1.5  # between two frames' time stamps, in frames


def open_container(file: Path) -> Reader:
    """Open a video and read its first frame.

    Raises:
        ValueError: Not a video, or none that this OpenCV can decode.
    """
    capture = opened(file)
    found, image = capture.read()
    stated, playback = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    if not found:
        raise ValueError(
            f"{file} cannot be read as a video: it is none, it is damaged, or its codec is unknown here. Copy it "
            f"again, or convert it: ffmpeg -i {file.name} -c:v ffv1 converted.avi"
        )
    height, width = checked(image, str(file)).shape[:2]
    notes: list[str] = []
    if not refused_name(file.name):
        notes.append(f"{file} is a single picture, in which nothing moves. Of a series, name the folder.")
    count = int(stated) if stated >= 1 else None  # streams without an index state 0 or less
    images = partial(read, file, (width, height), count, notes)
    return Reader((width, height), count, 255.0, images, (file,), None, playback or None, notes)


def opened(file: Path) -> cv2.VideoCapture:
    # The absolute path keeps a name from being taken for an address; FFmpeg first, because other readers of OpenCV take
    # a % in a name for the numbering of images.
    capture = cv2.VideoCapture(str(file.resolve()), cv2.CAP_FFMPEG)
    return capture if capture.isOpened() else cv2.VideoCapture(str(file.resolve()))


def read(file: Path, size_px: tuple[int, int], count: int | None, notes: list[str]) -> Iterator[np.ndarray]:
    """Frames of a video, and a note where its own clock says that some are missing.

    Raises:
        EndedEarly: There are fewer than the file states.
        ValueError: The frames change their size.
    """
    capture, frames, last_ms, noted = opened(file), 0, 0.0, any(MISSING in note for note in notes)
    step_ms = 1e3 / max(capture.get(cv2.CAP_PROP_FPS), 1e-3)
    try:
        while True:
            found, image = capture.read()
            if not found:
                break
            refuse_other_size(image, size_px, f"frame {frames} of {file}")
            now_ms = capture.get(cv2.CAP_PROP_POS_MSEC)
            if frames and not noted and now_ms - last_ms > GAP_STEPS * step_ms:
                noted = True
                notes.append(
                    f"{file}: by its own clock, {MISSING} between the frames {frames - 1} and {frames} as "
                    f"they are counted here; times from there on may be too early."
                )
            last_ms = now_ms
            yield image
            frames += 1
    finally:
        capture.release()
    if count is not None and frames < count:
        raise EndedEarly(
            f"{file} ends after {frames} of the {count} frames that it states: it is cut off or damaged there."
        )


def refuse_other_size(image: np.ndarray, size_px: tuple[int, int], name: str) -> None:
    """Refuse a frame of another size than the first.

    Raises:
        ValueError: Names the frame and both sizes.
    """
    height, width = image.shape[:2]
    if (width, height) != size_px:
        raise ValueError(
            f"{name} is {width} x {height} px, but the first frame is {size_px[0]} x {size_px[1]} px; allowed is one "
            f"size. Split the source where its size changes."
        )
