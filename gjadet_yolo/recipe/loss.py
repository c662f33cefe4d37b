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
        cls_anchors: Anchors the class loss sees: ``foreground`` (published form, needs JointDetect) or ``all`` (host).
        cls_target: ``onehot``, ``iou`` of the predicted box (joint representation) or ``score`` (soft score, host).
        cls_gain, obj_gain: Factors on the class loss and on the objectness loss, on top of the host's ``cls=``.
        cls_pw: Exponent of the class weights (``losses/weights.py``), as the host's ``cls_pw=``.
        negatives: Weighted negative sampling (SSPNet) where the class loss sees background: 0 is off, 1 full weights.
        obj: Objectness loss of JointDetect: ``bce`` or ``qfl`` (quality focal, exponent 2).
        obj_pw: Exponent of the class weights in the objectness term; 0 is off. An addition of this project.
        box: Box loss: ``ciou`` (host), ``iou``, ``giou``, ``diou`` or ``riou`` (rectified, a reconstruction).
        box_gain: Factor on the box loss, on top of the host's ``box=``.
        box_pw: Exponent of the class weights in the box and distance terms.
        box_penalty: What riou adds for boxes that do not overlap: ``ciou``, ``diou`` or ``none``.
        assign: Overlap that the assigner ranks anchors by: ``ciou`` (host) or ``nwd`` (``losses/assigner.py``).
        attention: Factor on the loss of the attention maps of an SSPNeck, with the published weights at 1.
        gamma: Steepness of the class weights (eqlv2, gjr), or exponent (focal).
        mu: Gradient ratio at which their function is 1/2 (eqlv2, gjr).
        alpha: Most that a positive weight gains (eqlv2, gjr), or weight of positives (focal), there up to 1.
        beta: Modulating exponent (gjr, qfl): 0, or 1 and more.
    """

    # Every default is the host's choice: a block states only what differs from it.
    cls: str = "bce"
    cls_anchors: str = "auto"  # foreground on JointDetect, whose objectness tells background; else all
    cls_target: str = "auto"  # onehot on foreground, where the soft score is the weight already; else score
    # Gains are left out where the user states the host's cls= or box=: what is stated is not multiplied. The host's
    # cls= stands for objectness too, since both terms together take the place of its class loss.
    cls_gain: float = 1.0
    cls_pw: float = 0.0  # what the user states as cls_pw= wins
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
    # None is the loss's own default, which differs from loss to loss.
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
        # Last: which ones are allowed depends on a class loss that exists.
        self.check_hyper_parameters()

    def check_hyper_parameters(self) -> None:
        # The signature is the one list of what a loss takes, behind the number of classes: a new loss needs no entry.
        known = list(inspect.signature(CLASS_LOSSES[self.cls]).parameters)[1:]
        for key in self.hyper_parameters:
            if key not in known:
                allowed = ", ".join(known) or "none"
                raise ValueError(f"loss: {key} does not belong to cls: {self.cls}. Its hyper-parameters: {allowed}.")
        if self.cls == "focal" and self.alpha is not None and self.alpha > 1:
            raise ValueError(f"loss: alpha is {self.alpha}, allowed with cls: focal: numbers from 0 to 1.")

    @property
    def hyper_parameters(self) -> dict[str, float]:
        return {key: value for key in ("gamma", "mu", "alpha", "beta") if (value := getattr(self, key)) is not None}

    @classmethod
    def from_yaml(cls, block: dict[str, Any] | None) -> LossConfig:
        """Read the block, or None where the YAML has none.

        Raises:
            ValueError: Not a mapping, unknown key, or a value that is not allowed; with the closest match.
        """
        return cls(**read_block(cls, "loss", block, "cls: gjr"))

    def resolved(self, joint: bool) -> LossConfig:
        """Replace ``auto`` by what the head calls for; ``joint`` says whether it has an objectness branch.

        Raises:
            ValueError: Choices that the head or each other rule out.
        """
        anchors = self.cls_anchors if self.cls_anchors != "auto" else ("foreground" if joint else "all")
        # Nothing would teach such a head what background is.
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
        return CLASS_LOSSES[self.cls](num_classes, **self.hyper_parameters)
