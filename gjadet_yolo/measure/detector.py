"""A trained model as the detector that tracking asks for."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from gjadet_yolo import locate

RELEASED = "gjadetn-crash-synth.pt"
MOST_BOXES = 3000  # of a frame; the host's 300 are fewer than the squares of a full-scale test
STRIDE_PX = 32
SMALLEST_PX, LARGEST_PX = 640, 1600  # side that frames are predicted at; larger ones are reduced
LEAST_SCORE = 0.05  # tracking has its own, higher threshold for what begins a track


def refuse_untrained(model: str | Path) -> None:
    """Refuse what can hold no trained weights, before the host searches the network for it.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is a model YAML.
    """
    file = Path(model)
    if file.suffix in (".yaml", ".yml"):
        raise ValueError(f"model={model} describes a network and has no trained weights. Name a checkpoint, .pt")
    # a bare name may be one of a packaged or published checkpoint
    if file.name != str(model) and not file.exists():
        raise FileNotFoundError(f"model={model} does not exist. Name a checkpoint such as best.pt or {RELEASED}.")


class ModelDetector:
    """Boxes of an Ultralytics model, ``(K, 6)``: xyxy in px, score, class.

    Args:
        model: Checkpoint, as a name or a file.
        imgsz: Side that frames are predicted at, in px; None: that of the frame, so that squares keep their size.

    Raises:
        FileNotFoundError: There is no such model.
        ValueError: It is no trained detection model.
    """

    def __init__(self, model: str | Path = RELEASED, imgsz: int | None = None) -> None:
        from ultralytics import YOLO  # takes seconds to import

        refuse_untrained(model)
        try:
            self.model, self.imgsz = YOLO(str(model)), imgsz
            self.names: list[str] = list(self.model.names.values())
        except TypeError as error:  # the host's for what is no model at all
            raise ValueError(f"model={model} is no checkpoint. Name one such as best.pt or {RELEASED}.") from error
        if self.model.task != "detect":
            raise ValueError(f"model={model} is a model for '{self.model.task}', expected one for detection.")
        self.file = locate.weights(str(model)) or Path(str(getattr(self.model, "ckpt_path", None) or model))

    @property
    def marker_class(self) -> int | None:
        """Class called ``point``, or the only one; None, i.e. every class, where there are others only."""
        if len(self.names) == 1:
            return 0
        return self.names.index("point") if "point" in self.names else None

    def provenance(self) -> dict[str, str]:
        """Name and SHA-256 of the checkpoint."""
        digest = hashlib.sha256(self.file.read_bytes()).hexdigest() if self.file.is_file() else ""
        return {"name": self.file.name, "sha256": digest}

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """Boxes of a picture (H, W, 3) uint8 BGR."""
        side = -(-max(picture.shape[:2]) // STRIDE_PX) * STRIDE_PX
        imgsz = self.imgsz or min(max(side, SMALLEST_PX), LARGEST_PX)
        settings: dict[str, Any] = {"imgsz": imgsz, "max_det": MOST_BOXES, "conf": LEAST_SCORE, "verbose": False}
        return self.model.predict(picture, **settings)[0].boxes.data.cpu().numpy().astype(float)
