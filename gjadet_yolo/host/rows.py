"""The shape that a model YAML must have before its rows can mean anything. Needs neither torch nor the host."""

from __future__ import annotations

from typing import Any

from gjadet_yolo.messages import is_number

EXPECTED = "expected rows [from, repeats, module, [arguments]]"
MOST_REPEATS = 1000  # the host would build any number, until memory ends


def check_shape(model: Any) -> None:
    """Check that the content of a model YAML has its two lists of rows.

    Raises:
        ValueError: It is no mapping, a list is missing or no list, or a row is no row.
    """
    if not isinstance(model, dict):
        raise ValueError(f"Model YAML is {shown(model)}, expected keys and values with 'backbone' and 'head'.")
    where = title(model)
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
            f"{where} row {index} [{row[0]}, ..., {row[2]}, ...]: repeats are {shown(repeats)}, "
            f"expected a whole number from 1 to {MOST_REPEATS}."
        )


def title(model: dict[str, Any]) -> str:
    file = model.get("yaml_file")  # the host adds it to what it reads
    return f"Model YAML {file}" if file else "Model YAML"


def describe(model: dict[str, Any], index: int, row: tuple[Any, Any, Any, Any]) -> str:
    """A row as the user wrote it, for error messages."""
    source, repeats, name, args = row
    return f"{title(model)} row {index} [{source}, {repeats}, {name}, {list(args)}]"


def shown(value: Any, limit: int = 60) -> str:
    """A value in a message, shortened."""
    text = "a number of very many digits" if is_huge(value) else repr(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def is_huge(value: Any) -> bool:
    return isinstance(value, int) and value.bit_length() > 128  # beyond 4300 digits Python refuses to print it
