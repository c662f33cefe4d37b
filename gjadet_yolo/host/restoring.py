"""``restore=off``: prediction, validation or export of a model with a restorer by its detector alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gjadet_yolo.messages import shown

RESTORE = "restore"
"""Argument of the host's commands that this package adds."""

WORDS = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}


def wants_restoring(args: Any) -> bool:
    """Whether the host's arguments leave the restorer on.

    Raises:
        ValueError: Another value than on and off.
    """
    value = getattr(args, RESTORE, None)
    if value is None:
        return True
    if str(value).lower() not in WORDS:
        raise ValueError(f"restore is {shown(value)}, allowed: on and off.")
    return WORDS[str(value).lower()]


@contextmanager
def restoring(model: Any, args: Any) -> Iterator[None]:
    """Switch the restorer of a model as the host's arguments say while the block runs.

    Args:
        model: A model, or the host's wrapper of one; others, such as stock models, have no restorer and stay.
        args: The host's.

    Raises:
        ValueError: ``restore=off`` for an export, whose graph holds the restorer.
    """
    on = wants_restoring(args)
    if not on and getattr(model, "format", "pt") != "pt":
        raise ValueError(
            f"restore=off: this {model.format} model was exported with what is in it. Export the checkpoint with "
            f"restore=off, and leave it out here."
        )
    inner = next((one for one in (model, getattr(model, "model", None)) if hasattr(one, "restoring")), None)
    if inner is None or on == inner.restoring:
        yield
        return
    before, inner.restoring = inner.restoring, on
    try:
        yield
    finally:
        inner.restoring = before
