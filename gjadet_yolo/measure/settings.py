"""What a measurement is asked for, checked before a frame is read."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from gjadet_yolo.measure.filters import Filter
from gjadet_yolo.measure.scale import ends_of, sides_of
from gjadet_yolo.messages import is_number, shown, suggestion

FILES = ("plane", "camera", "points")
# lowest and highest value of what is a number
RANGES = {"t0": (0, 10**9), "every": (1, math.inf), "confidence": (0, 1), "imgsz": (32, 8192), "seed": (0, 2**63)}
WHOLE = ("t0", "every", "imgsz", "seed")
MEANING = {
    "t0": "a frame, counted from 0",
    "every": "1 (detect in each frame) or more",
    "imgsz": "32 to 8192 px",
    "confidence": "0 to 1",
    "seed": "a whole number of 0 or more",
}


@dataclass(frozen=True)
class MeasureSettings:
    """Settings of :func:`gjadet_yolo.measure.measure`, as a user types them.

    Attributes:
        fps: Capture rate in frames/s; may be left out where the camera's file states it.
        square_mm: Side of the squares across their strip, or (across, along), in mm.
        scale: x1, y1, x2, y2 in px and their distance in mm.
        plane: File of four or more points of the plane of motion.
        camera: Camera file of ``gjadet calibrate``.
        points: File of places to follow instead of detected markers.
        t0: Frame of T0; None: found from the onset of motion.
        filter: Of velocity and acceleration, see :class:`~gjadet_yolo.measure.filters.Filter`.
        every: Frames from one detection to the next where tracking is sure.
        confidence: Least score of a detection that may begin a track.
        imgsz: Side in px that frames are predicted at; None: that of the frame.
        steady: Remove the motion of the camera by the markers that stand.
        seed: Of the bootstrap behind the figures' bars.

    Raises:
        ValueError: A value is not allowed, or two exclude each other.
    """

    fps: float | None = None
    square_mm: float | tuple[float, float] | None = None
    scale: tuple[float, float, float, float, float] | None = None
    plane: Path | None = None
    camera: Path | None = None
    points: Path | None = None
    t0: int | None = None
    filter: str = "cfc60"
    every: int = 10
    confidence: float = 0.25
    imgsz: int | None = None
    steady: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        # NumPy's numbers as Python's, and files as paths: what is compared, written and opened later is of one type
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if isinstance(value, np.generic):
                object.__setattr__(self, name, value.item())
            elif name in FILES and isinstance(value, str) and value:
                object.__setattr__(self, name, Path(value))
        Filter.parse(self.filter)
        stated = [name for name in ("square_mm", "scale", "plane") if getattr(self, name) is not None]
        if len(stated) > 1:
            raise ValueError(f"{' and '.join(stated)} both state a scale. Leave all but one out.")
        if self.square_mm is not None:
            sides_of(self.square_mm)
        if self.scale is not None:
            ends_of(self.scale)
        self.check_numbers()
        for name in FILES:
            if not isinstance(getattr(self, name), (Path, type(None))):
                raise ValueError(f"{name} is {shown(getattr(self, name))}, allowed: the name of a file.")
        if self.points is not None and self.square_mm is not None:
            raise ValueError(
                "square_mm goes by squares that are detected, and points follows what is stated. State "
                "scale=x1,y1,x2,y2,mm or plane=FILE instead."
            )

    def check_numbers(self) -> None:
        """Refuse numbers that are none, or out of their range.

        Raises:
            ValueError: Names the setting, its value and what is allowed.
        """
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if value is None and name in ("t0", "imgsz"):
                continue
            if not (is_number(value) and low <= value <= high and (name not in WHOLE or int(value) == value)):
                raise ValueError(f"{name} is {shown(value)}, allowed: {MEANING[name]}.")
        if not isinstance(self.steady, bool):
            raise ValueError(f"steady is {shown(self.steady)}, allowed: True or False.")

    @classmethod
    def of(cls, **stated: Any) -> MeasureSettings:
        """Settings by name.

        Raises:
            ValueError: There is no such setting; names the closest.
        """
        names = [field.name for field in fields(cls)]
        for name in stated:
            if name not in names:
                raise ValueError(f"measure has no setting '{name}'.{suggestion(name, names)}")
        return cls(**stated)

    def typed(self) -> dict[str, Any]:
        """What differs from nothing stated, as a user would type it; the filter always."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None and value is not False}
