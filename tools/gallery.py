"""Draw the pictures of docs/synth.md and the README anew.

    python tools/gallery.py [out=docs/images]

``scenes.jpg``: the first pictures of each kind of scene by seed, none picked by hand. ``degradations.jpg``: one picture
under each degradation at level 0.6. ``detections.jpg``: frames of the demo's video with the released checkpoint.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from gjadet_yolo.cli.main import main as gjadet
from gjadet_yolo.data.degrade import DEGRADATIONS, degrade
from gjadet_yolo.evaluate.overlay import sheet
from gjadet_yolo.synth.scenes.compose import SCENES
from gjadet_yolo.synth.still import SceneMix, draw_still

SIDE = 400
# more objects per picture than in a set, so that a sheet shows every kind
OBJECTS = {
    "rig": {"point": 40.0, "absorber": 0.7, "rw": 0.4},
    "train": {"point": 40.0, "bogie": 0.8, "wheel": 1.8, "rw": 0.3},
    "closeup": {"point": 30.0},
}


def still(kind: str, index: int) -> np.ndarray:
    """One picture of a kind of scene."""
    mix = SceneMix(OBJECTS[kind], {kind: 1.0}, (8.0, 30.0))
    mix.check((SIDE, SIDE))
    return draw_still(np.random.default_rng([1, index]), (SIDE, SIDE), mix)[0]


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
    """Write the three sheets."""
    write(out / "scenes.jpg", sheet([still(kind, index) for kind in SCENES for index in range(5)], 5))
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
