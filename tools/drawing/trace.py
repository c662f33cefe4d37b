"""What a model really is: its rows and the parts inside them, with the shapes that one forward pass shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from gjadet_yolo.engine.model import GjadetModel
from gjadet_yolo.messages import suggestion

# Without the batch: (C, H, W) of a map, (C,) of a vector.
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """A row of a model YAML, or a module inside one.

    Attributes:
        kind: Name of its class.
        plugin: Whether the class is of this package.
        sources: Rows that a row takes its inputs from; empty inside rows.
        inputs: Shapes of its inputs.
        outputs: Shapes of its outputs.
    """

    kind: str
    plugin: bool
    sources: tuple[int, ...]
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]


class Trace(dict[str, Part]):
    """Parts by name: ``"10"`` is row 10, ``"10.cam.join"`` a module inside it, ``"restorer.grid"`` one in front of the
    rows; only what the pass went through.

    Args:
        imgsz: Side of the image in px.
    """

    def __init__(self, imgsz: int) -> None:
        super().__init__()
        self.imgsz = imgsz

    def __missing__(self, name: str) -> Part:
        hint = suggestion(name, sorted(self)).partition(" Allowed")[0]
        raise ValueError(f"the forward pass went through no part '{name}'.{hint} Row numbers end at {self.head}.")

    def row_of(self, kind: str) -> str:
        """Name of the only row of a class.

        Raises:
            ValueError: There is none, or there are several.
        """
        found = [name for name, part in self.items() if part.kind == kind and "." not in name]
        if len(found) != 1:
            raise ValueError(f"rows of class {kind}: {', '.join(found) or 'none'}, expected one.")
        return found[0]

    @property
    def head(self) -> str:
        """Name of the last row."""
        return str(max(int(name) for name in self if "." not in name))

    def stride(self, shape: Shape) -> int:
        """Image px per position of a map (C, H, W)."""
        return self.imgsz // shape[1]


def shapes(value: Any) -> Iterator[Shape]:
    """Shapes of all tensors of a nested value, without the batch."""
    if isinstance(value, torch.Tensor):
        yield tuple(value.shape[1:])
    elif isinstance(value, Mapping):
        yield from shapes(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from shapes(one)


def trace(name: str, imgsz: int = 640, nc: int = 5) -> Trace:
    """Build a model and send one empty image through it.

    Args:
        name: Model YAML, e.g. ``sspnetn.yaml``.
        imgsz: Side of the image in px, a multiple of 32.
        nc: Number of classes.
    """
    model = GjadetModel(name, nc=nc, verbose=False).eval()
    found = Trace(imgsz)

    def record(name: str) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
        def hook(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            own = type(module).__module__.startswith("gjadet_yolo.")
            found[name] = Part(
                type(module).__name__, own, sources(module), tuple(shapes(inputs)), tuple(shapes(output))
            )

        return hook

    # hooks and not the YAML: what is drawn has then been computed
    parts = [*model.model.named_modules(), *restoring_parts(model), *crux_parts(model)]
    hooks = [part.register_forward_hook(record(name)) for name, part in parts if name]
    with torch.no_grad():
        model(torch.zeros(1, 3, imgsz, imgsz))
    for hook in hooks:
        hook.remove()
    return found


def restoring_parts(model: GjadetModel) -> list[tuple[str, nn.Module]]:
    """Parts of a restorer by name; none where the model has none."""
    inner = model.front.named_modules() if model.front is not None else ()
    return [(f"restorer.{name}", part) for name, part in inner if name]


def crux_parts(model: GjadetModel) -> list[tuple[str, nn.Module]]:
    """Parts of the learners of cruxes by name; none where the model has none."""
    inner = model.crux.named_modules() if hasattr(model, "crux") else ()
    return [(f"crux.{name}", part) for name, part in inner if name]


def sources(module: nn.Module) -> tuple[int, ...]:
    """Rows that a row takes its inputs from, as row numbers; empty for modules inside rows."""
    if not hasattr(module, "f"):
        return ()
    rows = [module.f] if isinstance(module.f, int) else module.f
    return tuple(module.i + row if row < 0 else row for row in rows)
