"""The host's data set with repeated images, pasted objects and mosaics whose tiles are changed one by one.

Indices up to the number of images mean what they mean in the host; those beyond are repetitions. So caches hold every
image once, mosaic and mixup pick partners from repetitions too, and a distributed sampler shares out the longer set.
Mirrored: ``BaseDataset.__len__`` and ``get_image_and_label`` in
https://github.com/ultralytics/ultralytics/blob/v8.4.190/ultralytics/data/base.py, and the call of
``_update_label_text`` by ``BaseMixTransform.get_params`` in its ``augment.py``.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from ultralytics.data import YOLODataset
from ultralytics.data.augment import Compose, Mosaic

from gjadet_yolo.data.paste import cut_out, paste
from gjadet_yolo.data.recipe import AugmentConfig
from gjadet_yolo.data.repeat import extra_copies, repeat_factors
from gjadet_yolo.data.tile_mosaic import augment_tile, operations


class TileMosaic(Mosaic):
    """The host's mosaic; each tile is changed on its own before it is pasted.

    Attributes:
        tiles: Probability of each tile to be changed.
    """

    tiles: float

    def _update_label_text(self, labels: dict[str, Any]) -> dict[str, Any]:
        """The host calls this once all tiles are at hand and before any is pasted."""
        for tile in (labels, *labels["mix_labels"]):
            rng = draw_generator()
            if rng.random() < self.tiles:
                tile["img"] = augment_tile(tile["img"], rng)
        return super()._update_label_text(labels)


class RecipeDataset(YOLODataset):
    """Training images as the ``augment:`` block of a model YAML wants them.

    Attributes:
        extra: Indices of the repeated images, one per repetition, (R,).
        paste: Probability that an image gets an object of a rare class pasted in.
        donors: Indices of the images that hold each class, by class.
        rarity: Probability of each class in ``donors`` to be the pasted one.
    """

    extra: np.ndarray
    paste: float
    donors: dict[int, np.ndarray]
    rarity: np.ndarray

    @classmethod
    def apply(cls, dataset: YOLODataset, config: AugmentConfig, seed: int) -> RecipeDataset:
        """Turn a data set of the host into one with a recipe, in place.

        Args:
            dataset: The data set.
            config: The recipe.
            seed: Seed of the repetitions; the same on all ranks.

        Raises:
            ModuleNotFoundError: Tiles are to be changed, and Albumentations is not installed.
        """
        counts = np.zeros((len(dataset.labels), len(dataset.data["names"])), int)
        for row, label in zip(counts, dataset.labels, strict=True):
            np.add.at(row, label["cls"].ravel().astype(int), 1)
        dataset.__class__ = cls  # the host offers no place to name a class
        dataset.extra = extra_copies(repeat_factors(counts > 0, config.repeat), np.random.default_rng(seed))
        dataset.paste = config.paste
        dataset.donors = {index: np.flatnonzero(column) for index, column in enumerate(counts.T) if column.any()}
        weight = 1 / counts.sum(0)[list(dataset.donors)]
        dataset.rarity = weight / weight.sum()
        if config.tiles:
            operations()  # not first in a worker
            change_tiles(dataset.transforms, config.tiles)
        return dataset

    def __len__(self) -> int:
        return super().__len__() + len(self.extra)

    def get_image_and_label(self, index: int) -> dict[str, Any]:
        """Image and label by index; repetitions come after the images."""
        images = super().__len__()
        return super().get_image_and_label(index if index < images else int(self.extra[index - images]))

    def update_labels_info(self, label: dict[str, Any]) -> dict[str, Any]:
        """Host's form of a label; before that, now and then, an object is pasted in.

        Classes are drawn with one over their number of instances. Polygons are left alone: they would need a cut too.
        """
        if self.paste and not len(label.get("segments", ())):
            rng = draw_generator()
            if rng.random() < self.paste:
                self.paste_into(label, rng)
        return super().update_labels_info(label)

    def paste_into(self, label: dict[str, Any], rng: np.random.Generator) -> None:
        """Paste an object of another image into a label's image, in place."""
        cls = list(self.donors)[int(rng.choice(len(self.donors), p=self.rarity))]
        source = int(rng.choice(self.donors[cls]))
        donor, image = self.load_image(source)[0], label["img"]
        labels = in_px(self.labels[source], donor.shape)
        cut = cut_out(donor, labels, int(rng.choice(np.flatnonzero(labels[:, 0] == cls))))
        if min(cut.image.shape[:2]) < 1:
            return
        label["img"], labels = paste(image, in_px(label, image.shape), cut, rng)
        sides = np.tile(image.shape[1::-1], 2)
        centre, size = (labels[:, 1:3] + labels[:, 3:]) / 2, labels[:, 3:] - labels[:, 1:3]
        label["bboxes"] = (np.concatenate((centre, size), 1) / sides).astype(np.float32)
        label["cls"] = labels[:, :1].astype(np.float32)


def change_tiles(transforms: Compose, tiles: float) -> None:
    """Let every mosaic of a composition change its tiles; none is left of it once the host closes mosaics.

    Args:
        transforms: The host's training transforms.
        tiles: Probability of each tile.
    """
    for transform in transforms.transforms:
        if isinstance(transform, Compose):
            change_tiles(transform, tiles)
        elif isinstance(transform, Mosaic):
            transform.__class__ = TileMosaic  # the host offers no place to name a class
            transform.tiles = tiles
        elif isinstance(inner := getattr(transform, "pre_transform", None), Compose):
            change_tiles(inner, tiles)


def draw_generator() -> np.random.Generator:
    """Generator that follows ``random``, which the host seeds in each worker."""
    return np.random.default_rng(random.getrandbits(64))


def in_px(label: dict[str, Any], shape: tuple[int, ...]) -> np.ndarray:
    """Class and xyxy px, (N, 5), of a label in the host's form (relative xywh)."""
    centre, size = label["bboxes"][:, :2].astype(float), label["bboxes"][:, 2:].astype(float)
    boxes = np.concatenate((centre - size / 2, centre + size / 2), 1) * np.tile(shape[1::-1], 2)
    return np.concatenate((label["cls"].reshape(-1, 1).astype(float), boxes), 1)
