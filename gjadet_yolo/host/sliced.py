"""Prediction and validation in tiles by the host's predictor and validator, which keep sources, files and metrics.

Mirrored: ``BasePredictor.pre_transform``, ``setup_model`` and ``inference`` in
https://github.com/ultralytics/ultralytics/blob/v8.4.190/ultralytics/engine/predictor.py, the calls of ``get_desc``,
``init_metrics`` and of the model in ``engine/validator.py``, and ``load_image`` in ``data/base.py``.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn
from ultralytics.data import YOLODataset
from ultralytics.data.augment import LetterBox
from ultralytics.data.utils import check_det_dataset
from ultralytics.engine.results import Results
from ultralytics.models.yolo.detect import DetectionValidator
from ultralytics.utils import LOGGER, ops

from gjadet_yolo.engine.predictor import GjadetPredictor
from gjadet_yolo.engine.tiles import Tiles, Unwatched, Watch, fitted, padded, predict_tiles
from gjadet_yolo.engine.validator import GjadetValidator
from gjadet_yolo.host.restoring import restoring
from gjadet_yolo.host.seams import as_subclass
from gjadet_yolo.host.sources import Files, is_local
from gjadet_yolo.messages import suggestion

# takes an image's file and its detections: xyxy px of the image, confidence, class, (N, 6)
Sink = Callable[[str, np.ndarray], None]


def raw_predictions(output: Any, classes: int) -> torch.Tensor:
    """Raw predictions (T, 4 + C, A) among the outputs of a model.

    Raises:
        ValueError: It has none, because it chooses its boxes itself.
    """
    first = output[0] if isinstance(output, (list, tuple)) else output
    if first.ndim != 3 or first.shape[1] != 4 + classes:
        raise ValueError(
            f"tiles need the model's raw predictions of {4 + classes} rows, and it gives {tuple(first.shape)}: "
            f"an NMS-free head, an export with nms=True, or another task. Export or load it without."
        )
    return first


def with_nms_branch(model: Any, args: SimpleNamespace) -> Any:
    """A model with the one-to-many branch of an end-to-end head in use, whose predictions need NMS; others as they are.

    Args:
        model: A module, copied if its head is end-to-end, or the file of an exported model.
        args: The host's arguments; their choice of the branch (``end2end`` or ``nms``) is taken back.

    Raises:
        ValueError: An earlier prediction has fused the model, which drops the branch.
    """
    for name in ("end2end", "nms"):
        if hasattr(args, name):
            setattr(args, name, None)
    if not (isinstance(model, nn.Module) and getattr(model, "end2end", False)):
        return model
    if getattr(model.model[-1], "cv2", True) is None:
        raise ValueError(
            "tiles need the one-to-many branch of the model's NMS-free head, and an earlier prediction with this "
            "object has dropped it. Load the checkpoint anew."
        )
    model = deepcopy(model)
    model.end2end = False
    return model


def refuse_fixed_size(model: nn.Module) -> None:
    """Refuse exported models that take one image size only.

    Raises:
        ValueError: Names the size and the export that works.
    """
    # Tiles and reduced frames differ in size; the host would resize to the exported one, and nothing would be cut.
    if getattr(model, "format", "pt") != "pt" and not getattr(model, "dynamic", False):
        size = " x ".join(map(str, getattr(model, "imgsz", ())))
        raise ValueError(
            f"tiles need a model for images of any size, and this {model.format} model takes {size} px only. "
            f"Export it with dynamic=True, or use the checkpoint itself."
        )


class SlicedPredictor(GjadetPredictor):
    """The host's predictor on frames cut into tiles; ``imgsz`` is the longer side of the frame before cutting.

    See :func:`sliced_predictor`.

    Attributes:
        tiles: How frames are cut.
        native: Take frames as large as they are, whatever ``imgsz`` says.
        watch: Told how far the work is.
        read: Frames that were read of each file.
    """

    tiles = Tiles()
    native = True
    watch: Watch = Unwatched()
    read: Counter[str]

    def setup_model(self, model: Any, verbose: bool = True) -> None:
        super().setup_model(with_nms_branch(model, self.args), verbose)
        refuse_fixed_size(self.model)

    def setup_source(self, source: Any, stride: int | None = None) -> None:
        if is_local(source):
            source = Files(source, self.args.batch, self.args.vid_stride, getattr(self.model, "channels", 3))
        super().setup_source(source, stride)

    def run_callbacks(self, event: str) -> None:
        # callbacks of the class and not added ones: added ones stay with the model for its next predictor
        if event == "on_predict_start":
            self.read = Counter()
            self.watch.start(None if isinstance(self.watch, Unwatched) else self.views())
        super().run_callbacks(event)
        if event == "on_predict_batch_start":
            self.read.update(self.batch[0])
        elif event == "on_predict_end":
            self.watch.stop()

    def views(self) -> int | None:
        """Number of pictures that the network will see; None for streams and images in memory."""
        if not isinstance(self.dataset, Files):
            return None
        return sum(
            count * self.tiles.views(*padded(*fitted(height, width, self.side)))
            for height, width, count in self.dataset.sizes()
        )

    def problems(self) -> list[str]:
        """Files of the run that could not be read whole."""
        return self.dataset.problems(self.read) if isinstance(self.dataset, Files) else []

    @property
    def side(self) -> int | None:
        return None if self.native else max(self.imgsz)  # px of the longer one, before frames are cut

    def pre_transform(self, im: list[np.ndarray]) -> list[np.ndarray]:
        """Frames at the requested size, padded evenly on both sides to multiples of 32."""
        sizes = [fitted(*image.shape[:2], self.side) for image in im]
        letterbox = LetterBox(padded(*np.max(sizes, 0).tolist()), auto=False, scaleup=False)
        return [letterbox(image=resized(image, size)) for image, size in zip(im, sizes, strict=True)]

    def inference(self, im: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Raw predictions of all tiles, in px of ``im`` (B, 3, H, W)."""
        classes, augment = len(self.model.names), self.args.augment

        def predict(x: torch.Tensor) -> torch.Tensor:
            return raw_predictions(self.model(x, augment=augment), classes)

        with restoring(self.model, self.args):
            return predict_tiles(predict, im, self.tiles, self.watch)

    def construct_result(self, pred: torch.Tensor, img: torch.Tensor, orig_img: np.ndarray, img_path: str) -> Results:
        """Result in px of the frame."""
        # undone here, because the host would take the padding for a change of scale
        frame_hw = orig_img.shape[:2]
        if not self.source_type.tensor:
            size = fitted(*frame_hw, self.side)
            ratio = tuple(new / old for new, old in zip(size, frame_hw, strict=True))
            top, left = (round((outer - inner) / 2 - 0.1) for outer, inner in zip(img.shape[2:], size, strict=True))
            pred[:, :4] = ops.scale_boxes(img.shape[2:], pred[:, :4], frame_hw, (ratio, (left, top)))
            img = img.new_empty((0, img.shape[1], *frame_hw))
        return super().construct_result(pred, img, orig_img, img_path)


class SlicedValidator(GjadetValidator):
    """The host's validator on frames cut into tiles, each image at its own size or with ``imgsz`` as its longer side.

    See :func:`sliced_validator`.

    Attributes:
        tiles: How frames are cut.
        native: Take images as large as they are, whatever ``imgsz`` says.
        watch: Told how far the work is.
        sink: Given the detections of each image.
    """

    tiles = Tiles()
    native = True
    watch: Watch = Unwatched()
    sink: Sink | None = None

    def __call__(self, trainer: Any = None, model: Any = None, **kwargs: Any) -> Any:
        if trainer is None:
            model = with_nms_branch(model, self.args)
        return super().__call__(trainer, model, **kwargs)

    def build_dataset(self, img_path: str, mode: str = "val", batch: int | None = None) -> YOLODataset:
        self.args.rect = False  # would bring all images to one size
        self.args.cache = None  # would hold images at that size
        # "val" and not mode: old hosts pass the split's name on, and for split=train they would augment
        dataset = as_subclass(super().build_dataset(img_path, "val", batch), OwnSizeDataset)
        dataset.side = None if self.native else int(np.max(self.args.imgsz))
        return dataset

    def get_dataloader(self, dataset_path: str, batch_size: int) -> torch.utils.data.DataLoader:
        return super().get_dataloader(dataset_path, 1)  # their sizes differ

    def get_desc(self) -> str:
        """Head of the host's table."""
        # The host makes its progress bar of it, which is kept away where a watch shows the tiles.
        if not isinstance(self.watch, Unwatched) and self.nc is None:
            self.level = LOGGER.level  # init_metrics, which comes next, puts it back
            LOGGER.setLevel(max(logging.WARNING, self.level))
        return super().get_desc()

    def init_metrics(self, model: nn.Module) -> None:
        if not isinstance(self.watch, Unwatched):
            LOGGER.setLevel(self.level)
        refuse_fixed_size(model)
        super().init_metrics(model)
        whole, classes = model.forward, len(model.names)
        self.watch.start(self.views())

        def forward(im: torch.Tensor, **settings: Any) -> torch.Tensor:
            return predict_tiles(lambda x: raw_predictions(whole(x, **settings), classes), im, self.tiles, self.watch)

        model.forward = forward  # the host calls the model directly, and not through a method of the validator

    def views(self) -> int:
        dataset = self.dataloader.dataset
        sizes = (padded(*fitted(*label["shape"], dataset.side)) for label in dataset.labels)
        return sum(self.tiles.views(*size) for size in sizes)

    def update_metrics(self, preds: list[dict[str, torch.Tensor]], batch: dict[str, Any]) -> None:
        super().update_metrics(preds, batch)
        for index, pred in enumerate(preds if self.sink else ()):
            image = self._prepare_batch(index, batch)
            scaled = self.scale_preds(pred, image)
            rows = torch.cat((scaled["bboxes"], pred["conf"][:, None], pred["cls"][:, None]), 1)
            self.sink(image["im_file"], rows.cpu().numpy().astype(float))

    def print_results(self) -> None:
        self.watch.stop()  # the head of the table comes with the host's bar, where that is shown
        if not isinstance(self.watch, Unwatched):
            LOGGER.info(self.get_desc())
        super().print_results()


class OwnSizeDataset(YOLODataset):
    """The host's data set with every image at its own size, padded to multiples of 32; one image per batch."""

    side: int | None = None  # longer side in px that images are resized to; None: they keep their size

    def load_image(self, i: int, rect_mode: bool = True, resize_short: bool = False) -> tuple[Any, Any, Any]:
        # the host reads the size to resize to from here
        self.imgsz = self.side or max(self.labels[i]["shape"])
        return super().load_image(i, rect_mode, resize_short)

    def update_labels_info(self, label: dict[str, Any]) -> dict[str, Any]:
        # the host's LetterBox pads to it, as under rect
        label["rect_shape"] = padded(*label["resized_shape"])
        return super().update_labels_info(label)


def resized(image: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """An image resized as by the host; itself if it has that size."""
    if image.shape[:2] == size_hw:
        return image
    small = cv2.resize(image, size_hw[::-1], interpolation=cv2.INTER_LINEAR)
    return small.reshape(*size_hw, -1)


def check_split(data: str, split: str) -> None:
    """Refuse a split that a data YAML lacks.

    Raises:
        ValueError: Names the splits that it has.
    """
    found = check_det_dataset(data)
    if not found.get(split):
        options = [name for name in ("train", "val", "test") if found.get(name)]
        raise ValueError(f"the data set has no split '{split}'.{suggestion(split, options)}")


def sliced_predictor(tiles: Tiles, native: bool = True, watch: Watch | None = None) -> type[SlicedPredictor]:
    """Predictor class for ``YOLO.predict(predictor=...)``; arguments as the attributes of ``SlicedPredictor``."""
    # a class and no instance, because the host takes one and builds it with its own arguments
    own = {"tiles": tiles, "native": native, "watch": Unwatched() if watch is None else watch}
    return type("SlicedPredictor", (SlicedPredictor,), own)


def sliced_validator(
    tiles: Tiles, native: bool = True, watch: Watch | None = None, sink: Sink | None = None
) -> type[DetectionValidator]:
    """Validator class for ``YOLO.val(validator=...)``; arguments as the attributes of ``SlicedValidator``."""
    watch = Unwatched() if watch is None else watch
    own = {"tiles": tiles, "native": native, "watch": watch, "sink": sink and staticmethod(sink)}
    return type("SlicedValidator", (SlicedValidator,), own)
