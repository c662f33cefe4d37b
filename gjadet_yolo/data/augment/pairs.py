"""Training pairs: a clean image and its degraded copy, or two photographs of one scene from two folders.

Levels are drawn per image, and everything follows from the generator that is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from gjadet_yolo.data.degrade import albumentations, degrade
from gjadet_yolo.data.formats.images import files_below, image_size, refused_name

Degrade = Callable[[np.ndarray, np.random.Generator], np.ndarray]
Ranges = Sequence[tuple[str, float, float]]
"""Names of degradations, each with the lowest and the highest level."""

NEED_LIBRARY = ("rain", "fog")
LISTED = 10  # files that a message names; of more, the rest is counted


def drawn_degradation(ranges: Ranges) -> Degrade:
    """A degradation that applies one of several at a level drawn from its range.

    Raises:
        ModuleNotFoundError: One of them needs a library that is not installed; names the extra.
    """
    if any(name in NEED_LIBRARY for name, *_ in ranges):
        albumentations()  # so that what it raises comes before the training

    return partial(degrade_once, ranges)  # no closure: loading processes that are not forked unpickle it


def degrade_once(ranges: Ranges, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A copy of an image (H, W, 3) uint8 BGR, degraded in one way at one level."""
    name, low, high = ranges[int(rng.integers(len(ranges)))]
    return degrade(image, {name: float(rng.uniform(low, high))}, rng)


def paired(
    clean: np.ndarray, degrade: Degrade, share: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A training pair: what the network sees, and the clean image that it is of; the same picture where it stays clean.

    Args:
        clean: (H, W, 3) uint8; not changed.
        degrade: Makes a degraded copy of the same size.
        share: Of images that stay clean, 0 to 1.
        rng: The same state gives the same pair.

    Raises:
        ValueError: The degradation changed the size.
    """
    # So that a network does not forget clean images.
    if rng.random() < share:
        return clean.copy(), clean
    # After everything that moves pixels: the release of CCSPNet-Joint flips one image of a pair and not the other.
    degraded = degrade(clean, rng)
    if degraded.shape != clean.shape:
        raise ValueError(f"a degradation made {degraded.shape} of {clean.shape}; pairs must agree to the pixel.")
    return degraded, clean


def partners(images: Sequence[str], clean: Path) -> list[Path]:
    """The clean photograph of each training image: the file of the same name, whatever its suffix, in another folder.

    Args:
        images: Training images, in one or several folders.
        clean: Folder of the clean ones; subfolders as those of the training images below their common folder.

    Raises:
        ValueError: No such folder, one that holds or lies in that of the training images, images without a partner, or
            pairs of different sizes; lists the files.
    """
    if not clean.is_dir():
        raise ValueError(
            f"clean: {clean} is no folder. Name the folder of the clean images, beside train: in the data."
        )
    folders, own = {Path(image).resolve().parent for image in images}, clean.resolve()
    if inside := [folder for folder in folders if own.is_relative_to(folder) or folder.is_relative_to(own)]:
        raise ValueError(
            f"clean: {clean} and a folder of training images, {inside[0]}, lie in each other, so that images would be "
            f"their own partners. Move one of them."
        )
    root = common_folder(folders)
    names = [path.relative_to(clean) for path in files_below(clean)]
    found = {name.with_suffix("").as_posix(): clean / name for name in names if not refused_name(name.as_posix())}
    stems = [Path(image).resolve().relative_to(root).with_suffix("").as_posix() for image in images]
    if alone := [image for image, stem in zip(images, stems, strict=True) if stem not in found]:
        raise ValueError(f"clean: {clean} has no partner of: {listed(alone)}. Add them, or take these images out.")
    pairs = [found[stem] for stem in stems]
    if other := [str(b) for a, b in zip(images, pairs, strict=True) if image_size(Path(a)) != image_size(b)]:
        raise ValueError(f"clean: not as wide and high as their training images: {listed(other)}.")
    return pairs


def common_folder(folders: Collection[Path]) -> Path:
    """The deepest folder that all of them lie in."""
    root = next(iter(folders))
    while not all(folder.is_relative_to(root) for folder in folders):
        root = root.parent
    return root


def listed(files: Sequence[str]) -> str:
    more = f" and {len(files) - LISTED} more" if len(files) > LISTED else ""
    return ", ".join(map(str, files[:LISTED])) + more
