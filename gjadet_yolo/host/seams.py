"""How attributes and classes of the host are replaced.

Attributes of one host module are replaced together or not at all. A half-connected host would be worse than a stock
one: it would find the files of this package and then train them without their losses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

Base = TypeVar("Base")


@dataclass(frozen=True)
class Seam:
    """One attribute of the host, and the function that makes its new value from the present one."""

    owner: Any  # module or class
    name: str
    wrap: Callable[[Any], Any]  # given the property or classmethod object itself, where the attribute is one


def hold(seams: Iterable[Seam]) -> None:
    """Wrap all attributes, or none: if anything goes wrong, the host is left as it was.

    Raises:
        AttributeError: The host has no such attribute; names it.
    """
    # all wrapping first, so that most failures come before anything is set
    wrapped = [(seam.owner, seam.name, seam.wrap(present(seam.owner, seam.name))) for seam in seams]
    with ExitStack() as undo:
        for owner, name, value in wrapped:
            undo.callback(restore, owner, name, vars(owner).get(name), name in vars(owner))
            setattr(owner, name, value)
        undo.pop_all()  # nothing went wrong, so nothing is taken back


def present(owner: Any, name: str) -> Any:
    """An attribute as its owner or a base class states it, without binding it.

    Raises:
        AttributeError: There is none.
    """
    # not getattr, which would also look in the metaclass, where every class has a __call__
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


def as_subclass(instance: Base, cls: type[Base]) -> Any:
    """Turn a data set that the host has built into one of our subclass, in place, without its attributes."""
    # build_yolo_dataset chooses the class itself and takes none. Its call of the constructor is no interface to repeat:
    # 8.4.130 and 8.4.190 differ in it (hyp, fraction), and a copy would silently drop arguments that a later host adds.
    instance.__class__ = cls
    return instance
