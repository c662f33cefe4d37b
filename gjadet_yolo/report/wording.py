"""How names and numbers read: a value is written to the digits that its standard deviation supports.

Bars are ± 1.96 standard deviations, 95 % of a normal distribution, and are rounded to two digits, as the Guide to the
expression of uncertainty in measurement (JCGM 100:2008, 7.2.6) advises.
"""

from __future__ import annotations

import math
import re

BAR = 1.96
MINUS, DASH, TIMES = "\N{MINUS SIGN}", "\N{EN DASH}", "\N{MULTIPLICATION SIGN}"
UNITS = {
    **{"px": "px", "mm": "mm", "s": "s", "ms": "ms", "mps": "m/s", "mps2": "m/s²", "g": "g", "hz": "Hz", "deg": "°"},
    **{"percent": "%", "fps": "frames/s"},
}
G = 9.80665  # m/s², standard gravity, exact by definition


def worded(name: str) -> str:
    """``impact_speed`` -> ``Impact speed``, ``noise_px`` -> ``Noise, px``."""
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
    decimals = min(max(1 - math.floor(math.log10(bar)), 0), 9)
    return f"{value:.{decimals}f} ± {bar:.{decimals}f}{end}".replace("-", MINUS)


def counted(number_: int, one: str, many: str = "") -> str:
    """``1 body``, ``2 bodies``."""
    return f"{number_} {one if number_ == 1 else many or one + 's'}"


def body_name(body: int, stands: bool) -> str:
    """``Body 0``, and ``Body 1 (standing)`` for a reference."""
    return f"Body {body} (standing)" if stands else f"Body {body}"
