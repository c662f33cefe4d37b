"""Detection model whose YAML carries its training recipe; only those whose YAML asks for it use it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn
from ultralytics.nn.modules import Conv
from ultralytics.nn.tasks import DetectionModel, yaml_model_load
from ultralytics.utils import LOGGER
from ultralytics.utils.torch_utils import fuse_conv_and_bn, initialize_weights, scale_img, unwrap_model

from gjadet_yolo.engine.cruxes import build_cruxes, crux_features, fused_into
from gjadet_yolo.engine.precision import to_float32
from gjadet_yolo.engine.restoring import gflops
from gjadet_yolo.host.building import naming_rows
from gjadet_yolo.host.rows import title
from gjadet_yolo.host.status import require
from gjadet_yolo.losses.criterion import build_criterion, set_active
from gjadet_yolo.losses.statistics import Statistics, hold_statistics, load_statistics, set_training
from gjadet_yolo.losses.terms.catching_up import FAVOURED
from gjadet_yolo.messages import is_name, shown
from gjadet_yolo.nn import JointDetect
from gjadet_yolo.nn.auxiliary import attach, aux_of, collecting, give
from gjadet_yolo.nn.restore import Restorer
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
        restoring: Whether images go through the restorer of a ``restore:`` block, where the model has one.

    Raises:
        ValueError: Unknown keys or values in the ``loss:``, ``augment:``, ``schedule:``, ``restore:`` or ``crux:``
            block, or faulty rows or class names.
    """

    # Plain numbers: the host averages and halves buffers, and its safe loading admits numbers.
    loss_state: Statistics | None = None
    absent: tuple[int, ...] = ()
    class_counts: tuple[int, ...] = ()
    stated: tuple[str, ...] = ()
    active_terms: tuple[str, ...] = ()
    bf16: bool = False
    restoring: bool = True
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
        if recipe.restore is not None:
            # Beside the layers and not among them: their numbers, and with them all names of weights, stay the host's.
            self.restorer = build_restorer(recipe.restore.size_for(str(self.yaml.get("scale") or "")), ch)
            if verbose:
                self.restorer_cost()
        if recipe.crux is not None:
            self.crux = build_cruxes(recipe.crux, self.model[: self.backbone], ch)

    @property
    def front(self) -> Restorer | None:
        """The restorer, where there is one and it is on."""
        return getattr(self, "restorer", None) if self.restoring else None

    @property
    def backbone(self) -> int:
        """Number of layers of the backbone, which are the first."""
        return len(self.yaml["backbone"])

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
            x = self.restored(x)
            with self.fused(x):
                return attach(super()._predict_once(x, *args, **kwargs), aux)

    def fused(self, x: torch.Tensor) -> AbstractContextManager[None]:
        """While it is open, a forward pass for images (B, C, H, W) has the features of their cruxes too."""
        if (cruxes := getattr(self, "crux", None)) is None:
            return nullcontext()
        crux, heat = cruxes.crux(x)
        caught = crux_features(cruxes, self.model, crux, catch_up=True)
        give("caught", caught) if self.training else give("heat", heat)
        return fused_into(self.model, self.backbone, cruxes, caught)

    def restored(self, x: torch.Tensor) -> torch.Tensor:
        """Images (B, 3, H, W) as the detector sees them: restored, where there is a restorer."""
        if self.front is None:
            return x
        y = self.front(x)
        if self.training:
            give("restored", y)
        return y if self.recipe.restore.gradient else y.detach()

    def info(self, detailed: bool = False, verbose: bool = True, imgsz: int | list[int] = 640) -> Any:
        """Host's figures, arguments as there; GFLOPs with those of the restorer, which are logged in a line below."""
        if self.front is None:
            return super().info(detailed, verbose, imgsz)
        self.restoring = False  # the host's counter extrapolates from a small image, see restorer_cost
        try:
            found = super().info(detailed, verbose, imgsz)
        finally:
            del self.restoring
        return found if found is None else (*found[:3], found[3] + self.restorer_cost(imgsz))

    def restorer_cost(self, imgsz: int | list[int] = 640) -> float:
        """GFLOPs of the restorer for an image of a side, or height and width, in px; logs them."""
        height, width = imgsz if isinstance(imgsz, (list, tuple)) else (imgsz, imgsz)
        cost, count = gflops(self.restorer, height, width), sum(one.numel() for one in self.restorer.parameters())
        LOGGER.info(f"restorer {self.restorer.size}: {count:,} of these parameters, {cost:.1f} GFLOPs more")
        return cost

    def fuse(self, verbose: bool = True, *args: Any, **kwargs: Any) -> GjadetModel:
        """Host's fusing of layers, of the restorer's too; arguments as in the host."""
        # First, because the host's prints the result; it looks at its own layers only.
        for part in getattr(self, "restorer", nn.Module()).modules():
            if isinstance(part, Conv) and hasattr(part, "bn"):
                part.conv = fuse_conv_and_bn(part.conv, part.bn)
                del part.bn
                part.forward = part.forward_fuse
        return super().fuse(verbose, *args, **kwargs)

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
                batch = self.with_favoured(batch)
            preds = to_float32(preds)
        elif self.training:
            batch = self.with_favoured(batch)
        elif self.front is not None and "degraded" in batch and not self.training:
            preds = self.with_restored(batch, preds)
        return super().loss(batch, preds)

    def with_favoured(self, batch: dict[str, Any]) -> dict[str, Any]:
        """A batch with medium features of the cruxes of its ``unpaired`` images, where it has such."""
        if (cruxes := getattr(self, "crux", None)) is None or "unpaired" not in batch:
            return batch
        # They are what others catch up with, and move nothing themselves; good images need no restorer.
        with torch.no_grad():
            crux, _ = cruxes.crux(batch["unpaired"])
            return {**batch, FAVOURED: crux_features(cruxes, self.model, crux, catch_up=False)}

    def with_restored(self, batch: dict[str, Any], preds: Any) -> Any:
        """Raw outputs for validation images, and their degraded copies restored, for the restoring loss.

        Args:
            batch: ``img`` and ``degraded``, each (B, 3, H, W).
            preds: Raw head outputs for ``img``, or None.
        """
        # The detector is judged on the images as they are; only the loss looks at the copies.
        preds = self.forward(batch["img"]) if preds is None else preds
        return attach(preds, {**aux_of(preds), "restored": [self.front(batch["degraded"])]})


def build_restorer(size: str, channels: int) -> Restorer:
    """A restorer of a size of ``nn.restore.SIZES``.

    Raises:
        ValueError: The images have another number of channels than 3.
    """
    if channels != 3:
        raise ValueError(
            f"restore: the model is for images of {channels} channels, and restoring is for colour images, which have "
            f"3. Leave the block out."
        )
    restorer = Restorer(size)
    initialize_weights(restorer)  # as the host does with its layers
    return restorer


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
