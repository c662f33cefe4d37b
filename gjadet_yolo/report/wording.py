"""How names and numbers read: a value is written to the digits that its standard deviation supports.

Bars are ± 1.96 standard deviations, 95 % of a normal distribution, and are rounded to two digits, as the Guide to the
expression of uncertainty in measurement (JCGM 100:2008, 7.2.6) advises.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from gjadet_yolo.measure.result import Figure

BAR = 1.96
MINUS, DASH, TIMES = "\N{MINUS SIGN}", "\N{EN DASH}", "\N{MULTIPLICATION SIGN}"
UNITS = {
    **{"px": "px", "mm": "mm", "s": "s", "ms": "ms", "mps": "m/s", "mps2": "m/s²", "g": "g", "hz": "Hz", "deg": "°"},
    **{"percent": "%", "fps": "frames/s"},
}
# names that do not say by themselves what they are
NAMES = {
    "t0": "T0",
    "deceleration_3ms": "3 ms deceleration",
    "duration": "Duration of the pulse",
    "origin": "mm count from",
    "measured_percent": "Measured from first to last sight, %",
    "standard_deviation_of_a_position_px": "Standard deviation of a marker's place, px",
    "disagreement_of_two_estimates_px": "Two estimates of a place differ by, px",
    "noise_against_stated": "Scatter between frames, in stated standard deviations",
    "misfit_of_stiff_bodies": "Markers off their stiff body, in stated standard deviations",
    "t0_sigma_s": "Standard deviation of T0, ms",
}
IN_MS = ("t0_sigma_s",)
G = 9.80665  # m/s², standard gravity, exact by definition


def worded(name: str) -> str:
    """``impact_speed`` -> ``Impact speed``, ``noise_px`` -> ``Noise, px``."""
    if name in NAMES:
        return NAMES[name]
    words = name.split("_")
    unit = UNITS.get(words[-1]) if len(words) > 1 else None
    # a number and its unit within a name: 3ms
    text = re.sub(r"(\d)([a-z])", r"\1 \2", " ".join(words[:-1] if unit else words))
    return text[:1].upper() + text[1:] + (f", {unit}" if unit else "")


def number(value: float, digits: int = 4) -> str:
    """A number to some significant digits without an exponent where that reads well; a dash for NaN."""
    return f"{value:.{digits}g}".replace("-", MINUS) if math.isfinite(value) else DASH


def with_bar(value: float, sigma: float, unit: str = "") -> str:
    """``12.481 ± 0.012 m/s``; without the bar where the standard deviation is not known.

    Args:
        sigma: One standard deviation; the bar is 1.96 of it.
    """
    bar = BAR * sigma
    end = f" {unit}" if unit else ""
    if not math.isfinite(value):
        return DASH
    if not (math.isfinite(bar) and bar > 0):
        return number(value) + end
    digits = 1 - math.floor(math.log10(float(f"{bar:.1e}")))  # of the rounded bar: 0.0996 is 0.10
    decimals = min(max(digits, 0), 9)
    value, bar = (round(one, min(digits, 9)) + 0.0 for one in (value, bar))  # + 0.0: no negative zero
    return f"{value:.{decimals}f} ± {bar:.{decimals}f}{end}".replace("-", MINUS)


def reading(figure: Figure) -> tuple[float, float, str]:
    """Value, standard deviation and unit of a figure as reports show it: times in ms."""
    if figure.unit == "s":
        return 1000 * figure.value, 1000 * figure.sigma, "ms"
    return figure.value, figure.sigma, figure.unit


def quality_rows(quality: Mapping[str, float]) -> list[tuple[str, float]]:
    """Quality figures by their names in words, in the units of these."""
    return [(worded(name), 1000 * value if name in IN_MS else value) for name, value in quality.items()]


def counted(number_: int, one: str, many: str = "") -> str:
    """``1 body``, ``2 bodies``."""
    return f"{number_} {one if number_ == 1 else many or one + 's'}"


def body_name(body: int, stands: bool) -> str:
    """``Body 0``, and ``Body 1 (standing)`` for a reference."""
    return f"Body {body} (standing)" if stands else f"Body {body}"
