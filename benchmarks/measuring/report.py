"""Tables of benchmarks/measure.py."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gjadet_yolo.evaluate.tables import number, table
from measuring.scores import BINS, Scores, pool

REFERENCE_MM_PER_PX = 3.0  # at which the goals of velocity and acceleration are stated
GRAVITY = 9.80665
TOOLS = (("measure", ""), ("box centres, yolo track", "host_"), ("cornerSubPix", "corner_"))
TOOLS += (("correlation with a parabola", "correlation_"),)
BARS = ("position", "marker_velocity", "marker_acceleration", "body_position", "body_velocity", "body_acceleration")
ABOUT = ("seed", "scene", "kind")
BODY = ("body", "markers", "moves", "mm_per_px", "velocity_rms_mps", "acceleration_rms_g")


def rms(scores: Scores, name: str) -> float:
    """Root mean square of a score."""
    count = scores.get(f"{name}_n", 0)
    return math.sqrt(scores[f"{name}_ss"] / count) if count else math.nan


def share(scores: Scores, part: str, whole: str) -> float:
    """A share in per cent."""
    return 100 * scores.get(part, 0) / scores[whole] if scores.get(whole) else math.nan


def squares(scores: Scores, name: str, least: int) -> float:
    """RMS of all squares of a size and more."""
    bins = [low for low, _ in BINS if low >= least]
    total = {key: sum(scores.get(f"{name}_{low}_{key}", 0) for low in bins) for key in ("n", "ss")}
    return math.sqrt(total["ss"] / total["n"]) if total["n"] else math.nan


def write_report(out: Path) -> str:
    """Read all results of a folder, write its CSV files and ``table.md``; returns the latter."""
    results = [json.loads(file.read_text("utf-8")) for file in sorted((out / "results").glob("*.json"))]
    if not results:
        return "No results.\n"
    clean, thin = ([one for one in results if one["kind"] == kind] for kind in ("clean", "thinned"))
    worse = [one for one in results if one["kind"] not in ("clean", "thinned")]
    write_rows(out, [*clean, *worse])
    parts = [
        f"{len(clean)} seeds clean, {len(worse)} degraded, {len(thin)} with frames left out.\n",
        goals(clean, worse, thin),
        "RMS error of positions in px per axis, place / motion (a marker's mean error taken off), by side in px; and "
        "coordinates that are off by more than 0.5 px:\n",
        tools(clean, worse),
        "Figures of bodies that move, clean: errors and bars\n",
        quoted(clean, "bodies"),
        "The same with the scale from `square_mm=`\n",
        quoted(clean, "by_squares"),
    ]
    text = "\n".join(parts)
    (out / "table.md").write_text(text, encoding="utf-8")
    return text


def goals(clean: Sequence[dict], worse: Sequence[dict], thin: Sequence[dict]) -> str:
    """The table of goals."""
    c, d, t = (pool(one["scores"] for one in group) for group in (clean, worse, thin))
    speed, slowing = at_reference(clean)
    bars = {name: [number(share(s, f"bar_{name}_in", f"bar_{name}_n"), 1) for s in (c, d)] for name in BARS}
    per_frame = [1e3 * s / c["frames"] if c.get("frames") else math.nan for s in (c.get("cpu_s", 0), detect_s(c))]
    rows = [
        ["position, squares of 16 px and more, px RMS", *pair(squares, c, d, "place", 16, digits=3), "0.02 / 0.08"],
        ["the same, motion only", *pair(squares, c, d, "motion", 16, digits=3), ""],
        ["markers of 12 px, 90 % visible, that are measured, %", *pair(share, c, d, "wanted_found", "wanted"), "99.5"],
        ["identity switches, all frames", *counts(c, d, "switches"), "0"],
        ["fragments", *counts(c, d, "fragments"), ""],
        ["tracks without a marker, of all", *counts(c, d, "ghosts", "tracks"), ""],
        ["switches / fragments, up to 1.2 sides a frame", f"{t.get('switches', 0)} / {t.get('fragments', 0)}", "", "0"],
        ["markers measured there, %", number(share(t, "wanted_found", "wanted"), 1), "", ""],
        ["body velocity, m/s RMS at 3 mm/px (markers)", speed, "", "0.005"],
        ["body acceleration, g RMS at 3 mm/px (markers)", slowing, "", "0.15 (20)"],
        ["markers in a wrong body", *counts(c, d, "misgrouped", "stiff"), ""],
        ["markers of stiff bodies in none", *counts(c, d, "alone", "stiff"), ""],
        *([f"95 % bars of {name.replace('_', ' ')} hold, %", *values, "93 to 97"] for name, values in bars.items()),
        [
            "CPU ms per frame without / with detection",
            f"{per_frame[0] - per_frame[1]:.0f} / {per_frame[0]:.0f}",
            "",
            "15 / -",
        ],
        ["markers per frame", number(c.get("markers_frames", 0) / max(c.get("frames", 0), 1), 0), "", ""],
    ]
    return table(["what", "clean", "degraded", "goal"], rows)


def detect_s(scores: Scores) -> float:
    """CPU seconds of detection."""
    return scores.get("detect_s", 0)


def pair(function: object, clean: Scores, worse: Scores, *args: object, digits: int = 1) -> list[str]:
    """A figure clean and degraded."""
    return [number(function(scores, *args), digits) if scores else "-" for scores in (clean, worse)]


def counts(clean: Scores, worse: Scores, part: str, whole: str = "") -> list[str]:
    """A number clean and degraded, of how many."""
    texts = []
    for scores in (clean, worse):
        text = f"{scores.get(part, 0)}"
        texts.append(f"{text} of {scores.get(whole, 0)}" if whole else text)
    return texts


def at_reference(clean: Sequence[dict]) -> tuple[str, str]:
    """RMS of velocity and acceleration of bodies that move, each body's px at 3 mm, and their markers."""
    rows = [row for one in clean for row in one.get("bodies", []) if row["moves"] and row["markers"] >= 10]
    if not rows:
        return "-", "-"
    texts = []
    for name, unit, digits in (("velocity", 1.0, 4), ("acceleration", GRAVITY, 3)):
        found = [rms(row, f"body_{name}") / row["mm_per_px"] * REFERENCE_MM_PER_PX / unit for row in rows]
        text = f"{math.sqrt(np.mean(np.square(found))):.{digits}f}, median {np.median(found):.{digits}f}"
        texts.append(f"{text} ({min(row['markers'] for row in rows)} to {max(row['markers'] for row in rows)})")
    return texts[0], texts[1]


def tools(clean: Sequence[dict], worse: Sequence[dict]) -> str:
    """Positions by tool and size, and identities of those that track."""
    titles = ["tool", "videos", *(f"{low} to {high}" if high < 1000 else f"{low} and more" for low, high in BINS)]
    titles += ["no square, 12 and more", "off by 0.5 px, %", "switches", "fragments", "found, %"]
    rows = []
    for label, group in (("clean", clean), ("degraded", worse)):
        for name, prefix in TOOLS:
            mine = [one["scores"] for one in group if any(key.startswith(f"{prefix}place_") for key in one["scores"])]
            s = pool(mine)
            cells = [
                f"{number(rms(s, f'{prefix}place_{low}'), 3)} / {number(rms(s, f'{prefix}motion_{low}'), 3)}"
                for low in [*(low for low, _ in BINS), "other"]
            ]
            lows = [low for low, _ in BINS if low >= 12]
            far, all_ = (sum(s.get(f"{prefix}place_{low}_{key}", 0) for low in lows) for key in ("far", "n"))
            cells.append(number(100 * far / all_ if all_ else math.nan, 2))
            cells += [str(s.get(f"{prefix}{key}", "-")) for key in ("switches", "fragments")]
            rows.append(
                [
                    f"{name}, {label}",
                    str(len(mine)),
                    *cells,
                    number(share(s, f"{prefix}wanted_found", f"{prefix}wanted"), 1),
                ]
            )
    return table(titles, rows)


def quoted(clean: Sequence[dict], key: str) -> str:
    """Errors, bars and their ratio, by figure."""
    found: dict[str, list[tuple[float, ...]]] = {}
    for one in clean:
        for row in one.get(key, []):
            for name, value, sigma, truth in row["figures"]:
                found.setdefault(name, []).append((value - truth, sigma, truth))
    rows = []
    for name, values in found.items():
        error, sigma, truth = np.array(values).T
        z = error / np.maximum(sigma, 1e-12)
        cells = [np.sqrt(np.mean(error**2)), np.median(np.abs(error)), np.median(sigma), np.median(np.abs(truth))]
        texts = [f"{value:.3g}" for value in cells]
        rows.append([name, str(len(error)), *texts, f"{100 * np.mean(np.abs(z) < 1.96):.0f}", f"{np.abs(z).max():.1f}"])
    titles = [
        "figure",
        "bodies",
        "error RMS",
        "median",
        "median bar",
        "median truth",
        "within 1.96 bars, %",
        "worst, bars",
    ]
    return table(titles, rows)


def write_rows(out: Path, results: Sequence[dict]) -> None:
    """``bodies.csv`` and ``figures.csv``."""
    with (out / "bodies.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*ABOUT, *BODY])
        for one in results:
            for row in one.get("bodies", []):
                errors = rms(row, "body_velocity"), rms(row, "body_acceleration") / GRAVITY
                writer.writerow([*(one[name] for name in ABOUT), *(row[name] for name in BODY[:4]), *errors])
    with (out / "figures.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*ABOUT, "scale", "body", "figure", "value", "sigma", "truth", "z"])
        for one in results:
            for scale in ("bodies", "by_squares"):
                for row in one.get(scale, []):
                    for name, value, sigma, truth in row["figures"]:
                        rest = scale, row["body"], name, value, sigma, truth, (value - truth) / max(sigma, 1e-12)
                        writer.writerow([*(one[name_] for name_ in ABOUT), *rest])
