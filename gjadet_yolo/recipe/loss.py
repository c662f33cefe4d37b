"""The ``loss:`` block of a model YAML."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from gjadet_yolo.losses.catalog import CLASS_LOSSES
from gjadet_yolo.losses.iou import BOX_LOSSES, PENALTIES
from gjadet_yolo.messages import check_ranges, shown, suggestion
from gjadet_yolo.recipe.block import read_block

CHOICES: dict[str, tuple[str, ...]] = {
    "cls": tuple(CLASS_LOSSES),
    "cls_anchors": ("auto", "foreground", "all"),
    "cls_target": ("auto", "onehot", "iou", "score"),
    "obj": ("bce", "qfl"),
    "assign": ("ciou", "nwd"),
    "box": tuple(BOX_LOSSES),
    "box_penalty": PENALTIES,
}

RANGES: dict[str, tuple[float, float]] = {
    "cls_gain": (0, 1000),
    "cls_pw": (0, 1),
    "negatives": (0, 1),
    "obj_gain": (0, 1000),
    "obj_pw": (0, 1),
    "box_gain": (0, 1000),
    "box_pw": (0, 1),
    "attention": (0, 1000),
    "gamma": (0, 100),
    "mu": (0, 100),
    "alpha": (0, 100),
    "beta": (0, 100),
}
"""Numbers that each key may have. The upper ends are far above what trains, and far below what is no longer finite."""


@dataclass(frozen=True)
class LossConfig:
    """Losses of a detection model; the block's keys are these fields, and every one is optional.

    Attributes:
        cls: Class loss: ``bce`` (host), ``focal``, ``qfl``, ``eqlv2`` or ``gjr``.
        cls_anchors: Anchors the class loss sees: ``foreground`` (published form, needs JointDetect), ``all`` (host), or
            ``auto``: foreground on JointDetect, all on the plain head.
        cls_target: Target at the target's own class: ``onehot``, ``iou`` of the predicted box (the joint
            representation), ``score`` (the assigner's soft score, as in the host), or ``auto``: onehot on foreground,
            score on all.
        cls_gain: Factor on the class loss, on top of the host's ``cls=``; left out where the user states ``cls=``.
        cls_pw: Exponent p of the class weights, as the host's ``cls_pw=``, which wins where the user states it: class c
            weighs n_c^-p, with n its training boxes and a mean over classes of 1. The largest weight is at most 15
            times the smallest before they are brought to that mean; the host has no such bound.
        negatives: Weighted negative sampling (SSPNet) where the class loss sees background: 0 is off, 1 full weights.
        obj: Objectness loss of JointDetect: ``bce`` or ``qfl`` (quality focal, exponent 2).
        obj_gain: Factor on the objectness loss, on top of the host's ``cls=``; left out where the user states ``cls=``,
            which is then the gain of both terms.
        obj_pw: Exponent p of the balanced objectness: a target of class c weighs min((n_max / n_c)^p, 4) / m there,
            with m the mean of that over the training boxes, so that the term keeps its level; 0 is off. An addition of
            this project.
        box: Box loss: ``ciou`` (host), ``iou``, ``giou``, ``diou`` or ``riou`` (rectified, a reconstruction).
        box_gain: Factor on the box loss, on top of the host's ``box=``; left out where the user states ``box=``.
        box_pw: The exponent of the same weights in the box and distance terms.
        box_penalty: What riou adds for boxes that do not overlap: ``ciou``, ``diou`` or ``none``.
        assign: Overlap that the assigner ranks anchors by: ``ciou`` (host), or ``nwd``: the Wasserstein similarity the
            more the smaller a target is, below 32 px.
        attention: Factor on the loss of the attention maps of an SSPNeck, with the published weights at 1.
        gamma: Steepness of the class weights (eqlv2, gjr), or exponent (focal); default: the loss's own.
        mu: Gradient ratio at which their function is 1/2 (eqlv2, gjr).
        alpha: Most that a positive weight gains (eqlv2, gjr), or weight of positives (focal), there up to 1.
        beta: Modulating exponent (gjr, qfl): 0, or 1 and more.
    """

    cls: str = "bce"
    cls_anchors: str = "auto"
    cls_target: str = "auto"
    cls_gain: float = 1.0
    cls_pw: float = 0.0
    negatives: float = 0.0
    obj: str = "bce"
    obj_gain: float = 1.0
    obj_pw: float = 0.0
    box: str = "ciou"
    box_gain: float = 1.0
    box_pw: float = 0.0
    box_penalty: str = "ciou"
    assign: str = "ciou"
    attention: float = 1.0
    gamma: float | None = None
    mu: float | None = None
    alpha: float | None = None
    beta: float | None = None

    def __post_init__(self) -> None:
        for key, options in CHOICES.items():
            value = getattr(self, key)
            if value not in options:
                raise ValueError(f"loss: {key} is {shown(value)}.{suggestion(value, options)}")
        check_ranges(self, "loss", RANGES)
        if self.beta is not None and 0 < self.beta < 1:
            raise ValueError(
                f"loss: beta is {self.beta}, allowed: 0, or 1 and more (its gradient is infinite between)."
            )
        if self.box_penalty != "ciou" and self.box != "riou":
            raise ValueError(f"loss: box_penalty does not belong to box: {self.box}. Use box: riou, or leave it out.")
        self.check_hyper_parameters()

    def check_hyper_parameters(self) -> None:
        """Refuse hyper-parameters that the chosen class loss does not have."""
        known = list(inspect.signature(CLASS_LOSSES[self.cls]).parameters)[1:]
        for key in self.hyper_parameters:
            if key not in known:
                allowed = ", ".join(known) or "none"
                raise ValueError(f"loss: {key} does not belong to cls: {self.cls}. Its hyper-parameters: {allowed}.")
        if self.cls == "focal" and self.alpha is not None and self.alpha > 1:
            raise ValueError(f"loss: alpha is {self.alpha}, allowed with cls: focal: numbers from 0 to 1.")

    @property
    def hyper_parameters(self) -> dict[str, float]:
        """Hyper-parameters of the class loss that the block sets."""
        return {key: value for key in ("gamma", "mu", "alpha", "beta") if (value := getattr(self, key)) is not None}

    @classmethod
    def from_yaml(cls, block: dict[str, Any] | None) -> LossConfig:
        """Read the block.

        Args:
            block: The ``loss:`` block, or None where the YAML has none.

        Raises:
            ValueError: Not a mapping, unknown key, or a value that is not allowed; with the closest match.
        """
        return cls(**read_block(cls, "loss", block, "cls: gjr"))

    def resolved(self, joint: bool) -> LossConfig:
        """Replace ``auto`` by what the head calls for.

        Args:
            joint: Whether the head has an objectness branch.

        Raises:
            ValueError: Foreground only on a head without objectness: nothing would teach it what background is.
        """
        anchors = self.cls_anchors if self.cls_anchors != "auto" else ("foreground" if joint else "all")
        if anchors == "foreground" and not joint:
            raise ValueError(
                "loss: cls_anchors is 'foreground', but the head has no objectness branch to tell background. "
                "Use the head JointDetect, or cls_anchors: all."
            )
        if anchors == "foreground" and self.negatives:
            raise ValueError(
                "loss: negatives weights background anchors, but cls_anchors is 'foreground'. Use cls_anchors: all, or "
                "leave it out."
            )
        target = self.cls_target if self.cls_target != "auto" else ("onehot" if anchors == "foreground" else "score")
        return replace(self, cls_anchors=anchors, cls_target=target)

    def class_loss(self, num_classes: int) -> nn.Module:
        """Build the class loss."""
        return CLASS_LOSSES[self.cls](num_classes, **self.hyper_parameters)
