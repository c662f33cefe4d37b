"""What modules hand to the loss beside their outputs: the ``aux`` mapping of one forward pass.

A module in the middle of a network returns features to the next row; what only a loss or a picture wants (attention
maps) takes this way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Aux = dict[str, list[Any]]
"""What the modules of a network gave under each name, in the order of their rows."""

# Nothing stays on a module, so that copies and checkpoints never hold a pass's graph; a context variable, so that
# threads never see each other's.
_open: ContextVar[Aux | None] = ContextVar("aux", default=None)


@contextmanager
def collecting() -> Iterator[Aux]:
    """Collect what modules give while the block runs."""
    aux: Aux = {}
    token = _open.set(aux)
    try:
        yield aux
    finally:
        _open.reset(token)


def give(name: str, value: Any) -> None:
    aux = _open.get()
    if aux is not None:
        aux.setdefault(name, []).append(value)


def attach(outputs: Any, aux: Aux) -> Any:
    """Put an aux mapping into the raw outputs of a detection head, in place; an empty one leaves them as they are."""
    for branch in raw_branches(outputs) if aux else ():
        branch["aux"] = aux
    return outputs


def aux_of(outputs: Any) -> Aux:
    return next((branch["aux"] for branch in raw_branches(outputs) if "aux" in branch), {})


def raw_branches(outputs: Any) -> list[dict[str, Any]]:
    """Raw outputs of each branch of a head, among what a model returns; empty for an export."""
    # Raw outputs alone in training, behind the predictions in evaluation, missing in an export.
    raw = outputs[1] if isinstance(outputs, tuple) and len(outputs) == 2 else outputs
    if not isinstance(raw, dict):
        return []
    return [raw[name] for name in ("one2many", "one2one") if name in raw] or [raw]
