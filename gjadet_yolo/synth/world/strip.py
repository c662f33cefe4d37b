"""Checkerboard strips: the target points of a crash test, as geometry in mm on a body.

Dark and light squares alternate, usually in two columns, and every square is one target of class ``point``. A strip may
be bent along an arc, as on a nose, and its rows may differ in length, as where a deformation squeezes them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CORNERS = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])


@dataclass(frozen=True)
class Strip:
    """A strip on a body.

    Attributes:
        rows: Squares along the strip.
        square_mm: Width of a square, across the strip.
        corner_mm: Top left corner on the body, before rotation.
        angle_rad: Direction of the strip against the body's y axis.
        columns: Squares across the strip.
        row_mm: Length of each row along the strip, ``rows`` numbers; empty: all are ``square_mm`` long.
        bend_per_mm: Curvature of the strip's left edge; positive bends towards it.
        phase: 0 where the first square is dark, 1 where it is light.
        light: Colour of the light squares, BGR from 0 to 255; ``dark`` likewise.
    """

    rows: int
    square_mm: float
    corner_mm: tuple[float, float] = (0.0, 0.0)
    angle_rad: float = 0.0
    columns: int = 2
    row_mm: tuple[float, ...] = ()
    bend_per_mm: float = 0.0
    phase: int = 0
    light: tuple[float, float, float] = (235.0, 235.0, 235.0)
    dark: tuple[float, float, float] = (25.0, 25.0, 25.0)

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns < 1 or not self.square_mm > 0:
            raise ValueError(
                f"strip: rows {self.rows}, columns {self.columns}, square_mm {self.square_mm}; "
                f"allowed: 1 row or more, 1 column or more, a side above 0."
            )
        if self.row_mm and (len(self.row_mm) != self.rows or min(self.row_mm) <= 0):
            raise ValueError(f"strip: row_mm is {self.row_mm}; expected {self.rows} lengths above 0, or none.")
        # with the centre of the arc on its right, the right edge is a point where the width reaches the radius
        if self.bend_per_mm < 0 and -self.bend_per_mm * self.columns * self.square_mm >= 1:
            raise ValueError(f"strip: bend_per_mm {self.bend_per_mm} folds a strip of {self.columns} columns.")

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width across and length along the strip."""
        return self.columns * self.square_mm, sum(self.row_mm) or self.rows * self.square_mm

    @property
    def squares_mm(self) -> np.ndarray:
        """Corners of the squares on the body, (rows * columns, 4, 2), row by row."""
        column, row = np.meshgrid(np.arange(self.columns), np.arange(self.rows))
        cells = np.stack((column, row), -1).reshape(-1, 1, 2) + CORNERS  # (N, 4, 2) of column, row
        # neighbours share their corners to the last bit, so that no seam shows between them
        edges = np.concatenate(([0.0], np.cumsum(self.row_mm or (self.square_mm,) * self.rows)))
        return self._placed(cells[..., 0] * self.square_mm, edges[cells[..., 1]])

    @property
    def centres_mm(self) -> np.ndarray:
        return self.squares_mm.mean(1)

    @property
    def is_light(self) -> np.ndarray:
        """Which squares are light, (rows * columns,) bool."""
        index = np.arange(self.rows * self.columns)
        return (index // self.columns + index % self.columns + self.phase) % 2 == 1

    @property
    def colours(self) -> np.ndarray:
        """Colour of each square, (rows * columns, 3)."""
        return np.where(self.is_light[:, None], np.array(self.light), np.array(self.dark))

    def _placed(self, across: np.ndarray, along: np.ndarray) -> np.ndarray:
        if self.bend_per_mm:  # along an arc; the straight strip is its limit, which would divide by zero
            angle, radius = self.bend_per_mm * along, 1 / self.bend_per_mm
            x = (np.cos(angle) - 1) * radius + across * np.cos(angle)
            y = np.sin(angle) * radius + across * np.sin(angle)
        else:
            x, y = across, along
        sine, cosine = np.sin(self.angle_rad), np.cos(self.angle_rad)
        return np.array(self.corner_mm) + np.stack((cosine * x - sine * y, sine * x + cosine * y), -1)
