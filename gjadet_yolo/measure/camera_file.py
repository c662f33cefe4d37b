"""Camera files: YAML with the size of the pictures and every parameter with its standard deviation."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import yaml

import gjadet_yolo
from gjadet_yolo.measure.calibrate import NAMES, Calibration
from gjadet_yolo.measure.lens import Lens
from gjadet_yolo.measure.tables import one_line, text_of
from gjadet_yolo.messages import is_number, shown, suggestion

FORMAT = "gjadet camera 1"
HEAD = f"# {FORMAT}: made by gjadet calibrate. Lengths in px, the top left pixel spans 0 to 1; sigma: 1 deviation.\n"
KEYS = (*NAMES, "size", "sigma", "format", "tool", "rms_px", "pictures", "left_out", "failed", "pattern", "square_mm")
KEYS += ("bend_mm",)
SIDES = (16, 100_000)
FOCAL_SHARE = (0.1, 1000.0)  # of the longer side: a fisheye of 160 degrees, a telescope of 0.06
MOST_BENT = 2.0  # radius with and without distortion, against each other, halfway to the nearer border


def camera_text(found: Calibration) -> str:
    """Content of a camera file."""
    content: dict[str, Any] = {"format": FORMAT, "tool": f"gjadet-yolo {gjadet_yolo.__version__}"}
    content["size"] = list(found.lens.size_px)
    content |= {name: getattr(found.lens, name) for name in NAMES}
    content["sigma"] = found.sigma
    content |= {"rms_px": found.rms_px, "pictures": len(found.pictures)}
    content |= {"pattern": "{}x{}".format(*found.pattern), "square_mm": found.square_mm}
    if math.isfinite(found.bend_mm):
        content["bend_mm"] = found.bend_mm
    content |= {"left_out": sorted(found.left_out), "failed": sorted(found.failed)}
    return HEAD + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def read_camera(file: Path, size_px: tuple[int, int] | None = None) -> tuple[Lens, dict[str, float]]:
    """Lens of a camera file and its standard deviations by name; those that it does not state are 0.

    Args:
        size_px: (W, H) of the video that it is for.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is none, a value is missing or impossible, or it is for another size. Names file and key.
    """
    try:
        content = yaml.safe_load(text_of(file))
    except yaml.YAMLError as error:
        raise ValueError(f"{file} is no YAML: {one_line(error)}. Make a camera file with gjadet calibrate.") from error
    if not isinstance(content, dict):
        raise ValueError(f"{file} holds {shown(content)}, expected keys such as size, fx and k1. {MAKE}")
    for key in content:
        if key not in KEYS:
            raise ValueError(f"{file}: there is no key {shown(key)}.{suggestion(key, KEYS)}")
    size = size_of(file, content)
    if size_px is not None and size != tuple(size_px):
        raise ValueError(
            f"{file} is for pictures of {size[0]} x {size[1]} px, but the video has {size_px[0]} x {size_px[1]} px. "
            f"Calibrate with pictures of the same camera in the same mode."
        )
    values = {name: number(file, content, name) for name in ("fx", "fy", "cx", "cy")}
    values |= {name: number(file, content, name) for name in NAMES[4:] if name in content}  # no distortion: none
    low, high = (share * max(size) for share in FOCAL_SHARE)
    for name in ("fx", "fy"):
        if not low <= values[name] <= high:
            raise ValueError(f"{file}: {name} is {values[name]:g}, allowed: a number above 0, {low:g} to {high:g} px.")
    for name, side in (("cx", size[0]), ("cy", size[1])):
        if not -side < values[name] < 2 * side:
            raise ValueError(f"{file}: {name} is {values[name]:g}, allowed: {-side} to {2 * side}, near the middle.")
    lens = Lens(size, **values)
    refuse_bent(file, lens)
    return lens, sigma_of(file, content)


def refuse_bent(file: Path, lens: Lens) -> None:
    """Refuse distortion that no lens has in the middle of the picture; a corner may lie beyond the model's reach.

    Raises:
        ValueError: Names the parameters.
    """
    radius = min(lens.size_px) / 4
    turns = np.radians(np.arange(0, 360, 45))
    around = radius * np.stack((np.cos(turns), np.sin(turns)), -1)
    with np.errstate(all="ignore"):  # what overflows is refused here
        reached = lens.reach_px >= radius
        ideal = lens.undistort(lens.centre_px + around)[0] - lens.centre_px if reached else around * np.nan
        ratio = np.hypot(*ideal.T) / radius
        again = lens.distort(lens.centre_px + ideal) - lens.centre_px
    fits = (ratio > 1 / MOST_BENT) & (ratio < MOST_BENT) & (np.abs(again - around).max(1) < 1)
    if not fits.all():
        stated = ", ".join(f"{name} {getattr(lens, name):g}" for name in NAMES[4:] if getattr(lens, name))
        raise ValueError(
            f"{file}: {stated or 'fx and fy'} would bend the picture {radius:g} px from its centre beyond what lenses "
            f"do. Are the parameters those of OpenCV's model, by focal lengths? {MAKE}"
        )


MAKE = "Make one with: gjadet calibrate images=DIR pattern=8x6 square_mm=30 out=camera.yaml"


def number(file: Path, content: dict[Any, Any], key: str) -> float:
    """A finite number.

    Raises:
        ValueError: There is none.
    """
    if key not in content:
        raise ValueError(f"{file} has no {key}. {MAKE}")
    value = content[key]
    if isinstance(value, str):  # PyYAML takes 1e-3, without a point, for text
        with suppress(ValueError):
            value = float(value)
    if not is_number(value):
        raise ValueError(f"{file}: {key} is {shown(value)}, allowed: a number.")
    return float(value)


def size_of(file: Path, content: dict[Any, Any]) -> tuple[int, int]:
    """(W, H).

    Raises:
        ValueError: There is none.
    """
    size, (low, high) = content.get("size"), SIDES
    if not (
        isinstance(size, list) and len(size) == 2 and all(type(side) is int and low <= side <= high for side in size)
    ):
        raise ValueError(f"{file}: size is {shown(size)}, allowed: width and height in px, {low} to {high}. {MAKE}")
    return size[0], size[1]


def sigma_of(file: Path, content: dict[Any, Any]) -> dict[str, float]:
    """Standard deviations by name.

    Raises:
        ValueError: One is no number of 0 or more.
    """
    stated = content.get("sigma", {})
    if not isinstance(stated, dict):
        raise ValueError(f"{file}: sigma is {shown(stated)}, allowed: a number for each of {', '.join(NAMES)}.")
    for key, value in stated.items():
        if key not in NAMES:
            raise ValueError(f"{file}: sigma has no key {shown(key)}.{suggestion(key, NAMES)}")
        if not (is_number(value) and value >= 0):
            raise ValueError(f"{file}: sigma of {key} is {shown(value)}, allowed: a number of 0 or more.")
    return {name: float(stated.get(name, 0.0)) for name in NAMES}
