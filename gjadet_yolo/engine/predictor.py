"""Predictor of this package's models: pictures that stay readable with hundreds of small boxes, and no silent limits.

Crowded or small boxes are drawn thin and without text, and a legend counts them by class. What the user asks for is
done: ``show_labels``, ``show_conf`` and ``line_width`` win, and ``show_labels=False`` also takes the legend away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ultralytics.engine.results import Results
from ultralytics.models.yolo.detect import DetectionPredictor
from ultralytics.utils import DEFAULT_CFG, LOGGER
from ultralytics.utils.plotting import colors

from gjadet_yolo.evaluate.legend import Entry, draw_legend
from gjadet_yolo.host.restoring import restoring

MANY = 20  # boxes; more of them are crowded
SMALL_PX, SMALL_SHARE = 40.0, 0.1  # boxes are small below so many px, or that share of the picture's longer side
PX_PER_LINE = 1500  # longer side of a picture per px of line width
LINE_SHARE = 1 / 12  # of a box's side that a line may take

STYLE = ("show_labels", "show_conf", "line_width")
"""Arguments of the host that this predictor chooses itself where the user has not."""


@dataclass
class Look:
    """How the pictures of one source are drawn.

    Attributes:
        dense: Whether its boxes are drawn thin and without text.
        corner: Where its legend is.
        classes: Classes seen so far.
    """

    dense: bool = False  # a video that began so stays so: its frames must not flicker
    corner: int | None = None
    classes: set[int] = field(default_factory=set)


def is_dense(boxes: np.ndarray, frame_hw: tuple[int, int]) -> bool:
    """Whether boxes, xyxy px (N, 4), are too many or too small in the median for the host's labels."""
    if not len(boxes):
        return False
    # The host's text grows with the picture: one label is about a sixth of its width, and hides smaller neighbours.
    return len(boxes) > MANY or median_side(boxes) < max(SMALL_PX, SMALL_SHARE * max(frame_hw))


def thin_line(boxes: np.ndarray, frame_hw: tuple[int, int]) -> int:
    """Line width in px for boxes, xyxy px (N, 4)."""
    most = median_side(boxes) * LINE_SHARE if len(boxes) else np.inf
    return max(1, round(min(max(frame_hw) / PX_PER_LINE, most)))


def median_side(boxes: np.ndarray) -> float:
    """Median root of the area in px of boxes, xyxy px, (N, 4)."""
    return float(np.median(np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))))


class GjadetPredictor(DetectionPredictor):
    """The host's detection predictor; arguments as in the host.

    Attributes:
        given: Arguments of this run that the user has set.
        full: Frames of the run that reached ``max_det``.
    """

    def __init__(
        self, cfg: Any = DEFAULT_CFG, overrides: dict[str, Any] | None = None, _callbacks: dict[str, Any] | None = None
    ) -> None:
        super().__init__(cfg, overrides, _callbacks)
        # A later call on the same YOLO object reuses the predictor and hands over no overrides: then only values other
        # than the host's defaults are known to be set.
        self.given = {name for name in STYLE if (overrides or {}).get(name) is not None}
        self.looks: dict[str, Look] = {}
        self.full = 0
        self.said: set[int] = set()

    def inference(self, im: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        """Host's outputs; ``restore=off`` leaves the restorer out."""
        with restoring(self.model, self.args):
            return super().inference(im, *args, **kwargs)

    def run_callbacks(self, event: str) -> None:
        if event == "on_predict_start":
            self.looks, self.full = {}, 0
        super().run_callbacks(event)
        if event == "on_predict_end":
            self.report_limit()

    def report_limit(self) -> None:
        limit = self.args.max_det
        # Once per limit: a loop over single frames would warn at every one.
        if not self.full or limit in self.said:
            return
        self.said.add(limit)
        LOGGER.warning(
            f"{self.full} of {self.seen} frames reached max_det={limit}: their least certain boxes are left out. "
            f"Raise it, e.g. max_det={10 * limit if limit < 300 else 1000 * (limit // 1000 + 2)}."
        )

    def postprocess(self, preds: Any, img: torch.Tensor, orig_imgs: Any, **settings: Any) -> list[Results]:
        results = super().postprocess(preds, img, orig_imgs, **settings)
        # The host cuts at max_det without a word.
        self.full += sum(len(result) >= self.args.max_det for result in results)
        return results

    def chosen(self, name: str) -> bool:
        """Whether the user has set an argument of ``STYLE``."""
        return name in self.given or getattr(self.args, name) != getattr(DEFAULT_CFG, name)

    def write_results(self, i: int, p: Path, im: torch.Tensor, s: list[str]) -> str:
        """The host's files and line of text; what it draws goes through :meth:`draw`."""
        result = self.results[i]
        look = Look() if self.dataset.mode == "image" else self.looks.setdefault(str(p), Look())

        def plot(
            line_width: float | None = None, boxes: bool = True, conf: bool = True, labels: bool = True
        ) -> np.ndarray:
            return self.draw(result, look, line_width, boxes, conf, labels)

        result.plot = plot  # on this object and for this call only: the host looks it up there
        try:
            return super().write_results(i, p, im, s)
        finally:
            del result.plot

    def draw(
        self, result: Results, look: Look, line_width: float | None, boxes: bool, conf: bool, labels: bool
    ) -> np.ndarray:
        """Picture of a result, (H, W, 3) uint8 BGR.

        Args:
            look: Of the result's source.
            line_width: In px, or None for the host's.
            boxes, conf, labels: Draw boxes at all, with confidences, with class names.
        """
        found = np.zeros((0, 4)) if result.boxes is None else result.boxes.cpu().numpy().xyxy
        look.dense = look.dense or is_dense(found, result.orig_shape)
        if not (boxes and look.dense):
            return Results.plot(result, line_width=line_width, boxes=boxes, conf=conf, labels=labels)
        labels, conf = labels and self.chosen("show_labels"), conf and self.chosen("show_conf")
        # Labels that the user asks for come as in the host, with confidences unless these are switched off.
        conf = conf or (labels and self.args.show_conf)
        width = line_width if self.chosen("line_width") else thin_line(found, result.orig_shape)
        by_track = result.boxes.is_track
        picture = Results.plot(
            result, line_width=width, conf=conf, labels=labels, color_mode="instance" if by_track else "class"
        )
        if not self.chosen("show_labels"):
            picture = np.ascontiguousarray(picture)
            look.corner = draw_legend(picture, self.legend(result, look), found, look.corner)
        return picture

    def legend(self, result: Results, look: Look) -> list[Entry]:
        """A line per class that its source has shown."""
        labels = result.boxes.cpu().numpy().cls.astype(int)
        look.classes |= set(labels.tolist())
        # Every class that the source has shown, not only those of this frame: the lines must not jump in a video.
        # Colours stand for tracks where there are any, and then for no class.
        return [
            Entry(
                readable(result.names[label], label),
                int((labels == label).sum()),
                None if result.boxes.is_track else colors(label, True),
            )
            for label in sorted(look.classes)
        ]


def readable(name: str, label: int) -> str:
    try:
        # The legend's font has no other letters.
        name.encode("latin-1")
    except UnicodeEncodeError:
        return f"class {label}"
    return name
