"""Colours of bodies, the same in film, page and workbook, and told apart by colour-blind readers.

The palette is that of Okabe and Ito, "Color Universal Design", 2008, without its yellow and black: lines stand on white
and markers on grey pictures.
"""

from __future__ import annotations

import numpy as np

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
STANDING = "#6F6F6F"
NO_BODY = "#B0B0B0"


def body_colours(reference: np.ndarray) -> list[str]:
    """Colour of each body: standing ones are grey, so that colours are left for what moves.

    Args:
        reference: Which bodies stand still, (B,) bool.
    """
    colours, moving = [], 0
    for stands in reference:
        colours.append(STANDING if stands else PALETTE[moving % len(PALETTE)])
        moving += not stands
    return colours


def marker_colours(body: np.ndarray, reference: np.ndarray) -> list[str]:
    """Colour of each marker: its body's, light grey where it belongs to none; ``body`` is (N,) with -1 for none."""
    colours = body_colours(reference)
    return [colours[index] if index >= 0 else NO_BODY for index in body]


def as_bgr(colour: str) -> tuple[int, int, int]:
    """``#0072B2`` -> (178, 114, 0), the order of OpenCV."""
    red, green, blue = bytes.fromhex(colour[1:])
    return blue, green, red
