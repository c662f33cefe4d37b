"""Deceleration pulses of a crash, with their integrals in closed form.

The first integral of a pulse a(t) >= 0 is the velocity that a body loses, the second the distance it falls short by.
Both are exact, so that positions, velocities and accelerations of every marker agree to rounding. Half-sine, haversine
and trapezoid are the usual idealisations of a recorded pulse.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from gjadet_yolo.messages import shown


class Pulse(Protocol):
    """Deceleration over time; all times in s from the start of the pulse, zero before it."""

    duration_s: float

    def deceleration(self, t_s: np.ndarray) -> np.ndarray:
        """Deceleration in m/s², same shape as the times; 0 outside the pulse."""
        ...

    def velocity_loss(self, t_s: np.ndarray) -> np.ndarray:
        """First integral in m/s: the velocity lost so far; constant after the pulse."""
        ...

    def shortfall(self, t_s: np.ndarray) -> np.ndarray:
        """Second integral in m: the distance that the body falls short by; grows linearly after the pulse."""
        ...


def check_positive(kind: str, **values: float) -> None:
    """Raise a ValueError that names pulse, key and value where a value is not a positive number."""
    for key, value in values.items():
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"pulse {kind}: {key} is {value}, expected a number above 0.")


@dataclass(frozen=True)
class HalfSine:
    """``a = peak * sin(pi * t / duration)``; velocity loss in all 2 / pi * peak * duration."""

    peak_mps2: float
    duration_s: float

    def __post_init__(self) -> None:
        check_positive("half_sine", peak_mps2=self.peak_mps2, duration_s=self.duration_s)

    def deceleration(self, t_s: np.ndarray) -> np.ndarray:
        inside = (t_s >= 0) & (t_s <= self.duration_s)
        return np.where(inside, self.peak_mps2 * np.sin(np.pi * t_s / self.duration_s), 0.0)

    def velocity_loss(self, t_s: np.ndarray) -> np.ndarray:
        t = np.clip(t_s, 0, self.duration_s)
        return self.peak_mps2 * self.duration_s / np.pi * (1 - np.cos(np.pi * t / self.duration_s))

    def shortfall(self, t_s: np.ndarray) -> np.ndarray:
        t, scale = np.clip(t_s, 0, self.duration_s), self.duration_s / np.pi
        inside = self.peak_mps2 * scale * (t - scale * np.sin(t / scale))
        # the integral of a loss that no longer changes; 0 within the pulse
        return inside + self.velocity_loss(t_s) * np.maximum(t_s - self.duration_s, 0)


@dataclass(frozen=True)
class Haversine:
    """``a = peak / 2 * (1 - cos(2 pi * t / duration))``, smooth at both ends; velocity loss peak * duration / 2."""

    peak_mps2: float
    duration_s: float

    def __post_init__(self) -> None:
        check_positive("haversine", peak_mps2=self.peak_mps2, duration_s=self.duration_s)

    def deceleration(self, t_s: np.ndarray) -> np.ndarray:
        t = np.clip(t_s, 0, self.duration_s)
        return self.peak_mps2 / 2 * (1 - np.cos(2 * np.pi * t / self.duration_s))

    def velocity_loss(self, t_s: np.ndarray) -> np.ndarray:
        t, scale = np.clip(t_s, 0, self.duration_s), self.duration_s / (2 * np.pi)
        return self.peak_mps2 / 2 * (t - scale * np.sin(t / scale))

    def shortfall(self, t_s: np.ndarray) -> np.ndarray:
        t, scale = np.clip(t_s, 0, self.duration_s), self.duration_s / (2 * np.pi)
        inside = self.peak_mps2 / 2 * (t**2 / 2 + scale**2 * (np.cos(t / scale) - 1))
        return inside + self.velocity_loss(t_s) * np.maximum(t_s - self.duration_s, 0)


@dataclass(frozen=True)
class PiecewiseLinear:
    """Straight lines between given points: a recorded pulse as a table, or a trapezoid.

    Attributes:
        times_s: Increasing times; the first is the start of the pulse.
        values_mps2: Decelerations at these times, 0 or more; zero outside.
        duration_s: Last time.
    """

    times_s: tuple[float, ...]
    values_mps2: tuple[float, ...]
    duration_s: float = field(init=False)

    def __post_init__(self) -> None:
        times, values = np.array(self.times_s), np.array(self.values_mps2)
        if len(times) != len(values) or len(times) < 2:
            raise ValueError(f"pulse table: {len(times)} times and {len(values)} values, expected two or more of each.")
        if not (np.isfinite(times).all() and np.isfinite(values).all()):
            raise ValueError("pulse table: times and values must be finite numbers.")
        for index in np.flatnonzero(np.diff(times) <= 0):
            raise ValueError(
                f"pulse table: time {times[index + 1]:g} s in row {index + 2} does not come after {times[index]:g} s; "
                f"times must increase."
            )
        if times[0] < 0 or values.min() < 0:
            raise ValueError(
                f"pulse table: first time {times[0]:g} s, smallest value {values.min():g} m/s²; allowed: 0 or more."
            )
        object.__setattr__(self, "duration_s", float(times[-1]))  # the dataclass is frozen

    @classmethod
    def trapezoid(cls, peak_mps2: float, rise_s: float, hold_s: float, fall_s: float) -> PiecewiseLinear:
        """Rise, plateau and fall; velocity loss in all ``peak * (rise / 2 + hold + fall / 2)``."""
        check_positive("trapezoid", peak_mps2=peak_mps2, rise_s=rise_s, hold_s=hold_s, fall_s=fall_s)
        times = np.cumsum((0.0, rise_s, hold_s, fall_s))
        return cls(tuple(times.tolist()), (0.0, peak_mps2, peak_mps2, 0.0))

    @classmethod
    def from_csv(cls, file: Path) -> PiecewiseLinear:
        """Read two columns, time in s and deceleration in m/s²; a first row that is no number is a heading.

        Raises:
            FileNotFoundError: No such file.
            ValueError: A row is not two numbers, or the table cannot be a pulse; names file and row.
        """
        if not file.is_file():
            raise FileNotFoundError(f"pulse table {file} does not exist.")
        try:
            rows = list(read_rows(file))
        except UnicodeDecodeError as error:
            raise ValueError(f"{file} is no text in UTF-8: {error}. Save it in this encoding.") from error
        except csv.Error as error:
            raise ValueError(f"{file} is no table of time_s, deceleration_mps2: {error}.") from error
        try:
            return cls(tuple(row[0] for row in rows), tuple(row[1] for row in rows))
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from error

    def deceleration(self, t_s: np.ndarray) -> np.ndarray:
        return np.interp(t_s, self.times_s, self.values_mps2, left=0.0, right=0.0)

    def velocity_loss(self, t_s: np.ndarray) -> np.ndarray:
        return self._integrals(t_s)[0]

    def shortfall(self, t_s: np.ndarray) -> np.ndarray:
        return self._integrals(t_s)[1]

    def _integrals(self, t_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        times, values = np.array(self.times_s), np.array(self.values_mps2)
        steps, slopes = np.diff(times), np.diff(values) / np.diff(times)
        loss = np.concatenate(([0.0], np.cumsum((values[1:] + values[:-1]) / 2 * steps)))
        # exact: where the deceleration is linear, its integrals are quadratic and cubic
        increments = loss[:-1] * steps + values[:-1] * steps**2 / 2 + slopes * steps**3 / 6
        short = np.concatenate(([0.0], np.cumsum(increments)))
        t = np.clip(t_s, times[0], times[-1])
        row = np.clip(np.searchsorted(times, t, side="right") - 1, 0, len(steps) - 1)
        dt_s = t - times[row]
        velocity = loss[row] + values[row] * dt_s + slopes[row] * dt_s**2 / 2
        distance = short[row] + loss[row] * dt_s + values[row] * dt_s**2 / 2 + slopes[row] * dt_s**3 / 6
        return velocity, distance + loss[-1] * np.maximum(t_s - times[-1], 0)


def read_rows(file: Path) -> Iterator[tuple[float, float]]:
    """Rows of a pulse table, without its heading; errors are those that :meth:`PiecewiseLinear.from_csv` explains."""
    with file.open(newline="", encoding="utf-8-sig") as stream:  # spreadsheets begin with a byte order mark
        for number, row in enumerate(csv.reader(stream), 1):
            if not any(cell.strip() for cell in row):  # spreadsheets leave rows of bare commas at the end
                continue
            try:
                time_s, value = map(float, row)
            except ValueError:
                if number == 1:  # a heading
                    continue
                raise ValueError(f"{file} row {number} is {shown(row)}, expected time_s, deceleration_mps2.") from None
            yield time_s, value


def half_sine_stop(speed_mps: float, distance_m: float) -> HalfSine:
    """Half-sine that stops a body within a distance; as the pulse is symmetric, the mean speed is half the first."""
    duration_s = 2 * distance_m / speed_mps
    return HalfSine(math.pi * speed_mps / (2 * duration_s), duration_s)


def haversine_stop(speed_mps: float, distance_m: float) -> Haversine:
    """Haversine that stops a body within a distance."""
    duration_s = 2 * distance_m / speed_mps
    return Haversine(2 * speed_mps / duration_s, duration_s)


def trapezoid_stop(speed_mps: float, distance_m: float) -> PiecewiseLinear:
    """Trapezoid, with a sixth of its time for each flank, that stops a body within a distance."""
    flank_s = distance_m / speed_mps / 3
    return PiecewiseLinear.trapezoid(speed_mps / (5 * flank_s), flank_s, 4 * flank_s, flank_s)


STOPS: dict[str, Callable[[float, float], Pulse]] = {
    "half_sine": half_sine_stop,
    "haversine": haversine_stop,
    "trapezoid": trapezoid_stop,
}
"""Pulses by name, as functions of the speed (m/s) they take away and the distance (m) they need."""
