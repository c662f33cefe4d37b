"""Images beside those of the training set.

Unpaired images come from a second set that has no labels; every step of a stage that asks for them gets as many as it
has training images. Paired images, two versions of one training image, are made by the data set (``host/pairs.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from gjadet_yolo.data.formats.images import decoded, files_below, refused_name

GREY = 114  # of borders, as in the host
MOST_THREADS = 4  # beside the workers of the training set, which do more to an image


@dataclass(frozen=True)
class Picture:
    """An image file, or one frame, counted from 0, of a video."""

    file: Path
    frame: int | None = None


def drawn(count: int, size: int, step: int, seed: Sequence[int]) -> np.ndarray:
    """Indices of the images, (size,), that a step sees: every image of ``count`` once before any is seen again.

    ``step`` counts from 0, and the seed is that of the epoch.
    """
    positions = np.arange(step * size, (step + 1) * size)
    rounds = {number: np.random.default_rng([*seed, number]).permutation(count) for number in set(positions // count)}
    return np.array([rounds[position // count][position % count] for position in positions])


def letterboxed(image: np.ndarray, shape_hw: Sequence[int]) -> np.ndarray:
    """An image (H, W, 3) uint8 fitted into a height and width, in the middle, with grey borders."""
    ratio = min(wanted / side for wanted, side in zip(shape_hw, image.shape, strict=False))
    height, width = (max(round(side * ratio), 1) for side in image.shape[:2])
    canvas = np.full((*shape_hw, 3), GREY, np.uint8)
    top, left = (shape_hw[0] - height) // 2, (shape_hw[1] - width) // 2
    way = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR  # averages when it reduces, where linear would alias
    canvas[top : top + height, left : left + width] = cv2.resize(image, (width, height), interpolation=way)
    return canvas


def pictures_below(folder: Path) -> list[Picture]:
    """Every image file below a folder that the host would read."""
    names = [path.relative_to(folder).as_posix() for path in files_below(folder)]
    return [Picture(folder / name) for name in names if not refused_name(name)]


class UnpairedImages:
    """A second stream of images without labels.

    Args:
        source: Folder of images, searched to any depth, or pictures.
        seed: Seed of the epoch.
        threads: That read the images of the next step during this one, up to four; 0: they are read when asked for.

    Raises:
        ValueError: The folder holds no image that the host would read.
    """

    def __init__(self, source: Path | Sequence[Picture], seed: Sequence[int], threads: int = 0) -> None:
        self.pictures = pictures_below(source) if isinstance(source, Path) else list(source)
        if not self.pictures:
            state = "holds no image" if isinstance(source, Path) and source.is_dir() else "is no folder"
            raise ValueError(f"schedule: stream is {source}, which {state}. Name a folder of images.")
        # The same seed gives the same images, so that a resumed training goes on as before.
        self.seed, self.step = tuple(seed), 0
        # Threads and no processes: OpenCV decodes and resizes without Python's lock, and nothing has to be copied.
        self.pool = ThreadPoolExecutor(min(threads, MOST_THREADS), "unpaired") if threads else None
        self.ahead: dict[tuple[int, ...], list[Future[np.ndarray]]] = {}

    def batch(self, size: int, shape_hw: Sequence[int]) -> torch.Tensor:
        """The next images, (size, 3, H, W) uint8 RGB, in the height and width of the training images.

        Raises:
            ValueError: An image cannot be decoded; names it.
        """
        shape, ahead = tuple(shape_hw), self.ahead.pop((self.step, size, *shape_hw), None)
        images = [one.result() for one in ahead] if ahead else [fitted(one, shape) for one in self.next(size)]
        self.step += 1
        if self.pool is not None:
            # The next step mostly has the same size; what was read for another is dropped.
            tasks = [self.pool.submit(fitted, one, shape) for one in self.next(size)]
            self.ahead = {(self.step, size, *shape): tasks}
        return torch.from_numpy(np.ascontiguousarray(np.stack(images)[..., ::-1].transpose(0, 3, 1, 2)))

    def next(self, size: int) -> list[Picture]:
        return [self.pictures[index] for index in drawn(len(self.pictures), size, self.step, self.seed)]

    def close(self) -> None:
        """Drop what is read ahead."""
        if self.pool is not None:
            self.pool.shutdown(wait=False, cancel_futures=True)


def fitted(picture: Picture, shape_hw: Sequence[int]) -> np.ndarray:
    return letterboxed(read(picture), shape_hw)


def read(picture: Picture) -> np.ndarray:
    # The one decoder of the package: OpenCV alone raises errors of its own that give no advice.
    image = decoded(picture.file) if picture.frame is None else read_frame(picture.file, picture.frame)
    if image is None:
        what = f"{picture.file} cannot be read as an image"
        what = what if picture.frame is None else f"frame {picture.frame} of {picture.file} cannot be read"
        raise ValueError(f"{what}. Remove it, or replace it.")
    return image


def read_frame(video: Path, number: int) -> np.ndarray | None:
    """A frame of a video, (H, W, 3) uint8 BGR, or None where it cannot be read."""
    capture = cv2.VideoCapture(str(video))
    capture.set(cv2.CAP_PROP_POS_FRAMES, number)
    image = capture.read()[1]
    capture.release()
    return image
