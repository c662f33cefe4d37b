"""Modules that a model YAML can name; the list is what the plugin registers with the host."""

from gjadet_yolo.nn.adaptive import AdaptiveModule, ScaleAttention, SpatialAttention, TaskAttention
from gjadet_yolo.nn.joint_detect import JointDetect

MODULES = (AdaptiveModule, JointDetect)
"""Classes that a YAML row can name."""

PARTS = (SpatialAttention, ScaleAttention, TaskAttention)
"""Classes inside them that a checkpoint holds too."""

__all__ = ["MODULES", "PARTS", "AdaptiveModule", "JointDetect", "ScaleAttention", "SpatialAttention", "TaskAttention"]
