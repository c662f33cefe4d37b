"""Modules that a model YAML can name; the list is what the plugin registers with the host."""

from gjadet_yolo.nn.adaptive import AdaptiveModule, ScaleAttention, SpatialAttention, TaskAttention
from gjadet_yolo.nn.dyhead import DyHead, DyHeadBlock, ModulatedConv
from gjadet_yolo.nn.joint_detect import JointDetect
from gjadet_yolo.nn.levels import Level
from gjadet_yolo.nn.sspnet import ContextAttention, ContextPyramid, SSPNeck
from gjadet_yolo.nn.timm_backbone import TimmBackbone
from gjadet_yolo.nn.tpnet import ProngLayer, TPNeck

MODULES = (AdaptiveModule, DyHead, JointDetect, Level, SSPNeck, TimmBackbone, TPNeck)
"""Classes that a YAML row can name."""

PARTS = (
    SpatialAttention,
    ScaleAttention,
    TaskAttention,
    DyHeadBlock,
    ModulatedConv,
    ContextAttention,
    ContextPyramid,
    ProngLayer,
)
"""Classes inside them that a checkpoint holds too."""

__all__ = ["MODULES", "PARTS", *(cls.__name__ for cls in (*MODULES, *PARTS))]
