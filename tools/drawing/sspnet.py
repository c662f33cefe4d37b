"""Drawing of SSPNet: context attention, scale enhancement and scale selection inside the neck."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from drawing.canvas import OPERATION, ORANGE, Box, Page, Point, text_of
from drawing.rows import backbone, head, level_names, picked
from drawing.trace import Trace

HEIGHTS = {32: 72, 16: 200, 8: 328, 4: 456}
LOWER = 64  # from a level's features to its attention map
BUS, CHAIN, FEATURES, MAPS, ENHANCED, SELECTED, OUT = 241, 300, 399, 493, 591, 687, 783


def attention(page: Page, trace: Trace, cam: str, laterals: Sequence[Box]) -> list[Box]:
    """The context attention module; returns the boxes of the maps, fine to coarse."""
    coarse_to_fine = list(reversed(laterals))
    join = trace[f"{cam}.join"]
    notes = {
        "join": f"concat, {join.inputs[0][0]} ch.",
        "context": f"{sum(f'{cam}.context.views.' in name for name in trace)} views",
        "mix": "BN, ReLU",
    }
    chain = []
    for level, (name, note) in zip(coarse_to_fine[1:], notes.items(), strict=True):
        at = (CHAIN, level.y + LOWER)
        chain.append(page.part(at, f"cam.{name}", trace[f"{cam}.{name}"], (90, 52), note))
    for upper, lower in pairwise(chain):
        page.arrow([upper.bottom(), lower.top()])
    for level in laterals:
        page.arrow([(BUS, level.y), (BUS, chain[0].y), chain[0].left])
    maps: list[Box] = []
    last = chain[-1]
    for index, level in enumerate(laterals):
        y = level.y + LOWER
        down = page.part((FEATURES, y), f"cam.down.{index}", trace[f"{cam}.down.{index}"], (84, 42))
        page.arrow([last.right, down.left] if index == 0 else [last.top(), down.bottom()])
        maps.append(page.part((MAPS, y), f"cam.map.{index}", trace[f"{cam}.map.{index}"], (80, 42)))
        page.arrow([down.right, maps[-1].left])
        last = down
    return maps


def gate(page: Page, start: Point, *ends: Point) -> None:
    """Dashed lines from an attention map along its level, each turning off to what it gates."""
    for end in ends:
        page.arrow([start, (end[0], start[1]), end], ORANGE, dashed=True)


def levels(page: Page, trace: Trace, row: str, laterals: Sequence[Box], maps: Sequence[Box]) -> list[Box]:
    """Scale enhancement, scale selection and output of each level; returns the outputs, coarse to fine."""
    out: list[Box] = []
    coarser: Point | None = None
    for index in reversed(range(len(laterals))):
        y, size, last = laterals[index].y, (84, 52), trace[f"{row}.out.{index}"]
        before = text_of(trace[f"{row}.lateral.{index}"].outputs[0])
        enhanced = page.box((ENHANCED, y), ("SEM", "(1 + A) C", before), size, OPERATION)
        out.append(page.part((OUT, y), f"out.{index}", last, size, "conv, (1 + A)"))
        page.arrow([laterals[index].right, enhanced.left])
        gate(page, maps[index].right, enhanced.bottom(), out[-1].bottom())
        if coarser is None:  # the coarsest level has nothing to select from
            page.arrow([enhanced.right, out[-1].left])
            coarser = (SELECTED + 10, y)
            continue
        selected = page.box((SELECTED, y), ("SSM", "+ gated P", text_of(last.inputs[0])), size, OPERATION)
        page.arrow([enhanced.right, selected.left])
        page.arrow([selected.right, out[-1].left])
        gate(page, maps[index].right, selected.bottom(-28))
        gate(page, maps[index + 1].right, selected.top(-10))
        page.arrow([coarser, selected.top(10)])
        page.text((SELECTED + 14, y - 42), "P, upsampled", 9, align="left", clear=True)
        coarser = selected.bottom(10)
    return out


def draw(trace: Trace) -> Page:
    """Draw ``sspnet.yaml``."""
    page = Page(618)
    row = trace.row_of("SSPNeck")
    level_names(page, HEIGHTS)
    taps = trace[row].sources
    taken = backbone(page, trace, taps, 90, HEIGHTS)
    bottom = max(HEIGHTS.values()) + LOWER + 44
    page.frame((143, 8), (831, bottom), f"inside of row {row} {trace[row].kind}")
    cam = f"{row}.cam"
    page.frame((250, min(HEIGHTS.values()) + LOWER - 50), (538, bottom - 8), f"CAM: {trace[cam].kind}", "#e9f3fb")
    laterals = []
    for index, tap in enumerate(taps):
        lateral = trace[f"{row}.lateral.{index}"]
        laterals.append(page.part((190, taken[tap].y), f"lateral.{index}", lateral, (84, 42)))
        page.arrow([taken[tap].right, laterals[-1].left])
    maps = attention(page, trace, cam, laterals)
    outputs = levels(page, trace, row, laterals, maps)
    picked(page, trace, outputs, 880, head(page, trace, 964, HEIGHTS, 64), HEIGHTS)
    page.legend(598, (("attention map A = sigmoid of cam.map", ORANGE, True),))
    return page
