"""Boxes, lines and notes on a page whose unit is one pixel of a picture 1000 px wide; y grows downwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from drawing.trace import Part, Shape

# Font points and line widths per unit, at 100 dots per inch.
POINTS = 0.72

INK, FAINT = "#222222", "#8a8a8a"
# Ground and border of boxes.
HOST, PLUGIN = ("#f2f2f2", "#8a8a8a"), ("#cfe3f5", "#0072b2")
OPERATION = ("#ffffff", "#0072b2")
# Colours of Okabe and Ito, told apart with any colour vision.
BLUE, ORANGE = "#0072b2", "#d55e00"

Point = tuple[float, float]


def text_of(shape: Shape) -> str:
    """``64 x 80 x 80``, or ``192`` for a vector."""
    return " x ".join(str(size) for size in shape)


@dataclass(frozen=True)
class Box:
    """A box on the page.

    Attributes:
        x: Middle.
        y: Middle.
        width: Width.
        height: Height.
    """

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> Point:
        return self.x - self.width / 2, self.y

    @property
    def right(self) -> Point:
        return self.x + self.width / 2, self.y

    def top(self, dx: float = 0.0) -> Point:
        """Point on the upper side, dx from its middle."""
        return self.x + dx, self.y - self.height / 2

    def bottom(self, dx: float = 0.0) -> Point:
        """Point on the lower side, dx from its middle."""
        return self.x + dx, self.y + self.height / 2


class Page:
    """A page to draw on.

    Args:
        height: In units; the width is 1000.
    """

    def __init__(self, height: float) -> None:
        self.height = height
        self.figure = Figure(figsize=(10, height / 100), dpi=100)
        FigureCanvasAgg(self.figure)
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_xlim(0, 1000)
        self.axes.set_ylim(height, 0)
        self.axes.set_axis_off()
        self.boxes: list[Box] = []

    def box(self, at: Point, lines: Sequence[str], size: Point = (96, 40), colours: Sequence[str] = HOST) -> Box:
        """Draw a box with lines of text around its middle; the first line is bold."""
        box = Box(*at, *size)
        corner = (box.x - box.width / 2, box.y - box.height / 2)
        style = "round,pad=0,rounding_size=4"
        self.axes.add_patch(FancyBboxPatch(corner, *size, style, fc=colours[0], ec=colours[1], lw=1, zorder=3))
        first = box.y - (len(lines) - 1) * 6.5
        for index, line in enumerate(lines):
            self.text((box.x, first + 13 * index), line, weight="normal" if index else "bold")
        self.boxes.append(box)
        return box

    def part(self, at: Point, name: str, part: Part, size: Point = (96, 40), note: str = "") -> Box:
        """Draw a part: its name, its first output and, in between, a note."""
        lines = (name, *([note] if note else []), text_of(part.outputs[0]))
        return self.box(at, lines, size, PLUGIN if part.plugin else HOST)

    def circle(self, at: Point, text: str, colour: str = BLUE) -> Box:
        """Draw an operation on tensors."""
        side = 20 if len(text) == 1 else 32
        self.axes.plot(*at, "o", ms=side * POINTS, mfc="white", mec=colour, mew=1, zorder=3)
        self.text(at, text, 12 if len(text) == 1 else 9.5, weight="bold")
        box = Box(*at, side, side)
        self.boxes.append(box)
        return box

    def text(
        self,
        at: Point,
        text: str,
        px: float = 10.5,
        weight: str = "normal",
        colour: str = INK,
        align: str = "center",
        clear: bool = False,
    ) -> None:
        """Write a line; ``clear`` gives it a white ground."""
        ground = {"fc": "white", "ec": "none", "pad": 1} if clear else None
        self.axes.text(
            *at,
            text,
            size=px * POINTS,
            weight=weight,
            color=colour,
            ha=align,
            va="center_baseline",
            bbox=ground,
            zorder=4,
        )

    def arrow(self, points: Sequence[Point], colour: str = INK, dashed: bool = False, head: bool = True) -> None:
        """Draw a line through points, with a head at the last."""
        style = (0, (4, 2)) if dashed else "-"
        if len(points) > 2 or not head:
            last = None if head else len(points)
            xs, ys = zip(*(points[:-1] if last is None else points), strict=True)
            self.axes.add_line(Line2D(xs, ys, color=colour, lw=1, ls=style, zorder=2, solid_capstyle="butt"))
        if head:
            self.axes.add_patch(
                FancyArrowPatch(
                    *points[-2:], arrowstyle="-|>", mutation_scale=8, color=colour, lw=1, ls=style, zorder=2,
                    shrinkA=0, shrinkB=0,
                )
            )  # fmt: skip

    def frame(self, corner: Point, opposite: Point, title: str, tint: str = "#f4f9fd") -> None:
        """Draw a tinted frame around parts of one module, with its name at the upper left."""
        size = (opposite[0] - corner[0], opposite[1] - corner[1])
        style = "round,pad=0,rounding_size=6"
        self.axes.add_patch(FancyBboxPatch(corner, *size, style, fc=tint, ec=BLUE, lw=0.8, zorder=0))
        self.text((corner[0] + 8, corner[1] + 12), title, 11.5, "bold", BLUE, "left")

    def legend(self, y: float, lines: Sequence[tuple[str, str, bool]] = (), x: float = 20) -> None:
        """Explain the colours of the boxes, then of lines (text, colour, dashed)."""
        entries = (
            ("layer of Ultralytics or torch", HOST),
            ("module of this plugin", PLUGIN),
            ("operation without weights", OPERATION),
        )
        for text, (face, edge) in entries:
            self.axes.add_patch(FancyBboxPatch((x, y - 6), 18, 12, "round,pad=0,rounding_size=3", fc=face, ec=edge))
            self.text((x + 24, y), text, align="left")
            x += 46 + 5.4 * len(text)
        for text, colour, dashed in lines:
            self.arrow([(x, y), (x + 26, y)], colour, dashed)
            self.text((x + 32, y), text, align="left")
            x += 62 + 5.4 * len(text)

    def overlaps(self) -> list[tuple[Box, Box]]:
        """Pairs of boxes that touch."""
        pairs = [(a, b) for i, a in enumerate(self.boxes) for b in self.boxes[:i]]
        return [
            (a, b)
            for a, b in pairs
            if abs(a.x - b.x) < (a.width + b.width) / 2 and abs(a.y - b.y) < (a.height + b.height) / 2
        ]

    def save(self, file: Path) -> None:
        """Write a PNG of twice the page's width in px, in 64 colours."""
        from PIL import Image

        self.figure.set_dpi(200)  # sharp on screens with two pixels per point
        self.figure.canvas.draw()
        picture = Image.frombuffer("RGBA", self.figure.canvas.get_width_height(), self.figure.canvas.buffer_rgba())
        picture.convert("RGB").quantize(64).save(file, optimize=True)
