"""Single pictures for training: what they hold, how large the squares are, and how they are drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gjadet_yolo.data.synth import closeup, rig, train
from gjadet_yolo.data.synth.camera import Camera
from gjadet_yolo.data.synth.look import Look
from gjadet_yolo.data.synth.motion import BodyMotion
from gjadet_yolo.data.synth.render import Renderer
from gjadet_yolo.data.synth.scene import NAMES, Body, Part, Scene, regular
from gjadet_yolo.data.synth.stage import Stage, Wanted

SCENES = {"rig": rig.build, "train": train.build, "closeup": closeup.build}
MOST = {"bogie": 2, "wheel": 6, "absorber": 3, "rw": 1}  # in one picture
HOSTS = {"bogie": ("train",), "wheel": ("train",), "absorber": ("rig",), "rw": ("rig", "train")}


@dataclass(frozen=True)
class Recipe:
    """What a set of pictures holds.

    Attributes:
        per_image: Mean number of objects of each class in a picture.
        scenes: Share of each kind of scene.
        square_px: Smallest and largest side of the squares; sides are spread evenly over its logarithm.
    """

    per_image: dict[str, float] = field(
        default_factory=lambda: {"point": 36.0, "bogie": 0.15, "wheel": 0.35, "absorber": 0.2, "rw": 0.15}
    )
    scenes: dict[str, float] = field(default_factory=lambda: {"rig": 0.35, "train": 0.35, "closeup": 0.3})
    square_px: tuple[float, float] = (5.0, 60.0)

    def wanted(self, rng: np.random.Generator, kind: str, square_px: float) -> Wanted:
        """Objects of one picture of a kind; in the mean over many, ``per_image`` comes out."""
        counts = {}
        for name, hosts in HOSTS.items():
            share = sum(self.scenes.get(host, 0) for host in hosts)
            mean = self.per_image.get(name, 0) / share if kind in hosts else 0.0
            counts[name] = int(rng.binomial(MOST[name], min(mean / MOST[name], 1)))
        low, high = np.log(self.square_px)
        size = (np.log(square_px) - low) / max(high - low, 1e-9)  # 0 to 1
        crowd = 2.1 - 1.6 * size  # small squares come in larger numbers
        point = self.per_image["point"] * crowd * np.exp(rng.normal(0, 0.35))
        return Wanted(point=0 if rng.random() < 0.03 else max(int(point), 2), **counts)


def draw_still(rng: np.random.Generator, size: tuple[int, int], recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Render one picture.

    Args:
        rng: Source of all randomness.
        size: (W, H) in px.
        recipe: What the set holds.

    Returns:
        BGR image (H, W, 3) uint8, and labels (N, 5): class and xyxy box in px.
    """
    kinds = list(recipe.scenes)
    kind = kinds[int(rng.choice(len(kinds), p=np.array(list(recipe.scenes.values())) / sum(recipe.scenes.values())))]
    square_px = float(np.exp(rng.uniform(*np.log(recipe.square_px))))
    stage = open_stage(rng, size, square_px, recipe.wanted(rng, kind, square_px))
    background = SCENES[kind](stage)
    add_foreground(stage)
    scene = Scene(stage.camera, tuple(stage.bodies), background, int(rng.integers(2**31)))
    exposure_s = float(rng.uniform(0, 0.25) * square_px / (stage.speed_mps * 1e3) * stage.square_mm / square_px)
    time_s = float(rng.uniform(0, stage.latest_s))
    frame = Renderer(scene, (time_s, time_s), exposure_s).frame(time_s)
    look = Look.draw(rng, size, square_px)
    return look.apply(frame.image, rng), frame.labels


def open_stage(rng: np.random.Generator, size: tuple[int, int], square_px: float, wanted: Wanted) -> Stage:
    """An empty stage, seen by a camera that may be tilted."""
    square_mm = float(rng.choice((15.0, 20.0, 25.0, 40.0, 60.0)))
    mm_per_px = square_mm / square_px
    roll = rng.normal(0, 0.06) if rng.random() < 0.8 else rng.uniform(-0.8, 0.8)
    pan, tilt = rng.uniform(-0.35, 0.35), rng.uniform(-0.25, 0.25)
    if rng.random() < 0.5:
        pan, tilt = pan * 0.1, tilt * 0.1
    k1 = float(rng.uniform(-0.25, 0.1)) if rng.random() < 0.25 else 0.0
    camera = Camera.facing(size, mm_per_px, (0.0, 0.0), roll, pan, tilt, 1.7 * max(size), k1)
    half = size[0] / 2 * mm_per_px, size[1] / 2 * mm_per_px
    return Stage(rng, camera, half, square_mm, wanted)


def add_foreground(stage: Stage) -> None:
    """Cables, rods and flying debris in front of everything."""
    rng, (hx, hy) = stage.rng, stage.half_mm
    if stage.chance(0.2):
        start = rng.uniform(-hx, hx), -1.2 * hy
        end = rng.uniform(-hx, hx), 1.2 * hy
        width = stage.square_mm * rng.uniform(0.1, 0.9)
        stage.bodies.append(Body(BodyMotion((0.0, 0.0)), (stage.rod(start, end, width, stage.pick("dark", "steel", "paint")),)))
    if stage.chance(0.25):
        for _ in range(int(rng.integers(1, 9))):
            place = rng.uniform(-hx, hx), rng.uniform(-hy, hy)
            piece = regular(place, stage.square_mm * np.exp(rng.uniform(-2, 0.6)), int(rng.integers(3, 7)), rng.uniform(0, 2))
            way = tuple(stage.speed_mps * rng.uniform(-2, 2, 2))
            stage.bodies.append(Body(BodyMotion((0.0, 0.0), way), (Part(piece, stage.pick("dark", "rust", "paint"), gain=rng.uniform(0.5, 1.5)),)))
