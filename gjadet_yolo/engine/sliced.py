"""Prediction and validation in tiles, by the host's own predictor and validator: sources, files and metrics are theirs.

Mirrored: ``BasePredictor.pre_transform`` and ``inference`` in
https://github.com/ultralytics/ultralytics/blob/v8.4.190/ultralytics/engine/predictor.py, and the calls of
``init_metrics`` and of the model in ``engine/validator.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from ultralytics.data import YOLODataset
from ultralytics.data.augment import LetterBox
from ultralytics.data.utils import check_det_dataset, exif_size
from ultralytics.models.yolo.detect import DetectionPredictor, DetectionValidator

from gjadet_yolo.engine.slicing import STEP, Tiles, predict_tiles
from gjadet_yolo.engine.validator import GjadetValidator
from gjadet_yolo.locate import suggestion


def raw_predictions(output: Any, classes: int) -> torch.Tensor:
    """Raw predictions (T, 4 + C, A) among what a model returns.

    Raises:
        ValueError: The model has no raw predictions: its boxes were chosen inside of it already.
    """
    first = output[0] if isinstance(output, (list, tuple)) else output
    if first.ndim != 3 or first.shape[1] != 4 + classes:
        raise ValueError(
            f"tiles need the model's raw predictions of {4 + classes} rows, and it gives {tuple(first.shape)}: "
            f"an NMS-free head, an export with nms=True, or another task. Export or load it without."
        )
    return first


def use_nms_branch(model: nn.Module) -> None:
    """Let an end-to-end head give the predictions of its one-to-many branch."""
    inner = getattr(model, "model", None)
    if getattr(inner, "end2end", False):
        inner.end2end = False
        model.end2end = False


def refuse_fixed_size(model: nn.Module) -> None:
    """Refuse exported models that take one image size only: tiles and reduced frames differ in size and number.

    The host would take the exported size instead of the one asked for, and nothing would be cut.

    Raises:
        ValueError: Names the size and the export that works.
    """
    if getattr(model, "format", "pt") != "pt" and not getattr(model, "dynamic", False):
        size = " x ".join(map(str, getattr(model, "imgsz", ())))
        raise ValueError(
            f"tiles need a model for images of any size, and this {model.format} model takes {size} px only. "
            f"Export it with dynamic=True, or use the checkpoint itself."
        )


class SlicedPredictor(DetectionPredictor):
    """The host's predictor on frames cut into tiles; ``imgsz`` is the longer side of the frame before cutting.

    Use :func:`sliced_predictor` to set the tiles and give the class to ``YOLO.predict(predictor=...)``.

    Attributes:
        tiles: How frames are cut.
        native: Take frames as large as they are, whatever ``imgsz`` says.
    """

    tiles = Tiles()
    native = True

    def setup_model(self, model: Any, verbose: bool = True) -> None:
        """Host's set-up.

        Raises:
            ValueError: An exported model of one image size.
        """
        super().setup_model(model, verbose)
        refuse_fixed_size(self.model)
        use_nms_branch(self.model)

    def pre_transform(self, im: list[np.ndarray]) -> list[np.ndarray]:
        """Pad frames to multiples of 32, reduced or enlarged to ``imgsz`` unless they are taken as they are."""
        height, width = (max(image.shape[axis] for image in im) for axis in (0, 1))
        ratio = 1.0 if self.native else max(self.imgsz) / max(height, width)
        shape = tuple(int(np.ceil(side * ratio / STEP) * STEP) for side in (height, width))
        return [LetterBox(shape, auto=False)(image=image) for image in im]

    def inference(self, im: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Raw predictions of all tiles, in px of ``im`` (B, 3, H, W)."""
        classes = len(self.model.names)
        return predict_tiles(lambda x: raw_predictions(self.model(x), classes), im, self.tiles)


class SlicedValidator(GjadetValidator):
    """The host's validator on frames cut into tiles; ``imgsz`` is the longer side of the frame before cutting.

    Use :func:`sliced_validator` to set the tiles and give the class to ``YOLO.val(validator=...)``.

    Attributes:
        tiles: How frames are cut.
    """

    tiles = Tiles()

    def init_metrics(self, model: nn.Module) -> None:
        """Host's metrics; from here on the model works in tiles.

        Raises:
            ValueError: An exported model of one image size.
        """
        refuse_fixed_size(model)
        super().init_metrics(model)
        use_nms_branch(model)
        whole, classes = model.forward, len(model.names)

        def forward(im: torch.Tensor, **settings: Any) -> torch.Tensor:
            return predict_tiles(lambda x: raw_predictions(whole(x), classes), im, self.tiles)

        model.forward = forward


def largest_side(data: str, split: str) -> int:
    """Longest side of a split's images in px, rounded up to what the network takes.

    Raises:
        ValueError: The split has no images.
    """
    found = check_det_dataset(data)
    sides = [max(exif_size(Image.open(file))) for file in images_of(found, split)]
    return int(np.ceil(max(sides) / STEP) * STEP)


def images_of(data: dict[str, Any], split: str) -> list[str]:
    """Image files of a split.

    Raises:
        ValueError: There is no such split, or it is empty.
    """
    if not data.get(split):
        options = [name for name in ("train", "val", "test") if data.get(name)]
        raise ValueError(f"the data set has no split '{split}'.{suggestion(split, options)}")
    return YOLODataset(data[split], data=data, task="detect", augment=False).im_files


def sliced_predictor(tiles: Tiles, native: bool = True) -> type[SlicedPredictor]:
    """Predictor class for ``YOLO.predict(predictor=...)``.

    Args:
        tiles: How frames are cut.
        native: Take frames as large as they are; False: at ``imgsz``.
    """
    return type("SlicedPredictor", (SlicedPredictor,), {"tiles": tiles, "native": native})


def sliced_validator(tiles: Tiles) -> type[DetectionValidator]:
    """Validator class for ``YOLO.val(validator=...)``.

    Args:
        tiles: How frames are cut.
    """
    return type("SlicedValidator", (SlicedValidator,), {"tiles": tiles})
