"""What a model YAML row means: the facts that a plugin module gets from the parser, and its answer.

Each module states its rule as a classmethod ``plan(row) -> Plan``, and its numbers of inputs as ``inputs``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

# Numbers of inputs that necks and heads accept.
MANY = range(2, 9)


@dataclass(frozen=True)
class Row:
    """One row of a model YAML, as the parser sees it.

    Attributes:
        index: Layer number.
        channels: Channels of each input, in the order of ``from``; of an input with several outputs, the last one's.
        args: YAML arguments, names such as ``nc`` already replaced by their values.
        repeats: Number of repeats after depth scaling.
        width: Width multiple of the scale.
        max_channels: Channel limit of the scale, before the width multiple.
        head: Settings of detection heads: ``reg_max``, ``end2end`` and ``legacy`` (YOLOv8-style class branch).
        levels: Channels of each output of an input with several; else empty.
        scale: Letter of the scale; empty where the YAML has no scales.
    """

    index: int
    channels: tuple[int, ...]
    args: tuple[Any, ...] = ()
    repeats: int = 1
    width: float = 1.0
    max_channels: float = math.inf
    head: dict[str, Any] = field(default_factory=dict)
    levels: tuple[int, ...] = ()
    scale: str = ""

    def scaled(self, channels: int) -> int:
        """Channels after the scale's limit and width, rounded up to a multiple of 8, as the host does it."""
        return math.ceil(min(channels, self.max_channels) * self.width / 8) * 8


@dataclass(frozen=True)
class Plan:
    """How to build the module of a row.

    Attributes:
        args: Constructor arguments.
        c_out: Channels of the output; for heads, which nothing follows, any number.
        repeats: How many copies the parser chains; 1 where the module repeats inside.
        levels: Channels of each output of a module with several; else empty.
    """

    args: tuple[Any, ...]
    c_out: int
    repeats: int = 1
    levels: tuple[int, ...] = ()

    @classmethod
    def of_levels(cls, args: tuple[Any, ...], levels: Sequence[int]) -> Plan:
        """Plan of a module that returns a list of levels."""
        # The host keeps one number of channels per row: it gets the last, and ``Level`` rows ask for the others.
        return cls(args, levels[-1], levels=tuple(levels))


@runtime_checkable
class PluginModule(Protocol):
    """What the parser asks of a registered class."""

    inputs: ClassVar[range]

    @classmethod
    def plan(cls, row: Row) -> Plan: ...
