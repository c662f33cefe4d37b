"""Drawing of the measuring chain: what is done in each frame, what with the whole video, and where bars come from."""

from __future__ import annotations

from itertools import pairwise

from drawing.canvas import FAINT, HOST, ORANGE, PLUGIN, Page

SIZE = (146, 66)
FRAME = (
    ("Read", "video, images, .cine", "stated capture rate"),
    ("Detect", "boxes of a model", "each 10th frame, or", "where tracking is unsure"),
    ("Track", "strips are matched as", "strips; predicted by the", "motion of neighbours"),
    ("Localise", "place in fractions of", "a pixel by two ways;", "their difference is kept"),
)
VIDEO = (
    ("Bodies", "markers that move as", "one stiff body, in the", "plane where it is known"),
    ("Scale and lens", "squares, two points or", "a plane; camera file"),
    ("T0", "stated, or when a body", "leaves its", "constant velocity"),
    ("Kinematics", "CFC or another filter,", "velocity, acceleration,", "angle and rate"),
    ("Figures", "speeds, decelerations,", "crush, duration"),
)
FRAME_BARS = ("", "", "", "noise of the pixels")
VIDEO_BARS = (
    "scatter of the markers",
    "error of the scale",
    "form of the pulse",
    "what the filter passes",
    "bootstrap",
)


def draw() -> Page:
    """The chain on a page."""
    page = Page(400)
    page.frame((8, 10), (992, 142), "frame by frame")
    page.frame((8, 176), (992, 306), "the whole video")
    first = [page.box((140 + 240 * i, 80), lines, SIZE, HOST if i == 1 else PLUGIN) for i, lines in enumerate(FRAME)]
    second = [page.box((108 + 196 * i, 242), lines, SIZE, PLUGIN) for i, lines in enumerate(VIDEO)]
    for boxes, bars in ((first, FRAME_BARS), (second, VIDEO_BARS)):
        for one, other in pairwise(boxes):
            page.arrow([one.right, other.left])
        for one, text in zip(boxes, bars, strict=True):
            if text:
                page.text((one.x, one.y + SIZE[1] / 2 + 15), f"± {text}", colour=ORANGE)
    page.arrow([first[2].top(30), (first[2].x + 30, 32), (first[3].x - 30, 32), first[3].top(-30)], FAINT)
    page.text(((first[2].x + first[3].x) / 2, 32), "guess", colour=FAINT, clear=True)
    last = first[-1].right
    page.arrow([last, (975, last[1]), (975, 159), (second[0].x + 40, 159), second[0].top(40)])
    page.text((540, 159), "tracks: position, standard deviation and status of each marker in each frame", clear=True)
    files = "points.csv, bodies.csv, summary.json, curves.xlsx, isomme/, overlay.mp4, report.html"
    results = page.box((500, 346), ("Results", files), (560, 44), HOST)
    page.arrow([second[-1].right, (982, second[-1].y), (982, results.y), results.right])
    page.text(
        (20, 388), "± what a step adds to the standard deviation of every value after it", colour=ORANGE, align="left"
    )
    return page
