"""Replacing of host attributes: all that belong to one host module, or none of them.

A half-connected host would be worse than a stock one: it would find the files of this package and then train them
without their losses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Seam:
    """One attribute of the host that is wrapped.

    Attributes:
        owner: Module or class that has it.
        name: Its name there.
        wrap: Makes the new value from the present one, which is a property or classmethod object where the host has
            one.
    """

    owner: Any
    name: str
    wrap: Callable[[Any], Any]


def hold(seams: Iterable[Seam]) -> None:
    """Wrap all attributes, or none: whatever goes wrong on the way, the host is left as it was.

    Raises:
        AttributeError: The host has no such attribute; names it.
    """
    wrapped = [(seam.owner, seam.name, seam.wrap(present(seam.owner, seam.name))) for seam in seams]
    with ExitStack() as undo:
        for owner, name, value in wrapped:
            undo.callback(restore, owner, name, vars(owner).get(name), name in vars(owner))
            setattr(owner, name, value)
        undo.pop_all()  # nothing went wrong, so nothing is taken back


def present(owner: Any, name: str) -> Any:
    """An attribute as its owner or a base class states it, without binding it.

    Raises:
        AttributeError: There is none. A metaclass's does not count: every class would have ``__call__``.
    """
    for space in getattr(owner, "__mro__", (owner,)):
        if name in vars(space):
            return vars(space)[name]
    raise AttributeError(f"{getattr(owner, '__name__', owner)} has no '{name}'")


def restore(owner: Any, name: str, value: Any, own: bool) -> None:
    """Give an attribute its earlier value back; one that was inherited is inherited again."""
    if own:
        setattr(owner, name, value)
    elif name in vars(owner):
        delattr(owner, name)
