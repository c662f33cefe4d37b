"""Outlines that bodies and targets are made of, in mm."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

Area = tuple[float, float, float, float]  # x, y, width, height
Point = tuple[float, float]


def rectangle(x: float, y: float, width: float, height: float) -> np.ndarray:
    """Corners (4, 2) of an upright rectangle with its top left corner at (x, y)."""
    return np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], dtype=float)


def regular(centre_mm: tuple[float, float], radius_mm: float, corners: int = 24, phase_rad: float = 0.0) -> np.ndarray:
    """Corners (K, 2) of a regular polygon; many corners make a circle."""
    angles = np.arange(corners) * 2 * np.pi / corners + phase_rad
    return np.stack((np.cos(angles), np.sin(angles)), -1) * radius_mm + centre_mm


def polygon(corners: Iterable[Point], at: Point = (0.0, 0.0), scale: Point = (1.0, 1.0)) -> np.ndarray:
    """Corners (K, 2) scaled along x and y, then moved to a place."""
    return np.add(np.multiply(list(corners), scale), at)
