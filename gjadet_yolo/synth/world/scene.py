"""A crash scene: bodies with surfaces and targets, in front of a background, seen by a camera.

A scene is geometry only. What the weather, the lens and the sensor do to its picture is ``look.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from gjadet_yolo.geometry.camera import Camera
from gjadet_yolo.synth.world.motion import BodyMotion, MarkerMotion
from gjadet_yolo.synth.world.target import Targets

NAMES = ("point", "bogie", "wheel", "absorber", "rw")  # classes of Crash2024, in its order


class Motion(Protocol):
    """How points of a body move."""

    def markers(self, t_s: np.ndarray, points_mm: np.ndarray) -> MarkerMotion:
        """Motion of points (N, 2) of the body at times (T,)."""
        ...


@dataclass(frozen=True)
class Crush:
    """A tube between two bodies that shortens as they approach, evenly along its length, from the moment they touch.

    Attributes:
        fixed: Body at the tube's end at x = 0.
        moving: Body that pushes its other end.
        start_mm: The tube's end on the fixed body.
        end_mm: Its end on the moving body, once that touches it.
        contact_s: When it does; before, the tube is as long as at that moment.
    """

    fixed: BodyMotion
    moving: BodyMotion
    start_mm: tuple[float, float]
    end_mm: tuple[float, float]
    contact_s: float = 0.0

    def markers(self, t_s: np.ndarray, points_mm: np.ndarray) -> MarkerMotion:
        """Motion of points of the tube, as it is at contact: x along it from the fixed end, y across."""
        contact = np.array([self.contact_s])
        whole = self._end(contact)[0] - self.fixed.markers(contact, np.array([self.start_mm])).position_mm
        share = (points_mm[:, 0] / whole[0, 0, 0])[None, :, None]
        across = np.stack((np.zeros(len(points_mm)), points_mm[:, 1]), -1)
        start = self.fixed.markers(t_s, np.array([self.start_mm]))
        starts = (start.position_mm, start.velocity_mps, start.acceleration_mps2)
        position, velocity, acceleration = (
            first * (1 - share) + second * share for first, second in zip(starts, self._end(t_s), strict=True)
        )
        return MarkerMotion(position + across, velocity, acceleration)

    def _end(self, t_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Position, velocity and acceleration of the pushed end, (T, 1, 2) each."""
        end = self.moving.markers(np.maximum(t_s, self.contact_s), np.array([self.end_mm]))
        touched = (t_s >= self.contact_s)[:, None, None]
        return end.position_mm, end.velocity_mps * touched, end.acceleration_mps2 * touched


@dataclass(frozen=True)
class Part:
    """A polygon of one material on a body.

    Attributes:
        outline_mm: Corners (K, 2), not necessarily convex.
        material: Name from ``material.MATERIALS``.
        shade: How light falls on it: ``flat``, ``round_x`` (a cylinder turning away along x), ``round_y``, ``disc``.
        gain: Brightness factor.
        text: Lettering on it.
    """

    outline_mm: np.ndarray
    material: str
    shade: str = "flat"
    gain: float = 1.0
    text: str = ""


@dataclass(frozen=True)
class Thing:
    """An object of a class other than ``point``.

    Attributes:
        label: Index into ``NAMES``.
        outline_mm: What its box surrounds, (K, 2) on the body.
    """

    label: int
    outline_mm: np.ndarray


@dataclass(frozen=True)
class Body:
    """Something that moves as one.

    Attributes:
        motion: Its motion.
        parts: Surfaces, back to front.
        targets: Targets on them.
        things: Objects of other classes that it is or carries.
        grime: Share of its targets' area under dirt.
    """

    motion: Motion
    parts: tuple[Part, ...] = ()
    targets: Targets = field(default_factory=Targets)
    things: tuple[Thing, ...] = ()
    grime: float = 0.0


@dataclass(frozen=True)
class Scene:
    """Bodies before a background.

    Attributes:
        camera: View of the plane of motion.
        bodies: Back to front.
        background: Material of the background.
        seed: Seed of all surfaces; the same scene always looks the same.
    """

    camera: Camera
    bodies: tuple[Body, ...]
    background: str
    seed: int
