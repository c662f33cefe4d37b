"""Drawing of TPNet: the two-pronged neck, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence

from drawing.canvas import BLUE, ORANGE, Box, Page, Point
from drawing.rows import backbone, head, level_names, picked
from drawing.trace import Trace

HEIGHTS = {32: 92, 16: 257, 8: 422}
WIDTH = 272  # of a layer


def part(page: Page, trace: Trace, name: str, at: Point, size: Point, more: str = "") -> Box:
    """A part of the neck: its name inside the layer, its class and the shape of its output."""
    return page.part(at, ".".join(name.split(".")[-2:]), trace[name], size, trace[name].kind + more)


def prongs(page: Page, trace: Trace, name: str, x: float, sources: Sequence[Box], sums: Sequence[Box]) -> None:
    """The prongs of a layer, between each level and the next: meaning to the finer, detail to the coarser one."""
    for index in range(len(sources) - 1):
        fine, coarse, middle = sources[index], sources[index + 1], (sources[index].y + sources[index + 1].y) / 2
        down = part(page, trace, f"{name}.backward_prong.{index}", (x, middle - 28), (118, 52), ", then upsample")
        up = part(page, trace, f"{name}.forward_prong.{index}", (x, middle + 28), (118, 52))
        trunk = down.left[0] - 12
        page.arrow([(trunk, coarse.y), (trunk, down.y), down.left], ORANGE)
        page.arrow([(trunk, fine.y), (trunk, up.y), up.left], BLUE)
        page.arrow([down.right, (sums[index].x - 5, down.y), sums[index].top(-5)], ORANGE)
        page.arrow([up.right, (sums[index].x + 5, up.y), sums[index + 1].bottom(5)], BLUE)


def layer(page: Page, trace: Trace, name: str, left: float, levels: Sequence[Box]) -> list[Box]:
    """One layer of the neck on levels from fine to coarse; returns its outputs."""
    top, bottom = min(HEIGHTS.values()) - 58, max(HEIGHTS.values()) + 34
    title = f"{name.partition('.')[2]} {trace[name].kind}"
    page.frame((left, top), (left + WIDTH, bottom), title, "#e9f3fb")
    sums = [page.circle((left + 163, level.y), "+") for level in levels]
    out = []
    for index, (level, total) in enumerate(zip(levels, sums, strict=True)):
        page.arrow([level.right, total.left])
        out.append(part(page, trace, f"{name}.fuse.{index}", (left + 222, level.y), (84, 52)))
        page.arrow([total.right, out[-1].left])
    prongs(page, trace, name, left + 84, levels, sums)
    return out


def draw(trace: Trace) -> Page:
    """Draw ``tpnet.yaml``."""
    page = Page(540)
    row = trace.row_of("TPNeck")
    level_names(page, HEIGHTS)
    taps = trace[row].sources
    taken = backbone(page, trace, taps, 92, HEIGHTS)
    page.frame((150, 8), (826, 464), f"inside of row {row} {trace[row].kind}")
    levels = []
    for index, tap in enumerate(taps):
        levels.append(part(page, trace, f"{row}.lateral.{index}", (201, taken[tap].y), (84, 52)))
        page.arrow([taken[tap].right, levels[-1].left])
    for index, left in enumerate((256, 540)):
        levels = layer(page, trace, f"{row}.layers.{index}", left, levels)
    picked(page, trace, levels, 876, head(page, trace, 963, HEIGHTS, 66), HEIGHTS)
    lines = (("backward prong: meaning", ORANGE, False), ("forward prong: detail", BLUE, False))
    page.legend(520, lines)
    return page
