"""Detection head with an objectness branch: score = objectness * class.

GJADet's release (GJADet-crash-pytorch) has box, objectness and class outputs, and its class loss sees matched samples
only. An anchor-free YOLO head has no such output; this one gives it back. Everything else is the host's: both
class-branch styles, DFL or direct distances, one-to-one branch, fusing, export.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn
from ultralytics.nn.modules import Detect

from gjadet_yolo.nn.export_limit import ExportLimit
from gjadet_yolo.nn.row import MANY, Plan, Row


class JointDetect(Detect):
    """YOLO head with boxes, class logits and one objectness logit per anchor.

    YAML row: ``[[15, 18, 21], 1, JointDetect, [nc]]``.

    Args:
        nc: Number of classes.
        reg_max: Bins of the box distribution; 1 predicts distances.
        end2end: Add the one-to-one branch (NMS-free inference).
        legacy: YOLOv8-style class branch instead of the depth-wise one of YOLO11 and YOLO26.
        ch: Channels of each level.
    """

    inputs: ClassVar[range] = range(1, MANY.stop)
    export_limits: ClassVar[tuple[ExportLimit, ...]] = (
        ExportLimit(
            "has an objectness branch, which Ultralytics' own decoder for that format leaves out",
            "Use format=onnx, openvino or torchscript, or train a YAML with the head Detect, such as gjadetn.yaml.",
            formats=frozenset({"imx"}),
        ),
    )

    def __init__(
        self,
        nc: int = 80,
        reg_max: int = 16,
        end2end: bool | None = False,
        legacy: bool = False,
        ch: Sequence[int] = (),
    ) -> None:
        self.legacy = legacy  # the host's constructor chooses the class branch by it
        super().__init__(nc, reg_max, bool(end2end), tuple(ch))
        # A branch of its own: one more output channel of the class convolution would compute the same, but have the
        # shape of no pretrained head. Without it every background anchor pushes the rare classes down.
        self.obj = nn.ModuleList(nn.Conv2d(branch[-1].in_channels, 1, 1) for branch in self.cv3)
        if end2end:
            self.one2one_obj = copy.deepcopy(self.obj)

    def fit_objectness(self, source: nn.Module | None = None) -> None:
        """Make the objectness branch as wide as the class branch, with the weights of a head where they fit."""
        for name, branches in (("obj", self.cv3), ("one2one_obj", getattr(self, "one2one_cv3", None))):
            if branches is None:
                continue
            # The host widens the class branch when it loads weights of more classes, not this one.
            widths = [branch[-1].in_channels for branch in branches]
            if widths == [obj.in_channels for obj in getattr(self, name)]:
                continue
            weight = branches[0][-1].weight
            new = nn.ModuleList(nn.Conv2d(width, 1, 1) for width in widths).to(weight.device, weight.dtype)
            self.objectness_prior(new)
            given = getattr(source, name, None)
            if given is not None and widths == [obj.in_channels for obj in given]:
                new.load_state_dict(given.state_dict())
            setattr(self, name, new)

    def objectness_prior(self, obj_head: nn.ModuleList) -> None:
        """Set biases to the share of anchors of a level that hold a target."""
        for obj, stride in zip(obj_head, self.stride, strict=True):
            # As the host's bias_init counts it: 5 targets in an image of 640 px, which has (640 / stride)^2 anchors on
            # the level.
            nn.init.constant_(obj.bias, math.log(5 / (640 / float(stride)) ** 2))

    @classmethod
    def plan(cls, row: Row) -> Plan:
        if len(row.args) != 1 or not isinstance(row.args[0], int) or row.args[0] < 1:
            raise TypeError(f"takes one argument, the number of classes, found {list(row.args)}")
        # The parser gives what it gives to the host's Detect; only the number of classes stands in the row.
        head = row.head
        args = (row.args[0], head.get("reg_max", 16), head.get("end2end"), head.get("legacy", False), row.channels)
        return Plan(args, row.channels[0])

    @property
    def one2many(self) -> dict[str, nn.Module]:
        return {**super().one2many, "obj_head": self.obj}

    @property
    def one2one(self) -> dict[str, nn.Module]:
        return {**super().one2one, "obj_head": self.one2one_obj}

    def forward_head(
        self,
        x: list[torch.Tensor],
        box_head: nn.Module | None = None,
        cls_head: nn.Module | None = None,
        obj_head: nn.Module | None = None,
    ) -> dict[str, torch.Tensor]:
        """Raw outputs of one branch for A anchors on levels (B, C_l, H_l, W_l); empty where fusing has dropped it.

        Returns:
            ``boxes`` (B, 4 * reg_max, A), class logits ``scores`` (B, nc, A), objectness logits ``obj`` (B, 1, A),
            ``feats``.
        """
        if box_head is None or cls_head is None or obj_head is None:
            return {}
        boxes, scores, objectness = [], [], []
        for level, box, cls, obj in zip(x, box_head, cls_head, obj_head, strict=True):
            hidden = cls[1](cls[0](level))  # shared with the objectness, which then costs one 1x1 convolution
            boxes.append(box(level).flatten(2))
            scores.append(cls[2](hidden).flatten(2))
            objectness.append(obj(hidden).flatten(2))
        return {
            "boxes": torch.cat(boxes, 2),
            "scores": torch.cat(scores, 2),
            "obj": torch.cat(objectness, 2),
            "feats": x,
        }

    def _inference(self, x: dict[str, torch.Tensor]) -> torch.Tensor:
        """Decoded boxes and joint scores, (B, 4 + nc, A)."""
        return torch.cat((self._get_decode_boxes(x), x["scores"].sigmoid() * x["obj"].sigmoid()), 1)

    def bias_init(self) -> None:
        """Host's box bias; objectness starts at the host's prior, classes at 1 / nc, or 1/2 for one class or two."""
        super().bias_init()
        for heads in (self.one2many, self.one2one) if getattr(self, "one2one_obj", None) else (self.one2many,):
            self.objectness_prior(heads["obj_head"])
            for cls in heads["cls_head"]:
                # The joint score then starts where the host's class score does.
                nn.init.constant_(cls[-1].bias, -math.log(max(self.nc, 2) - 1))

    def fuse(self) -> None:
        super().fuse()
        # The host has dropped the branch that inference does not use; its objectness goes with it.
        if self.cv3 is None:
            self.obj = None
        elif getattr(self, "one2one_cv3", None) is None:
            self.one2one_obj = None
