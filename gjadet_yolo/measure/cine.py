"""Phantom's .cine files, through the library cinereader: grey frames of 8 to 16 bits with the rate of the camera."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gjadet_yolo.measure.container import refuse_other_size
from gjadet_yolo.measure.reader import EndedEarly, Reader, white_of

# what the library raises for files that are cut off, of another kind, or of a variant that it does not know
UNREADABLE = (OSError, ValueError, KeyError, IndexError, struct.error, ZeroDivisionError, OverflowError)

PACKED_10 = 256  # biCompression of frames that store the root of 12 bits in 10, which the library undoes


def open_cine(file: Path) -> Reader:
    """Open a .cine file and read its first frame.

    Raises:
        ModuleNotFoundError: cinereader is not installed.
        ValueError: The file is no .cine file, is damaged, or is of a variant that the library does not read.
    """
    try:
        from cinereader import cinereader
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{file}: .cine files need {error.name}. Run: pip install 'gjadet-yolo[cine]', or export the file as AVI "
            f"or TIFF images and state fps.",
            name=error.name,
        ) from error
    try:
        head = cinereader.read_metadata(str(file))
        if head.Type != "CI":
            raise ValueError("it does not begin as such a file")
        first = frame(cinereader, head, file, 0)
    except UNREADABLE as error:
        raise ValueError(
            f"{file} cannot be read as a .cine file ({error or type(error).__name__}). Allowed are whole files of grey "
            f"frames; export others as AVI or TIFF images."
        ) from error
    height, width = first.shape
    images = partial(read, cinereader, head, file, (width, height))
    return Reader((width, height), int(head.ImageCount), white_of_camera(head, first), images, (file,), rate_of(head))


def frame(library: Any, head: Any, file: Path, index: int) -> np.ndarray:
    """Frame (H, W) number ``index`` of a file; the library counts from the trigger, as the camera does.

    Raises:
        ValueError: The file ends before it.
    """
    with file.open("rb") as stream:
        stream.seek(head.OffImageOffsets + 8 * index)
        (start,) = struct.unpack("<q", stream.read(8))
    # the library's compiled code for packed frames would read beyond the end of what is there
    if not 0 < start <= file.stat().st_size - head.biSizeImage:
        raise ValueError(f"frame {index} lies beyond its end")
    return np.ascontiguousarray(library.read_image(head, str(file), head.FirstImageNo + index))


def read(library: Any, head: Any, file: Path, size_px: tuple[int, int]) -> Iterator[np.ndarray]:
    """Frames one by one.

    Raises:
        EndedEarly: The file is cut off.
    """
    for index in range(head.ImageCount):
        try:
            image = frame(library, head, file, index)
        except UNREADABLE as error:
            raise EndedEarly(
                f"{file} ends after {index} of the {head.ImageCount} frames that it states: {error}."
            ) from error
        refuse_other_size(image, size_px, f"frame {index} of {file}")
        yield image


def rate_of(head: Any) -> float | None:
    """Frames per second of what was stored; None where the file does not say."""
    # a file that was saved with every n-th frame states n
    rate = head.FrameRate / max(head.fDecimation, 1.0)
    return float(rate) if math.isfinite(rate) and rate > 0 else None


def white_of_camera(head: Any, first: np.ndarray) -> float:
    """White by the camera's bits, or by the first frame where they are not stated."""
    if head.biCompression == PACKED_10:
        return 4095.0
    bits = int(head.RealBPP or 0)
    return float(2**bits - 1) if 8 <= bits <= 16 and first.dtype != np.uint8 else white_of(first)
