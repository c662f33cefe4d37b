"""What a measurement is asked for, checked before a frame is read."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from gjadet_yolo.measure.filters import Filter
from gjadet_yolo.messages import is_number, shown, suggestion


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
        Filter.parse(self.filter)
        stated = [name for name in ("square_mm", "scale", "plane") if getattr(self, name) is not None]
        if len(stated) > 1:
            raise ValueError(f"{' and '.join(stated)} both state a scale. Leave all but one out.")
        if self.t0 is not None and not (is_number(self.t0) and int(self.t0) == self.t0 and self.t0 >= 0):
            raise ValueError(f"t0 is {shown(self.t0)}, allowed: a frame, counted from 0.")
        if self.imgsz is not None and not (is_number(self.imgsz) and 32 <= self.imgsz <= 8192):
            raise ValueError(f"imgsz is {shown(self.imgsz)}, allowed: 32 to 8192 px.")

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
