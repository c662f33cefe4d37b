"""The host's data set with repeated images.

Indices up to the number of images mean what they mean in the host; those beyond are repetitions. So caches hold every
image once, mosaic and mixup pick partners from repetitions too, and a distributed sampler shares out the longer set.
Mirrored: ``BaseDataset.__len__`` and ``get_image_and_label`` in
https://github.com/ultralytics/ultralytics/blob/v8.4.190/ultralytics/data/base.py
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ultralytics.data import YOLODataset

from gjadet_yolo.data.repeat import extra_copies, repeat_factors


class RepeatedDataset(YOLODataset):
    """Training images, some of them several times.

    Attributes:
        extra: Indices of the repeated images, one per repetition, (R,).
    """

    extra: np.ndarray

    @classmethod
    def repeat(cls, dataset: YOLODataset, threshold: float, seed: int) -> RepeatedDataset:
        """Turn a data set of the host into one with repetitions, in place.

        Args:
            dataset: The data set.
            threshold: See :func:`~gjadet_yolo.data.repeat.repeat_factors`.
            seed: Seed of the rounding; the same on all ranks.
        """
        present = np.zeros((len(dataset.labels), len(dataset.data["names"])), bool)
        for row, label in zip(present, dataset.labels, strict=True):
            row[label["cls"].ravel().astype(int)] = True
        dataset.__class__ = cls  # the host offers no place to name a class
        dataset.extra = extra_copies(repeat_factors(present, threshold), np.random.default_rng(seed))
        return dataset

    def __len__(self) -> int:
        return super().__len__() + len(self.extra)

    def get_image_and_label(self, index: int) -> dict[str, Any]:
        """Image and label by index; repetitions come after the images."""
        images = super().__len__()
        return super().get_image_and_label(index if index < images else int(self.extra[index - images]))
