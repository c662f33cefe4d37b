"""Modules that a model YAML can name; the list is what the plugin registers with the host."""

from gjadet_yolo.nn.adaptive import AdaptiveModule, ScaleAttention, SpatialAttention, TaskAttention
from gjadet_yolo.nn.cot import C3CoT, CoT, CoTBottleneck
from gjadet_yolo.nn.crux import CatchUpLearner, CruxBlock, Cruxes, CruxLearner, FeatureFusion
from gjadet_yolo.nn.dyhead import DyHead, DyHeadBlock, ModulatedConv
from gjadet_yolo.nn.joint_detect import JointDetect
from gjadet_yolo.nn.levels import Level
from gjadet_yolo.nn.restore import Detail, Down, FeatureNet, Fusion, GridNet, Guide, Restorer, Up
from gjadet_yolo.nn.sspnet import ContextAttention, ContextPyramid, SSPNeck
from gjadet_yolo.nn.timm_backbone import TimmBackbone, TimmStage
from gjadet_yolo.nn.tpnet import ProngLayer, TPNeck

# Classes that a YAML row can name.
MODULES = (AdaptiveModule, C3CoT, DyHead, JointDetect, Level, SSPNeck, TimmBackbone, TimmStage, TPNeck)

# Classes inside them, which a checkpoint names too: `host/restricted.py` admits both when it loads one.
PARTS = (
    SpatialAttention,
    ScaleAttention,
    TaskAttention,
    DyHeadBlock,
    ModulatedConv,
    ContextAttention,
    ContextPyramid,
    ProngLayer,
    CoT,
    CoTBottleneck,
    Restorer,
    GridNet,
    FeatureNet,
    Guide,
    Fusion,
    Detail,
    Down,
    Up,
    Cruxes,
    CruxLearner,
    CruxBlock,
    CatchUpLearner,
    FeatureFusion,
)

__all__ = ["MODULES", "PARTS", *(cls.__name__ for cls in (*MODULES, *PARTS))]
