"""Surfaces that repeat: what halls are full of, parts of absorbers, and what resembles a target without being one.

Functions ``f(rng, (W, H)) -> (H, W, 3)`` float32, BGR from 0 to 255, like the materials. None is a checkerboard: where
dark and light alternate along one axis they do not along the other, or a third tone lies between them.
"""

from __future__ import annotations

import cv2
import numpy as np

from gjadet_yolo.synth.paint.plain import Size, fractal, grain, mix, noise, tint


def grid(
    rng: np.random.Generator, size: Size, low: float = 6.0, high: float = 44.0
) -> tuple[np.ndarray, np.ndarray, float]:
    """Phase along x (1, W) and y (H, 1) in periods, and the period in px."""
    step = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    x, y = (np.arange(side, dtype=np.float32) / np.float32(step) for side in size)
    return x[None, :], y[:, None], step


def two_tone(rng: np.random.Generator, share: np.ndarray, step: float) -> np.ndarray:
    """Two tones, far apart, by a share (H, W); edges as soft as a lens makes them."""
    dark, light = tint(rng, (5, 90), 0.2), tint(rng, (110, 240), 0.15)
    first, second = (dark, light) if rng.random() < 0.5 else (light, dark)
    share = cv2.GaussianBlur(np.ascontiguousarray(share, np.float32), (0, 0), max(0.04 * step, 0.5))
    return mix(share, first, second) * (1 + 0.06 * noise(rng, share.shape[::-1], 60))[..., None]


def tiles(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Tiles: rows of equal fields with joints, each of its own tone."""
    x, y, step = grid(rng, size, 8, 50)
    joint = rng.uniform(0.05, 0.2)
    edge = np.maximum((x % 1 < joint), (y % 1 < joint))
    columns, rows = x.astype(int), y.astype(int)
    tones = 1 + rng.uniform(0, 0.15) * rng.standard_normal((rows.max() + 1, columns.max() + 1)).astype(np.float32)
    return two_tone(rng, edge, step) * tones[rows, columns][..., None]


def grating(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Floor grating: bars across and rods along, with the dark between them."""
    x, y, step = grid(rng, size, 5, 40)
    share = np.maximum(x % 1 < rng.uniform(0.15, 0.35), y * rng.uniform(0.3, 1) % 1 < rng.uniform(0.1, 0.3))
    return two_tone(rng, share, step)


def brick(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Brickwork: courses off by half a brick."""
    x, y, _ = grid(rng, size, 8, 50)
    row = y.astype(int)
    x = x / 2.4 + 0.5 * (row % 2)
    joint = np.maximum(y % 1 < 0.14, x % 1 < 0.06)
    tones = (1 + 0.15 * rng.standard_normal((row.max() + 1, int(x.max()) + 1))).astype(np.float32)
    field = np.float32(((50, 70, 140), (120, 140, 150), (90, 110, 170), (190, 195, 200))[int(rng.integers(4))])
    image = field * (tones[row, x.astype(int)] * (1 + 0.06 * grain(rng, size)))[..., None]
    return mix(joint.astype(np.float32), image, tint(rng, (90, 190), 0.06))


def keyboard(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Keys with a mark each; rows are shifted by a part of a key."""
    x, y, step = grid(rng, size, 9, 50)
    row = y.astype(int)
    x = x + 0.3 * (row % 4)
    key = (np.abs(x % 1 - 0.5) < 0.42) & (np.abs(y % 1 - 0.5) < 0.42)
    image = two_tone(rng, key, step)
    across, down = rng.uniform(0.05, 0.14, 2)
    mark = (np.abs(x % 1 - 0.35) < across) & (np.abs(y % 1 - 0.35) < down) & ((x.astype(int) * 7 + row * 5) % 6 > 0)
    return mix(mark * np.float32(0.85), image, tint(rng, (20, 235), 0.1))


def barcode(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Bars of several widths, in rows with blanks between them."""
    step = float(np.exp(rng.uniform(0.4, 2.3)))
    bits = rng.random(int(size[0] / step) + 2) < 0.5
    bars = bits[(np.arange(size[0]) / step).astype(int)].astype(np.float32)[None, :]
    tall = step * rng.uniform(10, 40)
    rows = ((np.arange(size[1]) / tall) % 1 < 0.75).astype(np.float32)[:, None]
    return two_tone(rng, bars * rows, step)


def mesh(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Chain-link or expanded metal: crossed diagonals before the dark or the light."""
    x, y, step = grid(rng, size, 8, 50)
    lean, thick = rng.uniform(0.5, 1.2), rng.uniform(0.08, 0.25)
    share = np.maximum((x + lean * y) % 1 < thick, (x - lean * y) % 1 < thick)
    return two_tone(rng, share, step)


def cloth(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Checked cloth: crossed stripes, with a middle tone where only one of them runs."""
    x, y, step = grid(rng, size, 8, 60)
    wide = rng.uniform(0.35, 0.6)
    share = ((x % 1 < wide).astype(np.float32) + (y % 1 < wide).astype(np.float32)) / 2
    if rng.random() < 0.4:  # tartan: thin stripes more
        share = 0.8 * share + 0.2 * np.maximum((x % 1 > 0.9), (y % 1 > 0.9))
    return two_tone(rng, share, step) * (1 + 0.04 * grain(rng, size))[..., None]


def facade(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Rows of windows with frames and bars, each of its own brightness."""
    x, y, _ = grid(rng, size, 14, 80)
    y = y * rng.uniform(0.5, 1.1)
    pane, bar = rng.uniform(0.25, 0.42), 0.04
    window = (np.abs(x % 1 - 0.5) < pane) & (np.abs(y % 1 - 0.5) < pane)
    bars = (np.abs(x % 1 - 0.5) < bar) | (np.abs(y % 1 - 0.5) < bar)
    tones = rng.uniform(0.3, 1.2, (int(y.max()) + 1, int(x.max()) + 1)).astype(np.float32)
    glass = tint(rng, (30, 150), 0.2) * tones[y.astype(int), x.astype(int)][..., None]
    wall = tint(rng, (60, 220), 0.2) * (1 + 0.06 * fractal(rng, size))[..., None]
    return mix((window & ~bars).astype(np.float32), wall, glass)


def lettering(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Lines of print in several sizes."""
    board, y = np.zeros(size[::-1], np.uint8), 0.0
    signs = "ABCDEFGHIKLMNOPRSTUVWX0123456789.:-/#HHEE00"
    while y < size[1]:
        scale = float(np.exp(rng.uniform(-1.2, 0.5)))
        y += 34 * scale
        line = "".join(signs[index] if index < len(signs) else " " for index in rng.integers(0, len(signs) + 8, 60))
        thick = max(1, int(rng.uniform(1, 4) * scale))
        cv2.putText(board, line, (-5, int(y)), int(rng.choice((0, 2, 3))), scale, 255, thick, cv2.LINE_AA)
    return two_tone(rng, board / np.float32(255), 8)


def hazard(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Diagonal warning stripes."""
    x, y, _ = grid(rng, size, 10, 60)
    wave = np.sin((x + np.float32(rng.choice((-1, 1))) * y) * np.float32(2 * np.pi))
    light = np.float32(((30, 190, 230), (220, 220, 220), (40, 40, 200))[int(rng.integers(3))])
    return mix(0.5 + 4 * wave, np.full(3, rng.uniform(10, 60), np.float32), light * np.float32(rng.uniform(0.7, 1.1)))


def honeycomb(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Open cells of aluminium honeycomb: thin bright walls around six-sided depths."""
    x, y, _ = grid(rng, size, 6, 22)
    y = y / np.float32(0.866)
    row = np.floor(y)
    # distance to the nearest of two shifted lattices of centres: their cells are hexagons
    near = np.full(size[::-1], 9, np.float32)
    second = near.copy()
    for shift in (-1, 0, 1):
        centre = row + shift
        across = (x - 0.5 * (centre % 2)) % 1 - 0.5
        for side in (across, 1 - np.abs(across)):  # the nearest of a row and the one beyond it
            distance = side**2 + (0.866 * (y - centre - 0.5)) ** 2
            second = np.minimum(second, np.maximum(near, distance))
            near = np.minimum(near, distance)
    wall = np.clip(1.4 - (np.sqrt(second) - np.sqrt(near)) * np.float32(rng.uniform(4, 8)), 0, 1)
    return (
        mix(wall, tint(rng, (15, 60), 0.05), tint(rng, (150, 225), 0.05)) * (1 + 0.1 * noise(rng, size, 40))[..., None]
    )


def corrugated(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Corrugated sheet: waves of light and shadow."""
    x, _, _ = grid(rng, size, 6, 30)
    wave = 0.65 + 0.35 * np.sin(2 * np.pi * x) + 0 * np.arange(size[1])[:, None]
    return tint(rng, (90, 200), 0.1) * (wave * (1 + 0.05 * fractal(rng, size)))[..., None].astype(np.float32)


def wood(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Boards or plywood: long grain, joints between boards."""
    fibre = noise(rng, size, 2.0, 30) * 0.08 + noise(rng, size, 9.0, 12) * 0.1
    y = np.arange(size[1], dtype=np.float32) / np.float32(rng.uniform(30, 120)) % 1
    image = np.float32((95, 150, 190)) * np.float32(rng.uniform(0.5, 1.15)) * (1 + fibre)[..., None]
    return image * np.where(y < 0.04, 0.45, 1).astype(np.float32)[:, None, None]


def rounds(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Round things in a crowd: discs with rims and cores of any colour, none of them a wheel or a target."""
    step = float(np.exp(rng.uniform(2.3, 4.2)))
    ground = tint(rng, (20, 245), 0.2)
    image = ground * (1 + 0.05 * noise(rng, size, 60))[..., None]
    colour, core = tint(rng, (30, 230), 0.5), tint(rng, (10, 200), 0.6)
    with_core, rim = rng.random() < 0.5, rng.uniform(0.6, 1.4)
    for _ in range(int(0.5 * size[0] * size[1] / step**2)):
        x, y = (int(rng.uniform(0, side)) for side in size)
        axes = int(step * rng.uniform(0.3, 0.55)), int(step * rng.uniform(0.3, 0.55))
        angle = float(rng.uniform(0, 180))
        cv2.ellipse(image, (x, y), axes, angle, 0, 360, (colour * rim).tolist(), -1, cv2.LINE_8)
        inner = int(0.75 * axes[0]), int(0.75 * axes[1])
        cv2.ellipse(image, (x, y), inner, angle, 0, 360, colour.tolist(), -1, cv2.LINE_8)
        if with_core and rng.random() < 0.4:
            small = int(0.4 * axes[0]), int(0.3 * axes[1])
            cv2.ellipse(image, (x, y), small, angle + 40, 0, 360, core.tolist(), -1, cv2.LINE_8)
    return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.6, 2))


def specks(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Small dark or bright things strewn over an even ground: chips, insects, droplets, bolts in a tray."""
    ground, speck = tint(rng, (60, 240), 0.3), tint(rng, (0, 230), 0.3)
    image = ground * (1 + 0.06 * fractal(rng, size))[..., None]
    for _ in range(int(rng.integers(30, 200))):
        x, y = (int(rng.uniform(0, side)) for side in size)
        axes = int(rng.uniform(1, 9)), int(rng.uniform(1, 4))
        tone = (speck * rng.uniform(0.5, 1.2)).tolist()
        cv2.ellipse(image, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, tone, -1, cv2.LINE_8)
    return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.2))


def foliage(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Leaves, gravel or cloth out of focus: rough noise in two colours."""
    cell = float(np.exp(rng.uniform(1.2, 3.5)))
    share = 0.5 + 0.5 * (noise(rng, size, cell) + 0.5 * noise(rng, size, cell / 3))
    return mix(share, tint(rng, (5, 100), 0.6), tint(rng, (80, 230), 0.5))
