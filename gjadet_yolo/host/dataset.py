"""The host's data set with repeated images, pasted objects and mosaics whose tiles are changed one by one.

A sampler draws positions; ``RecipeDataset.order`` says which image is shown at each. So caches hold every image once, a
distributed sampler divides the longer set, and mosaic and mixup pick their partners by position: an image shown three
times as often in batches is shown three times as often in mosaics. Without ``rect`` the first positions are the host's
indices, and the repetitions follow. Mirrored: ``BaseDataset.__len__``, ``__getitem__``,
``get_image_and_label`` and ``set_rectangle`` in
https://github.com/ultralytics/ultralytics/blob/v8.4.190/ultralytics/data/base.py, and ``Mosaic.get_indexes`` and the
call of ``_update_label_text`` by ``BaseMixTransform.get_params`` in its ``augment.py``.
"""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import numpy as np
import torch
from ultralytics.data import YOLODataset
from ultralytics.data.augment import Compose, Mosaic

from gjadet_yolo.data.augment.paste import MOST_COPIES, cut_out, draw_probabilities, paste
from gjadet_yolo.data.augment.repeat import effective_counts, extra_copies, repeat_factors
from gjadet_yolo.data.augment.tile_mosaic import CHANNELS, augment_tile, operations
from gjadet_yolo.host.seams import as_subclass
from gjadet_yolo.recipe.augment import AugmentConfig

LISTED = 6  # classes that the log names; of more, the rest is counted, so that the line stays one line


class TileMosaic(Mosaic):
    """The host's mosaic of positions; each tile is changed on its own before it is pasted.

    Args:
        mosaic: The host's, whose place is taken.
        tiles: Probability of each tile to be changed.
    """

    def __init__(self, mosaic: Mosaic, tiles: float) -> None:
        super().__init__(mosaic.dataset, mosaic.imgsz, mosaic.p, mosaic.n)
        self.tiles = tiles

    def get_indexes(self) -> list[int]:
        """Positions of the other tiles."""
        # Without a cache in memory the host picks from the images that it has lately loaded. Repetitions would add
        # nothing to them, because they are in memory already, and donors of pasted objects would add themselves.
        if not self.buffer_enabled:
            return super().get_indexes()
        return random.choices(list(self.dataset.recent) or range(len(self.dataset)), k=self.n - 1)

    def _update_label_text(self, labels: dict[str, Any]) -> dict[str, Any]:
        # the host calls this when all tiles are loaded and none is pasted yet
        for tile in (labels, *labels["mix_labels"]) if self.tiles else ():
            rng = draw_generator()
            if rng.random() < self.tiles:
                tile["img"] = augment_tile(tile["img"], rng)
        return super()._update_label_text(labels)


class RecipeDataset(YOLODataset):
    """Training images as the ``augment:`` block of a model YAML wants them.

    Attributes:
        config: The recipe.
        extra: Indices of the repeated images, one per repetition, (R,).
        order: Index of the image at each position, (N + R,).
        factors: How often an epoch shows each image in the mean, (N,).
        seed: Of the draws.
        epoch: Of the training, one number in memory that loading processes share.
        drawn_for: Epoch of ``order``.
        recent: Positions that were requested last; their images are likely to be in memory.
        drawn: Probability of each class to be pasted into an image, (C,).
        donors: Indices of the images that hold each class, by class.
        polygons: Whether objects have polygons.
        shapes: Under ``rect`` the height and width of each image's batch, relative to the image size, (N, 2).
        effective_counts: Objects of each class that an epoch is expected to show, (C,).
    """

    config: AugmentConfig
    extra: np.ndarray
    order: np.ndarray
    factors: np.ndarray
    seed: int
    epoch: torch.Tensor
    drawn_for: int
    recent: deque[int]
    drawn: np.ndarray
    donors: dict[int, np.ndarray]
    polygons: bool
    shapes: np.ndarray | None
    effective_counts: np.ndarray

    @classmethod
    def apply(cls, dataset: YOLODataset, config: AugmentConfig, seed: int) -> RecipeDataset:
        """Turn a data set of the host into one with a recipe, in place.

        Args:
            dataset: The data set; see :func:`~gjadet_yolo.host.seams.as_subclass` for why it is not built anew.
            config: The recipe.
            seed: Seed of the repetitions; the same on all ranks, which share out one order.

        Raises:
            ModuleNotFoundError: Tiles are to be changed, and Albumentations is not installed.
            ValueError: Tiles are to be changed, and the images are neither grey nor in colour.
        """
        if config.tiles:
            check_channels(dataset.channels, config.tiles)
            operations()  # so that what it raises comes before the workers start
        counts = np.zeros((len(dataset.labels), len(dataset.data["names"])), int)
        for row, label in zip(counts, dataset.labels, strict=True):
            np.add.at(row, label["cls"].ravel().astype(int), 1)
        dataset = as_subclass(dataset, cls)
        dataset.config, dataset.seed = config, seed
        dataset.factors = repeat_factors(counts > 0, config.repeat)
        dataset.shapes = dataset.batch_shapes[dataset.batch] if dataset.rect else None
        dataset.epoch = torch.zeros(1, dtype=torch.int64).share_memory_()
        dataset.set_order(0)
        dataset.recent = deque(maxlen=max(dataset.max_buffer_length - 1, 1))  # as many as the host keeps in memory
        dataset.drawn = draw_probabilities(counts.sum(0), len(dataset), config.paste)
        dataset.donors = {index: np.flatnonzero(column) for index, column in enumerate(counts.T) if column.any()}
        dataset.polygons = any(len(label.get("segments", ())) for label in dataset.labels)
        dataset.effective_counts = effective_counts(counts, dataset.factors, dataset.drawn)
        replace_mosaics(dataset.transforms, config.tiles)
        return dataset

    def set_order(self, epoch: int) -> None:
        """Draw the repetitions of an epoch, as many in each, and give every image and repetition its position."""
        rng = np.random.default_rng((self.seed, epoch))
        self.drawn_for, self.extra = epoch, extra_copies(self.factors, rng)
        self.order = np.concatenate((np.arange(self.ni), self.extra))
        if not (self.rect and len(self.extra)):
            return
        # Under rect the host has sorted the images by shape and gives a batch the shape that its images need. So
        # repetitions go among images of their shape, and a batch takes the largest height and width of its images.
        shapes = self.shapes
        group = np.concatenate(([0], np.cumsum((np.diff(shapes, axis=0) != 0).any(1))))  # neighbours of one shape
        mixed = rng.random(len(self.order))
        self.order = self.order[np.lexsort((mixed, group[self.order]))]
        starts = np.arange(0, len(self.order), self.batch_size)
        self.batch = np.arange(len(self.order)) // self.batch_size
        self.batch_shapes = np.maximum.reduceat(shapes[self.order], starts)

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> dict[str, Any]:
        self.recent.append(index)
        return super().__getitem__(index)

    def get_image_and_label(self, index: int) -> dict[str, Any]:
        # Loading processes outlive epochs. Batches that they prepare ahead still follow the draw of the last one.
        if self.drawn_for != self.epoch.item():
            self.set_order(int(self.epoch))
        label = super().get_image_and_label(int(self.order[index]))
        if self.rect:
            label["rect_shape"] = self.batch_shapes[self.batch[index]]
        return label

    def update_labels_info(self, label: dict[str, Any]) -> dict[str, Any]:
        """Host's form of a label; before that, with probability ``drawn``, an object is pasted in."""
        if self.drawn.any():
            rng = draw_generator()
            cls = int(np.searchsorted(np.cumsum(self.drawn), rng.random(), side="right"))
            if cls < len(self.drawn):
                self.paste_into(label, cls, rng)
        return super().update_labels_info(label)

    def paste_into(self, label: dict[str, Any], cls: int, rng: np.random.Generator) -> None:
        """Paste an object of a class, out of another image, into a label's image, in place."""
        source = int(rng.choice(self.donors[cls]))
        donor, image = self.load_donor(source), label["img"]
        labels = in_px(self.labels[source], donor.shape)
        cut = cut_out(donor, labels, int(rng.choice(np.flatnonzero(labels[:, 0] == cls))))
        if min(cut.image.shape[:2]) < 1:  # a box without any size, or outside its image
            return
        own = len(label["cls"])
        label["img"], labels = paste(image, in_px(label, image.shape), cut, rng)
        boxes = labels[:, 1:] / np.tile(image.shape[1::-1], 2)
        centre, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        label["bboxes"] = np.concatenate((centre, size), 1).astype(np.float32)
        label["cls"] = labels[:, :1].astype(np.float32)
        if self.polygons:  # the host wants as many of them as boxes, so that of a pasted object is its box
            corners = boxes[own:][:, [[0, 1], [2, 1], [2, 3], [0, 3]]].astype(np.float32)
            label["segments"] = [*label["segments"], *corners]

    def load_donor(self, index: int) -> np.ndarray:
        """An image to cut from, (H, W, channels)."""
        # With augment the host keeps what it loads in memory; donors would push out the images mosaics are made of.
        augment, self.augment = self.augment, False
        try:
            return self.load_image(index)[0]
        finally:
            self.augment = augment

    def in_force(self) -> str:
        parts = [f"{len(self.extra)} repetitions of {self.ni} images"] if self.config.repeat else []
        if self.config.paste:
            parts.append(self.pasted())
        if self.config.tiles:
            parts.append(f"{self.config.tiles:.0%} of the tiles of a mosaic are changed")
        return "; ".join(parts)

    def pasted(self) -> str:
        total = self.drawn.sum()
        if not total:
            return "nothing is pasted, because no image holds an object"
        often = np.argsort(-self.drawn, kind="stable")[: np.count_nonzero(self.drawn)]
        listed = [f"{self.data['names'][index]} {self.drawn[index] / total:.0%}" for index in often[:LISTED].tolist()]
        if len(often) > LISTED:
            listed.append(f"{len(often) - LISTED} more {self.drawn[often[LISTED:]].sum() / total:.0%}")
        text = f"an object is pasted into {total:.0%} of the images ({', '.join(listed)})"
        if np.isclose(total, self.config.paste):
            return text
        return f"{text}, not {self.config.paste:.0%}: no object more than {MOST_COPIES} times per epoch"


def check_channels(channels: int, tiles: float) -> None:
    """Refuse to change tiles of images that are neither grey nor in colour.

    Raises:
        ValueError: Names the channels of the data YAML.
    """
    if channels not in CHANNELS:
        allowed = " or ".join(map(str, CHANNELS))
        raise ValueError(
            f"augment: tiles is {tiles:g}, which needs images of {allowed} channels, and the data YAML says "
            f"channels: {channels}. Say tiles: 0 in the model YAML."
        )


def replace_mosaics(transforms: Compose, tiles: float) -> None:
    """Put a ``TileMosaic`` in the place of every mosaic in the host's training transforms, at any depth."""
    # Not undone: when the host closes mosaics, it builds new transforms.
    for place, transform in enumerate(transforms.transforms):
        if isinstance(transform, Compose):
            replace_mosaics(transform, tiles)
        elif isinstance(transform, Mosaic):
            transforms.transforms[place] = TileMosaic(transform, tiles)
        elif isinstance(inner := getattr(transform, "pre_transform", None), Compose):
            replace_mosaics(inner, tiles)


def draw_generator() -> np.random.Generator:
    return np.random.default_rng(random.getrandbits(64))  # follows random, which the host seeds in each worker


def in_px(label: dict[str, Any], shape: tuple[int, ...]) -> np.ndarray:
    """Class and xyxy px, (N, 5), of a label in the host's form (relative xywh)."""
    centre, size = label["bboxes"][:, :2].astype(float), label["bboxes"][:, 2:].astype(float)
    boxes = np.concatenate((centre - size / 2, centre + size / 2), 1) * np.tile(shape[1::-1], 2)
    return np.concatenate((label["cls"].reshape(-1, 1).astype(float), boxes), 1)
