"""Cases of what is given as numbers and tables: pulses, requests to render, degradations and tiles."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from fuzzing.case import Case, Draw
from fuzzing.hostile import put_special
from fuzzing.mutate import mutated_bytes, shown

PULSE = "time_s,deceleration_mps2\n0,0\n0.01,200\n0.03,300\n0.05,0\n"
CELLS = [
    *["nan", "inf", "-1", "1e999", "x", "0x1", "\uff11", '"', "1;2", "0,0", "-0.0", "1e-320", "1e308", "é", "1_0"],
    "",
    '"0\n1"',
    "\0",
    "9" * 5000,
    "1" * 200_000,
]
NUMBERS = (0, 1, -1, 2, 31, 63, 64, 100, 4096, 4097, 10**9, 10**18, 10**400, 2**63, -(10**400))
REALS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-300, 1e300, float("nan"), float("inf"), float("-inf"), 1e9, 1e-9, 4.0, 60.0)
TEXTS = ("", "rigg", "train", "half_sine", "no.csv", "a\0.csv", ".csv", "x" * 400 + ".csv", "é")


def read_pulse_table(file: Path) -> None:
    """Read a pulse and its motion."""
    from gjadet_yolo.synth.video import read_pulse, stop_of

    table = read_pulse(file)
    times = np.linspace(-0.01, 2 * table.duration_s, 50)
    curves = table.deceleration(times), table.velocity_loss(times), table.shortfall(times)
    found = np.concatenate([*curves, stop_of(table)])
    if not np.isfinite(found).all():
        raise AssertionError(f"{file.name} was accepted and gives values that are not finite")


def read_pulse_case(draw: Draw) -> Case:
    """A pulse table with odd cells or bytes."""
    lines, story = PULSE.splitlines(), []
    if draw.chance(0.75):
        for _ in range(int(draw.rng.integers(1, 4))):
            row = int(draw.rng.integers(len(lines)))
            cells, cell = lines[row].split(","), str(draw.pick(CELLS))
            at = int(draw.rng.integers(len(cells) + 1))
            cells[at : at + int(draw.rng.integers(0, 2))] = [cell]
            lines[row] = ",".join(cells)
            story.append(f"row {row + 1}: {lines[row][:60]!r}")
    data = ("\n".join(lines) + "\n").encode()
    if not story:
        data, way = mutated_bytes(draw, data)
        story.append(way)
    file = draw.folder / "pulse.csv"
    file.write_bytes(data)
    if draw.chance(0.03):
        story.append(put_special(draw, file))
    return Case(functools.partial(read_pulse_table, file), (file.name,), story)


def read_request(settings: dict[str, Any], mix: dict[str, Any]) -> None:
    """Check a request, and plan its first video."""
    from gjadet_yolo.synth.still import SceneMix
    from gjadet_yolo.synth.write.pictures import Request

    request = Request(**settings, mix=SceneMix(**mix))
    if request.videos:
        request.plan(0)


def read_request_case(draw: Draw) -> Case:
    """A request to render with odd numbers and names."""
    settings: dict[str, Any] = {"images": 4, "val": 1, "imgsz": 64, "seed": 0, "videos": 1}
    settings |= {"fps": 500.0, "seconds": 0.1, "scene": "rig", "pulse": "haversine"}
    mix: dict[str, Any] = {
        "per_image": {"point": 3.0, "wheel": 0.1, "rw": 0.1},
        "scenes": {"rig": 0.5, "train": 0.5},
        "square_px": (5.0, 20.0),
    }
    story, names = [], ["square", "scene", "image"]
    for _ in range(int(draw.rng.integers(1, 4))):
        key = str(draw.pick([*settings, "per_image", "scenes", "square_px"]))
        value = draw.pick(NUMBERS if isinstance(settings.get(key), int) else REALS)
        if key in ("scene", "pulse"):
            settings[key] = value = draw.pick(TEXTS)
        elif key in settings:
            settings[key] = value
        elif key == "square_px":
            mix[key] = (value, draw.pick(REALS))
        else:
            name = str(draw.pick((*mix[key], "closeup", "bogie", "absorber", "pont", "")))
            mix[key] = {**mix[key], name: value}
        names += [key, str(value)[:40], *(mix[key] if key in ("per_image", "scenes") else ())]
        story.append(f"{key} = {shown(mix.get(key, settings.get(key)))}")
    return Case(functools.partial(read_request, settings, mix), tuple(name for name in names if name), story)


ARRAYS = {
    "a picture": lambda rng: rng.integers(0, 256, (24, 32, 3), dtype=np.uint8),
    "one pixel": lambda rng: np.zeros((1, 1, 3), np.uint8),
    "a line": lambda rng: np.zeros((1, 500, 3), np.uint8),
    "a column": lambda rng: np.zeros((500, 1, 3), np.uint8),
    "odd sides": lambda rng: rng.integers(0, 256, (7, 13, 3), dtype=np.uint8),
    "no rows": lambda rng: np.zeros((0, 8, 3), np.uint8),
    "no columns": lambda rng: np.zeros((8, 0, 3), np.uint8),
    "empty": lambda rng: np.zeros((0, 0, 3), np.uint8),
    "grey": lambda rng: np.zeros((8, 8), np.uint8),
    "one channel": lambda rng: np.zeros((8, 8, 1), np.uint8),
    "alpha": lambda rng: np.zeros((8, 8, 4), np.uint8),
    "floats": lambda rng: np.full((8, 8, 3), np.nan),
    "16 bits": lambda rng: np.full((8, 8, 3), 60_000, np.uint16),
    "truth values": lambda rng: np.ones((8, 8, 3), bool),
    "objects": lambda rng: np.full((8, 8, 3), None),
    "a batch": lambda rng: np.zeros((2, 8, 8, 3), np.uint8),
    "mirrored": lambda rng: rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)[:, ::-1],
    "every second": lambda rng: rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)[::2, ::2],
    "column by column": lambda rng: np.asfortranarray(np.zeros((24, 32, 3), np.uint8)),
    "read-only": lambda rng: np.frombuffer(bytes(24 * 32 * 3), np.uint8).reshape(24, 32, 3),
    "a list": lambda rng: [[[0, 0, 0]]],
    "nothing": lambda rng: None,
}
LEVELS = (0, 1, 0.5, 1e-9, 1e-300, 0.999, -0.1, 1.1, float("nan"), float("inf"), True, 10**400)
LEVELS += (None, "0.5", np.float32(0.3), np.array(0.5), [0.5], 1 + 0j)


def read_degrade(image: Any, levels: Any, seed: int) -> None:
    """Degrade, and look at the result."""
    from gjadet_yolo.data.degrade import degrade

    before = image.copy() if isinstance(image, np.ndarray) else None
    after = degrade(image, levels, np.random.default_rng(seed))
    if after.shape != image.shape or after.dtype != np.uint8 or not np.array_equal(before, image):
        raise AssertionError(f"degrade gave {after.shape} {after.dtype}, or changed what it was given")


def read_degrade_case(draw: Draw) -> Case:
    """Degradations of odd arrays at odd levels."""
    from gjadet_yolo.data.degrade import DEGRADATIONS

    kind = "a picture" if draw.chance(0.3) else str(draw.pick(list(ARRAYS)))
    levels: Any = {}
    for _ in range(int(draw.rng.integers(0, 4))):
        name = draw.pick(list(DEGRADATIONS)) if draw.chance(0.93) else draw.pick(("rian", "", None, 1, "RAIN"))
        levels[name] = draw.pick(LEVELS) if draw.chance(0.6) else float(draw.rng.random())
    if draw.chance(0.02):
        levels = draw.pick((None, [], ["rain"], "rain"))
    call = functools.partial(read_degrade, ARRAYS[kind](draw.rng), levels, int(draw.rng.integers(2**31)))
    words, arguments = ("image", "level", "degradation"), ("image", "level", "levels")
    return Case(call, words, [f"{kind}, {levels}"], arguments=arguments)


def read_tiles(settings: dict[str, Any], size: tuple[int, int]) -> None:
    """Cut a frame, and put the predictions of a stand-in network together."""
    import torch

    from gjadet_yolo.engine.tiles import Tiles, predict_tiles

    tiles = Tiles(**settings)
    places = tiles.boxes(*size)
    covered = np.zeros(size, bool)
    for x1, y1, x2, y2 in places:
        covered[y1:y2, x1:x2] = True
    if not covered.all():
        raise AssertionError(f"{tiles} leave parts of {size} out")
    if len(places) <= 16 and min(size) and not any(side % 32 for side in size):
        predict_tiles(lambda x: torch.zeros(len(x), 6, 4), torch.zeros(1, 3, *size), tiles)


def read_tiles_case(draw: Draw) -> Case:
    """Odd settings of tiles, and frames of odd sizes."""
    settings = {"side": draw.pick((32, 64, 96, 640)), "overlap": draw.pick((0, 8, 16)), "batch": draw.pick((1, 4))}
    for _ in range(int(draw.rng.integers(0, 3))):
        settings[str(draw.pick(list(settings)))] = draw.pick((*NUMBERS, *REALS, True, None, "640", 64.0))
    size = (int(draw.pick((1, 32, 33, 64, 96, 500, 640))), int(draw.pick((1, 32, 64, 128, 501, 2000))))
    story = [f"{', '.join(f'{key} {shown(value)}' for key, value in settings.items())}, frame {size}"]
    call = functools.partial(read_tiles, settings, size)
    return Case(call, ("tile", "Tiles"), story, arguments=("side", "overlap", "batch"))
