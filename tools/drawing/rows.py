"""What all drawings share: the levels, the backbone, the head and arrows that follow the rows' sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from drawing.canvas import FAINT, HOST, PLUGIN, Box, Page, Point, text_of
from drawing.trace import Trace

# y of each level by its stride in px.
Heights = Mapping[int, float]


def level_names(page: Page, heights: Heights) -> None:
    """Write the name of each level at the left edge: P3 and its stride."""
    for stride, y in heights.items():
        page.text((8, y - 7), f"P{stride.bit_length() - 1}", 13, "bold", FAINT, "left")
        page.text((8, y + 8), f"/{stride}", 11, colour=FAINT, align="left")


def row_box(page: Page, trace: Trace, number: int, at: Point, size: Point = (104, 42)) -> Box:
    """Draw a row: its number, its class and the shape of its output."""
    return page.part(at, f"{number} {trace[str(number)].kind}", trace[str(number)], size)


def backbone(page: Page, trace: Trace, rows: Sequence[int], x: float, heights: Heights) -> dict[int, Box]:
    """Draw the rows of the backbone that a neck reads, fine to coarse, each at its level.

    Returns:
        Boxes by row number.
    """
    boxes = {}
    for row in rows:
        shape = trace[str(row)].outputs[0]
        boxes[row] = row_box(page, trace, row, (x, heights[trace.stride(shape)]), (96, 42))
    for lower, upper in pairwise(rows):
        between = [f"{row} {trace[str(row)].kind}" for row in range(lower + 1, upper)]
        page.arrow([boxes[lower].top(), boxes[upper].bottom()], FAINT)
        page.text((x, (boxes[lower].y + boxes[upper].y) / 2), ", ".join(between), 9.5, colour=FAINT, clear=True)
    first = boxes[rows[0]]
    page.arrow([(x, first.y + 50), first.bottom()], FAINT)
    page.text((x, first.y + 57), f"image {text_of(trace['0'].inputs[0])}", 9.5, colour=FAINT)
    page.text((x, first.y + 69), f"rows 0 to {rows[0] - 1}", 9.5, colour=FAINT)
    return boxes


def head(page: Page, trace: Trace, x: float, heights: Heights, width: float = 84) -> Box:
    """Draw the last row as one box over all levels, with the number of predictions."""
    part = trace[trace.head]
    low, high = min(heights.values()), max(heights.values())
    lines = (f"{trace.head} {part.kind}", "boxes,", "scores", text_of(part.outputs[0]))
    size = (width, high - low + 42)
    return page.box((x, (low + high) / 2), lines, size, PLUGIN if part.plugin else HOST)


def picked(page: Page, trace: Trace, outputs: Sequence[Box], x: float, last: Box, heights: Heights) -> None:
    """Draw the rows that pick the outputs of a neck, between it and the head, each at the level of its shape."""
    at = {output.y: output for output in outputs}
    for number in trace[trace.head].sources:
        output = at[heights[trace.stride(trace[str(number)].outputs[0])]]
        box = row_box(page, trace, number, (x, output.y), (84, 42))
        page.arrow([output.right, box.left])
        page.arrow([box.right, (last.left[0], box.y)])


def connect(page: Page, trace: Trace, boxes: Mapping[int, Box]) -> None:
    """Draw an arrow to every drawn row from each of its sources that is drawn: along a level or a column, or around one
    corner.
    """
    for number, box in boxes.items():
        for source in trace[str(number)].sources:
            if source not in boxes:
                continue
            start = boxes[source]
            down = start.y < box.y
            if start.x == box.x:
                page.arrow([start.bottom(), box.top()] if down else [start.top(), box.bottom()])
            elif abs(start.y - box.y) <= (box.height - start.height) / 2:
                page.arrow([start.right, (box.left[0], start.y)])
            else:
                page.arrow([start.right, (box.x, start.y), box.top() if down else box.bottom()])
