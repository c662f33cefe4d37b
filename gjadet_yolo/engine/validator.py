"""Validator of models whose YAML carries a recipe."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from torch import nn
from ultralytics.engine.trainer import BaseTrainer
from ultralytics.models.yolo.detect import DetectionValidator

from gjadet_yolo.engine.model import student
from gjadet_yolo.host.restoring import restoring


class GjadetValidator(DetectionValidator):
    """The host's detection validator; arguments as in the host."""

    def __call__(self, trainer: BaseTrainer | None = None, model: nn.Module | None = None, **kwargs: Any) -> Any:
        if trainer is not None and trainer.ema:
            share_statistics(trainer)
        with ExitStack() as self.held:
            return super().__call__(trainer=trainer, model=model, **kwargs)

    def init_metrics(self, model: nn.Module) -> None:
        """Host's preparation; from here to the end ``restore=off`` leaves the restorer out."""
        # Here is where the host hands over the model that it has loaded.
        self.held.enter_context(restoring(model, self.args))
        super().init_metrics(model)

    def preprocess(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Host's preparation, of degraded copies too, which the restoring loss compares with the images."""
        batch = super().preprocess(batch)
        if "degraded" in batch:
            # float32 also where the images are halved: the loss is computed outside of mixed precision
            batch["degraded"] = batch["degraded"].float() / 255
            batch["clean"] = batch["img"].float()
        return batch


def share_statistics(trainer: BaseTrainer) -> None:
    """Give the averaged model the training's loss statistics and class counts."""
    # Within a training the host validates the averaged model, whose criterion is another object with fresh statistics:
    # its loss would be weighted differently from the training loss.
    averaged = student(trainer.ema.ema)
    averaged.loss_state = trainer.loss_statistics() or None
    averaged.class_counts = student(trainer.model).class_counts
    # Built anew, not updated: the host builds it in inference mode, which forbids changes in place.
    averaged.criterion = None
