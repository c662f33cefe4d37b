"""Rendered videos: a scene in motion through a high-speed camera, with the truth about every marker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from gjadet_yolo.messages import suggestion
from gjadet_yolo.synth.paint.look import Look
from gjadet_yolo.synth.paint.render import Frame, Renderer
from gjadet_yolo.synth.scenes.builder import Event, Impact, Wanted
from gjadet_yolo.synth.scenes.compose import IMPACTS, begin_scene, compose
from gjadet_yolo.synth.truth import VideoTruth, follow
from gjadet_yolo.synth.world.pulse import STOPS, PiecewiseLinear
from gjadet_yolo.synth.world.scene import Scene

SIDES = (64, 4096)  # of pictures and videos
RATES_FPS = (0.001, 10_000_000)  # up to what the fastest cameras do; beyond, a typing error is more likely
MOST_FRAMES = 100_000  # 100 s at 1000 frames/s: a crash takes less than one
BYTES_PER_PX, TRUTH_BYTES = 0.08, 23_000  # per frame, measured at 640 px; the truth's do not depend on the size
SPEEDS_MPS = (0.5, 100.0)  # that a table pulse may take away
SMALLEST_PX = 6.0  # side of a video's squares: twice the smallest extent that gets a box
SHUTTER = 0.2  # longest exposure, as a share of the time between frames
CONTACT, STOPPING = 0.15, 0.7  # moment of contact, and longest pulse, as shares of the video
RUN_UP = 0.15  # longest way before contact, as a share of the picture's width
ROOM = {"rig": 0.09, "train": 0.045, "closeup": 0.09}  # least stopping distance of a scene, as a share of its width
CROWD = {
    "rig": Wanted(point=70, absorber=1, rw=1),
    "train": Wanted(point=90, bogie=2, wheel=4, absorber=1, rw=1),
    "closeup": Wanted(point=60),
}


@dataclass(frozen=True)
class VideoPlan:
    """What a video shows.

    Attributes:
        size_px: (W, H).
        fps: Frames per second of the high-speed camera.
        scene: ``rig``, ``train`` or ``closeup``.
        pulse: ``half_sine``, ``haversine``, ``trapezoid``, or a CSV file of time_s, deceleration_mps2.
    """

    size_px: tuple[int, int] = (640, 640)
    fps: float = 1000.0
    frames: int = 150
    scene: str = "rig"
    pulse: str = "haversine"

    def __post_init__(self) -> None:
        if self.scene not in IMPACTS:
            raise ValueError(f"there is no scene '{self.scene}'.{suggestion(self.scene, list(IMPACTS))}")
        low, high = SIDES
        if not all(low <= side <= high for side in self.size_px):
            raise ValueError(f"a video is {self.size_px[0]} x {self.size_px[1]} px, allowed: {low} to {high} px.")
        slow, fast = RATES_FPS
        if not slow <= self.fps <= fast or self.frames < 1:
            raise ValueError(
                f"fps is {self.fps} and frames {self.frames}; allowed: {slow} to {fast:,} per second, 1 frame or more."
            )
        if self.frames > MOST_FRAMES:
            raise ValueError(f"a video has {self.frames} frames, allowed: {MOST_FRAMES}. Lower fps or seconds.")
        if self.pulse not in STOPS and not self.pulse.lower().endswith(".csv"):
            raise ValueError(f"there is no pulse '{self.pulse}'.{suggestion(self.pulse, [*STOPS, 'FILE.csv'])}")

    def size_bytes(self) -> float:
        """Bytes on disk of a video and its truth, about."""
        width, height = self.size_px
        return self.frames * (width * height * BYTES_PER_PX + TRUTH_BYTES)


@dataclass
class Video:
    """A scene in motion, ready to be rendered.

    Attributes:
        rng: Source of what differs between frames.
        event: The impact.
        rendered: Labels of the frames rendered so far; their pictures are not kept.
    """

    plan: VideoPlan
    scene: Scene
    look: Look
    exposure_s: float
    rng: np.random.Generator
    event: Event | None = None
    rendered: list[Frame] = field(default_factory=list)

    @property
    def time_s(self) -> np.ndarray:
        """Middle of each exposure, (T,)."""
        return np.arange(self.plan.frames) / self.plan.fps

    def frames(self) -> Iterator[np.ndarray]:
        """Pictures (H, W, 3) uint8, one by one; their labels are kept for :meth:`truth`."""
        self.rendered.clear()  # a second pass starts anew
        renderer = Renderer(self.scene, (0.0, float(self.time_s[-1])), self.exposure_s)
        for time_s in self.time_s:
            frame = renderer.frame(float(time_s))
            picture = self.look.apply(frame.image, self.rng)
            self.rendered.append(replace(frame, image=np.zeros((0, 0, 3), np.float32)))
            yield picture

    def truth(self) -> VideoTruth:
        """Truth of the frames that have been rendered."""
        seen, objects = [frame.targets for frame in self.rendered], [frame.things for frame in self.rendered]
        truth = follow(self.scene, self.time_s[: len(seen)], self.plan.fps, self.exposure_s, seen, objects)
        impact = asdict(self.event) if self.event else {}
        return replace(truth, impact={"scene": self.plan.scene, "pulse": self.plan.pulse} | impact)


def draw_video(rng: np.random.Generator, plan: VideoPlan) -> Video:
    """Set up a video: its scene, camera, impact and look.

    Raises:
        FileNotFoundError: No such pulse table.
        ValueError: The table cannot be a pulse.
    """
    width, length_s = plan.size_px[0], plan.frames / plan.fps
    square_px = max(width * float(rng.uniform(0.014, 0.03)), SMALLEST_PX)
    speed_mps, square_mm, pulse = float(rng.uniform(5, 15)), None, STOPS.get(plan.pulse)
    if pulse is None:
        table = read_pulse(Path(plan.pulse))
        speed_mps, way_mm = stop_of(table)
        square_mm = 1.05 * way_mm / (ROOM[plan.scene] * width) * square_px  # the whole way fits into the picture
    builder = begin_scene(rng, plan.size_px, square_px, CROWD[plan.scene], square_mm)
    builder.speed_mps = speed_mps
    if pulse is not None:  # slow enough to be in view before contact
        builder.speed_mps = min(speed_mps, 2e-3 * builder.half_mm[0] * RUN_UP / (CONTACT * length_s))
    builder.impact = Impact(CONTACT * length_s, STOPPING * length_s, pulse or (lambda speed, distance: table))
    scene = compose(builder, plan.scene)
    look = Look.draw(rng, plan.size_px, square_px)
    longest_s = min(SHUTTER / plan.fps, builder.square_mm / (builder.speed_mps * 1e3))  # a square's blur at most
    return Video(plan, scene, look, float(rng.uniform(0.1, 1)) * longest_s, rng, builder.event)


def stop_of(table: PiecewiseLinear) -> tuple[float, float]:
    """Speed in m/s that a pulse takes away, and the way in mm until it has done so."""
    end = np.array([table.duration_s])
    speed_mps = float(table.velocity_loss(end)[0])
    return speed_mps, (speed_mps * table.duration_s - float(table.shortfall(end)[0])) * 1e3


def read_pulse(file: Path) -> PiecewiseLinear:
    """Read a pulse table and check that it is of a crash.

    Raises:
        FileNotFoundError: No such file.
        ValueError: Not a pulse, or not in s and m/s².
    """
    table, (low, high) = PiecewiseLinear.from_csv(file), SPEEDS_MPS
    speed_mps, _ = stop_of(table)
    if not low <= speed_mps <= high:
        raise ValueError(
            f"{file}: the pulse takes away {speed_mps:.3g} m/s, allowed: {low:g} to {high:g}. Times are in s, "
            f"decelerations in m/s²."
        )
    return table
