"""Detection model whose YAML carries its training recipe.

The class name is part of every saved checkpoint. Only models whose YAML asks for it use it
(``plugin.asks_for_plugin``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from ultralytics.nn.tasks import DetectionModel, yaml_model_load
from ultralytics.utils.torch_utils import scale_img, unwrap_model

from gjadet_yolo.host.building import naming_rows
from gjadet_yolo.host.rows import title
from gjadet_yolo.host.status import require
from gjadet_yolo.losses.criterion import build_criterion, set_active
from gjadet_yolo.losses.statistics import Statistics, hold_statistics, load_statistics, set_training
from gjadet_yolo.messages import is_name, shown
from gjadet_yolo.nn import JointDetect
from gjadet_yolo.nn.auxiliary import attach, collecting
from gjadet_yolo.recipe.recipe import Recipe


class GjadetModel(DetectionModel):
    """The host's detection model with the criterion of the YAML's ``loss:`` block.

    Attributes:
        loss_state: Statistics of the class loss at the last save, as plain numbers, or None; the trainer keeps it.
        absent: Classes without any training instance; the trainer sets it.
        class_counts: Training boxes of each class; the trainer sets it.
        stated: Training arguments that the user stated, which win over the recipe; the trainer sets it.
        active_terms: Loss terms of the current stage, empty for all; the trainer sets it.

    Args:
        cfg: Model YAML, as a name, a path or a dictionary.
        ch: Input channels.
        nc: Number of classes, instead of the YAML's.
        verbose: Print the layer table.

    Raises:
        ValueError: Unknown keys or values in the ``loss:``, ``augment:`` or ``schedule:`` block, or faulty rows or
            class names.
    """

    loss_state: Statistics | None = None
    absent: tuple[int, ...] = ()
    class_counts: tuple[int, ...] = ()
    stated: tuple[str, ...] = ()
    active_terms: tuple[str, ...] = ()
    _recipe: Recipe | None = None

    def __init__(
        self, cfg: str | Path | dict[str, Any] = "gjadet.yaml", ch: int = 3, nc: int | None = None, verbose: bool = True
    ) -> None:
        yaml = cfg if isinstance(cfg, dict) else yaml_model_load(cfg)
        recipe = Recipe.from_yaml(yaml)  # before the layers are built, which takes longer
        check_class_names(yaml)
        with naming_rows(yaml):
            super().__init__(yaml, ch=ch, nc=nc, verbose=verbose)
        self._recipe = recipe.resolved(joint=hasattr(self.model[-1], "obj"))
        self.names = self.yaml_names() or self.names

    @property
    def recipe(self) -> Recipe:
        """What the YAML's blocks say, with ``auto`` replaced; a model out of a checkpoint reads it from its YAML."""
        if self._recipe is None:
            self._recipe = Recipe.from_yaml(self.yaml).resolved(joint=hasattr(self.model[-1], "obj"))
        return self._recipe

    def __getstate__(self) -> dict[str, Any]:
        """Without the parsed recipe: its classes must not become part of the checkpoint format."""
        return {key: value for key, value in self.__dict__.items() if key != "_recipe"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Rebuild from a checkpoint.

        Raises:
            PluginError: The plugin is not active, e.g. because of an unsupported Ultralytics; names the reason.
        """
        require("This checkpoint")
        super().__setstate__(state)

    def yaml_names(self) -> dict[int, str]:
        """Class names of the YAML, which hold until a data set brings others; empty where their number does not fit."""
        names = self.yaml.get("names") or []
        names = list(names.values() if isinstance(names, dict) else names)
        return dict(enumerate(map(str, names))) if len(names) == self.yaml["nc"] else {}

    def load(self, weights: dict[str, Any] | nn.Module, verbose: bool = True) -> None:
        """Load weights by name and shape; those of the plain host fill everything but plugin rows and objectness.

        Args:
            weights: Checkpoint dictionary or model.
            verbose: Log how much was transferred.
        """
        source = (weights.get("ema") or weights["model"]) if isinstance(weights, dict) else weights
        own = self.yaml_names()
        placeholders = {index: str(index) for index in own}
        if self.names == own:  # as in a host model, so that the source's names come along with its weights
            self.names = placeholders
        super().load(weights, verbose)
        if self.names == placeholders:
            self.names = own
        if isinstance(self.model[-1], JointDetect):
            self.model[-1].fit_objectness(source.model[-1])

    def _predict_once(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        """Host's forward pass; what modules give for the loss comes back in the raw outputs as ``aux``."""
        with collecting() as aux:
            return attach(super()._predict_once(x, *args, **kwargs), aux)

    def _predict_augment(self, x: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Test-time augmentation (``augment=True``): three scales, one of them mirrored, as for the host's own head.

        Mirrored: ``DetectionModel._predict_augment``, which accepts the class Detect only.
        """
        if self.end2end or not isinstance(self.model[-1], JointDetect):
            return super()._predict_augment(x)
        parts = []
        for ratio, flip in ((1.0, None), (0.83, 3), (0.67, None)):  # 3: left to right
            view = scale_img(x.flip(flip) if flip else x, ratio, gs=int(self.stride.max()))
            parts.append(self._descale_pred(self._predict_once(view)[0], flip, ratio, x.shape[-2:]))
        return torch.cat(self._clip_augmented(parts), -1), None

    def init_criterion(self) -> Any:
        """Build the criterion and give it the statistics of the run it continues."""
        criterion = build_criterion(self)
        if self.loss_state:
            load_statistics(criterion, self.loss_state)
        hold_statistics(criterion, self.absent)
        return criterion

    def loss(self, batch: dict[str, Any], preds: Any = None) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Loss terms times batch size, and the terms by name; statistics move only while the model is in training mode.

        Args:
            batch: ``img`` (B, C, H, W) and targets as in the host.
            preds: Raw head outputs, where they are computed already.
        """
        if getattr(self, "criterion", None) is None:
            self.criterion = self.init_criterion()
        set_training(self.criterion, self.training)
        set_active(self.criterion, self.active_terms if self.training else ())
        return super().loss(batch, preds)


def check_class_names(yaml: dict[str, Any]) -> None:
    """Refuse class names that are none, which the host would take for a list of them.

    Raises:
        ValueError: Names the file and the value.
    """
    names = yaml.get("names") or []
    if not isinstance(names, (dict, list, tuple)):
        raise ValueError(f"{title(yaml)}: names: {shown(names)}, expected the class names by index, or a list of them.")
    for name in names.values() if isinstance(names, dict) else names:
        if not is_name(name):
            raise ValueError(f"{title(yaml)}: names: {shown(name)} is no class name, expected a text.")


def student(model: nn.Module) -> nn.Module:
    """The detection model itself, without wrappers for several GPUs, compilation or distillation."""
    model = unwrap_model(model)
    return getattr(model, "student_model", model)
