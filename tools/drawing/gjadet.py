"""Drawing of GJADet: the APAFPN, one adaptive module from inside, and one level of the joint head."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from drawing.canvas import BLUE, HOST, OPERATION, Box, Page, Point, text_of
from drawing.rows import backbone, connect, head, level_names, row_box
from drawing.trace import Shape, Trace

HEIGHTS = {32: 50, 16: 160, 8: 270}
COLUMNS = (98, 230, 363, 496, 629, 762)
# Column of each row of the neck; its level is that of its shape, or between two where it changes the size.
PLACES = {10: 1, 11: 1, 12: 2, 13: 2, 14: 2, 15: 3, 16: 3, 17: 3, 18: 4, 19: 4, 20: 4, 21: 5}


def neck(page: Page, trace: Trace) -> None:
    """The neck, level by level."""
    level_names(page, HEIGHTS)
    boxes = backbone(page, trace, (4, 6, 9), COLUMNS[0], HEIGHTS)
    for number, column in PLACES.items():
        part = trace[str(number)]
        levels = [HEIGHTS[trace.stride(shape)] for shape in (part.inputs[0], part.outputs[0])]
        resizes = levels[0] != levels[1]
        size = (121, 36) if resizes else (121, 42)
        boxes[number] = row_box(page, trace, number, (COLUMNS[column], sum(levels) / 2), size)
    boxes[int(trace.head)] = head(page, trace, 926, HEIGHTS, 112)
    connect(page, trace, boxes)


def adaptive(page: Page, trace: Trace, number: int, top: float) -> None:
    """An adaptive module from inside; the lower line forms the gates, the upper is what they act on."""
    name, part = f"{number}.stages", trace[str(number)]
    y, low = top + 50, top + 114
    page.frame((6, top), (994, top + 158), inside(trace, number, part.outputs[0]))
    origins = ", ".join(str(source) for source in part.sources)
    parts = " + ".join(str(shape[0]) for shape in part.inputs)
    joined = page.box(
        (68, y + 18), (f"Concat of {origins}", f"{parts} channels", text_of(part.outputs[0])), (108, 60), OPERATION
    )
    conv, gate = trace[f"{name}.spatial.conv"], trace[f"{name}.scale.gate.0"]
    squeeze, task = trace[f"{name}.task.coefficients.0"], trace[f"{name}.task.coefficients"]
    spatial = (("mean, max", "of channels", conv.inputs[0]), ("conv", "sigmoid", conv.outputs[0]))
    scale = (("mean", "of positions", gate.inputs[0]), ("Linear", "ReLU, hsigmoid", gate.outputs[0]))
    linear = (
        ("mean", "of positions", squeeze.inputs[0]),
        ("Linear", "ReLU", squeeze.outputs[0]),
        ("Linear", "hsigmoid - 0.5", task.outputs[0]),
    )
    line = (joined.right[0], y)
    for title, x, sign, steps in (
        ("spatial", 188, "x", spatial),
        ("scale", 418, "x", scale),
        ("task", 648, "max", linear),
    ):
        line = attention(page, title, (x, low), line, sign, steps)
    page.arrow([line, (912, y)])
    page.text((990, y), text_of(part.outputs[0]), align="right")
    page.text((990, y + 16), "larger of 2 lines", 9.5, align="right")


def attention(
    page: Page, title: str, at: Point, line: Point, sign: str, steps: Sequence[tuple[str, str, Shape]]
) -> Point:
    """One attention: the steps that form its gate, from ``at``, and the operation on the line; returns its end."""
    boxes = [
        page.box((at[0] + 112 * index, at[1]), (what, note, text_of(shape)), (98, 56), HOST if index else OPERATION)
        for index, (what, note, shape) in enumerate(steps)
    ]
    act = page.circle((boxes[-1].x, line[1]), sign)
    page.arrow([line, act.left])
    page.arrow([(boxes[0].x, line[1]), boxes[0].top()])
    for a, b in pairwise(boxes):
        page.arrow([a.right, b.left])
    page.arrow([boxes[-1].top(), act.bottom()])
    page.text(((boxes[0].x + boxes[-1].x) / 2, line[1] - 14), title, 11, "bold", BLUE)
    return act.right


def joint(page: Page, trace: Trace, number: int, top: float) -> None:
    """The finest level of the joint head."""
    part = trace[str(number)]
    page.frame((6, top), (994, top + 128), inside(trace, number, part.inputs[0]))
    above, below = top + 48, top + 100
    middle = (above + below) / 2
    source = page.box((68, middle), (f"from row {part.sources[0]}", text_of(part.inputs[0])), (108, 42))

    def branch(title: str, name: str, at: Point) -> Box:
        return page.part(at, title, trace[f"{number}.{name}"], (116, 40))

    boxes, features = branch("cv2: box", "cv2.0", (228, below)), branch("cv3: features", "cv3.0.1", (228, above))
    classes, objectness = branch("cv3: classes", "cv3.0.2", (400, above)), branch("obj", "obj.0", (400, below))
    for target in (features, boxes):
        page.arrow([source.right, (146, middle), (146, target.y), target.left])
    page.arrow([features.right, classes.left])
    page.arrow([(314, above), (314, below), objectness.left])
    product = page.circle((540, above), "x")
    page.arrow([classes.right, product.left])
    page.arrow([objectness.right, (540, below), product.bottom()])
    for y in (above, below):
        page.text((493, y - 9), "sigmoid", 9.5)
    page.arrow([product.right, (580, above)])
    page.text(
        (590, above), f"score of each class, {text_of(classes_of(trace, number))}: class times objectness", align="left"
    )


def classes_of(trace: Trace, number: int) -> Shape:
    """Shape of the finest level's class scores."""
    return trace[f"{number}.cv3.0.2"].outputs[0]


def inside(trace: Trace, number: int, shape: Shape) -> str:
    """Title of a frame: which row is shown, and at which level."""
    return f"inside of row {number} {trace[str(number)].kind}, P{trace.stride(shape).bit_length() - 1}"


def draw(trace: Trace) -> Page:
    """Draw ``gjadet-paper.yaml``."""
    page = Page(690)
    neck(page, trace)
    adaptive(page, trace, 14, 352)
    joint(page, trace, int(trace.head), 522)
    page.legend(670)
    return page
