"""Tables of an evaluation as CSV files and one workbook; made of the mapping that ``evaluation.json`` holds."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FIGURES = ("AP", "AP50", "AP75", "recall")
Table = tuple[Sequence[str], Sequence[Sequence[Any]]]


def tables(content: Mapping[str, Any], mistakes: Sequence[Mapping[str, Any]]) -> dict[str, Table]:
    """Header and rows by name; what is not known is None."""
    names = list(content["class_objects"])
    labels = [*names, "(nothing)"]
    found = {
        "figures": figures(content),
        "curves": curves(content),
        "thresholds": listed(content["thresholds"]),
        "calibration": per_model(content, "calibration"),
        "costs": per_model(content, "costs"),
        "classes": (("class", "judged", "training"), [(k, *v.values()) for k, v in content["class_objects"].items()]),
        "confusion": (
            ("object / detection", *labels),
            [(label, *row) for label, row in zip(labels, content["confusion"], strict=True)],
        ),
        "pictures": listed(content["pictures"]),
        "mistakes": listed([{k: v for k, v in row.items() if k != "index"} for row in mistakes]),
    }
    if content.get("degraded"):
        found["degraded"] = listed(content["degraded"])
    return found


def listed(rows: Sequence[Mapping[str, Any]]) -> Table:
    """A table of mappings with the same keys."""
    header = tuple(rows[0]) if rows else ()
    return header, [tuple(row[key] for key in header) for row in rows]


def figures(content: Mapping[str, Any]) -> Table:
    """A row for each figure of each class, group and size."""
    rows = [
        {"kind": row["kind"], "name": row["name"], "figure": key, **row[key]}
        for row in content["figures"]
        for key in FIGURES
    ]
    return listed([*rows, {"kind": "all", "name": "all classes", "figure": "ECE", **content["ece"]}])


def curves(content: Mapping[str, Any]) -> Table:
    """Precision at IoU 0.5, a row for each of the 101 recalls and a column for each class and model."""
    models = content["models"]
    columns = [(name, model) for model in range(len(models)) for name in content["curves"][model]]
    header = ["recall", *(name if len(models) == 1 else f"{name} ({models[model]})" for name, model in columns)]
    values = [content["curves"][model][name] for name, model in columns]
    return header, [(recall, *row) for recall, *row in zip(content["recalls"], *values, strict=True)]


def per_model(content: Mapping[str, Any], key: str) -> Table:
    models = zip(content["models"], content[key], strict=True)
    return listed([{"model": model, **row} for model, rows in models for row in rows])


def write_csv(folder: Path, content: Mapping[str, Table]) -> None:
    """A file for each table."""
    for name, (header, rows) in content.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)


def write_workbook(path: Path, content: Mapping[str, Table]) -> None:
    """A sheet for each table.

    Raises:
        ModuleNotFoundError: xlsxwriter is not installed.
    """
    import xlsxwriter

    # names of classes and files are texts, also those that begin as formulas or addresses do
    options = {"strings_to_formulas": False, "strings_to_urls": False, "constant_memory": True}
    with xlsxwriter.Workbook(str(path), options) as book:
        bold = book.add_format({"bold": True})
        for name, (header, rows) in content.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, header, bold)
            for number, row in enumerate(rows, 1):
                sheet.write_row(number, 0, row)
