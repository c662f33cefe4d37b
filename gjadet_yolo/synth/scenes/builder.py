"""What all scenes share: the room in view, how the moving body is braked, and the style of the strips and plates.

Lengths are in mm of the plane of motion; the view spans ``-half_mm`` to ``half_mm``. Bodies are placed from back to
front and everything is drawn from one generator in a fixed order, so that a seed is a scene.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from gjadet_yolo.geometry.boxes import overlaps
from gjadet_yolo.geometry.camera import Camera
from gjadet_yolo.synth.scenes.clutter import clutter
from gjadet_yolo.synth.scenes.style import WheelStyle
from gjadet_yolo.synth.world.marker import MARKERS, marker
from gjadet_yolo.synth.world.motion import BodyMotion, StepResponse, Vibration
from gjadet_yolo.synth.world.pulse import Pulse
from gjadet_yolo.synth.world.scene import Body, Part
from gjadet_yolo.synth.world.shape import Area, rectangle, regular
from gjadet_yolo.synth.world.strip import Strip
from gjadet_yolo.synth.world.target import Colour, Targets

LIGHT = ((238, 238, 238), (60, 205, 240), (225, 235, 238), (120, 225, 245))  # BGR: white, yellow, paper, faded yellow
VIBRATION = 0.05  # acceleration of a braked body's vibration, as a share of its pulse's peak
SMALLEST_MARKER_PX = 7.0
FEWEST = 4  # squares of a strip: fewer cannot be told from a plate
STEADY = BodyMotion((0.0, 0.0))


@dataclass(frozen=True)
class Wanted:
    """How many objects of each class a picture shall hold."""

    point: int = 40
    bogie: int = 0
    wheel: int = 0
    absorber: int = 0
    rw: int = 0


@dataclass(frozen=True)
class Impact:
    """How the moving body of a video is braked.

    Attributes:
        time_s: Contact.
        longest_s: Longest time that the pulse may take.
        pulse: Deceleration of a body that comes at a speed (m/s) and stops within a distance (m).
    """

    time_s: float
    longest_s: float
    pulse: Callable[[float, float], Pulse]


@dataclass(frozen=True)
class Event:
    """The impact of a scene: moment and speed of contact, peak and length of the pulse."""

    contact_s: float
    speed_mps: float
    peak_mps2: float
    duration_s: float


@dataclass
class SceneBuilder:
    """A scene in the making.

    Attributes:
        rng: Source of randomness.
        camera: View of the plane.
        half_mm: Half the width and height of what an untilted camera sees.
        square_mm: Side of the main squares.
        wanted: Objects to place.
        speed_mps: Speed at impact.
        impact: Braking of the moving body; None for stills, where it goes on evenly until ``latest_s``.
        event: The impact as it is, once a body is braked.
        bodies: Placed so far, back to front.
        taken: Boxes, xyxy in mm, that later targets keep clear of.
        points: Targets placed so far.
        latest_s: How long the scene may run as a still.
        markers: Kinds of markers, keys of ``MARKERS``, that stand in the place of most strips.
    """

    rng: np.random.Generator
    camera: Camera
    half_mm: tuple[float, float]
    square_mm: float
    wanted: Wanted
    speed_mps: float = 8.0
    impact: Impact | None = None
    event: Event | None = None
    bodies: list[Body] = field(default_factory=list)
    taken: list[tuple[float, float, float, float]] = field(default_factory=list)
    points: int = 0
    latest_s: float = 0.0
    markers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        rng = self.rng
        # one style per scene: the strips of a real test come from one roll of tape
        self.light = LIGHT[int(rng.choice(len(LIGHT), p=(0.45, 0.3, 0.15, 0.1)))]
        self.ink = tuple(np.clip(rng.uniform(4, 60) * (1 + 0.1 * rng.uniform(-1, 1, 3)), 0, 255))
        self.columns = int(rng.choice((1, 2, 3, 4), p=(0.15, 0.72, 0.07, 0.06)))
        self.wheels = WheelStyle.draw(rng)
        most = rng.random() < 0.75
        self.flatness = float(rng.uniform(0.75, 1.3) if most else rng.uniform(0.5, 2.0))  # length to width

    @property
    def mm_per_px(self) -> float:
        """Of what an untilted camera sees."""
        return 2 * self.half_mm[0] / self.camera.size_px[0]

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def between(self, low: float, high: float) -> float:
        """A number from ``low`` to ``high``; ``low`` where there is no room."""
        return float(low + self.rng.random() * max(high - low, 0))

    def pick(self, *names: str) -> str:
        return names[int(self.rng.integers(len(names)))]

    def short(self) -> int:
        """How many targets are still to be placed."""
        return max(self.wanted.point - self.points, 0)

    def is_free(self, area: Area) -> bool:
        """Whether a rectangle overlaps nothing that is taken."""
        return not overlaps(np.array(self.taken).reshape(-1, 4), np.array(corners_of(area))).any()

    def take(self, area: Area) -> None:
        """Keep later targets clear of a rectangle."""
        self.taken.append(corners_of(area))

    def shaken(self, velocity_mps: tuple[float, float] = (0.0, 0.0)) -> BodyMotion:
        """Motion of a body that goes on evenly, with slight vibrations."""
        return BodyMotion((0.0, 0.0), velocity_mps, vibration=self._vibration(5.0))

    def braked(self, room_mm: float, pitch_rad: float = 0.01) -> BodyMotion:
        """Motion of the body that hits something, placed as at contact, with room ahead for the crush."""
        rng, start_s = self.rng, self.impact.time_s if self.impact else 0.0
        self.latest_s = room_mm / (self.speed_mps * 1e3)  # later, a still's body would run into what it hits
        pitch = StepResponse(rng.uniform(-1, 1) * pitch_rad, rng.uniform(3, 12), rng.uniform(10, 40), start_s)
        if self.impact is None:
            return BodyMotion((0.0, 0.0), (self.speed_mps, 0.0), pitch=pitch, vibration=self._vibration(5.0))
        distance_m = min(room_mm * 1e-3, self.speed_mps * self.impact.longest_s / 2)  # half the speed in the mean
        pulse = self.impact.pulse(self.speed_mps, distance_m)
        peak_mps2 = float(pulse.deceleration(np.linspace(0, pulse.duration_s, 101)).max())
        # scenes are laid out as at contact, so at time 0 the body is one run-up behind its place
        origin, vibration = (-self.speed_mps * 1e3 * start_s, 0.0), self._vibration(VIBRATION * peak_mps2)
        self.event = Event(start_s, self.speed_mps, peak_mps2, pulse.duration_s)
        return BodyMotion(origin, (self.speed_mps, 0.0), pulse, start_s, pitch, vibration)

    def _vibration(self, most_mps2: float) -> tuple[Vibration, Vibration]:
        """Vibrations along x and y with at most the given acceleration."""
        # second axis off by 1.3 and a phase: equal ones would shake the body along a diagonal
        hertz, strength = self.rng.uniform(30, 120), self.rng.uniform(0, 1) * most_mps2
        return tuple(
            Vibration(strength * 1e3 / (2 * np.pi * rate) ** 2, rate, phase)
            for rate, phase in ((hertz, 0.0), (hertz * 1.3, 1.0))
        )

    def strip(
        self,
        corner_mm: tuple[float, float],
        length_mm: float,
        lying: bool = False,
        columns: int | None = None,
        bend_per_mm: float = 0.0,
        angle_rad: float = 0.0,
        share: float = 1.0,
        within: np.ndarray | None = None,
    ) -> tuple[Targets, tuple[Part, ...]]:
        """A strip of squares, worn as strips are, and the paper it is printed on.

        Args:
            corner_mm: Top left corner of its room on the body.
            length_mm: Room along it, along x if it is ``lying``, else along y.
            columns, bend_per_mm, angle_rad: See ``Strip``; columns default to the scene's.
            share: Part of the targets still wanted that it may take, which limits its length.
            within: Outline (K, 2) that its squares may not leave.
        """
        rng, side, across, (x, y) = self.rng, self.square_mm, columns or self.columns, corner_mm
        if self.markers and bend_per_mm == angle_rad == 0 and self.chance(0.7):
            room = (x, y, length_mm, across * side) if lying else (x, y, across * side, length_mm)
            return self.marker_row(room, lying, int(np.ceil(share * self.short())), within), ()
        rows = int(min(length_mm / (side * self.flatness), np.ceil(share * self.short() / across)))
        if rows * across < FEWEST:
            return Targets(), ()
        straight = bend_per_mm == 0 and angle_rad == 0
        turn = angle_rad - np.pi / 2 if lying else angle_rad
        corner = (x, y + across * side) if lying and straight else (x, y)  # a quarter turn swings it above its corner
        strip = Strip(rows, side, corner, turn, across, self._row_lengths(rows), bend_per_mm, int(rng.integers(2)))
        present = rng.random(rows * across) > (rng.uniform(0.02, 0.12) if self.chance(0.15) else 0.0)  # torn
        if within is not None:
            present &= lies_within(strip.squares_mm, within)
        low, high = strip.squares_mm.min((0, 1)), strip.squares_mm.max((0, 1))
        area = (*low, *(high - low))
        # callers see to the room of straight strips; where a bent one ends is known only here
        if present.sum() < FEWEST or not (straight or self.is_free(area)):
            return Targets(), ()
        self.points += int(present.sum())
        self.take(area)
        paper = self._paper(area) if straight and self.chance(0.25) else ()
        return Targets.from_strip(strip, present, self.strip_colours(strip)), paper

    def _row_lengths(self, rows: int) -> tuple[float, ...]:
        """Lengths of a strip's rows: equal, or squeezed towards one end."""
        lengths = np.full(rows, self.square_mm * self.flatness)
        if self.chance(0.12):
            count = int(self.rng.integers(1, max(2, rows // 3)))
            lengths[-count:] *= np.linspace(1, self.rng.uniform(0.35, 0.8), count)
        return tuple(lengths[::-1] if self.chance(0.5) else lengths)

    def _paper(self, area: Area) -> tuple[Part, ...]:
        """Sheet behind a strip, a little larger."""
        rim, (x, y, w, h) = self.square_mm * self.rng.uniform(0.05, 0.6), area
        sheet = rectangle(x - rim, y - rim, w + 2 * rim, h + 2 * rim)
        return (Part(sheet, self.pick("paint", "paint", "dark")),)

    def strip_colours(self, strip: Strip) -> np.ndarray:
        """Colour of each square: ink and paper that change along a strip, with wear; (N, 3)."""
        rng, count = self.rng, strip.rows * strip.columns
        light = np.tile(np.array(self.light, dtype=float), (count, 1))
        if self.chance(0.2):  # yellow at one end, burnt out to white at the other
            where = (np.arange(count) // strip.columns / max(strip.rows - 1, 1))[:, None]
            centre, width = rng.uniform(0, 1), rng.uniform(0.1, 0.6)
            share = np.clip((where - centre) / width + 0.5, 0, 1)
            light = np.array(LIGHT[1]) * share + np.array((225, 248, 255)) * (1 - share)
        colours = np.where(strip.is_light[:, None], light, np.array(self.ink))
        colours *= 1 + rng.uniform(0, 0.08) * rng.standard_normal((count, 1))
        if self.chance(0.15):  # an end that turns away from the light
            where = np.arange(count) // strip.columns / max(strip.rows - 1, 1)
            away = np.clip((where - rng.uniform(0.5, 0.95)) / rng.uniform(0.05, 0.4), 0, 1)
            colours *= (1 - rng.uniform(0.5, 0.95) * (away if self.chance(0.5) else away[::-1]))[:, None]
        return np.clip(colours, 2, 255)

    def disc(self, centre_mm: tuple[float, float], radius_mm: float) -> Targets:
        """A marker that is no square, of the scene's kinds or of any."""
        rng, kind = self.rng, self.pick(*(self.markers or tuple(MARKERS)))
        self.points += 1
        self.take((centre_mm[0] - radius_mm, centre_mm[1] - radius_mm, 2 * radius_mm, 2 * radius_mm))
        ink: Colour = self.ink  # type: ignore[assignment]
        turned = (rng.uniform(0.5, 1.0), rng.uniform(0, np.pi)) if self.chance(0.25) else (1.0, 0.0)
        return marker(kind, rng, centre_mm, radius_mm, self.light, ink, rng.uniform(0, 2 * np.pi), turned)

    def marker_row(self, area: Area, lying: bool, most: int, within: np.ndarray | None) -> Targets:
        """Markers of the scene's kinds in a row, in the place of a strip's area, at most so many."""
        x, y, width, height = area
        length, across = (width, height) if lying else (height, width)
        radius = max(self.square_mm * self.rng.uniform(0.5, 0.9), SMALLEST_MARKER_PX / 2 * self.mm_per_px)
        pitch = 2 * radius * self.rng.uniform(1.2, 4)
        row = Targets()
        for index in range(min(int(length // pitch), most)):
            middle = (index + 0.5) * pitch, across / 2
            dx, dy = middle if lying else middle[::-1]
            outline = regular((x + dx, y + dy), radius, 4)
            if within is None or lies_within(outline[None], within)[0]:
                row += self.disc((x + dx, y + dy), radius)
        return row

    def panel(self, area: Area, *materials: str) -> tuple[Part, ...]:
        """A plate with edges, seams and what is screwed to it."""
        x, y, w, h = area
        material, parts = self.pick(*(materials or ("paint", "steel", "rust", "dark", "concrete"))), []
        shade = self.pick("flat", "flat", "flat", "round_x", "round_y")
        parts.append(Part(rectangle(x, y, w, h), material, shade, self.rng.uniform(0.5, 1.3)))
        if self.chance(0.5):
            edge = self.rng.uniform(0.004, 0.03) * max(self.half_mm)
            side = rectangle(x + w - edge, y, edge, h) if self.chance(0.5) else rectangle(x, y, w, edge)
            parts.append(Part(side, material, gain=self.rng.uniform(0.4, 1.9)))
        return (*parts, *clutter(self.rng, area, self.square_mm, int(self.rng.integers(0, 6))))

    def rod(self, start: tuple[float, float], end: tuple[float, float], width_mm: float, material: str) -> Part:
        """A bar, cable or hose between two points."""
        arm = np.subtract(end, start)
        across = np.array((-arm[1], arm[0])) / max(np.hypot(*arm), 1e-9) * width_mm / 2
        corners = np.array([start + across, end + across, end - across, start - across])
        return Part(corners, material, "round_y" if abs(arm[0]) > abs(arm[1]) else "round_x")


def corners_of(area: Area) -> tuple[float, float, float, float]:
    """Box, xyxy, of x, y, width and height."""
    x, y, width, height = area
    return x, y, x + width, y + height


def lies_within(squares_mm: np.ndarray, outline_mm: np.ndarray) -> np.ndarray:
    """Which quadrilaterals (N, 4, 2) lie in a polygon (K, 2) with all corners, (N,) bool."""
    contour = outline_mm.astype(np.float32)[:, None]
    inside = [
        [cv2.pointPolygonTest(contour, tuple(map(float, p)), False) >= 0 for p in square] for square in squares_mm
    ]
    return np.array(inside).all(1)
