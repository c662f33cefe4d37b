"""Copy-paste of boxes: an object of a rare class, cut out of one image with what surrounds it, is pasted into another.

The idea is that of copy-paste with masks (CVPR 2021, arXiv 2012.07177); without masks, the seam is hidden by letting
the surroundings fade in. Nothing that is labelled is covered, and everything labelled inside the cut comes along.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from gjadet_yolo.geometry.boxes import area, overlaps

MARGIN = 0.2  # of surroundings on each side that fade in, relative to the box
SCALES = (0.7, 1.4)
LARGEST = 0.6  # of the image's side; a larger cut would replace the scene
INSIDE = 0.6  # share of a box that has to lie in the cut for its label to come along
TRIES = 20  # places that are drawn before an image counts as full
# Copies of an object that an epoch pastes at most, in the mean: as often as `repeat` may show its image.
MOST_COPIES = 10


def draw_probabilities(counts: npt.ArrayLike, images: int, paste: float) -> np.ndarray:
    """Probability of each class to be pasted into an image, (C,) float64, of at most ``paste`` in all.

        p_c = min(paste * w_c / W, MOST_COPIES * n_c / images),  w_c = n_c ^ -1/2

    with n_c the objects of class c in the training images, (C,), W the sum of w over the classes that have any, and the
    images of an epoch, repetitions included. What a bounded class leaves goes to the others in proportion to w; where
    all are bounded, some images get nothing.
    """
    counts = np.asarray(counts, float)
    # The root raises rare classes without handing everything to the rarest, as 1 / n_c does: of 2531, 70, 60 and 2
    # objects, the class of 2 would be 94 % of what is pasted.
    weight = np.divide(1, np.sqrt(counts), out=np.zeros(len(counts)), where=counts > 0)
    # The bound is on what one object may teach: with 600 images and ``paste`` 0.7, the 420 copies of an epoch hold at
    # most 20 of these 2 objects.
    most = MOST_COPIES * counts / max(images, 1)
    drawn, free = np.zeros(len(counts)), weight > 0
    # Bounding a class frees probability, which may lift another over its bound: each round bounds one class at least.
    while free.any():
        share = (paste - drawn.sum()) * weight / weight[free].sum()
        over = free & (share > most)
        if not over.any():
            return np.where(free, share, drawn)
        drawn[over], free = most[over], free & ~over
    return drawn


@dataclass(frozen=True)
class Cut:
    """Part of an image with its labels.

    Attributes:
        image: (H, W, channels) uint8.
        labels: Class and xyxy px in the cut, (N, 5).
        core: xyxy px of the object itself, without its surroundings, (4,).
    """

    image: np.ndarray
    labels: np.ndarray
    core: np.ndarray


def cut_out(image: np.ndarray, labels: np.ndarray, which: int) -> Cut:
    """Cut object ``which`` out of an image (H, W, channels) with labels of class and xyxy px, (N, 5)."""
    height, width = image.shape[:2]
    box = labels[which, 1:]
    rim = MARGIN * np.tile(box[2:] - box[:2], 2) * (-1, -1, 1, 1)
    limits = np.array((width, height, width, height))
    x1, y1, x2, y2 = np.clip(np.round(box + rim), 0, limits).astype(int)
    offset = np.array((x1, y1, x1, y1))
    inside = np.clip(labels[:, 1:], box[[0, 1, 0, 1]], box[[2, 3, 2, 3]])
    share = area(inside) / np.maximum(area(labels[:, 1:]), 1e-9)
    kept = np.column_stack((labels[:, 0], inside - offset))[share >= INSIDE]
    return Cut(image[y1:y2, x1:x2], kept, box - offset)


def resized(cut: Cut, scale: float) -> Cut:
    height, width = (max(round(side * scale), 1) for side in cut.image.shape[:2])
    factor = np.tile((width / cut.image.shape[1], height / cut.image.shape[0]), 2)
    image = cv2.resize(cut.image, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    labels = cut.labels.copy()
    labels[:, 1:] *= factor
    image = image.reshape(height, width, -1)  # OpenCV drops the axis of a single channel
    return Cut(image, labels, cut.core * factor)


def paste(image: np.ndarray, labels: np.ndarray, cut: Cut, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Paste a cut at a plausible scale where it covers nothing that is labelled; unchanged where there is no room.

    Args:
        image: (H, W, channels) uint8; not changed.
        labels: Class and xyxy px, (N, 5).
    """
    size = np.array(image.shape[1::-1])
    most = float((LARGEST * size / cut.image.shape[1::-1]).min())
    cut = resized(cut, min(float(np.exp(rng.uniform(*np.log(SCALES)))), most))
    room = size - cut.image.shape[1::-1]
    for _ in range(TRIES if (room >= 0).all() else 0):
        x, y = rng.integers(0, room + 1)
        width, height = cut.image.shape[1::-1]
        if not overlaps(labels[:, 1:], np.array((x, y, x + width, y + height))).any():
            image = image.copy()
            window = image[y : y + height, x : x + width]
            alpha = fade(cut)[..., None]
            window[:] = np.round(window + alpha * (cut.image.astype(np.float32) - window)).astype(np.uint8)
            added = cut.labels + np.array((0, x, y, x, y))
            return image, np.concatenate((labels, added)).astype(labels.dtype)
    return image, labels


def fade(cut: Cut) -> np.ndarray:
    """Opacity of a cut, (H, W) float32: 1 on the object, falling to 0 at the rim of its surroundings."""
    height, width = cut.image.shape[:2]
    ramps = []
    for side, low, high in ((width, cut.core[0], cut.core[2]), (height, cut.core[1], cut.core[3])):
        middle = np.arange(side) + 0.5
        # No ramp where the object touched the border of its image: there are no surroundings to fade.
        before = middle / low if low >= 1 else np.ones(side)
        after = (side - middle) / (side - high) if side - high >= 1 else np.ones(side)
        ramps.append(np.clip(np.minimum(before, after), 0, 1))
    return np.outer(ramps[1], ramps[0]).astype(np.float32)
