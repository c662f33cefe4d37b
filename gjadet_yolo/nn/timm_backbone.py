"""Any backbone of timm that can give features, as one row of a model YAML.

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
        try:
            self.body = create(name, pretrained=pretrained, **settings)
        except (OSError, ValueError, RuntimeError) as error:
            if not pretrained:
                raise
            raise ValueError(
                f"the weights of timm's '{name}' cannot be loaded: {error} Without a network, use pretrained: false or "
                f"copy them into the cache of huggingface_hub."
            ) from error
        self.channels_last = getattr(self.body, "output_fmt", "NCHW") == "NHWC"  # as swin gives them
        found = self.body.pretrained_cfg if hasattr(self.body, "pretrained_cfg") else self.body.default_cfg
        for key in ("mean", "std"):
            # The host gives images of 0 to 1; timm's weights want them normalised. Mean and deviation are known for RGB
            # only.
            values = torch.tensor(found[key] if c1 == 3 else [float(key == "std")] * c1)
            self.register_buffer(key, values.view(1, -1, 1, 1), persistent=False)

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
