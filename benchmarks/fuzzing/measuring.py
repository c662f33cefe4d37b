"""Cases of ``gjadet measure`` and ``gjadet calibrate``: odd arguments, broken videos, tables, cameras and results."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import cv2
import numpy as np

from fuzzing.case import Case, Draw
from fuzzing.checkpoints import tiny
from fuzzing.commands import Verbs, command, run_command_case, settled
from fuzzing.hostile import NAMES, Target, put_special, target
from fuzzing.mutate import mutated_bytes

SIZE, FRAMES = (96, 64), 12  # W, H
POINTS = "x,y,size\n30,20,16\n60,40,16\n40,40,16\n"
PLANE = "x_px,y_px,x_mm,y_mm\n5,5,0,0\n90,5,200,0\n90,60,200,150\n5,60,0,150\n"
CAMERA = "size: [96, 64]\nfx: 120.0\nfy: 120.0\ncx: 48.0\ncy: 32.0\nk1: -0.1\nsigma: {fx: 0.5}\n"
CELLS = ("nan", "inf", "-1", "", "x", "1e308", "1e-308", "0", "0x1", "é", '"', "9" * 400, "30")
SETTINGS = ("t0=5", "filter=50hz", "filter=auto", "steady=true", "every=1", "conf=0.5", "imgsz=64", "fps=600")


def board(turn: tuple[float, float, float], shift: tuple[float, float, float]) -> np.ndarray:
    """Picture (120, 160) of a chessboard of 5 x 4 squares."""
    flat = np.full((200, 240), 215, np.uint8)
    for row, column in np.argwhere(np.indices((4, 5)).sum(0) % 2 == 0):
        flat[20 + 40 * row :, 20 + 40 * column :][:40, :40] = 40
    to_board = np.array([[1 / 40, 0, -0.5], [0, 1 / 40, -0.5], [0, 0, 1]])
    rotation = cv2.Rodrigues(np.array(turn))[0]
    seen = np.array([[150, 0, 80], [0, 150, 60], [0, 0, 1.0]]) @ np.column_stack((rotation[:, :2], shift)) @ to_board
    return cv2.warpPerspective(flat, seen, (160, 120), flags=cv2.INTER_AREA, borderValue=215)


@functools.cache
def boards() -> tuple[bytes, ...]:
    """Six pictures of a chessboard."""
    turns = ((0.4, 0, 0), (-0.4, 0.1, 0.1), (0, 0.5, 0), (0.1, -0.5, 0.2), (0.3, 0.4, -0.2), (-0.3, -0.3, 0.1))
    shifts = [(-2.3 - 0.2 * index, -2.4 + 0.2 * index, 7.0 + 0.3 * index) for index in range(len(turns))]
    pictures = map(board, turns, shifts)
    return tuple(cv2.imencode(".png", picture)[1].tobytes() for picture in pictures)


@functools.cache
def frames() -> tuple[bytes, ...]:
    """Pictures of a texture that moves."""
    noise = np.random.default_rng(0).integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    texture = cv2.GaussianBlur(noise, (0, 0), 1.5)
    moved = (np.roll(texture, index, 1) for index in range(FRAMES))
    return tuple(cv2.imencode(".png", picture)[1].tobytes() for picture in moved)


@functools.cache
def video() -> bytes:
    """The same as an AVI file."""
    from gjadet_yolo.data.media import VideoFile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.avi"
        with VideoFile(file, SIZE) as writer:
            for data in frames():
                writer.write(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
        return file.read_bytes()


@functools.cache
def result() -> bytes:
    """``measurement.npz`` of a measurement."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = write_frames(folder / "clip")
        (folder / "points.csv").write_text(POINTS, encoding="utf-8")
        words = [f"source={clip}", "fps=1000", f"points={folder / 'points.csv'}", "scale=5,5,90,5,200"]
        command(["measure", *words, f"out={folder / 'out'}"])
        return (folder / "out" / "measurement.npz").read_bytes()


def write_frames(folder: Path) -> Path:
    """Write the frames as images."""
    folder.mkdir()
    for index, data in enumerate(frames()):
        (folder / f"{index}.png").write_bytes(data)
    return folder


def source_of(draw: Draw) -> tuple[Path, bool]:
    """A video or a folder of images, whole or spoilt; and whether it is whole."""
    stem = str(draw.pick(("a", "a", "a", *NAMES)))
    if draw.chance(0.4):
        file = draw.folder / "in" / f"{stem}.{draw.pick(('avi', 'avi', 'mp4', 'cine', 'txt'))}"
        whole = draw.chance(0.4) and file.suffix == ".avi"
        file.write_bytes(video() if whole else mutated_bytes(draw, video())[0])
        if draw.chance(0.1):
            put_special(draw, file)
            whole = False
        return file, whole
    folder = write_frames(draw.folder / "in" / stem)
    if draw.chance(0.5):
        return folder, True
    file = folder / f"{int(draw.rng.integers(FRAMES))}.png"
    kind = draw.rng.random()
    if kind < 0.5:
        file.write_bytes(mutated_bytes(draw, file.read_bytes())[0])
    elif kind < 0.8:
        picture = np.full((draw.pick((64, 32)), draw.pick((96, 97))), 9, draw.pick((np.uint8, np.uint16)))
        file.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    else:
        put_special(draw, file)
    return folder, False


def table(draw: Draw, name: str, text: str) -> tuple[str, bool]:
    """A table or camera file, half the time spoilt in a cell or in its bytes; and whether it is whole."""
    file, data, whole = draw.folder / "in" / name, text.encode(), draw.chance(0.7)
    if not whole and draw.chance(0.5):
        data = mutated_bytes(draw, data)[0]
    elif not whole:
        lines = text.splitlines()
        row = int(draw.rng.integers(len(lines)))
        mark = ": " if name.endswith(".yaml") else ","
        cells = lines[row].split(mark)
        cells[int(draw.rng.integers(len(cells)))] = str(draw.pick(CELLS))
        lines[row] = mark.join(cells)
        data = "\n".join(lines).encode()
    file.write_bytes(data)
    if draw.chance(0.03):
        put_special(draw, file)
        whole = False
    return str(file), whole


def measure(draw: Draw) -> tuple[dict[str, str], Target | None]:
    """A short clip with stated points, or with the tiny model; or an earlier result again."""
    if draw.chance(0.2):
        return again(draw)
    source, valid = source_of(draw)
    arguments = {"source": str(source), "fps": "1000"}
    if draw.chance(0.8):
        arguments["points"], whole = table(draw, "points.csv", POINTS)
    else:
        arguments |= {"model": str(tiny()), "imgsz": "64"}
        whole = False  # it finds nothing
    scale = str(draw.pick(("", "scale", "plane", "square_mm")))
    valid = valid and whole and scale != "square_mm"
    if scale == "plane":
        arguments["plane"], whole = table(draw, "plane.csv", PLANE)
        valid = valid and whole
    elif scale:
        arguments[scale] = {"scale": "5,5,90,5,200", "square_mm": "40"}[scale]
    if draw.chance(0.3):
        arguments["camera"], whole = table(draw, "camera.yaml", CAMERA)
        valid = valid and whole
    place = settled(draw, target(draw, source), valid)
    if not place.earlier:  # which has to succeed
        arguments |= dict(word.split("=") for word in SETTINGS if draw.chance(0.15))
    return arguments, place


def again(draw: Draw) -> tuple[dict[str, str], Target | None]:
    """An earlier result, half the time a damaged one, with another filter."""
    folder = draw.folder / "in" / "result"
    folder.mkdir()
    whole = draw.chance(0.5)
    (folder / "measurement.npz").write_bytes(result() if whole else mutated_bytes(draw, result())[0])
    return {"from": str(folder), "filter": "50hz"}, settled(draw, target(draw, folder), whole)


def calibrate(draw: Draw) -> tuple[dict[str, str], Target | None]:
    """Six pictures of a chessboard, some of them spoilt."""
    folder = draw.folder / "in"
    for index, data in enumerate(boards()):
        file = folder / f"{index}.png"
        file.write_bytes(mutated_bytes(draw, data)[0] if draw.chance(0.15) else data)
        if draw.chance(0.03):
            put_special(draw, file)
    place = settled(draw, target(draw, folder), False)
    place.out = place.out / "camera.yaml"
    return {"images": str(folder), "pattern": str(draw.pick(("4x3", "4x3", "3x4", "5x4"))), "square_mm": "30"}, place


VERBS: Verbs = {"measure": measure, "calibrate": calibrate}


def run_measuring_case(draw: Draw) -> Case:
    """A command line of either verb."""
    return run_command_case(draw, VERBS, ("measure", "measure", "measure", "calibrate"))
