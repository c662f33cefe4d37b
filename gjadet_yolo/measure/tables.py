"""Small tables of numbers that users write: CSV with a header, or YAML with a mapping for each row."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import yaml

from gjadet_yolo.data.formats.content import read_text
from gjadet_yolo.messages import bare, shown, suggestion

YAML = (".yaml", ".yml")
DELIMITERS = ",;\t"


def read_numbers(file: Path, columns: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Columns of a table, (N, len(columns)), and where each row stands, as a message says it; others are ignored.

    Raises:
        OSError: The file cannot be read.
        ValueError: A column is missing, or a value is no finite number. Names file and line.
    """
    text = text_of(file)
    rows = yaml_rows(file, text) if file.suffix.lower() in YAML else csv_rows(file, text, columns)
    table, places = [], []
    for place, row in rows:
        table.append([number(f"{file}, {place}", row, name) for name in columns])
        places.append(place)
    if not table:
        raise ValueError(f"{file} holds no rows. Expected the columns {', '.join(columns)} and a row for each point.")
    return np.array(table, float).reshape(-1, len(columns)), places


def text_of(file: Path) -> str:
    """Content of a text file.

    Raises:
        OSError: It cannot be read; ``FileNotFoundError`` where there is none.
        ValueError: It is not UTF-8.
    """
    try:
        return read_text(file)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{file} does not exist. Is the name right, and the folder?") from error
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{file} is not UTF-8 text ({error.reason} at byte {error.start}). Save it as UTF-8."
        ) from error


def csv_rows(file: Path, text: str, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, object]]]:
    """Rows of a CSV file with the line that each is in; comma, semicolon or tab between values."""
    head = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    names = [name.strip() for name in next(reader, [])]
    for name in columns:
        if name not in names:
            raise ValueError(
                f"{file}, line 1: there is no column '{name}', found: {bare(', '.join(names)) or 'nothing'}. Expected "
                f"the columns {', '.join(columns)}."
            )
        if names.count(name) > 1:
            raise ValueError(f"{file}, line 1: the column '{name}' is there twice. Remove one.")
    for values in reader:
        if any(value.strip() for value in values):
            yield f"line {reader.line_num}", dict(zip(names, values, strict=False))


def yaml_rows(file: Path, text: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Rows of a YAML file: a list of mappings, alone or under ``points``."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{file} is no YAML: {one_line(error)}") from error
    rows = content.get("points") if isinstance(content, dict) else content
    if not isinstance(rows, list):
        raise ValueError(f"{file} holds {shown(content)}, expected a list of points, each with its keys.")
    for index, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise ValueError(f"{file}, point {index}: it is {shown(row)}, expected keys with numbers.")
        yield f"point {index}", row


def one_line(error: Exception) -> str:
    """Message of an error that is set in several lines."""
    return " ".join(str(error).split())


def number(where: str, row: dict[str, object], name: str) -> float:
    """A finite number of a row.

    Raises:
        ValueError: There is none.
    """
    if name not in row:
        found = [str(key) for key in row]
        raise ValueError(f"{where}: there is no {name}.{suggestion(name, found)}")
    value = row[name]
    try:
        result = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        result = float("nan")
    if not math.isfinite(result):
        raise ValueError(f"{where}: {name} is {shown(value)}, allowed: a finite number with a decimal point.")
    return result
