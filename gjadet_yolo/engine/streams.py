"""Images beside those of the training set.

Unpaired images come from a second set that has no labels; every step of a stage that asks for them gets as many as it
has training images. Paired images, two versions of one training image, are made by the data set (``host/pairs.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from gjadet_yolo.data.formats.images import decoded, files_below, refused_name

GREY = 114  # of borders, as in the host


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


class UnpairedImages:
    """A second stream of images without labels.

    Args:
        folder: Folder of images, searched to any depth.
        seed: Seed of the epoch.

    Raises:
        ValueError: The folder holds no image that the host would read.
    """

    def __init__(self, folder: Path, seed: Sequence[int]) -> None:
        names = [path.relative_to(folder).as_posix() for path in files_below(folder)]
        self.files = [folder / name for name in names if not refused_name(name)]
        if not self.files:
            state = "holds no image" if folder.is_dir() else "is no folder"
            raise ValueError(f"schedule: stream is {folder}, which {state}. Name a folder of images.")
        # The same seed gives the same images, so that a resumed training goes on as before.
        self.seed, self.step = tuple(seed), 0

    def batch(self, size: int, shape_hw: Sequence[int]) -> torch.Tensor:
        """The next images, (size, 3, H, W) uint8 RGB, in the height and width of the training images.

        Raises:
            ValueError: An image cannot be decoded; names it.
        """
        indices = drawn(len(self.files), size, self.step, self.seed)
        self.step += 1
        images = np.stack([letterboxed(read(self.files[index]), tuple(shape_hw)) for index in indices])
        return torch.from_numpy(np.ascontiguousarray(images[..., ::-1].transpose(0, 3, 1, 2)))


def read(file: Path) -> np.ndarray:
    # The one decoder of the package: OpenCV alone raises errors of its own that give no advice.
    image = decoded(file)
    if image is None:
        raise ValueError(f"{file} cannot be read as an image. Remove it, or replace it.")
    return image
