"""How exactly markers of every kind are placed: a row per kind, sizes as columns.

    python benchmarks/marker_kinds.py [count=60] [sizes=8,12,16,24,40] [seed=0] [kinds=square,dot,...]

Each marker is drawn alone at a random place, turned at random and seen up to 30 degrees from the side, black on white,
white on black or on yellow, with the blur of a lens; ``refine`` starts from its box with 0.5 px of error. Root mean
square of the error per axis in px, clean and bad: blur of 1.2 px and noise of 8 grey levels. In brackets, the share of
errors within 1.96 stated standard deviations, and of markers that were found.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np

from gjadet_yolo.measure.localise import refine
from gjadet_yolo.synth.paint.layer import Layer
from gjadet_yolo.synth.world.marker import MARKERS, marker
from gjadet_yolo.synth.world.strip import Strip
from gjadet_yolo.synth.world.target import Targets

LIGHTS = ((235.0, 235.0, 235.0), (60.0, 205.0, 240.0))  # BGR: white and yellow
LOOKS = {"clean": (0.7, 1.0), "bad": (1.2, 8.0)}  # deviation of the blur in px, of the noise in grey levels


def drawn(kind: str, diameter_px: float, rng: np.random.Generator) -> tuple[Targets, int]:
    """A marker in px at a random place, and the side of the picture."""
    side = int((7 if kind == "square" else 3) * diameter_px) + 24  # holds a turned strip of 2 x 3 squares
    centre = tuple(side / 2 + rng.uniform(-1, 1, 2))
    light, dark = LIGHTS[int(rng.integers(2))], (25.0,) * 3
    if kind == "square":
        angle, corner = rng.uniform(-0.5, 0.5), np.array(centre) - diameter_px
        return Targets.from_strip(Strip(3, diameter_px, tuple(corner), angle, light=light)), side
    turned = (np.cos(rng.uniform(0, np.pi / 6)), rng.uniform(0, np.pi))
    return marker(kind, rng, centre, diameter_px / 2, light, dark, rng.uniform(0, 2 * np.pi), turned), side


def picture(targets: Targets, side: int, blur_px: float, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Picture (side, side, 3) uint8 of targets in px on a plain ground."""
    layer = Layer.empty(np.zeros(2), np.full(2, float(side)), (side, side))
    layer.paint_patches(list(targets.patches_mm), targets.colours)
    if targets.tops_mm:
        layer.paint_patches(list(targets.tops_mm), targets.top_colours)
    image = np.full((side, side, 3), rng.uniform(70, 180), np.float32)
    layer.paint_onto(image)
    image = cv2.GaussianBlur(image, (0, 0), blur_px) + rng.normal(0, noise, image.shape)
    return np.round(np.clip(image, 0, 255)).astype(np.uint8)


def errors(kind: str, diameter_px: float, look: str, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Errors and stated deviations of the places found, (N, 2) px each; nan where none was."""
    rng = np.random.default_rng([seed, round(10 * diameter_px), *kind.encode(), *look.encode()])
    tiles, boxes, truth = [], [], []
    for _ in range(count):
        targets, side = drawn(kind, diameter_px, rng)
        aside = len(tiles) * side, 0  # side by side in one picture, as fits of many at once cost a fraction
        tiles.append(picture(targets, side, *LOOKS[look], rng))
        outlines = targets.outlines_mm + aside
        boxes.append(np.concatenate((outlines.min(1), outlines.max(1)), 1) + rng.normal(0, 0.5, (len(outlines), 4)))
        truth.append(outlines.mean(1))
    found = refine(np.concatenate(tiles, 1), np.concatenate(boxes))
    return found.position_px - np.concatenate(truth), found.sigma_px


def cell(error: np.ndarray, sigma: np.ndarray) -> str:
    """Root mean square error, with shares of bars that hold and of markers found in per cent."""
    known = np.isfinite(error).all(1)
    if not known.any():
        return "-"
    held = np.abs(error[known]) < 1.96 * sigma[known]
    return f"{np.sqrt((error[known] ** 2).mean()):.3f} ({100 * held.mean():.0f}, {100 * known.mean():.0f})"


def main() -> None:
    """Print the table."""
    settings = {"count": "60", "sizes": "8,12,16,24,40", "seed": "0", "kinds": ",".join(("square", *MARKERS))}
    settings |= dict(argument.split("=", 1) for argument in sys.argv[1:])
    sizes = [float(size) for size in settings["sizes"].split(",")]
    heads = [f"{look}, {size:g} px" for look in LOOKS for size in sizes]
    print("| kind | " + " | ".join(heads) + " |\n|" + "---|" * (len(heads) + 1))
    for kind in settings["kinds"].split(","):
        count = int(settings["count"]) // (6 if kind == "square" else 1)  # six squares in a strip
        cells = [cell(*errors(kind, size, look, count, int(settings["seed"]))) for look in LOOKS for size in sizes]
        print(f"| {kind} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
