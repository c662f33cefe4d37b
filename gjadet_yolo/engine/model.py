"""Detection model whose YAML carries its training recipe; only those whose YAML asks for it use it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from ultralytics.nn.tasks import DetectionModel, yaml_model_load
from ultralytics.utils.torch_utils import scale_img, unwrap_model

from gjadet_yolo.engine.precision import to_float32
from gjadet_yolo.host.building import naming_rows
from gjadet_yolo.host.rows import title
from gjadet_yolo.host.status import require
from gjadet_yolo.losses.criterion import build_criterion, set_active
from gjadet_yolo.losses.statistics import Statistics, hold_statistics, load_statistics, set_training
from gjadet_yolo.messages import is_name, shown
from gjadet_yolo.nn import JointDetect
from gjadet_yolo.nn.auxiliary import attach, collecting
from gjadet_yolo.recipe.recipe import Recipe


# Checkpoints name this class as gjadet_yolo.engine.model.GjadetModel, so it can be neither renamed nor moved.
class GjadetModel(DetectionModel):
    """The host's detection model with the criterion of the YAML's ``loss:`` block; arguments as in the host.

    Attributes:
        loss_state: Statistics of the class loss at the last save, or None; the trainer sets this and the others.
        absent: Classes without any training instance.
        class_counts: Boxes of each class that an epoch of the training shows, repeated and pasted ones included.
        stated: Training arguments that the user stated, which win over the recipe.
        active_terms: Loss terms of the current stage, empty for all.
        bf16: Whether the forward passes of a training on the CPU run in bfloat16.

    Raises:
        ValueError: Unknown keys or values in the ``loss:``, ``augment:`` or ``schedule:`` block, or faulty rows or
            class names.
    """

    # Plain numbers: the host averages and halves buffers, and its safe loading admits numbers.
    loss_state: Statistics | None = None
    absent: tuple[int, ...] = ()
    class_counts: tuple[int, ...] = ()
    stated: tuple[str, ...] = ()
    active_terms: tuple[str, ...] = ()
    bf16: bool = False
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
        """What the YAML's blocks say, with ``auto`` replaced."""
        if self._recipe is None:
            self._recipe = Recipe.from_yaml(self.yaml).resolved(joint=hasattr(self.model[-1], "obj"))
        return self._recipe

    def __getstate__(self) -> dict[str, Any]:
        # The classes of the parsed recipe must not become part of the checkpoint format, and the precision is that of
        # the training model on its processor: its averaged copy and checkpoints are used in float32.
        return {key: value for key, value in self.__dict__.items() if key not in ("_recipe", "bf16")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Rebuild from a checkpoint; a PluginError names the reason why the plugin is not active."""
        require("This checkpoint")
        super().__setstate__(state)

    def yaml_names(self) -> dict[int, str]:
        """Class names of the YAML, which hold until a data set brings others; empty where their number does not fit."""
        names = self.yaml.get("names") or []
        names = list(names.values() if isinstance(names, dict) else names)
        return dict(enumerate(map(str, names))) if len(names) == self.yaml["nc"] else {}

    def load(self, weights: dict[str, Any] | nn.Module, verbose: bool = True) -> None:
        """Load weights by name and shape, from a checkpoint dictionary or a model.

        Those of the plain host fill everything but plugin rows and objectness.
        """
        source = (weights.get("ema") or weights["model"]) if isinstance(weights, dict) else weights
        own = self.yaml_names()
        placeholders = {index: str(index) for index in own}
        # The host takes over the source's class names only from a model that has numbers for names.
        if self.names == own:
            self.names = placeholders
        super().load(weights, verbose)
        if self.names == placeholders:
            self.names = own
        if isinstance(self.model[-1], JointDetect):
            self.model[-1].fit_objectness(source.model[-1])

    def _predict_once(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        # Left on a module, it would hang on a graph that can be neither copied nor saved.
        with collecting() as aux:
            return attach(super()._predict_once(x, *args, **kwargs), aux)

    def _predict_augment(self, x: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Test-time augmentation (``augment=True``) as for the host's own head."""
        if self.end2end or not isinstance(self.model[-1], JointDetect):
            return super()._predict_augment(x)
        # Mirrored: ``DetectionModel._predict_augment``, which accepts the class Detect only. Its scales and flip.
        parts = []
        for ratio, flip in ((1.0, None), (0.83, 3), (0.67, None)):  # 3: left to right
            view = scale_img(x.flip(flip) if flip else x, ratio, gs=int(self.stride.max()))
            parts.append(self._descale_pred(self._predict_once(view)[0], flip, ratio, x.shape[-2:]))
        return torch.cat(self._clip_augmented(parts), -1), None

    def init_criterion(self) -> Any:
        criterion = build_criterion(self)
        # The host re-creates criteria, when a run resumes and after NaN recovery: the statistics must go on.
        if self.loss_state:
            load_statistics(criterion, self.loss_state)
        hold_statistics(criterion, self.absent)
        return criterion

    def loss(self, batch: dict[str, Any], preds: Any = None) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Loss terms times batch size, and the terms by name.

        Args:
            batch: ``img`` (B, C, H, W) and targets as in the host.
            preds: Raw head outputs, where they are computed already.
        """
        if getattr(self, "criterion", None) is None:
            self.criterion = self.init_criterion()
        # The host also asks for the loss of the validation set, which must move no statistics and knows no stages.
        set_training(self.criterion, self.training)
        set_active(self.criterion, self.active_terms if self.training else ())
        if preds is None and self.bf16 and self.training:
            with torch.autocast("cpu", torch.bfloat16):
                preds = self.forward(batch["img"])
            preds = to_float32(preds)
        return super().loss(batch, preds)


def check_class_names(yaml: dict[str, Any]) -> None:
    """Refuse class names that are none.

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
