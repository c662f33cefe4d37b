"""The host's data set with pairs: what the network sees, and the clean image that it is of.

Clean images are degraded after everything else, on the finished image: whatever the host does to geometry and colours,
both members have it. Of two photographs the second goes through the host's transforms again, from the same state of
every generator, so that it meets the same mosaic, the same warp and the same flip.
Mirrored: ``BaseDataset.__getitem__``, ``load_image`` and ``YOLODataset.collate_fn`` in
https://github.com/ultralytics/ultralytics/blob/v8.4.190/ultralytics/data/base.py and ``dataset.py``, and
``Albumentations`` in its ``augment.py``, whose transform has a generator of its own.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from ultralytics.data import YOLODataset

from gjadet_yolo.data.augment.pairs import Degrade, drawn_degradation, paired, partners
from gjadet_yolo.data.formats.images import decoded
from gjadet_yolo.host.dataset import RecipeDataset
from gjadet_yolo.host.seams import as_subclass
from gjadet_yolo.recipe.augment import AugmentConfig
from gjadet_yolo.recipe.restore import RestoreConfig

SEED_BITS = 31


class PairedDataset(RecipeDataset):
    """Training images with their clean partners, (3, H, W) uint8 under ``clean``.

    Attributes:
        degrade: Makes the degraded copy; None where there are photographs.
        share: Of images that stay clean.
        photographs: The clean photograph of each image, by index; empty where copies are degraded.
        second: Whether clean photographs are being loaded.
    """

    degrade: Degrade | None
    share: float
    photographs: list[Path]
    second: bool

    @classmethod
    def pair(
        cls, dataset: YOLODataset, augment: AugmentConfig, restore: RestoreConfig, seed: int, clean: Path | None = None
    ) -> PairedDataset:
        """Turn a data set of the host into one of pairs, in place.

        Args:
            dataset: Of training images.
            augment: The ``augment:`` block.
            restore: The ``restore:`` block.
            seed: Of the draws.
            clean: Folder of clean photographs; None: the images of the data set are the clean ones.

        Raises:
            ModuleNotFoundError: A degradation needs Albumentations, which is not installed.
            ValueError: The images have no colours, or the photographs do not match.
        """
        check_colour(dataset.channels)
        photographs = [] if clean is None else partners(dataset.im_files, clean)
        degrade = None if photographs else drawn_degradation(restore.degrade)
        dataset = cls.apply(dataset, augment, seed)
        dataset.degrade, dataset.share = degrade, restore.clean
        dataset.photographs, dataset.second = photographs, False
        return dataset

    def __getitem__(self, index: int) -> dict[str, Any]:
        # By position and not by image: a repeated image is drawn anew, and no order of loading matters.
        rng = np.random.default_rng((self.seed, int(self.epoch), index))
        if self.degrade is None:
            label = self.both_photographs(index)
            if rng.random() < self.share:
                label["img"] = label["clean"].clone()
            return label
        label = super().__getitem__(index)
        label["img"], label["clean"] = degraded_pair(label["img"], self.degrade, self.share, rng)
        return label

    def both_photographs(self, index: int) -> dict[str, Any]:
        """A pair out of two folders."""
        state = GeneratorState(self.transforms)
        recent = self.recent.copy()  # partners of a mosaic are picked from it
        label = super().__getitem__(index)
        after = GeneratorState(self.transforms)
        state.restore()
        self.recent, self.second = recent, True
        try:
            label["clean"] = super().__getitem__(index)["img"]
        finally:
            self.second = False
        after.restore()
        return label

    def load_image(self, i: int, *args: Any, **kwargs: Any) -> tuple[np.ndarray, Any, Any]:
        """Host's image, or in its place the clean photograph at the same size."""
        image, original, size = super().load_image(i, *args, **kwargs)
        if not self.second:
            return image, original, size
        clean = decoded(self.photographs[i])
        if clean is None:
            raise ValueError(
                f"{self.photographs[i]} cannot be read as an image. Remove it and its partner, or mend it."
            )
        if clean.shape[:2] != image.shape[:2]:
            clean = cv2.resize(clean, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)  # as the host does
        return clean, original, size

    @staticmethod
    def collate_fn(batch: list[dict[str, Any]]) -> dict[str, Any]:
        """Host's batch, with the clean images, (B, 3, H, W)."""
        return stacked(batch, "clean")

    def in_force(self) -> str:
        if self.photographs:
            return "; ".join(filter(None, (super().in_force(), f"{len(self.photographs)} pairs from two folders")))
        parts = (super().in_force(), f"images are degraded on the fly, {self.share:.0%} of them stay clean")
        return "; ".join(filter(None, parts))


class DegradedCopies(YOLODataset):
    """Validation images as they are, each with a degraded copy, (3, H, W) uint8 under ``degraded``."""

    degrade: Degrade
    seed: int

    @classmethod
    def apply(cls, dataset: YOLODataset, restore: RestoreConfig, seed: int) -> DegradedCopies:
        """Turn a data set of the host into one with copies, in place; errors as in :meth:`PairedDataset.pair`."""
        check_colour(dataset.channels)
        degrade = drawn_degradation(restore.degrade)
        dataset = as_subclass(dataset, cls)
        dataset.degrade, dataset.seed = degrade, seed
        return dataset

    def __getitem__(self, index: int) -> dict[str, Any]:
        label = super().__getitem__(index)
        # The same copies in every epoch, so that figures can be compared, and others than a training image ever has.
        rng = np.random.default_rng((self.seed, index))
        label["degraded"], _ = degraded_pair(label["img"], self.degrade, 0.0, rng)
        return label

    @staticmethod
    def collate_fn(batch: list[dict[str, Any]]) -> dict[str, Any]:
        """Host's batch, with the copies, (B, 3, H, W)."""
        return stacked(batch, "degraded")


class GeneratorState:
    """State of every generator that transforms draw from, to run them twice alike.

    Args:
        transforms: The host's.
    """

    def __init__(self, transforms: Any) -> None:
        # The host draws from NumPy's global state too.
        self.states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
        self.libraries = list(library_transforms(transforms))
        # Transforms of Albumentations have generators of their own, which can only be seeded.
        self.seed = int(np.random.default_rng(self.states[0][1]).integers(1 << SEED_BITS))
        self.seed_libraries()

    def seed_libraries(self) -> None:
        for transform in self.libraries:
            transform.set_random_seed(self.seed)

    def restore(self) -> None:
        random.setstate(self.states[0])
        np.random.set_state(self.states[1])  # noqa: NPY002
        torch.set_rng_state(self.states[2])
        self.seed_libraries()


def library_transforms(transforms: Any) -> Iterator[Any]:
    """Transforms of Albumentations inside the host's, at any depth."""
    for transform in transforms.transforms:
        if hasattr(transform, "transforms"):
            yield from library_transforms(transform)
        elif hasattr(inner := getattr(transform, "pre_transform", None), "transforms"):
            yield from library_transforms(inner)
        elif hasattr(getattr(transform, "transform", None), "set_random_seed"):
            yield transform.transform


def degraded_pair(
    image: torch.Tensor, degrade: Degrade, share: float, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the network sees, and the clean image, (3, H, W) uint8 RGB each, from a finished image of that form."""
    clean = np.ascontiguousarray(image.numpy()[::-1].transpose(1, 2, 0))  # degradations are for BGR
    seen, _ = paired(clean, degrade, share, rng)
    return torch.from_numpy(np.ascontiguousarray(seen.transpose(2, 0, 1)[::-1])), image


def stacked(batch: list[dict[str, Any]], key: str) -> dict[str, Any]:
    found = YOLODataset.collate_fn(batch)
    found[key] = torch.stack(tuple(found[key]), 0)  # the host stacks images under the names that it knows
    return found


def check_colour(channels: int) -> None:
    """Refuse images without colours.

    Raises:
        ValueError: Names the channels of the data YAML.
    """
    if channels != 3:
        raise ValueError(
            f"restore: needs colour images, and the data YAML says channels: {channels}. Leave the block out."
        )
