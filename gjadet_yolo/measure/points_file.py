"""``points=FILE``: places of texture to follow, as x, y and size in px of each in the first frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gjadet_yolo.measure.tables import read_numbers

COLUMNS = ("x", "y", "size")
SMALLEST_PX = 5.0  # a patch of fewer pixels can be mistaken for its neighbour
SAME_PX = 1.0  # closer ones are one point that was entered twice


def read_points(file: Path, size_px: tuple[int, int]) -> np.ndarray:
    """Boxes of the points of a CSV or YAML file, (K, 4) xyxy in px; their middles are the points.

    Args:
        size_px: (W, H) of the frames.

    Raises:
        OSError: The file cannot be read.
        ValueError: A column or a number is missing; a point is outside of the picture, too small or there twice. Names
            file and line.
    """
    table, places = read_numbers(file, COLUMNS)
    middle, half = table[:, :2], table[:, 2:] / 2
    width, height = size_px
    limits = f"the picture of {width} x {height} px"
    for wrong, message in (
        (table[:, 2] < SMALLEST_PX, f"size is {{2:g}}, allowed: {SMALLEST_PX:g} px or more"),
        (((middle < 0) | (middle >= size_px)).any(1), f"x={{0:g}}, y={{1:g}} is outside of {limits}"),
        (
            ((middle - half < 0) | (middle + half > size_px)).any(1),
            f"a patch of {{2:g}} px at x={{0:g}}, y={{1:g}} goes beyond {limits}; state a smaller size",
        ),
    ):
        if wrong.any():
            first = int(np.argmax(wrong))
            raise ValueError(f"{file}, {places[first]}: {message.format(*table[first])}.")
    refuse_twins(file, middle, places)
    return np.concatenate((middle - half, middle + half), 1)


def refuse_twins(file: Path, middle: np.ndarray, places: list[str]) -> None:
    """Refuse a point that is there twice.

    Raises:
        ValueError: Names both lines.
    """
    # sorted by x, twins are close in the list too: no table of all pairs
    order = np.argsort(middle[:, 0], kind="stable")
    for step in range(1, len(order)):
        one, other = order[:-step], order[step:]
        near = middle[other, 0] - middle[one, 0] < SAME_PX
        if not near.any():
            return
        twins = near & (np.linalg.norm(middle[other] - middle[one], axis=1) < SAME_PX)
        if twins.any():
            first, second = sorted((one[np.argmax(twins)], other[np.argmax(twins)]))
            raise ValueError(
                f"{file}, {places[second]}: the point is there already, in {places[first]}. Remove one of them."
            )
