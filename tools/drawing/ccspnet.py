"""Drawing of CCSPNet-Joint: the restorer of scale n, the neck, and one contextual transformer from inside."""

from __future__ import annotations

from drawing.canvas import BLUE, OPERATION, Page, text_of
from drawing.rows import backbone, connect, head, level_names, row_box
from drawing.trace import Trace

HEIGHTS = {32: 300, 16: 410, 8: 520}
COLUMNS = (92, 216, 334, 452, 570, 688, 806)
# Column of each row of the neck; its level is that of its shape, or between two where it changes the size.
PLACES = {5: 1, 6: 1, 7: 1, 8: 2, 9: 3, 10: 3, 11: 3, 12: 4, 13: 4, 14: 4, 15: 5, 16: 5, 17: 5, 18: 6}


def restorer(page: Page, trace: Trace) -> None:
    """The restorer: the lower line forms the coefficients, the upper is what they act on."""
    page.frame((6, 8), (994, 230), "restorer n, in front of row 0")
    image = trace["0"].inputs[0]
    y, low, last = 62, 132, 198
    source = page.box((72, y), ("image", text_of(image)), (104, 42))
    copied = trace["restorer.grid"].inputs[0]
    copy = page.box((72, low), ("smaller copy", text_of(copied)), (104, 42), OPERATION)
    means = ("means of 8 x 8", text_of(trace["restorer.guides.0"].inputs[0]))
    pooled = page.box((72, last), means, (104, 42), OPERATION)
    grid = page.part((236, low), "grid", trace["restorer.grid"], (140, 52), "U-Net")
    guide = page.part((236, last), "guides.0", trace["restorer.guides.0"], (140, 42), "")
    cut = page.box((432, low), ("slice", "trilinear", f"12 x {text_of(pooled_size(trace))}"), (120, 52), OPERATION)
    large = page.box((600, low), ("enlarge", f"12 x {text_of(image[1:])}"), (120, 42), OPERATION)
    affine = page.box((600, y), ("affine colours", text_of(image)), (120, 42), OPERATION)
    detail = page.part((770, low), "detail", trace["restorer.detail"], (110, 52), "at stride 4")
    total = page.circle((770, y), "+")
    for a, b in ((copy, grid), (grid, cut), (cut, large), (pooled, guide), (source, affine), (affine, total)):
        page.arrow([a.right, b.left])
    page.arrow([source.bottom(), copy.top()])
    page.arrow([(10, y), (10, last), pooled.left])
    page.arrow([source.left, (10, y)], head=False)
    page.arrow([guide.right, (cut.x, last), cut.bottom()])
    page.arrow([large.top(), affine.bottom()])
    page.arrow([detail.top(), total.bottom()])
    page.text((770, low + 42), "from the image", 9.5)
    page.arrow([total.right, (850, y)])
    page.text((858, y), "restored, 0 to 1, to row 0", align="left")


def pooled_size(trace: Trace) -> tuple[int, ...]:
    return trace["restorer.guides.0"].outputs[0][1:]


def neck(page: Page, trace: Trace) -> None:
    """Backbone and neck, level by level."""
    level_names(page, HEIGHTS)
    boxes = backbone(page, trace, (1, 2, 4), COLUMNS[0], HEIGHTS)
    for number, column in PLACES.items():
        part = trace[str(number)]
        levels = [HEIGHTS[trace.stride(shape)] for shape in (part.inputs[0], part.outputs[0])]
        size = (108, 36) if levels[0] != levels[1] else (108, 42)
        boxes[number] = row_box(page, trace, number, (COLUMNS[column], sum(levels) / 2), size)
    boxes[int(trace.head)] = head(page, trace, 936, HEIGHTS, 100)
    connect(page, trace, boxes)


def attention(page: Page, trace: Trace, number: int, top: float) -> None:
    """CoT attention in the first bottleneck of a C3CoT row."""
    name, y, low = f"{number}.m.0.attention", top + 52, top + 116
    page.frame((6, top), (994, top + 150), f"attention in row {number} {trace[str(number)].kind}")
    source = page.box((72, y), ("x", text_of(trace[name].inputs[0])), (104, 42))
    keys = page.part((222, y), "keys", trace[f"{name}.keys"], (110, 42), "3 x 3")
    hidden = page.part((392, low), "hidden", trace[f"{name}.hidden"], (120, 42), "of keys and x")
    maps = page.box((562, low), ("maps", "mean over 9", text_of(trace[name].outputs[0])), (120, 52))
    share = page.box((722, low), ("softmax", "over positions"), (110, 42), OPERATION)
    values = page.part((562, y), "values", trace[f"{name}.values"], (120, 42), "of x")
    times, total = page.circle((860, low), "x"), page.circle((860, y), "+")
    page.arrow([source.right, keys.left])
    page.arrow([source.bottom(), (source.x, low), hidden.left])
    page.arrow([keys.right, (hidden.x, y), hidden.top()])
    for a, b in ((hidden, maps), (maps, share), (share, times)):
        page.arrow([a.right, b.left])
    page.arrow([keys.top(), (keys.x, top + 24), (total.x, top + 24), total.top()], BLUE)
    page.arrow([values.right, (800, y), (800, low - 32), (times.x, low - 32), times.top()])
    page.arrow([times.right, (900, low), (900, y + 22), (total.x + 6, y + 22), total.bottom(6)])
    page.arrow([total.right, (906, y)])
    page.text((990, y), text_of(trace[name].outputs[0]), align="right")


def draw(trace: Trace) -> Page:
    """Draw ``ccspnet-joint.yaml``."""
    page = Page(810)
    restorer(page, trace)
    neck(page, trace)
    attention(page, trace, 12, 612)
    page.legend(788)
    return page
