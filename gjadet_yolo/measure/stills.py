"""Folders of images as a video: one image a frame, in natural order (frame2 before frame10)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from gjadet_yolo.data.formats.content import read_bytes
from gjadet_yolo.data.formats.images import IMAGE_FORMATS, refused_name
from gjadet_yolo.folders.whole import listed
from gjadet_yolo.measure.container import refuse_other_size
from gjadet_yolo.measure.reader import EndedEarly, Reader, checked, white_of

# as stored: 16 bits stay 16 bits, and a tag of orientation, which a converter adds to some frames, turns nothing
DEPTH = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION
NUMBERS = re.compile(r"(\d+)")


def open_stills(folder: Path) -> Reader:
    """Open a folder of images; what is no image by its name is passed over with a note.

    Raises:
        ValueError: There is no image, or the first one cannot be read.
    """
    entries = sorted((path for path in folder.iterdir() if path.is_file()), key=lambda path: natural(path.name))
    files = tuple(path for path in entries if not refused_name(path.name))
    if not files:
        raise ValueError(
            f"{folder} holds no images (found: {listed(path.name for path in entries) or 'no files'}). Allowed are "
            f"{', '.join(sorted(IMAGE_FORMATS))}."
        )
    first = decoded(files[0])
    if first is None:
        raise ValueError(f"{files[0]}, the first image of {folder}, cannot be read. Remove or repair it.")
    height, width = checked(first, str(files[0])).shape[:2]
    notes = []
    if others := set(entries) - set(files):
        notes.append(
            f"{folder}: {len(others)} files that are no images were passed over: {listed(p.name for p in others)}"
        )
    notes += gap(folder, files)
    images = partial(read, files, (width, height), first.dtype)
    return Reader((width, height), len(files), white_of(first), images, files, notes=notes)


def read(files: tuple[Path, ...], size_px: tuple[int, int], kind: np.dtype) -> Iterator[np.ndarray]:
    """Images one by one.

    Raises:
        EndedEarly: One cannot be read. It is not passed over, because every frame behind it would get a wrong time.
        ValueError: They differ in size or kind.
    """
    for index, file in enumerate(files):
        image = decoded(file)
        if image is None:
            raise EndedEarly(f"{file} cannot be read: reading ended after {index} of {len(files)} images.")
        refuse_other_size(image, size_px, str(file))
        if image.dtype != kind:  # their grey values mean something else
            raise ValueError(
                f"{file} has {8 * image.itemsize} bits, but the first image {8 * kind.itemsize}; allowed is one depth. "
                f"Export all images alike."
            )
        yield checked(image, str(file))


def decoded(file: Path) -> np.ndarray | None:
    """An image as it is stored, or None where it cannot be decoded."""
    # bytes instead of a name: OpenCV opens no names beyond ASCII on Windows
    try:
        data = np.frombuffer(read_bytes(file), np.uint8)
        return cv2.imdecode(data, DEPTH) if data.size else None
    except (OSError, cv2.error):
        return None


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Key that sorts numbers in names by their value."""
    parts = NUMBERS.split(name.lower())
    # digits stand at odd places; the name itself keeps frame1 and frame01 in one order everywhere
    return [(int(part), "") if place % 2 else (0, part) for place, part in enumerate(parts)], name


def gap(folder: Path, files: tuple[Path, ...]) -> list[str]:
    """A note where the last number in the names does not grow by the same step from image to image."""
    numbers = [NUMBERS.findall(file.stem) for file in files]
    if len(files) < 3 or not all(numbers):
        return []
    steps = np.diff([float(found[-1]) for found in numbers])
    if (steps == steps[0]).all():
        return []
    place = int(np.argmax(steps != np.median(steps)))
    return [
        f"{folder}: the numbering is not even, e.g. {files[place].name} is followed by {files[place + 1].name}; every "
        f"image is taken for one frame, so times are wrong if some are missing."
    ]
