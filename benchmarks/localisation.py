"""Where markers are, by what people use and by this package, on rendered videos with exact truth.

    python benchmarks/localisation.py folder=DIR [frames=24] [level=0.4]

DIR holds videos of `gjadet synth` (folders with video.avi, truth.csv and mot.txt). Every method starts from the same
boxes, which are the true ones with 0.3 px of noise on each side, as a detector's. Each row gives, per size of marker in
px, the median and the root mean square over markers of

- place: RMS error of the position over the frames (px per axis);
- motion: the same after the marker's mean error is taken off, which is what a velocity sees;

and the share of markers found. Markers are those seen whole in a frame. Saddle points of `chess-corners` are compared
by motion only, as they are not the middles of squares; it and trackpy take part where they are installed.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from gjadet_yolo.data.degrade import degrade
from gjadet_yolo.measure.localise import Templates, refine

BINS = ((8, 12), (12, 16), (16, 24), (24, 1000))
HARD = ("blur", "noise", "compression", "low_light", "dust")
NOISE_PX, GUESS_PX, REACH_PX = 0.3, 1.0, 3


@dataclass
class Clip:
    """Frames (T) of a video, grey and BGR, with truth of the markers that are whole in the first: (T, K, ...)."""

    colour: list[np.ndarray]
    grey: list[np.ndarray]
    truth: np.ndarray
    whole: np.ndarray
    boxes: np.ndarray
    size: np.ndarray


def read(folder: Path, frames: int, level: float, kind: str, rng: np.random.Generator) -> Clip:
    """Evenly spread frames of a rendered video, degraded by one kind unless that is empty."""
    rows = np.genfromtxt(folder / "truth.csv", delimiter=",", skip_header=1)
    count = int(rows[:, 0].max()) + 1
    rows = rows.reshape(count, -1, rows.shape[1])
    boxes = np.full((*rows.shape[:2], 4), np.nan)
    mot = np.genfromtxt(folder / "mot.txt", delimiter=",")
    boxes[mot[:, 0].astype(int) - 1, mot[:, 1].astype(int) - 1] = np.c_[mot[:, 2:4], mot[:, 2:4] + mot[:, 4:6]]
    chosen = np.unique(np.linspace(0, count - 1, frames).astype(int))
    capture, colour = cv2.VideoCapture(str(folder / "video.avi")), []
    for index in range(count):
        image = capture.read()[1]
        if index in chosen:
            colour.append(degrade(image, {kind: level}, rng) if kind else image)
    size = (boxes[0, :, 2:] - boxes[0, :, :2]).min(1)
    kept = np.flatnonzero((rows[0, :, 3] > 0.999) & (size > BINS[0][0]))
    extent = boxes[chosen][:, kept, 2:] - boxes[chosen][:, kept, :2]
    crushed = extent.min(2) < 0.6 * size[kept]
    whole = (rows[chosen][:, kept, 3] > 0.999) & ~crushed & np.isfinite(extent).all(2)
    noisy = boxes[chosen][:, kept] + rng.normal(0, NOISE_PX, (len(chosen), len(kept), 4))
    grey = [cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in colour]
    return Clip(colour, grey, rows[chosen][:, kept, 4:6], whole, noisy, size[kept])


def box_centres(clip: Clip, rng: np.random.Generator) -> np.ndarray:
    return (clip.boxes[..., :2] + clip.boxes[..., 2:]) / 2


def corner_sub_pix(clip: Clip, rng: np.random.Generator) -> np.ndarray:
    """Mean of the four corners, each refined from the box's."""
    found = np.full(clip.truth.shape, np.nan)
    rule = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_COUNT, 40, 1e-3)
    for frame, grey in enumerate(clip.grey):
        index = np.flatnonzero(clip.whole[frame])
        corners = clip.boxes[frame, index][:, [[0, 1], [2, 1], [2, 3], [0, 3]]]
        start = np.clip(corners.reshape(-1, 1, 2) - 0.5, 0, np.array(grey.shape[::-1]) - 1).astype(np.float32)
        if len(index):
            fine = cv2.cornerSubPix(grey, start, (3, 3), (-1, -1), rule)
            found[frame, index] = fine.reshape(-1, 4, 2).mean(1) + 0.5
    return found


def correlation(clip: Clip, rng: np.random.Generator) -> np.ndarray:
    """Normalised cross-correlation with the first frame's box and a parabola through its peak, as Kinovea does."""
    found, first = np.full(clip.truth.shape, np.nan), clip.grey[0]
    middle = (clip.boxes[0, :, :2] + clip.boxes[0, :, 2:]) / 2
    for marker, half in enumerate(np.ceil(clip.size / 2 + 2).astype(int)):
        low = np.round(middle[marker]).astype(int) - half
        look = first[max(low[1], 0) : low[1] + 2 * half, max(low[0], 0) : low[0] + 2 * half]
        for frame in np.flatnonzero(clip.whole[:, marker]):
            guess = clip.truth[frame, marker] - clip.truth[0, marker] + rng.uniform(-GUESS_PX, GUESS_PX, 2)
            corner = np.round(low + guess).astype(int) - REACH_PX
            part = clip.grey[frame][max(corner[1], 0) :, max(corner[0], 0) :]
            part = part[: 2 * half + 2 * REACH_PX, : 2 * half + 2 * REACH_PX]
            if (low < 0).any() or (corner < 0).any() or min(np.subtract(part.shape, look.shape)) < 2 * REACH_PX:
                continue
            peaks = cv2.matchTemplate(part, look, cv2.TM_CCOEFF_NORMED)
            x, y = cv2.minMaxLoc(peaks)[3]
            if 0 < x < peaks.shape[1] - 1 and 0 < y < peaks.shape[0] - 1:
                fine = vertex(*peaks[y, x - 1 : x + 2]), vertex(*peaks[y - 1 : y + 2, x])
                found[frame, marker] = middle[marker] + corner + (x, y) + fine - low
    return found


def vertex(before: float, at: float, after: float) -> float:
    """Place of a parabola's vertex through three values at -1, 0 and 1."""
    bend = before - 2 * at + after
    return 0.5 * (before - after) / bend if bend else 0.0


def centre_of_mass(clip: Clip, rng: np.random.Generator) -> np.ndarray:
    """Trackpy's refine, on the picture or its negative, whichever makes the marker bright."""
    from trackpy.refine import refine_com_arr

    found = np.full(clip.truth.shape, np.nan)
    for frame, grey in enumerate(clip.grey):
        for marker in np.flatnonzero(clip.whole[frame]):
            box = clip.boxes[frame, marker]
            radius, start = max(int(clip.size[marker] / 2), 2), (box[1::2].mean() - 0.5, box[::2].mean() - 0.5)
            low, high = np.floor(box[:2]).astype(int) - 4, np.ceil(box[2:]).astype(int) + 4
            low, high = np.maximum(low, 0), np.minimum(high, grey.shape[::-1])
            part = grey[low[1] : high[1], low[0] : high[0]].astype(float)
            inner = grey[int(start[0]), int(start[1])]
            part = part - part.min() if inner > part.mean() else part.max() - part
            start = np.array([[start[0] - low[1], start[1] - low[0]]])
            if (start < radius).any() or (start > np.array(part.shape) - 1 - radius).any():
                continue
            row, column = refine_com_arr(part, part, (radius, radius), start)[0, :2]
            found[frame, marker] = column + low[0] + 0.5, row + low[1] + 0.5
    return found


def saddles(clip: Clip, rng: np.random.Generator) -> np.ndarray:
    """Saddle points of chess-corners around each marker: mean displacement of those that both frames show."""
    import chess_corners as chess

    settings = chess.DetectorConfig.from_dict(
        chess.DetectorConfig().to_dict()
        | {"strategy": {"chess": {"ring": "canonical", "refiner": chess.ChessRefiner.saddle_point().to_dict()}}}
    )
    detector, found = chess.Detector(settings), np.full(clip.truth.shape, np.nan)
    first = np.asarray(detector.detect(clip.grey[0]).xy).reshape(-1, 2) + 0.5
    corners = clip.boxes[0][:, [[0, 1], [2, 1], [2, 3], [0, 3]]]
    for frame, grey in enumerate(clip.grey):
        now = np.asarray(detector.detect(grey).xy).reshape(-1, 2) + 0.5
        for marker in np.flatnonzero(clip.whole[frame]):
            near = (np.linalg.norm(first[:, None] - corners[marker], axis=2) < 2).any(1)
            way = clip.truth[frame, marker] - clip.truth[0, marker]
            apart = np.linalg.norm(first[near][:, None] + way - now, axis=2)
            if apart.size and (apart.min(1) < 1.5).any():
                both = apart.min(1) < 1.5
                found[frame, marker] = clip.truth[0, marker] + (now[apart.argmin(1)] - first[near])[both].mean(0)
    return found


def single(clip: Clip, rng: np.random.Generator) -> np.ndarray:
    """The package's own, each image for itself."""
    found = np.full(clip.truth.shape, np.nan)
    for frame, image in enumerate(clip.colour):
        index = np.flatnonzero(clip.whole[frame])
        found[frame, index] = refine(image, clip.boxes[frame, index]).position_px
    return found


def followed(clip: Clip, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The package's own over the frames, and the normalised errors of its motion."""
    templates, maps = Templates.learn(clip.colour[0], clip.boxes[0]), None
    found, sigma = np.full(clip.truth.shape, np.nan), np.full(clip.truth.shape, np.nan)
    for frame, image in enumerate(clip.colour):
        guess = np.where(clip.whole[frame][:, None], clip.truth[frame], np.nan)
        located = templates.locate(image, guess + rng.uniform(-GUESS_PX, GUESS_PX, guess.shape), maps)
        found[frame], sigma[frame], maps = located.position_px, located.sigma_px, located.shape
    return found + templates.settled()[0], sigma


Method = Callable[[Clip, np.random.Generator], np.ndarray]
METHODS: dict[str, Method] = {
    "box centres": box_centres,
    "cornerSubPix": corner_sub_pix,
    "correlation": correlation,
    "trackpy refine": centre_of_mass,
    "chess-corners": saddles,
    "refine": single,
    "Templates": followed,
}
NEEDS = {"trackpy refine": "trackpy", "chess-corners": "chess_corners"}


def errors(clip: Clip, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """RMS error of place and of motion of each marker, px per axis, (K,) each."""
    away = np.where(clip.whole[..., None], found - clip.truth, np.nan)
    with np.errstate(invalid="ignore"):
        seen = np.isfinite(away).all(2).sum(0) > 2
        away = away[:, seen]
        place, motion = np.full(len(seen), np.nan), np.full(len(seen), np.nan)
        place[seen] = np.sqrt(np.nanmean(away**2, (0, 2)))
        motion[seen] = np.sqrt(np.nanmean((away - np.nanmean(away, 0)) ** 2, (0, 2)))
    return place, motion


def main(folder: str, frames: int = 24, level: float = 0.4) -> None:
    """Measure and print the tables."""
    cv2.setNumThreads(1)
    methods = {name: do for name, do in METHODS.items() if importlib.util.find_spec(NEEDS.get(name, "numpy"))}
    for title, kinds in (("clean", ("",)), (f"degraded at {level:g}: {', '.join(HARD)}", HARD)):
        results = {name: [] for name in methods}
        covered, seconds = [], dict.fromkeys(methods, 0.0)
        for kind in kinds:
            for number, video in enumerate(sorted(Path(folder).rglob("truth.csv"))):
                clip = read(video.parent, frames, level, kind, np.random.default_rng(number))
                for name, method in methods.items():
                    start = time.process_time()
                    found = method(clip, np.random.default_rng(number))
                    seconds[name] += time.process_time() - start
                    if isinstance(found, tuple):
                        found, sigma = found
                        away = np.where(clip.whole[..., None], found - clip.truth, np.nan)
                        normal = (away - np.nanmedian(away, 0)) / sigma
                        covered.append(np.abs(normal[np.isfinite(normal)]) < 1.96)
                    hit = (np.isfinite(found).all(2) & clip.whole).sum(0) / np.maximum(clip.whole.sum(0), 1)
                    results[name].append(np.c_[clip.size, np.stack(errors(clip, found), 1), hit])
        show(title, results, seconds)
        print(f"95 % bars of Templates' motion hold {100 * np.concatenate(covered).mean():.1f} %")


def show(title: str, results: dict[str, list[np.ndarray]], seconds: dict[str, float]) -> None:
    """Print one table."""
    print(f"\n{title}\nplace median/RMS px, motion median/RMS px, found; by size in px")
    names = [f"{low} to {high}" if high < 1000 else f"{low} and more" for low, high in BINS]
    print(f"{'':16}" + "".join(f"{name:>38}" for name in names) + f"{'CPU s':>8}")
    for name, parts in results.items():
        table, cells = np.concatenate(parts), []
        for low, high in BINS:
            rows = table[(table[:, 0] >= low) & (table[:, 0] < high)]
            seen = rows[np.isfinite(rows[:, 1])]
            if not len(seen):
                cells.append(f"{'-':>38}")
                continue
            middle, mean = np.median(seen, 0), np.sqrt((seen**2).mean(0))
            place = "  -  /  -  " if name == "chess-corners" else f"{middle[1]:.3f}/{mean[1]:.3f}"
            cells.append(f"{place:>14} {middle[2]:.3f}/{mean[2]:.3f} {100 * rows[:, 3].mean():6.1f} %".rjust(38))
        print(f"{name:16}" + "".join(cells) + f"{seconds[name]:8.1f}")


if __name__ == "__main__":
    words = dict(word.split("=", 1) for word in sys.argv[1:])
    if "folder" not in words:
        sys.exit(__doc__)
    main(words["folder"], int(words.get("frames", 24)), float(words.get("level", 0.4)))
