"""Class losses by the name that the ``loss:`` block gives them. A new one joins here; box losses are in ``iou.py``."""

from __future__ import annotations

from torch import nn

from gjadet_yolo.losses.binary import BinaryCrossEntropy
from gjadet_yolo.losses.equalization import EqualizationLoss
from gjadet_yolo.losses.focal import FocalLoss
from gjadet_yolo.losses.gjr import GJRLoss
from gjadet_yolo.losses.quality_focal import QualityFocalLoss

CLASS_LOSSES: dict[str, type[nn.Module]] = {
    "bce": BinaryCrossEntropy,
    "focal": FocalLoss,
    "qfl": QualityFocalLoss,
    "eqlv2": EqualizationLoss,
    "gjr": GJRLoss,
}

LEVELS = {"focal": 4.0}
"""Factors that bring a class loss to the level of the others: focal's positives weigh 1/4 by its alpha."""
