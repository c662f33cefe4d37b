"""A crash scene: bodies with surfaces and targets, in front of a background, seen by a camera.

A scene is geometry only; what light, lens and sensor do to its picture is up to ``paint``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from gjadet_yolo.geometry.camera import Camera
from gjadet_yolo.synth.world.motion import BodyMotion, MarkerMotion
from gjadet_yolo.synth.world.target import Targets

COATS = 8
NAMES = ("point", "bogie", "wheel", "absorber", "rw")  # classes of Crash2024, in its order


class Motion(Protocol):
    def markers(self, t_s: np.ndarray, points_mm: np.ndarray) -> MarkerMotion:
        """Motion of points (N, 2) of the body at times (T,)."""
        ...


@dataclass(frozen=True)
class Crush:
    """A tube between two bodies that shortens evenly along its length as they approach, from the moment they touch.

    Attributes:
        fixed: Body that holds the tube's end at x = 0.
        moving: Body that pushes its other end.
        start_mm: The tube's end on the fixed body.
        end_mm: Its end on the moving body.
        contact_s: When the moving body touches it; until then the tube keeps its length.
    """

    fixed: BodyMotion
    moving: BodyMotion
    start_mm: tuple[float, float]
    end_mm: tuple[float, float]
    contact_s: float = 0.0

    def markers(self, t_s: np.ndarray, points_mm: np.ndarray) -> MarkerMotion:
        """Motion of points of the tube, as it is at contact: x along it from the fixed end, y across."""
        contact = np.array([self.contact_s])
        # undeformed length: points are given as the tube is at contact
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
        # until contact the end rests where it will be touched
        end = self.moving.markers(np.maximum(t_s, self.contact_s), np.array([self.end_mm]))
        touched = (t_s >= self.contact_s)[:, None, None]
        return end.position_mm, end.velocity_mps * touched, end.acceleration_mps2 * touched


@dataclass(frozen=True)
class Part:
    """A polygon of one material on a body.

    Attributes:
        outline_mm: Corners (K, 2), not necessarily convex.
        material: Key of ``MATERIALS`` in ``paint/material.py``.
        shade: How light falls on it: ``flat``, ``round_x`` (a cylinder turning away along x), ``round_y``, ``disc``; of
            round parts ``cone`` (standing out), ``dish`` (hollow), ``turned`` (with the fans of a lathe's grooves).
        gain: Brightness factor.
        text: Lettering on it.
        coat: Parts of a scene with the same material and coat, from 1 to COATS - 1, look alike; 0 is a coat of its own.
    """

    outline_mm: np.ndarray
    material: str
    shade: str = "flat"
    gain: float = 1.0
    text: str = ""
    coat: int = 0


@dataclass(frozen=True)
class Thing:
    """An object of a class other than ``point``: index into ``NAMES``, and the outline (K, 2) that gets the box."""

    label: int
    outline_mm: np.ndarray


@dataclass(frozen=True)
class Body:
    """Something that moves as one: parts from back to front, with targets, a share of them under grime, and things."""

    motion: Motion
    parts: tuple[Part, ...] = ()
    targets: Targets = field(default_factory=Targets)
    things: tuple[Thing, ...] = ()
    grime: float = 0.0


@dataclass(frozen=True)
class Scene:
    """Bodies, back to front, before a background of one material; ``seed`` makes all surfaces look the same again."""

    camera: Camera
    bodies: tuple[Body, ...]
    background: str
    seed: int
