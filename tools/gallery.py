"""Draw the pictures of docs/synth.md and the README anew.

    python tools/gallery.py [out=docs/images]

``scenes.jpg``: the first pictures of each kind of scene by seed, none picked by hand. ``bodies.jpg``: the first wheels,
bogies, absorbers, walls and cars, in even light. ``degradations.jpg``: one picture under each degradation at level 0.6.
``detections.jpg``: frames of the demo's video with the released checkpoint.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from gjadet_yolo.cli.main import main as gjadet
from gjadet_yolo.data.degrade import DEGRADATIONS, degrade
from gjadet_yolo.evaluate.overlay import sheet
from gjadet_yolo.geometry.camera import Camera
from gjadet_yolo.synth.paint.render import Renderer
from gjadet_yolo.synth.scenes.absorber import absorber
from gjadet_yolo.synth.scenes.bogie import bogie
from gjadet_yolo.synth.scenes.builder import STEADY, SceneBuilder, Wanted
from gjadet_yolo.synth.scenes.coach import coach_parts, end_parts, frame_parts, wagon_parts
from gjadet_yolo.synth.scenes.compose import SCENES
from gjadet_yolo.synth.scenes.track import add_ground
from gjadet_yolo.synth.scenes.wall import wall
from gjadet_yolo.synth.scenes.wheel import wheel_parts
from gjadet_yolo.synth.still import SceneMix, draw_still
from gjadet_yolo.synth.world.motion import BodyMotion
from gjadet_yolo.synth.world.scene import Body, Scene

SIDE = 400
# more objects per picture than in a set, so that a sheet shows every kind
OBJECTS = {
    "rig": {"point": 40.0, "absorber": 1.6, "rw": 0.8},
    "train": {"point": 40.0, "bogie": 1.4, "wheel": 3.2, "rw": 0.4},
    "closeup": {"point": 30.0},
    "gear": {"point": 20.0, "bogie": 1.2, "wheel": 2.8},
    "empty": {},
}


def still(kind: str, index: int) -> np.ndarray:
    """One picture of a kind of scene."""
    mix = SceneMix(OBJECTS[kind], {kind: 1.0}, (8.0, 30.0))
    mix.check((SIDE, SIDE))
    return draw_still(np.random.default_rng([1, index]), (SIDE, SIDE), mix)[0]


def wheel(builder: SceneBuilder) -> list[Body]:
    """A wheel on its rail."""
    add_ground(builder, 125.0)
    return [Body(STEADY, tuple(wheel_parts(builder, (0.0, 0.0), 125.0)))]


def whole_bogie(builder: SceneBuilder) -> list[Body]:
    """A bogie on its rail."""
    add_ground(builder, 110.0)
    return bogie(builder, STEADY, (0.0, 40.0), 118.0, 70.0, 2)


def tube(builder: SceneBuilder) -> list[Body]:
    """An absorber on its side."""
    rails, parts, _ = absorber(builder, 320.0, 150.0)
    return [Body(BodyMotion((160.0, 0.0)), (*rails, *parts))]


def rigid_wall(builder: SceneBuilder) -> list[Body]:
    """A rigid wall whose face is hit from the left."""
    return [wall(builder, -140.0, 400.0, -180.0, 360.0)]


def car(builder: SceneBuilder) -> list[Body]:
    """The end of a car on its bogie."""
    add_ground(builder, 125.0)
    side = (coach_parts, frame_parts, wagon_parts)[int(builder.rng.integers(3))]
    parts = (*side(builder, (-400.0, -120.0, 545.0, 170.0)), *end_parts(builder, 145.0, 50.0, 60.0))
    return [Body(STEADY, parts), *bogie(builder, STEADY, (-20.0, 94.0), 80.0, 31.0, 2)]


def portrait(make: Callable[[SceneBuilder], list[Body]], seed: int) -> np.ndarray:
    """One body in even light, a mm being a pixel."""
    camera = Camera.facing((SIDE, 300), 1.0, (0.0, 0.0))
    builder = SceneBuilder(np.random.default_rng(seed), camera, (SIDE / 2, 150.0), 14.0, Wanted(point=0))
    builder.bodies += make(builder)
    scene = Scene(camera, tuple(builder.bodies), "hall", seed)
    return np.clip(Renderer(scene, (0.0, 0.0)).frame(0.0).image, 0, 255).astype(np.uint8)


def titled(image: np.ndarray, text: str) -> np.ndarray:
    """The picture with a word in its corner."""
    image = image.copy()
    width = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.7, 1)[0][0]
    cv2.rectangle(image, (0, 0), (width + 16, 32), (0, 0, 0), -1)
    cv2.putText(image, text, (8, 23), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 1, cv2.LINE_AA)
    return image


def write(file: Path, image: np.ndarray) -> None:
    """Save as JPEG."""
    cv2.imwrite(str(file), image, [cv2.IMWRITE_JPEG_QUALITY, 82])
    print(f"{file}: {image.shape[1]}x{image.shape[0]}, {file.stat().st_size:,} bytes")


def main(out: Path) -> None:
    """Write the four sheets."""
    write(out / "scenes.jpg", sheet([still(kind, index) for kind in SCENES for index in range(5)], 5))
    makers = (wheel, whole_bogie, tube, rigid_wall, car)
    write(out / "bodies.jpg", sheet([portrait(make, seed) for make in makers for seed in range(5)], 5))
    clean = still("train", 1)
    views = [titled(clean, "clean")]
    views += [titled(degrade(clean, {name: 0.6}, np.random.default_rng(0)), name) for name in DEGRADATIONS]
    write(out / "degradations.jpg", sheet(views, 4))
    with tempfile.TemporaryDirectory() as folder:
        if gjadet(["demo", f"out={folder}/demo"]):
            raise SystemExit(1)
        demo = cv2.imread(f"{folder}/demo/sheet.png")
    write(out / "detections.jpg", demo)


if __name__ == "__main__":
    main(Path(dict(word.split("=") for word in sys.argv[1:]).get("out", "docs/images")))
