"""Any backbone of timm that can give features, as one row of a model YAML, or as a row for each of its stages.

Source: https://huggingface.co/docs/timm/feature_extraction. ``pip install 'gjadet-yolo[timm]'`` brings the library.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any, ClassVar

import torch
from torch import nn

from gjadet_yolo.messages import shown, suggestion
from gjadet_yolo.nn.row import Plan, Row

STRIDES = (8, 16, 32)


def library() -> ModuleType:
    # An extra, imported when it is first needed; the host's parser reports a ValueError with the row.
    try:
        import timm
    except ModuleNotFoundError as error:
        raise ValueError("TimmBackbone needs timm. Run: pip install 'gjadet-yolo[timm]'") from error
    return timm


def create(name: str, **settings: Any) -> nn.Module:
    """Backbone of timm that returns features."""
    settings |= {"features_only": True}
    try:
        # Models with a fixed image size, such as transformers, are told to take any.
        return library().create_model(name, strict_img_size=False, **settings)
    except TypeError:  # convolutional models do not know the argument
        return library().create_model(name, **settings)


def dry_run(name: str) -> nn.Module:
    """The backbone without memory, to read channels and strides from.

    Raises:
        ValueError: Unknown name, with the closest ones, or a model that gives no features.
    """
    timm = library()
    if not isinstance(name, str) or not timm.is_model(name):
        known = timm.list_models()
        hint = suggestion(str(name), known).partition(" Allowed")[0]
        raise ValueError(
            f"timm has no model {shown(name)}.{hint} "
            f"All {len(known)}: python -c 'import timm; print(timm.list_models())'"
        )
    try:
        with torch.device("meta"):
            return create(name)
    except (RuntimeError, AttributeError, NotImplementedError, ValueError) as error:
        raise ValueError(f"timm's model '{name}' gives no features: {error}") from error


def stages(name: str, strides: Sequence[int]) -> tuple[list[int], list[int]]:
    """Which outputs of a backbone have the strides, and their channels.

    Raises:
        ValueError: A stride that the backbone does not have; names those it has.
    """
    info = dry_run(name).feature_info
    found = info.reduction()
    for stride in strides:
        if stride not in found:
            raise ValueError(
                f"timm's model '{name}' has no level of stride {stride}. It has: {', '.join(map(str, found))}."
            )
    # of several outputs with one stride the deepest, whose features have gone through most layers
    picked = [len(found) - 1 - found[::-1].index(stride) for stride in strides]
    return [info.out_indices[index] for index in picked], [info.channels()[index] for index in picked]


def of_scale(name: Any, scale: str) -> Any:
    """Name of a model, out of a mapping by scale where it is one.

    Raises:
        ValueError: The mapping has no such scale.
    """
    if not isinstance(name, dict):
        return name
    if scale not in name:
        listed = ", ".join(map(str, name))
        raise ValueError(f"its names are for the scales {listed}, and the scale is {shown(scale)}. Add it.")
    return name[scale]


def keep_normalisation(module: nn.Module, body: nn.Module, channels: int) -> None:
    """Give a module the mean and deviation, as buffers, that a timm model wants images normalised by."""
    found = body.pretrained_cfg if hasattr(body, "pretrained_cfg") else body.default_cfg
    for key in ("mean", "std"):
        # The host gives images of 0 to 1. Mean and deviation are known for RGB only.
        values = torch.tensor(found[key] if channels == 3 else [float(key == "std")] * channels)
        module.register_buffer(key, values.view(1, -1, 1, 1), persistent=False)


def create_loaded(name: str, pretrained: bool, **settings: Any) -> nn.Module:
    """Backbone of timm, with its weights where asked for.

    Raises:
        ValueError: The weights cannot be loaded.
    """
    try:
        return create(name, pretrained=pretrained, **settings)
    except (OSError, ValueError, RuntimeError) as error:
        if not pretrained:
            raise
        raise ValueError(
            f"the weights of timm's '{name}' cannot be loaded: {error} Without a network, use pretrained: false or "
            f"copy them into the cache of huggingface_hub."
        ) from error


class TimmBackbone(nn.Module):
    """Features of a timm model at the given strides; ``Level`` rows pick one each.

    YAML rows: ``[-1, 1, TimmBackbone, [resnet50]]`` as the first row, then ``[0, 1, Level, [0]]`` and so on. Further
    arguments: ``pretrained`` (false by default, which needs no network) and ``strides`` (``[8, 16, 32]``). The name may
    differ by scale: ``[{n: efficientvit_b0, s: efficientvit_b1}]``.

    Raises:
        ValueError: timm is missing, an unknown model, a stride it does not have, or weights that cannot be loaded.
    """

    inputs: ClassVar[range] = range(1, 2)

    def __init__(self, c1: int, name: str, pretrained: bool = False, strides: Sequence[int] = STRIDES) -> None:
        super().__init__()
        indices, _ = stages(name, strides)
        settings = {"in_chans": c1, "out_indices": tuple(indices)}
        self.body = create_loaded(name, pretrained, **settings)
        self.channels_last = getattr(self.body, "output_fmt", "NCHW") == "NHWC"  # as swin gives them
        keep_normalisation(self, self.body, c1)

    @classmethod
    def plan(cls, row: Row) -> Plan:
        if not row.args:
            raise ValueError("it names no model, e.g. [resnet50].")
        name = of_scale(row.args[0], row.scale)
        args = (row.channels[0], name, *row.args[1:])
        strides = row.args[2] if len(row.args) > 2 else STRIDES
        if not isinstance(strides, (list, tuple)) or not strides or list(strides) != sorted(set(strides)):
            found = shown(strides)
            raise ValueError(f"strides are {found}, expected different numbers in rising order, e.g. [8, 16, 32].")
        return Plan.of_levels(args, stages(name, strides)[1])

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Map images (B, c1, H, W) of 0 to 1 to features, each (B, C_i, H / stride_i, W / stride_i)."""
        features = self.body((x - self.mean) / self.std)
        return [level.permute(0, 3, 1, 2).contiguous() for level in features] if self.channels_last else features


def between(body: nn.Module, first: int, last: int) -> tuple[list[str], int]:
    """Names of the layers of a chain behind stride ``first`` up to stride ``last``, and the channels of the last.

    Raises:
        ValueError: The model is no chain of layers, or has no such strides.
    """
    given = getattr(body, "return_layers", {})
    names = [name for name, _ in body.named_children()]
    info = body.feature_info
    # of several layers with one stride the last, as for levels
    ends = {stride: name for name, stride in zip(filter(given.__contains__, names), info.reduction(), strict=False)}
    chained = len(given) == len(info.reduction()) and getattr(body, "output_fmt", "NCHW") == "NCHW"
    if not chained:
        raise ValueError("this model of timm is no chain of layers of maps, and cannot be cut. Use TimmBackbone.")
    for stride in (first, last):
        if stride not in (1, *ends):
            raise ValueError(f"there is no level of stride {stride}. It has: {', '.join(map(str, ends))}.")
    start = names.index(ends[first]) + 1 if first > 1 else 0
    channels = dict(zip(info.reduction(), info.channels(), strict=True))[last]
    return names[start : names.index(ends[last]) + 1], channels


class TimmStage(nn.Module):
    """Layers of a timm model from one stride to another, so that a ``crux:`` block can cut it.

    YAML rows: ``[-1, 1, TimmStage, [resnet50, 1, 4]]`` from the image to stride 4, then ``[-1, 1, TimmStage, [resnet50,
    4, 8]]`` and so on. A further argument is ``pretrained``, false by default. Only chains of layers can be cut, such
    as ResNets; the name may be a mapping by scale.

    Raises:
        ValueError: timm is missing, a model that is unknown or no chain, strides that it does not have, or weights that
            cannot be loaded.
    """

    inputs: ClassVar[range] = range(1, 2)

    def __init__(self, c1: int, name: str, first: int, last: int, pretrained: bool = False) -> None:
        super().__init__()
        settings = {"in_chans": c1} if first == 1 else {}
        body = create_loaded(name, pretrained, **settings)
        self.layers = nn.Sequential()
        for layer in between(body, first, last)[0]:
            self.layers.add_module(layer, getattr(body, layer))
        self.first = first
        if first == 1:
            keep_normalisation(self, body, c1)

    @classmethod
    def plan(cls, row: Row) -> Plan:
        numbers = row.args[1:3]
        if len(numbers) != 2 or any(type(one) is not int for one in numbers) or not 1 <= numbers[0] < numbers[1]:
            raise ValueError(f"its arguments are {list(row.args)}, expected a model and two strides: [resnet50, 4, 8].")
        name = of_scale(row.args[0], row.scale)
        return Plan((row.channels[0], name, *row.args[1:]), between(dry_run(name), *numbers)[1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (B, c1, H, W) of 0 to 1, or features of stride ``first``, to features of stride ``last``."""
        return self.layers((x - self.mean) / self.std if self.first == 1 else x)
