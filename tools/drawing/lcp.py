"""Drawing of LCP on the YOLOv8 host: both ways through the shallow and medium stages, the fusion, and the learners."""

from __future__ import annotations

from drawing.canvas import BLUE, FAINT, OPERATION, ORANGE, Page, text_of
from drawing.trace import Trace

PLAIN, CRUX, TARGET = 70, 200, 320  # y of the three ways


def ways(page: Page, trace: Trace) -> None:
    """The image, its crux, and while the catch-up learner is taught an unpaired good image."""
    image = trace["0"].inputs[0]
    shallow, medium = trace["2"].outputs[0], trace["4"].outputs[0]
    source = page.box((66, PLAIN), ("image x", text_of(image)), (104, 42))
    learner = page.part((66, CRUX), "crux.learner", trace["crux.learner"], (112, 52), "heat map h")
    crux = page.box((206, CRUX), ("crux", "x / (1 + exp(-10 (h - 0.5)))", text_of(image)), (152, 52), OPERATION)
    page.arrow([source.bottom(), learner.top()])
    page.arrow([learner.right, crux.left])
    page.arrow([source.bottom(30), (96, 126), (206, 126), crux.top()])
    stages = {}
    for y, x in ((PLAIN, 356), (CRUX, 356), (TARGET, 356)):
        first = page.box((x, y), ("rows 0 to 2", "shallow", text_of(shallow)), (104, 52))
        second = page.box((x + 132, y), ("rows 3 and 4", "medium", text_of(medium)), (104, 52))
        page.arrow([first.right, second.left])
        stages[y] = first, second
    page.arrow([source.right, stages[PLAIN][0].left])
    page.arrow([crux.right, stages[CRUX][0].left])
    catch_up = page.part((488, 134), "crux.catch_up", trace["crux.catch_up"], (116, 36))
    total = page.circle((620, CRUX), "+")
    page.arrow([stages[CRUX][0].top(), (356, 134), catch_up.left])
    page.arrow([stages[CRUX][1].right, total.left])
    page.arrow([catch_up.right, (620, 134), total.top()])
    good = page.box((66, TARGET), ("good image y", "of another scene"), (112, 42))
    other = page.box((206, TARGET), ("crux of y", text_of(image)), (140, 42), OPERATION)
    page.arrow([good.right, other.left], ORANGE, dashed=True)
    page.arrow([other.right, stages[TARGET][0].left], ORANGE, dashed=True)
    loss = page.box((620, TARGET), ("kl_loss", "shares of all values"), (120, 42), OPERATION)
    page.arrow([stages[TARGET][1].right, loss.left], ORANGE, dashed=True)
    page.arrow([total.bottom(), loss.top()], ORANGE, dashed=True)
    fusion = page.part((696, PLAIN), "crux.fusion", trace["crux.fusion"], (104, 52), "1 x 1")
    page.arrow([stages[PLAIN][1].right, fusion.left])
    page.arrow([total.right, (696, CRUX), fusion.bottom()])
    behind(page, trace, fusion.right, stages[PLAIN][1].top())


def behind(page: Page, trace: Trace, fused: tuple[float, float], plain: tuple[float, float]) -> None:
    """The deep layers, and neck and head."""
    deep = page.box((818, PLAIN), ("rows 5 to 9", "deep", text_of(trace["9"].outputs[0])), (104, 52))
    last = page.box((940, PLAIN), ("rows 10 to 22", "neck, head", text_of(trace["22"].outputs[0])), (104, 52))
    page.arrow([fused, deep.left])
    page.arrow([deep.right, last.left])
    page.arrow([plain, (plain[0], 26), (940, 26), last.top()], BLUE)
    page.text((700, 18), "the neck takes the plain features of row 4", 9.5, colour=FAINT)


def inside(page: Page, trace: Trace) -> None:
    """Blocks of the crux learner, and layers of the catch-up learner."""
    page.frame((6, 372), (994, 452), "crux.learner")
    copy = page.box((180, 416), ("means", text_of(trace["crux.learner.blocks.0"].inputs[0])), (110, 42), OPERATION)
    before = copy
    for index, note in enumerate(("3 x 3", "3 x 3", "5 x 5")):
        name = f"crux.learner.blocks.{index}"
        box = page.part((346 + 166 * index, 416), f"blocks.{index}", trace[name], (126, 52), f"depthwise {note}")
        page.arrow([before.right, box.left])
        before = box
    page.frame((6, 464), (994, 544), "crux.catch_up")
    before = page.part((180, 508), "pool", trace["crux.catch_up.pool"], (110, 42))
    for index, note in enumerate(("3 x 3, ReLU", "3 x 3, ReLU", "3 x 3"), 1):
        box = page.part((180 + 166 * index, 508), f"conv{index}", trace[f"crux.catch_up.conv{index}"], (126, 52), note)
        page.arrow([before.right, box.left])
        before = box


def draw(trace: Trace) -> Page:
    """Draw ``lcp.yaml``."""
    page = Page(590)
    ways(page, trace)
    inside(page, trace)
    page.legend(568, (("while catch_up is taught", ORANGE, True),))
    return page
