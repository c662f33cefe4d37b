"""Curves as an Excel workbook with charts: sheets summary, charts, bodies and points.

XlsxWriter writes rows as they come, with native charts, and holds one row in memory; openpyxl reads workbooks too,
which nothing here needs, and keeps a whole sheet.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gjadet_yolo.measure.result import Measurement
from gjadet_yolo.report.colours import body_colours
from gjadet_yolo.report.summary import summarise
from gjadet_yolo.report.tables import BODY_COLUMNS, POINT_COLUMNS, body_rows, point_rows
from gjadet_yolo.report.wording import body_name, quality_rows, reading, worded

if TYPE_CHECKING:
    from xlsxwriter import Workbook

MOST_ROWS = 1_048_576  # of a sheet, a limit of Excel
CHARTS = (("Position", "_mm", "mm"), ("Velocity", "_mps", "m/s"), ("Acceleration", "_mps2", "m/s²"))


def write_sheets(path: Path, measurement: Measurement) -> None:
    """Write ``curves.xlsx``.

    Raises:
        ModuleNotFoundError: XlsxWriter is not installed.
        OSError: It cannot be written.
    """
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import FileCreateError

    try:
        fill_book(path, measurement, Workbook)
    except FileCreateError as error:  # the library's own, around that of the system, e.g. of a full disk
        raise error.args[0] from error


def fill_book(path: Path, measurement: Measurement, workbook: type[Workbook]) -> None:
    """Write the sheets."""
    # no text is taken for a formula or a link: names and notes are data
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with workbook(path, options) as book:
        book.set_properties({"title": f"Motion from video {Path(measurement.source.name).name}"})
        bold = book.add_format({"bold": True})
        write_rows(book, "summary", (), summary_rows(measurement), (34, 26, 16, 16, 12, 12))
        charts = book.add_worksheet("charts")
        # by body, then by frame: a chart's curve is one range of cells
        count = len(measurement.reference)
        ordered = list(long_rows(measurement, body_rows))
        write_rows(book, "bodies", BODY_COLUMNS, (r for k in range(count) for r in ordered[k::count]), (9,), bold)
        if measurement.status.size < MOST_ROWS:
            write_rows(book, "points", POINT_COLUMNS, long_rows(measurement, point_rows), (9,), bold)
        else:
            left_out = [(f"{measurement.status.size} rows are more than a sheet holds; they are in points.csv.",)]
            write_rows(book, "points", (), iter(left_out), (9,))
        # Excel takes no chart without a curve
        for row, (title, ending, unit) in enumerate(CHARTS if count else ()):
            for column, axis in enumerate("xy"):
                prefix = {"_mm": "", "_mps": "v", "_mps2": "a"}[ending]
                chart = body_chart(book, measurement, f"{prefix}{axis}{ending}", f"{title} {axis}, {unit}")
                charts.insert_chart(row * 18, column * 9, chart)


def write_rows(
    book: Workbook,
    name: str,
    header: tuple[str, ...],
    rows: Iterator[tuple[Any, ...]],
    widths: tuple[int, ...],
    head: Any = None,
) -> None:
    """Write one sheet row by row; a number that is none leaves its cell empty."""
    sheet = book.add_worksheet(name)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    if header:
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, header, head)
    for number, row in enumerate(rows, bool(header)):
        for column, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(number, column, value)
            elif isinstance(value, (int, float)) and math.isfinite(value):
                sheet.write_number(number, column, value)


def long_rows(
    measurement: Measurement, rows: Callable[[Measurement, int], tuple[list[tuple[int, int, str]], np.ndarray]]
) -> Iterator[tuple[Any, ...]]:
    """Rows of a table frame by frame, as in the CSV file."""
    for frame, time_s in enumerate(measurement.time_s.tolist()):
        heads, values = rows(measurement, frame)
        for head, row in zip(heads, values.tolist(), strict=True):
            yield (frame, time_s, *head, *row)


def summary_rows(measurement: Measurement) -> Iterator[tuple[Any, ...]]:
    """Rows of the first sheet: figures, bodies, quality, notes, settings, where it comes from."""
    yield ("figure", "body", "value", "standard deviation", "unit", "time, s")
    for figure in measurement.figures:
        body = body_name(figure.body, bool(measurement.reference[figure.body])) if figure.body >= 0 else "all"
        yield (worded(figure.name), body, *reading(figure), figure.time_s)
    yield ()
    content = summarise(measurement)
    yield from (("note", note) for note in measurement.notes)
    yield from (("quality", *row) for row in quality_rows(measurement.quality))
    for group in ("source", "model", "settings", "versions"):
        yield ()
        yield (group,)
        for key, value in content[group].items():
            yield (key, value if isinstance(value, (str, float, int)) else json.dumps(value))


def body_chart(book: Workbook, measurement: Measurement, column: str, title: str) -> Any:
    """Chart of one column of sheet ``bodies``, a line for each body."""
    frames, place = len(measurement.time_s), BODY_COLUMNS.index(column)
    chart = book.add_chart({"type": "scatter", "subtype": "straight"})
    for body, colour in enumerate(body_colours(measurement.reference)):
        first, last = 1 + body * frames, (body + 1) * frames
        chart.add_series(
            {
                "name": body_name(body, bool(measurement.reference[body])),
                "categories": ["bodies", first, 1, last, 1],
                "values": ["bodies", first, place, last, place],
                "line": {"color": colour, "width": 1.5},
            }
        )
    chart.set_title({"name": title, "name_font": {"size": 12}})
    chart.set_x_axis({"name": "time, s", "label_position": "low", "major_gridlines": {"visible": True}})
    chart.set_y_axis({"num_format": "General"})
    chart.set_size({"width": 560, "height": 340})
    chart.show_blanks_as("gap")
    return chart
