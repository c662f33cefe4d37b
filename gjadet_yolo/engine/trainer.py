"""Trainer of models whose YAML carries a recipe: keeps the loss statistics and shows them.

Mirrored: ``save_model``, ``_load_checkpoint_state``, ``set_class_weights`` and ``resume_training`` in
https://github.com/ultralytics/ultralytics/blob/v8.4.190/ultralytics/engine/trainer.py
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from ultralytics.data import YOLODataset
from ultralytics.data.utils import check_det_dataset
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.utils import DEFAULT_CFG, DEFAULT_CFG_DICT, LOCAL_RANK, LOGGER, RANK

from gjadet_yolo.data.media import write_image
from gjadet_yolo.engine.favoured import favoured_pictures, favoured_source
from gjadet_yolo.engine.model import GjadetModel, student
from gjadet_yolo.engine.precision import cpu_bf16
from gjadet_yolo.engine.restoring import as_target, clean_folder, examples, give_own_groups, shown_example
from gjadet_yolo.engine.stages import PUBLISHED_EPOCHS, Stage, plan_phases, plan_stages, stage_at
from gjadet_yolo.engine.streams import Picture, UnpairedImages
from gjadet_yolo.engine.summary import NO_FAVOURED_DETECTOR, no_mosaic, recipe_line, stated_arguments
from gjadet_yolo.engine.validator import GjadetValidator
from gjadet_yolo.evaluate.curves import RATIO_PREFIX, plot_class_ratios
from gjadet_yolo.evaluate.restored_sheet import restored_sheet
from gjadet_yolo.host.dataset import RecipeDataset
from gjadet_yolo.host.pairs import DegradedCopies, PairedDataset
from gjadet_yolo.host.restoring import RESTORE
from gjadet_yolo.losses.criterion import DetectionCriterion
from gjadet_yolo.losses.statistics import Statistics, branches, load_statistics, statistics
from gjadet_yolo.recipe.augment import AugmentConfig


def record_class_ratios(trainer: GjadetTrainer) -> None:
    # Here as well as in validate: with val=False the ratios reach results.csv and the loggers too.
    if trainer.metrics is not None:
        trainer.metrics.update(trainer.class_ratios())


@dataclass(frozen=True)
class ShowRecipe:
    """Callback at the start: one line on the recipe in force.

    Attributes:
        stated: Training arguments that the user stated.
    """

    # Callbacks are what the host hands to the processes of a training on several GPUs as it is. Arguments come there in
    # full, so that what the user stated could no longer be told from defaults.
    stated: tuple[str, ...]

    def __call__(self, trainer: GjadetTrainer) -> None:
        if RANK in (-1, 0):
            LOGGER.info(recipe_line(student(trainer.model), trainer.stages))


def count_classes(trainer: GjadetTrainer) -> None:
    """Boxes per class; a class that no training image holds is named, and its statistics do not move."""
    labels = [label["cls"].ravel() for label in trainer.train_loader.dataset.labels]
    names = trainer.data["names"]
    counts = np.bincount(np.concatenate(labels or [[]]).astype(int), minlength=len(names))
    absent = tuple(np.flatnonzero(counts == 0).tolist())
    model = student(trainer.model)
    dataset = trainer.train_loader.dataset
    # what an epoch shows is what the weights have to balance: a class that is repeated or pasted needs less of them
    shown = dataset.effective_counts.round().astype(int) if isinstance(dataset, RecipeDataset) else counts
    model.absent, model.class_counts = absent, tuple(shown.tolist())
    model.criterion = None  # one that is there already was built without them
    if absent and RANK in (-1, 0):
        listed = ", ".join(str(names[index]) for index in absent)
        LOGGER.warning(f"no training image holds an instance of: {listed}. The model cannot learn what it never sees.")


def draw_repetitions(trainer: GjadetTrainer) -> None:
    """Callback before each epoch: the data set draws anew which images it repeats."""
    if isinstance(dataset := trainer.train_loader.dataset, RecipeDataset):
        dataset.epoch.fill_(trainer.epoch)


def forget_steps(trainer: GjadetTrainer) -> None:
    trainer.steps.clear()


def remember_step(trainer: GjadetTrainer) -> None:
    # The terms stay on the device, so that nothing waits for them.
    trainer.steps.append((torch.stack(list(trainer.loss_items.values())), trainer.batch_files))


def enter_stage(trainer: GjadetTrainer) -> None:
    """Callback before each epoch: layers, terms and images of the stage."""
    if all(stage.is_plain for stage in trainer.stages):
        return
    stage = stage_at(trainer.stages, trainer.epoch)
    names = [f"model.{number}." for number in stage.frozen] + (["restorer."] if stage.restorer else [])
    names += stage.parts
    # The host keeps BatchNorm still where a name is in this list, so it follows. Layers of the user's own freeze= stay.
    trainer.freeze_layer_names = [*trainer.always_frozen, *names]
    for name, parameter in student(trainer.model).named_parameters():
        if parameter.dtype.is_floating_point:
            parameter.requires_grad_(not any(part in name for part in trainer.freeze_layer_names))
            if not parameter.requires_grad:
                parameter.grad = None  # of steps of the last stage that were not applied yet
    student(trainer.model).active_terms = stage.terms
    if trainer.unpaired is not None:
        trainer.unpaired.close()
    trainer.unpaired = trainer.open_stream(stage.stream)
    # Under time= the ends move with every estimate, which is no new stage to tell of.
    changed = replace(stage, first=0, end=0) != trainer.in_force
    trainer.in_force = replace(stage, first=0, end=0)
    if RANK in (-1, 0) and changed:
        LOGGER.info(f"schedule: epochs {trainer.epoch + 1} to {stage.end}, {stage.described()}")


OWN_CALLBACKS = (
    ("on_train_epoch_start", forget_steps),
    ("on_train_epoch_start", draw_repetitions),
    ("on_train_epoch_start", enter_stage),
    ("on_train_batch_end", remember_step),
    ("on_train_epoch_end", record_class_ratios),
)


class GjadetTrainer(DetectionTrainer):
    """The host's detection trainer for :class:`~gjadet_yolo.engine.model.GjadetModel`; arguments as in the host."""

    def __init__(
        self, cfg: Any = DEFAULT_CFG, overrides: dict[str, Any] | None = None, _callbacks: dict | None = None
    ) -> None:
        super().__init__(cfg, overrides, _callbacks)
        if hasattr(self.args, RESTORE):
            raise ValueError("restore= is for prediction, validation and export. A training has the restore: block.")
        self.stated = self.carry_stated(stated_arguments(overrides or {}, vars(self.args), DEFAULT_CFG_DICT))
        self.steps: list[tuple[torch.Tensor, list[str]]] = []  # terms and image files of the epoch's steps
        self.batch_files: list[str] = []
        self.stages: tuple[Stage, ...] = ()
        self.bf16 = False
        self.in_force: Stage | None = None  # that of the last epoch, wherever it begins and ends
        self.unpaired: UnpairedImages | None = None  # second stream of the stage
        self.favoured: list[Picture] = []  # what it consists of in a training with cruxes
        self.states_length = not overrides or bool({"epochs", "time"} & set(overrides))
        self.always_frozen: list[str] = []
        for event, callback in OWN_CALLBACKS:
            if callback not in self.callbacks[event]:  # they come along to workers, and 8.4.130 shares the lists
                self.add_callback(event, callback)

    def carry_stated(self, stated: tuple[str, ...]) -> tuple[str, ...]:
        """What the user stated, as the launching process knows it."""
        # A worker is handed all arguments, so what its launcher put into the callback counts there.
        carried = [one for one in self.callbacks["on_train_start"] if isinstance(one, ShowRecipe)]
        if LOCAL_RANK != -1 and carried:
            stated = carried[-1].stated
        others = [one for one in self.callbacks["on_train_start"] if not isinstance(one, ShowRecipe)]
        self.callbacks["on_train_start"] = [*others, ShowRecipe(stated)]
        return stated

    def get_model(
        self, cfg: str | Path | dict[str, Any] | None = None, weights: nn.Module | None = None, verbose: bool = True
    ) -> GjadetModel:
        """Build the model for the data set's classes and load weights by name and shape."""
        settings = {"nc": self.data["nc"], "ch": self.data["channels"], "verbose": verbose and RANK == -1}
        model = self.set_model_names_for_load(GjadetModel(cfg or "gjadet.yaml", **settings))
        if weights:
            model.load(weights)
        if model.recipe.crux is not None and not self.resume:
            if not self.states_length:
                self.epochs = self.args.epochs = PUBLISHED_EPOCHS
            if not weights and RANK in (-1, 0):
                LOGGER.warning(NO_FAVOURED_DETECTOR)
        # A resumed training is handed its old arguments in full, stated or not, so that the model has to tell them.
        if weights and self.resume:
            self.stated = getattr(student(weights), "stated", ())
        return model

    def set_model_attributes(self) -> None:
        super().set_model_attributes()
        student(self.model).stated = self.stated
        if self.device.type == "cpu":  # here it is on its device, and no optimiser holds its parameters yet
            student(self.model).bf16 = self.bf16
            self.model.to(memory_format=torch.channels_last)

    def set_class_weights(self) -> None:
        # Before the host goes on: it builds criteria when it resumes an end-to-end head.
        count_classes(self)
        super().set_class_weights()

    def get_validator(self) -> GjadetValidator:
        stock = super().get_validator()
        return GjadetValidator(stock.dataloader, save_dir=stock.save_dir, args=stock.args, _callbacks=stock.callbacks)

    def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> YOLODataset:
        dataset = super().build_dataset(img_path, mode, batch)
        recipe = student(self.model).recipe
        config, folder = recipe.augment, clean_folder(self.data)
        if mode != "train":
            copies = recipe.restore is not None and folder is None
            return DegradedCopies.apply(dataset, recipe.restore, self.args.seed) if copies else dataset
        if recipe.restore is not None:
            dataset = PairedDataset.pair(dataset, config, recipe.restore, self.args.seed, folder)
        elif config == AugmentConfig():
            return dataset
        else:
            dataset = RecipeDataset.apply(dataset, config, self.args.seed)
        if RANK in (-1, 0):
            LOGGER.info(f"augment: {dataset.in_force()}")
            if config.tiles and (never := no_mosaic(self.args)):
                LOGGER.warning(f"augment: tiles={config.tiles:g} changes nothing, because {never}.")
        return dataset

    def build_optimizer(self, model: nn.Module, *args: Any, **kwargs: Any) -> torch.optim.Optimizer:
        """Host's optimiser, in which a restorer has groups, and so a learning rate, of its own."""
        optimizer = super().build_optimizer(model, *args, **kwargs)
        if (restore := student(model).recipe.restore) is not None:
            give_own_groups(optimizer, student(model).restorer, restore.lr)
        return optimizer

    def choose_precision(self) -> None:
        """Take over ``amp=`` on a CPU, where the host has float32 only."""
        if self.device.type != "cpu":
            return
        self.bf16, why_not = cpu_bf16(self.args.amp)
        if self.args.amp == "bf16":
            self.args.amp = True  # the host would ask its own autocast for it, which refuses CPUs
        if RANK in (-1, 0) and (why_not or self.bf16):
            LOGGER.info(why_not or "AMP: forward passes in bfloat16, which this processor computes; amp=False: float32")

    def _setup_train(self, *args: Any) -> None:
        self.choose_precision()
        super()._setup_train(*args)
        # After the host's set-up, which fills it from freeze=: no stage may release these.
        self.always_frozen = list(self.freeze_layer_names)
        if (crux := student(self.model).recipe.crux) is not None:
            source, own = favoured_source(self.data, crux.favoured), self.train_loader.dataset.im_files
            self.favoured = favoured_pictures(source, lambda name: check_det_dataset(name)["train"], own)

    def _setup_scheduler(self) -> None:
        """Host's learning rate over the epochs, times the factor of each stage."""
        super()._setup_scheduler()
        model = student(self.model)
        estimated = bool(self.args.time)
        # Here, because the host comes here again after each epoch of a time= training with another number of epochs.
        if (crux := model.recipe.crux) is not None:
            cut, source = (model.crux.medium, len(model.model)), favoured_source(self.data, crux.favoured)
            self.stages = plan_phases(self.epochs, *cut, source, estimated)
        else:
            layers = model.backbone, len(model.model)
            self.stages = plan_stages(model.recipe.schedule, self.epochs, *layers, estimated)
        plain = self.lf
        self.lf = lambda epoch: plain(epoch) * stage_at(self.stages, epoch).lr
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lr_lambda=self.lf)

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Host's preparation, and ``clean`` partners and ``unpaired`` images of a second stream, each like ``img``."""
        self.batch_files = list(batch.get("im_file", ()))
        batch = super().preprocess_batch(batch)
        if self.device.type == "cpu":
            batch["img"] = batch["img"].contiguous(memory_format=torch.channels_last)
        if "clean" in batch:
            batch["clean"] = as_target(batch["clean"], batch["img"])
        if self.unpaired is not None:
            images = self.unpaired.batch(len(batch["img"]), batch["img"].shape[2:])
            batch["unpaired"] = images.to(batch["img"].device, non_blocking=True).float() / 255
        return batch

    def open_stream(self, folder: str) -> UnpairedImages | None:
        """Second stream of an epoch out of a folder, or of favoured images; None where the stage has none."""
        seed = (self.args.seed, self.epoch, max(RANK, 0))  # resumed epochs draw the same, ranks differ
        return UnpairedImages(self.favoured or Path(folder), seed, self.args.workers) if folder else None

    def broken_step(self) -> str:
        """What was wrong with the epoch's first step that gave a number that is not finite; empty without any."""
        for number, (terms, files) in enumerate(self.steps, 1):
            broken = [
                name for name, term in zip(self.loss_names, terms.tolist(), strict=True) if not math.isfinite(term)
            ]
            if broken:
                listed = "\n  ".join(files)
                return (
                    f"{', '.join(broken)} of step {number} not finite; its images (of a mosaic the first):\n  {listed}"
                )
        return ""

    def _handle_nan_recovery(self, epoch: int) -> bool:
        # Before the recovery, which names no cause.
        if found := self.broken_step():
            LOGGER.error(found)
        return super()._handle_nan_recovery(epoch)

    def loss_branches(self) -> dict[str, DetectionCriterion]:
        """Criteria of the training by head branch; empty before the first step."""
        criterion = getattr(student(self.model), "criterion", None)
        return branches(criterion) if criterion is not None else {}

    def loss_statistics(self) -> Statistics:
        return statistics(student(self.model).criterion) if self.loss_branches() else {}

    def class_ratios(self) -> dict[str, float]:
        """Ratio of positive to negative gradient per class, named for ``results.csv`` and the loggers."""
        names = [re.sub(r"[^\w-]", "_", str(name)) for name in self.data["names"].values()]
        ratios = {}
        for branch, state in self.loss_statistics().items():
            prefix = RATIO_PREFIX if branch == "main" else f"{RATIO_PREFIX}{branch}/"
            ratios |= {f"{prefix}{name}": value for name, value in zip(names, state["ratio"], strict=True)}
        return ratios

    def validate(self) -> tuple[dict[str, float] | None, float | None]:
        metrics, fitness = super().validate()
        if metrics is not None:
            metrics.update(self.class_ratios())
        return metrics, fitness

    def save_model(self) -> bool:
        # The averaged model is what the host saves, in half precision and without a criterion.
        student(self.ema.ema).loss_state = self.loss_statistics() or None
        return super().save_model()

    def _load_checkpoint_state(self, ckpt: dict[str, Any]) -> None:
        super()._load_checkpoint_state(ckpt)
        model = student(self.model)
        model.loss_state = getattr(student(ckpt["ema"]), "loss_state", None) if ckpt.get("ema") else None
        # Resuming builds the criterion later, from loss_state; after NaN recovery it is there already.
        if model.loss_state and self.loss_branches():
            load_statistics(model.criterion, model.loss_state)

    def plot_metrics(self) -> None:
        super().plot_metrics()
        mu = next((getattr(branch.class_loss, "mu", None) for branch in self.loss_branches().values()), None)
        picture = plot_class_ratios(self.csv, self.save_dir / "class_ratios.png", mu)
        if picture:
            self.on_plot(picture)
        if student(self.model).recipe.restore is not None:
            self.plot_restored()

    def plot_restored(self) -> None:
        """Write ``restored.jpg``: degraded, restored and clean, with boxes."""
        # Of validation images, except where there are photographs: these are of the training set only.
        items = examples(self.test_loader.dataset) or examples(self.train_loader.dataset)
        if items:
            model = student(self.ema.ema).eval()
            file = self.save_dir / "restored.jpg"
            write_image(file, restored_sheet([shown_example(model, item) for item in items]))
            self.on_plot(file)
