"""Where a ``crux:`` block cuts a model, and how the fused features get into its layers.

The learners are an attribute of the model and no rows, so that layer numbers, and with them all names of weights, stay
the host's. Shallow and medium layers run twice, for the image and for its crux; then the host's own forward pass runs,
in which the deep layers of the backbone are handed the fused features in the place of the medium ones. Rows of the neck
that take the medium layer get its plain features, as in the release.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from gjadet_yolo.messages import suggestion
from gjadet_yolo.nn.crux import Cruxes, CruxLearner
from gjadet_yolo.recipe.crux import CruxConfig

PROBE_PX = 64  # side of the image that strides and channels are read from


@dataclass(frozen=True)
class LayerShape:
    """What comes out of a layer of the backbone.

    Attributes:
        name: Class of the layer.
        stride: In px; 0 where it gives several outputs.
        channels: Of its output; 0 where it gives several.
        sources: Numbers of the layers that it takes; -1 is the image.
    """

    name: str
    stride: int
    channels: int
    sources: tuple[int, ...]


def sources(layer: nn.Module) -> tuple[int, ...]:
    """Numbers of the layers that a layer takes; -1 is the image."""
    rows = [layer.f] if isinstance(layer.f, int) else layer.f
    return tuple(layer.i + row if row < 0 else row for row in rows)


def outputs_of(layers: Sequence[nn.Module], x: torch.Tensor) -> list[Any]:
    """Outputs of the first layers of a model for images (B, C, H, W)."""
    found: list[Any] = []
    for layer in layers:
        given = [x if index < 0 else found[index] for index in sources(layer)]
        found.append(layer(given if isinstance(layer.f, (list, tuple)) else given[0]))
    return found


def layer_shapes(layers: Sequence[nn.Module], channels: int) -> list[LayerShape]:
    """Shapes of the layers of a backbone for images of so many channels."""
    training = [layer.training for layer in layers]
    for layer in layers:
        layer.eval()  # the probe is no image to take statistics from
    with torch.no_grad():
        outputs = outputs_of(layers, torch.zeros(1, channels, PROBE_PX, PROBE_PX))
    found = []
    for layer, out, mode in zip(layers, outputs, training, strict=True):
        layer.train(mode)
        single = isinstance(out, torch.Tensor) and out.ndim == 4
        shape = (PROBE_PX // out.shape[2], out.shape[1]) if single else (0, 0)
        found.append(LayerShape(type(layer).__name__, *shape, sources(layer)))
    return found


def find_cuts(config: CruxConfig, shapes: Sequence[LayerShape]) -> tuple[int, int]:
    """Numbers of the last shallow and the last medium layer of a backbone.

    Raises:
        ValueError: No such layer or level, a wrong order, or strides that do not double; shows the layers.
    """
    rows = ", ".join(f"{i} {one.name} {one.stride or 'several outputs'}" for i, one in enumerate(shapes))
    rows = f"Layers of the backbone with their strides: {rows}."
    if any(one.name == "TimmBackbone" for one in shapes):
        rows += " TimmStage rows in the place of TimmBackbone can be cut, as in lcp-resnet50.yaml."
    shallow, medium = (cut(key, getattr(config, key), shapes, rows) for key in ("shallow", "medium"))
    named = f"crux: shallow is layer {shallow} and medium is layer {medium}"
    if shallow >= medium:
        raise ValueError(f"{named}, allowed: shallow in front of medium. {rows}")
    if not any(medium in one.sources for one in shapes[medium + 1 :]):
        raise ValueError(f"{named}, and no later layer of the backbone takes what medium gives. {rows}")
    # The catch-up learner halves the size once.
    if shapes[medium].stride != 2 * shapes[shallow].stride:
        strides = f"{shapes[shallow].stride} and {shapes[medium].stride}"
        raise ValueError(f"{named} with strides {strides}, allowed: medium at twice the stride of shallow. {rows}")
    return shallow, medium


def cut(key: str, value: int | str, shapes: Sequence[LayerShape], rows: str) -> int:
    """Number of the layer that a key of the block names; errors as in :func:`find_cuts`."""
    levels = {f"P{one.stride.bit_length() - 1}": index for index, one in enumerate(shapes) if one.stride > 1}
    if isinstance(value, str):
        if value not in levels:  # the last of a stride has gone through most layers, so it stands for the level
            raise ValueError(f"crux: {key} is '{value}'.{suggestion(value, list(levels))} {rows}")
        return levels[value]
    if value >= len(shapes) or not shapes[value].stride:
        raise ValueError(f"crux: {key} is layer {value}, allowed: layers of the backbone with one output. {rows}")
    return value


def build_cruxes(config: CruxConfig, layers: Sequence[nn.Module], channels: int) -> Cruxes:
    """Learners for the layers of a backbone and images of so many channels; errors as in :func:`find_cuts`."""
    shapes = layer_shapes(layers, channels)
    shallow, medium = find_cuts(config, shapes)
    learner = CruxLearner(channels, config.stride, float(config.temperature), float(config.threshold))
    return Cruxes(learner, (shallow, shapes[shallow].channels), (medium, shapes[medium].channels), config.reduce)


def crux_features(cruxes: Cruxes, layers: Sequence[nn.Module], crux: torch.Tensor, catch_up: bool) -> torch.Tensor:
    """Medium features of cruxes (B, C, H, W), with what the catch-up learner adds, or without."""
    outputs = outputs_of(layers[: cruxes.medium + 1], crux)
    medium = outputs[cruxes.medium]
    return medium + cruxes.catch_up(outputs[cruxes.shallow]) if catch_up else medium


@contextmanager
def fused_into(layers: Sequence[nn.Module], backbone: int, cruxes: Cruxes, caught: torch.Tensor) -> Iterator[None]:
    """While the block runs, layers of the backbone behind the medium stage get fused features.

    Args:
        layers: Of the model, the first ``backbone`` of which are its backbone.
        caught: Medium features of the cruxes that have caught up, (B, C, H, W).
    """
    own, fused = threading.get_ident(), []

    def fuse(layer: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...] | None:
        if threading.get_ident() != own:
            return None  # a forward pass of another thread, which has its own
        several = isinstance(layer.f, (list, tuple))
        inputs = list(given[0]) if several else [given[0]]
        for place, source in enumerate(sources(layer)):
            if source == cruxes.medium:
                fused.append(fused[0] if fused else cruxes.fuse(inputs[place], caught))
                inputs[place] = fused[0]
        return (inputs if several else inputs[0],)

    # Hooks for one pass and not for good: those that stay become part of copies and checkpoints.
    with ExitStack() as stack:
        for layer in layers[cruxes.medium + 1 : backbone]:
            if cruxes.medium in sources(layer):
                stack.callback(layer.register_forward_pre_hook(fuse).remove)
        yield
