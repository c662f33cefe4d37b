"""Errors of the host and of torch while a model is built, told as the model YAML's: with its file and its row.

The host takes every value of a row and of the keys above the rows as it is, and fails somewhere inside a constructor
or the first forward pass. Mirrored: the local names ``i`` of ``parse_model`` and ``m`` of ``_predict_once`` in
https://github.com/ultralytics/ultralytics/blob/v8.4.190/ultralytics/nn/tasks.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from gjadet_yolo.host.rows import TITLE, describe, title
from gjadet_yolo.host.status import PluginError
from gjadet_yolo.messages import cut

FAULTS = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, NameError),
    *(RuntimeError, SyntaxError, TypeError, ValueError),
)
"""What values of a wrong type or size end in; missing files, libraries and memory are told as they are."""

PLAIN = (RuntimeError, ValueError)  # their messages need no name of the class in front
SAID = 300  # characters of a message; torch lists all its signatures


@contextmanager
def naming_rows(model: dict[str, Any]) -> Iterator[None]:
    """Turn errors in building a model into errors of its YAML.

    Args:
        model: The YAML as a dictionary.

    Raises:
        ValueError: Names the file, the row where it is known, and what the host or torch said.
    """
    try:
        yield
    except FAULTS as error:
        if isinstance(error, PluginError) or (isinstance(error, ValueError) and str(error).startswith(TITLE)):
            raise  # says itself what is wrong
        index = row_of(error.__traceback__)
        where = title(model) if index is None else describe(model, index, [*model["backbone"], *model["head"]][index])
        text = " ".join(str(error).split())
        kind = "" if text and type(error) in PLAIN else f"{type(error).__name__}: "
        raise ValueError(f"{where} cannot be built: {kind}{cut(text, SAID)}") from error


def row_of(trace: TracebackType | None) -> int | None:
    """The row that was being built, or run, when an error was raised; None outside of the rows."""
    found = None
    while trace:
        name, local = trace.tb_frame.f_code.co_name, trace.tb_frame.f_locals
        if name == "parse_model" and isinstance(local.get("i"), int):
            found = local["i"]
        elif name == "_predict_once" and isinstance(getattr(local.get("m"), "i", None), int):
            found = local["m"].i
        trace = trace.tb_next
    return found
