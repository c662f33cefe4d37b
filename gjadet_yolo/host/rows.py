"""The shape that a model YAML must have before its rows can mean anything. Needs neither torch nor the host."""

from __future__ import annotations

from typing import Any

from gjadet_yolo.messages import bare, is_number, shown

EXPECTED = "expected rows [from, repeats, module, [arguments]]"
TITLE = "Model YAML"  # begins every message about one
MOST_REPEATS = 1000  # the host would build any number, until memory ends
MOST_VALUES = 100_000  # under one key; aliases of aliases hold 10^9


def check_shape(model: Any) -> None:
    """Check that the content of a model YAML has its two lists of rows.

    Raises:
        ValueError: It is no mapping, a list is missing or no list, or a row is no row.
    """
    if not isinstance(model, dict):
        raise ValueError(f"Model YAML is {shown(model)}, expected keys and values with 'backbone' and 'head'.")
    where = title(model)
    if endless := [key for key, value in model.items() if is_endless(value)]:
        raise ValueError(f"{where}: {bare(endless[0])} holds itself, or more than {MOST_VALUES:,} values.")
    missing = [key for key in ("backbone", "head") if key not in model]
    if missing:
        raise ValueError(f"{where} has no {' and no '.join(map(repr, missing))}: {EXPECTED} under each.")
    for key in ("backbone", "head"):
        if not isinstance(model[key], (list, tuple)) or (key == "backbone" and not model[key]):
            raise ValueError(f"{where}: {key} is {shown(model[key])}, {EXPECTED}.")
    for index, row in enumerate([*model["backbone"], *model["head"]]):
        check_row(row, index, where)


def check_row(row: Any, index: int, where: str) -> None:
    """Check that a row has four entries, and its number of repeats."""
    if not isinstance(row, (list, tuple)) or len(row) != 4 or not isinstance(row[3], (list, tuple)):
        raise ValueError(f"{where} row {index} is {shown(row)}, expected [from, repeats, module, [arguments]].")
    repeats = row[1]  # the host multiplies it by the depth and builds so many
    if not isinstance(repeats, bool) and (not is_number(repeats) or repeats > MOST_REPEATS):
        raise ValueError(
            f"{where} row {index} [{bare(row[0])}, ..., {bare(row[2])}, ...]: repeats are {shown(repeats)}, "
            f"expected a whole number from 1 to {MOST_REPEATS}."
        )


def title(model: dict[str, Any]) -> str:
    """How messages call a model YAML: with its file, where that is known."""
    file = model.get("yaml_file")
    return f"{TITLE} {file}" if file else TITLE


def describe(model: dict[str, Any], index: int, row: tuple[Any, Any, Any, Any]) -> str:
    """A row as the user wrote it, for error messages."""
    return f"{title(model)} row {index} [{', '.join(map(bare, row))}]"


def is_endless(value: Any) -> bool:
    """Whether a value holds itself, or so many values that the host, which copies and prints them, would not end."""
    pending, count = [value], 0
    while pending and count <= MOST_VALUES:
        item, count = pending.pop(), count + 1
        pending.extend(item.values() if isinstance(item, dict) else item if isinstance(item, (list, tuple)) else ())
    return bool(pending)
