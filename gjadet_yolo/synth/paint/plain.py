"""Noise, and surfaces of a test hall made of it: steel, rust, paint, concrete, rock, glass.

A material is a function ``f(rng, (W, H)) -> (H, W, 3)`` float32, BGR from 0 to 255, that looks right when a pixel of
it is about a pixel of the image. All are sums of value noise: random numbers on coarse grids, enlarged.
"""

from __future__ import annotations

import cv2
import numpy as np

Size = tuple[int, int]
GRAIN = 256  # side of the tile that per-pixel noise repeats: normal numbers for every pixel are slow


def noise(rng: np.random.Generator, size: Size, cell: float, stretch: float = 1.0) -> np.ndarray:
    """Smooth noise of mean 0 and deviation near 1, (H, W) float32, with blobs of ``cell`` px, longer along x."""
    columns, rows = (max(int(side / step), 1) + 3 for side, step in zip(size, (cell * stretch, cell), strict=True))
    coarse = rng.standard_normal((min(rows, size[1] + 3), min(columns, size[0] + 3)), dtype=np.float32)
    # straight slopes between grid points are visible in large blobs only
    return cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC if cell > 4 else cv2.INTER_LINEAR)


def grain(rng: np.random.Generator, size: Size) -> np.ndarray:
    """White noise of deviation 1, (H, W) float32; repeats after ``GRAIN`` px."""
    tile = rng.standard_normal((min(size[1], GRAIN), min(size[0], GRAIN)), dtype=np.float32)
    repeats = -(-size[1] // tile.shape[0]), -(-size[0] // tile.shape[1])
    return np.tile(tile, repeats)[: size[1], : size[0]]


def fractal(rng: np.random.Generator, size: Size, cell: float = 90.0) -> np.ndarray:
    """Noise with blobs of three sizes, deviation near 1, (H, W) float32."""
    return 0.75 * noise(rng, size, cell) + 0.5 * noise(rng, size, cell / 4) + 0.3 * noise(rng, size, cell / 14)


def tint(rng: np.random.Generator, level: tuple[float, float], saturation: float) -> np.ndarray:
    """Colour (3,) of a random level and at most the given saturation."""
    colour = rng.uniform(*level) * (1 + saturation * rng.uniform(-1, 1, 3))
    return np.clip(colour, 0, 255).astype(np.float32)


def mix(share: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """``first`` where the share (H, W) is 0, ``second`` where it is 1."""
    # by OpenCV: NumPy is slow at broadcasting over three channels
    weight = cv2.cvtColor(np.clip(share, 0, 1).astype(np.float32), cv2.COLOR_GRAY2BGR)
    return first + weight * (second - first)


def steel(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Brushed or ground metal with a soft reflection."""
    level = tint(rng, (60, 210), 0.06)
    upright = rng.random() < 0.5
    side = size[::-1] if upright else size
    streaks = noise(rng, side, rng.uniform(1.0, 2.5), rng.uniform(8, 40)) * rng.uniform(0.01, 0.06)
    shine = noise(rng, side, max(side) / rng.uniform(2, 5)) * rng.uniform(0.05, 0.3)
    shade = streaks + shine
    return level * (1 + (shade.T if upright else shade))[..., None]


def rust(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Corroded steel: dark brown with lighter spots."""
    dark, light = np.float32((25, 35, 60)), np.float32((50, 100, 165))
    image = mix(0.4 + 0.35 * fractal(rng, size), dark, light * np.float32(rng.uniform(0.6, 1.2)))
    return image * (1 + 0.08 * grain(rng, size))[..., None]


def paint(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Painted sheet, light or coloured, with stains and scratches."""
    colour = tint(rng, (60, 240), 0.5 if rng.random() < 0.5 else 0.08)
    image = np.repeat((1 + 0.06 * noise(rng, size, max(size) / 2))[..., None], 3, 2) * colour
    stains = (fractal(rng, size, rng.uniform(20, 80)) - rng.uniform(1.2, 2.6)) * 2  # in deviations: from many to few
    return mix(stains * np.float32(rng.uniform(0.2, 0.9)), image, tint(rng, (20, 120), 0.2))


def concrete(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Grey with blotches and pores."""
    image = tint(rng, (70, 190), 0.06) * (1 + 0.08 * fractal(rng, size) + 0.03 * grain(rng, size))[..., None]
    pores = (noise(rng, size, 3) - 2.2) * 2  # 2.2 deviations leave about one cell in seventy
    return mix(pores, image, image * 0.55)


def dark(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Unlit depth or black rubber."""
    return tint(rng, (3, 42), 0.15) * (1 + 0.15 * noise(rng, size, max(size) / 3))[..., None]


def rock(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Ballast or rubble: broken stones, each lit from above, with the dark between them."""
    stone, tone = float(np.exp(rng.uniform(1.9, 3.0))), tint(rng, (80, 170), 0.1)
    image = np.empty((size[1], size[0], 3), np.float32)
    image[:] = 0.25 * tone
    for _ in range(int(1.8 * size[0] * size[1] / stone**2)):
        centre, corners = rng.uniform(0, 1, 2) * size, int(rng.integers(4, 8))
        angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
        shape = np.stack((np.cos(angles), 0.8 * np.sin(angles)), -1) * stone * rng.uniform(0.35, 0.75)
        face, light = centre + shape, tone * rng.uniform(0.55, 1.15)
        cv2.fillConvexPoly(image, cv2.convexHull(face.astype(np.int32)), (0.6 * light).tolist())
        top = centre + 0.75 * shape - (0, 0.15 * stone)
        cv2.fillConvexPoly(image, cv2.convexHull(top.astype(np.int32)), light.tolist())
    image = cv2.GaussianBlur(image, (0, 0), 0.7)
    return image * (1 + 0.06 * grain(rng, size))[..., None]


def hall(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Out of focus hall: a gradient, girders, doors, lamps."""
    width, height = size
    image = np.repeat((1 + 0.3 * noise(rng, size, max(size) / 2))[..., None], 3, 2) * tint(rng, (10, 170), 0.12)
    for _ in range(int(rng.integers(2, 14))):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        w, h = (int(side * rng.uniform(0.02, 0.5) ** 1.5) + 2 for side in size)  # more small things than large ones
        image[y : y + h, x : x + w] *= rng.uniform(0.4, 1.8)
    sigma = rng.uniform(0.3, 4)
    return cv2.GaussianBlur(image, (0, 0), sigma) if sigma > 0.6 else image


def alloy(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Bright aluminium, milled or as rolled."""
    streaks = noise(rng, size, rng.uniform(1.0, 2.0), rng.uniform(10, 40)) * rng.uniform(0.01, 0.04)
    return tint(rng, (160, 230), 0.04) * (1 + streaks + 0.06 * noise(rng, size, max(size) / 3))[..., None]


def glass(rng: np.random.Generator, size: Size) -> np.ndarray:
    """A pane before a dark room: the sky or the lamps in it, softly."""
    height = np.linspace(1, 0, size[1], dtype=np.float32)[:, None]
    share = np.clip(height * rng.uniform(0, 0.8) + 0.15 * noise(rng, size, max(size) / 3), 0, 1)
    return mix(share, tint(rng, (8, 60), 0.2), tint(rng, (90, 210), 0.15))
