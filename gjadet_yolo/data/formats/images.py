"""Which images the host reads: one rule for both directions of conversion.

Mirrored: ``IMG_FORMATS`` and ``check_image`` in
https://github.com/ultralytics/ultralytics/blob/v8.4.190/ultralytics/data/utils.py, and ``get_img_files`` in its
``base.py``. In 8.4.130 they are the same, except that it skips JPEG 2000.
"""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from PIL import Image

from gjadet_yolo.data.formats.boxes import Report
from gjadet_yolo.data.formats.content import read_bytes

# Suffixes, without the dot, that the host takes for images.
IMAGE_FORMATS = frozenset(
    ("avif", "bmp", "dng", "heic", "heif", "jp2", "jpeg", "jpg", "mpo", "png", "tif", "tiff", "webp")
)

# Shortest side of an image that the host reads; it leaves smaller ones out as corrupt.
SMALLEST_PX = 10


def refused_name(name: str) -> str:
    """Why the host passes over a file, named by its path below a folder of images; empty where it does not."""
    path = PurePosixPath(name)
    if any(part.startswith(".") for part in path.parts):
        return "hidden name"
    return "" if path.suffix[1:].lower() in IMAGE_FORMATS else f"suffix '{path.suffix}'"


def files_below(folder: Path) -> list[Path]:
    """Every file below a folder, through linked folders too, as the host searches it."""
    found: list[Path] = []
    for parent, folders, files in os.walk(folder, followlinks=True):
        here = Path(parent)
        folders[:] = [name for name in folders if not leads_back(here / name)]
        found += [here / name for name in files]
    return sorted(found)


def leads_back(folder: Path) -> bool:
    # A link to a folder that it lies in would be followed without an end.
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def decoded(file: Path) -> np.ndarray | None:
    """An image as the host will read it, (H, W, 3) uint8 BGR, or None where it cannot be decoded."""
    try:
        data = np.frombuffer(read_bytes(file), dtype=np.uint8)
        return cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except (OSError, cv2.error):
        return None


def image_size(file: Path) -> tuple[int, int] | None:
    """Width and height in px as the host will read the image, or None where it cannot be decoded."""
    image = decoded(file)
    return None if image is None else (image.shape[1], image.shape[0])


def image_format(file: Path) -> str:
    """Format of an image by its content, as Pillow names it (``PNG``); empty where Pillow finds a fault."""
    try:
        with Image.open(io.BytesIO(read_bytes(file))) as image:
            name = image.format or ""
            image.verify()
    except (OSError, EOFError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError):
        # what Pillow raises differs by format
        return ""
    return name


def usable_size(file: Path, name: str, split: str, report: Report, detail: str = "") -> tuple[int, int] | None:
    """Width and height in px of an image that the host reads; None, with a note, where it has to be left out."""
    # The host leaves out what it refuses with a line in the log at most, so that a converter has to say it.
    size = image_size(file)
    kind = image_format(file).lower() if size else ""
    if size is None or not kind:
        report.add(split, "unreadable images, left out", name, detail)
        return None
    if kind not in IMAGE_FORMATS | {"jpeg2000"}:
        fault = f"content is {kind.upper()}"
    elif min(size) < SMALLEST_PX:
        fault = f"{size[0]}x{size[1]} px, allowed from {SMALLEST_PX}"
    else:
        if kind == "jpeg2000":
            report.add(split, "JPEG 2000 images, kept, which Ultralytics 8.4.130 skips", name)
        return size
    report.add(split, "images that Ultralytics does not read, left out", name, ", ".join(filter(None, (fault, detail))))
    return None
