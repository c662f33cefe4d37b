"""Cases of pictures: every kind that OpenCV or Pillow writes, the wrong suffix, headers that lie, and broken bytes."""

from __future__ import annotations

import functools
import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from fuzzing.case import Case, Draw
from fuzzing.mutate import mutated_bytes
from fuzzing.samples import data_content, label_text, picture, write_yolo_tree
from fuzzing.trees import convert_yolo

SUFFIXES = (".png", ".jpg", ".bmp", ".tif", ".webp", ".jp2", ".JPEG", ".gif", ".txt", "")


def by_pillow(mode: str, form: str, size: tuple[int, int] = (16, 12), **settings: object) -> bytes:
    """A picture as Pillow writes it."""
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, form, **settings)
    return stream.getvalue()


def lying_png(width: int, height: int) -> bytes:
    """A PNG whose header promises another size, with the right checksum."""
    data = picture()
    header = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


@functools.cache
def kinds() -> dict[str, bytes]:
    """Pictures by what they are."""
    rotated = Image.Exif()
    rotated[0x0112] = 6
    frames = [Image.new("RGB", (16, 12), colour) for colour in ("red", "blue")]
    depth16 = cv2.imencode(".png", np.full((12, 16), 40_000, np.uint16))[1].tobytes()
    suffixes = [suffix for suffix in SUFFIXES if suffix and cv2.haveImageWriter(f"a{suffix}")]
    made = {f"8 bits {suffix}": picture(suffix, 64, 64) for suffix in suffixes}
    made |= {
        "16 bits": depth16,
        "float TIFF": cv2.imencode(".tif", np.full((12, 16, 3), 0.5, np.float32))[1].tobytes(),
        "CMYK": by_pillow("CMYK", "JPEG"),
        "palette": by_pillow("P", "PNG"),
        "one bit": by_pillow("1", "PNG"),
        "alpha": by_pillow("RGBA", "PNG"),
        "grey with alpha": by_pillow("LA", "PNG"),
        "turned by EXIF": by_pillow("RGB", "JPEG", exif=rotated),
        "GIF of two frames": by_pillow("RGB", "GIF", save_all=True, append_images=frames),
        "TIFF of two pages": by_pillow("RGB", "TIFF", save_all=True, append_images=frames),
        "moving WebP": by_pillow("RGB", "WEBP", save_all=True, append_images=frames),
        "icon": by_pillow("RGBA", "ICO"),
        "one pixel": picture(".png", 1, 1),
        "a line": picture(".png", 1, 3000),
        "a column": picture(".png", 3000, 1),
    }
    for width, height in ((0, 12), (60_000, 60_000), (2**31 - 1, 2**31 - 1), (20_000, 20_000), (16, 2**20)):
        made[f"a PNG that says {width} x {height}"] = lying_png(width, height)
    return made


def read_picture_case(draw: Draw) -> Case:
    """A YOLO tree with an odd picture, read and written as COCO."""
    kind = str(draw.pick(list(kinds())))
    data, story = kinds()[kind], [kind]
    if draw.chance(0.5):
        data, way = mutated_bytes(draw, data)
        story.append(way)
    suffix = str(draw.pick(SUFFIXES))
    root: Path = draw.folder / "in"
    source = write_yolo_tree(root, data_content(), {"train/a.png": label_text(0), "val/b.png": label_text(1)})
    (root / "images" / "train" / f"odd{suffix}").write_bytes(data)
    (root / "labels" / "train" / "odd.txt").write_text(label_text(2), encoding="utf-8")
    call = functools.partial(convert_yolo, source, draw.folder / "out", draw.chance(0.5), False)
    return Case(call, (f"odd{suffix}",), [*story, f"called odd{suffix}"])
