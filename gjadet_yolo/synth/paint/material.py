"""Materials by name: plain surfaces and patterns, painted once per process and cut to size for each part.

A texture costs milliseconds, a cut from one microseconds. A part takes a window of one of ``VARIANTS`` textures at a
random place, mirrored at random, in a colour of its own, so that parts of one material still look different. Textures
are drawn from fixed seeds: the same seed gives the same picture on any number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import cv2
import numpy as np

from gjadet_yolo.synth.paint import pattern, plain
from gjadet_yolo.synth.paint.plain import Size

VARIANTS = 10  # textures of each material
SIDE = 448  # of a texture in px; larger surfaces are enlarged from it
TINT = {"steel": 0.25, "paint": 0.3, "concrete": 0.25, "rock": 0.25, "dark": 0.5, "rust": 0.15}
"""How far the brightness of a cut may differ from its texture's, as a share; 0.2 unless named. Mostly downwards, since
what is bright and well lit burns out."""

MATERIALS: dict[str, Callable[[np.random.Generator, Size], np.ndarray]] = {
    "steel": plain.steel,
    "alloy": plain.alloy,
    "rust": plain.rust,
    "paint": plain.paint,
    "concrete": plain.concrete,
    "dark": plain.dark,
    "rock": plain.rock,
    "hall": plain.hall,
    "glass": plain.glass,
    "wood": pattern.wood,
    "hazard": pattern.hazard,
    "tiles": pattern.tiles,
    "grating": pattern.grating,
    "brick": pattern.brick,
    "keyboard": pattern.keyboard,
    "barcode": pattern.barcode,
    "mesh": pattern.mesh,
    "cloth": pattern.cloth,
    "facade": pattern.facade,
    "lettering": pattern.lettering,
    "honeycomb": pattern.honeycomb,
    "corrugated": pattern.corrugated,
    "rounds": pattern.rounds,
    "specks": pattern.specks,
    "foliage": pattern.foliage,
}


@cache
def texture(material: str, variant: int) -> np.ndarray:
    """Texture of a material, BGR and an opacity of 255, (SIDE, SIDE, 4) uint8, which is read only."""
    seed = [sum(map(ord, material)), len(material), variant]
    image = MATERIALS[material](np.random.default_rng(seed), (SIDE, SIDE))
    image = cv2.cvtColor(np.clip(image, 0, 255).astype(np.uint8), cv2.COLOR_BGR2BGRA)
    image.setflags(write=False)
    return image


def surface(
    material: str, rng: np.random.Generator, size: Size, gain: float = 1.0, coat: Sequence[float] | None = None
) -> np.ndarray:
    """A material, BGR and an opacity of 1, (H, W, 4) float32, brighter by ``gain``.

    ``coat`` are four numbers from 0 to 1, of the texture and its tone in three channels; equal ones look alike.
    """
    step = max(-(-max(size) // SIDE), 1)
    width, height = -(-size[0] // step), -(-size[1] // step)
    x, y, turn, *own = rng.random(7).tolist()
    variant, *tone = own if coat is None else coat
    whole = texture(material, int(variant * VARIANTS))
    left, top = int(x * (SIDE - width + 1)), int(y * (SIDE - height + 1))
    cut = whole[top : top + height, left : left + width]
    if turn < 0.5:
        cut = cut[:, ::-1]
    level = gain * (1 + TINT.get(material, 0.2) * (2 * (variant * VARIANTS % 1) - 1.2))
    hue = 0.3 if material == "paint" else 0.06
    # one call for scaling and conversion: NumPy is slow at broadcasting over three channels
    shades = (*(level * (1 + hue * (2 * share - 1)) for share in tone), 1 / 255)
    image = cv2.multiply(np.ascontiguousarray(cut), shades, dtype=cv2.CV_32F)
    return cv2.resize(image, size, interpolation=cv2.INTER_LINEAR) if step > 1 else image
