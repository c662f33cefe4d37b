"""Online random mosaic: each of the four tiles of a mosaic is changed on its own before it is pasted.

Source: the training of GJADet (repository GJADet-crash-pytorch), which draws 0 to 5 of a list of operations for a tile.
The operations are those of Albumentations (``pip install 'gjadet-yolo[degrade]'``). Strengths are choices of this
project, but for inversion, which the source gives 5 %.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import cv2
import numpy as np

from gjadet_yolo.data.degrade import albumentations, by_library

Operation = Callable[[np.ndarray, np.random.Generator], np.ndarray]
MOST = 5  # operations on one tile, as in the source
# Channels that the operations know: colour, and grey by way of colour.
CHANNELS = (1, 3)


@functools.cache
def operations() -> dict[str, tuple[Operation, ...]]:
    """Operations by name, each ``f(image, rng) -> image`` on (H, W, 3) uint8 BGR; of several, one is drawn.

    Raises:
        ModuleNotFoundError: Albumentations is not installed; the message holds the command that helps.
    """
    lib = albumentations("tiles of a mosaic")
    # No operation moves a pixel by more than about one px, so that boxes stay.
    library = {
        "blur": (
            lib.GaussianBlur(sigma_limit=(0.3, 1.5), p=1),
            lib.Blur(blur_limit=(3, 5), p=1),
            lib.MedianBlur(blur_limit=(3, 5), p=1),
        ),
        "sharpen": (lib.Sharpen(alpha=(0.2, 0.7), lightness=(0.75, 1.25), p=1),),
        "emboss": (lib.Emboss(alpha=(0.2, 0.7), strength=(0.2, 0.8), p=1),),
        "noise": (lib.GaussNoise(std_range=(0.01, 0.06), per_channel=False, p=1),),  # a fifth of the time per channel
        "dropout": (
            lib.PixelDropout(dropout_prob=0.03, p=1),
            lib.CoarseDropout(num_holes_range=(2, 8), hole_height_range=(2, 6), hole_width_range=(2, 6), p=1),
        ),
        "invert": (lib.InvertImg(p=0.05),),
        "brightness": (lib.RandomBrightnessContrast(brightness_limit=0.25, contrast_limit=0, p=1),),
        "colour": (lib.HueSaturationValue(hue_shift_limit=15, sat_shift_limit=30, val_shift_limit=0, p=1),),
        "contrast": (lib.RandomBrightnessContrast(brightness_limit=0, contrast_limit=0.4, p=1),),
        "grey": (lib.ToGray(p=1),),
        "elastic": (lib.ElasticTransform(alpha=15, sigma=4, p=1),),  # displacement 0.6 px (standard deviation)
    }
    found = {
        name: tuple(functools.partial(by_library, transform) for transform in lst) for name, lst in library.items()
    }
    return found | {"edges": (blend_edges,)}


def blend_edges(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    # Albumentations has no edge filter, so this one is a Laplacian.
    edges = cv2.convertScaleAbs(cv2.Laplacian(image, cv2.CV_16S, ksize=3))
    share = float(rng.uniform(0.1, 0.4))
    return cv2.addWeighted(image, 1 - share, edges, share, 0)


def augment_tile(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change a tile, (H, W, 3) uint8 BGR or (H, W, 1) grey, by 0 to 5 different operations in random order.

    A new image of the same size and channels; the given one where no operation was drawn.
    """
    if image.shape[2] == 1:  # the library's operations are for colour pictures
        coloured = augment_tile(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), rng)
        return cv2.cvtColor(coloured, cv2.COLOR_BGR2GRAY)[..., None]
    known = operations()
    for name in rng.permutation(list(known))[: rng.integers(0, MOST + 1)]:
        choices = known[name]
        image = choices[int(rng.integers(len(choices)))](image, rng)
    return image
