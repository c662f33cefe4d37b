"""Legend of a picture with detections: colour, name and count of each class on a panel in a free corner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PANEL, INK, FAINT = (18, 20, 24), (240, 242, 245), (170, 176, 184)  # RGB
OPACITY = 0.85  # of the panel
MOST_ROWS = 10
LARGEST = (0.6, 0.6)  # share of the picture's width and height; a larger legend is left out
SMALLEST_TEXT = 11  # px
CORNERS = ("top left", "top right", "bottom right", "bottom left")


@dataclass(frozen=True)
class Entry:
    """A line of a legend.

    Attributes:
        name: Class.
        count: Its boxes in the picture.
        colour: BGR, or None where colours stand for something else.
    """

    name: str
    count: int
    colour: tuple[int, int, int] | None


def shortened(entries: Sequence[Entry]) -> list[Entry]:
    if len(entries) <= MOST_ROWS:
        return list(entries)
    # One line stands for all but the most frequent, so that the total stays right.
    ordered = sorted(entries, key=lambda entry: -entry.count)
    rest = ordered[MOST_ROWS - 1 :]
    return [*ordered[: MOST_ROWS - 1], Entry(f"{len(rest)} other classes", sum(e.count for e in rest), None)]


def text_font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    try:
        # Pillow's own font needs no download; before Pillow 10.1 it has one fixed size.
        return ImageFont.load_default(size_px)
    except TypeError:
        return ImageFont.load_default()


def panel(entries: Sequence[Entry], size_px: int) -> np.ndarray:
    """The legend itself, (h, w, 3) uint8 BGR, with its lines from top to bottom and text of ``size_px`` height."""
    font, counts = text_font(size_px), [f"{entry.count:,}" for entry in entries]
    names = max(font.getlength(entry.name) for entry in entries)
    numbers = max(font.getlength("0" * max(len(count), 3)) for count in counts)
    edge, step, swatch = round(0.7 * size_px), round(1.5 * size_px), round(0.8 * size_px)
    indent = edge + (swatch + round(0.6 * size_px)) * any(entry.colour for entry in entries)
    width, height = round(indent + names + 1.2 * size_px + numbers + edge), 2 * edge + step * len(entries)
    image = Image.new("RGB", (width, height), PANEL)
    draw = ImageDraw.Draw(image)
    for row, (entry, count) in enumerate(zip(entries, counts, strict=True)):
        middle = edge + step * row + step // 2
        if entry.colour:
            top = middle - swatch // 2
            draw.rectangle((edge, top, edge + swatch - 1, top + swatch - 1), entry.colour[::-1], FAINT)
        draw.text((indent, middle), entry.name, INK, font, anchor=anchor(font, "l"))
        draw.text((width - edge - font.getlength(count), middle), count, FAINT, font, anchor=anchor(font, "l"))
    return np.asarray(image)[..., ::-1]


def anchor(font: ImageFont.FreeTypeFont | ImageFont.ImageFont, side: str) -> str | None:
    # At the middle of a line; Pillow's fixed font knows no anchors.
    return f"{side}m" if isinstance(font, ImageFont.FreeTypeFont) else None


def freest_corner(boxes: np.ndarray, panel_hw: tuple[int, int], frame_hw: tuple[int, int]) -> int:
    """Index into ``CORNERS`` of the corner where a panel covers the fewest boxes, xyxy px (N, 4)."""
    (high, wide), (height, width) = panel_hw, frame_hw
    left, right = boxes[:, 0] < wide, boxes[:, 2] > width - wide
    top, bottom = boxes[:, 1] < high, boxes[:, 3] > height - high
    covered = [np.sum(top & left), np.sum(top & right), np.sum(bottom & right), np.sum(bottom & left)]
    return int(np.argmin(covered))


def draw_legend(
    picture: np.ndarray, entries: Sequence[Entry], boxes: np.ndarray, corner: int | None = None
) -> int | None:
    """Draw a legend into a corner, in place; gives the corner, or None where nothing was drawn.

    Args:
        picture: (H, W, 3) uint8 BGR.
        entries: Its lines.
        boxes: What it should not hide, xyxy px, (N, 4).
        corner: Index into ``CORNERS``; default: the freest.
    """
    height, width = picture.shape[:2]
    size = max(SMALLEST_TEXT, round(0.02 * min(height, width)))
    if not entries or picture.shape[2] != 3:
        return None
    legend, margin = panel(shortened(entries), size), round(0.6 * size)
    high, wide = (side + margin for side in legend.shape[:2])
    # It would hide most of a small picture.
    if wide > LARGEST[0] * width or high > LARGEST[1] * height:
        return None
    corner = freest_corner(boxes, (high, wide), (height, width)) if corner is None else corner
    x = margin if corner in (0, 3) else width - wide
    y = margin if corner in (0, 1) else height - high
    place = picture[y : y + legend.shape[0], x : x + legend.shape[1]]
    place[:] = np.round(OPACITY * legend + (1 - OPACITY) * place).astype(np.uint8)
    return corner
