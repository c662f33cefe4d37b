"""The page of a measurement: one file that opens offline, with figures, curves beside the video, quality and settings.

Curves are drawn by Plotly's script, which the Python package ``plotly`` carries and which goes into the page whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gjadet_yolo.measure.result import Figure, Measurement
from gjadet_yolo.report.colours import NO_BODY, body_colours
from gjadet_yolo.report.parts import (
    bullets,
    cards,
    data_block,
    document,
    embedded,
    own_text,
    pairs,
    picture,
    script,
    section,
    swatches,
    table,
)
from gjadet_yolo.report.payload import payload
from gjadet_yolo.report.summary import summarise
from gjadet_yolo.report.wording import DASH, MINUS, TIMES, body_name, number, with_bar, worded

MOST_EMBEDDED_BYTES = 24 << 20  # a larger film stays beside the page, which mail and browsers would else refuse
BARS = "± is 95 % (1.96 standard deviations)."


def figure_text(figure: Figure) -> str:
    return with_bar(figure.value, figure.sigma, figure.unit)


def figure_place(figure: Figure, measurement: Measurement) -> str:
    """Which body and when, as far as either applies."""
    body = body_name(figure.body, bool(measurement.reference[figure.body])) if figure.body >= 0 else ""
    when = f"at {1000 * figure.time_s:.1f} ms".replace("-", MINUS) if np.isfinite(figure.time_s) else ""
    return ", ".join(part for part in (body, when) if part)


def figures_section(measurement: Measurement) -> str:
    entries = [(worded(f.name), figure_text(f), figure_place(f, measurement)) for f in measurement.figures]
    content = cards(entries) + f'<p class="below">{BARS}</p>' if entries else "<p>No figure was found.</p>"
    return section("Figures", content, name="figures")


def video_part(film: Path | None) -> str:
    """The player; without a film, the slider alone still moves the cursor."""
    if film is None:
        player = '<p class="below">No video: see the notes.</p>'
    else:
        inside = film.stat().st_size <= MOST_EMBEDDED_BYTES
        address = embedded(film.read_bytes(), "video/mp4") if inside else film.name
        player = f'<video muted playsinline preload="auto" src="{address}"></video><svg id="rings"></svg>'
    return f'<div id="screen">{player}</div>' + own_text("player.html")


def curves_section(measurement: Measurement, film: Path | None) -> str:
    return section(
        "Curves",
        '<div id="beside"><div id="left"><div id="choices"></div><div id="plots"></div>'
        '<p class="below">Bands are 95 %. Displacement counts from its value at T0; its band is that of the place. '
        "Click a curve to see its frame, and a marker in the video to see its curve.</p></div>"
        f'<div id="right">{video_part(film)}<div id="readout"></div></div></div>',
        name="curves",
    )


def bodies_section(measurement: Measurement, groups: np.ndarray | None) -> str:
    colours = body_colours(measurement.reference)
    legend = [(c, body_name(k, bool(measurement.reference[k]))) for k, c in enumerate(colours)]
    if (measurement.body < 0).any():
        legend.append((NO_BODY, "no body"))
    rows = []
    for k, stands in enumerate(measurement.reference):
        seen = measurement.markers[:, k]
        fewest = f"{seen.min()} to {seen.max()}" if len(seen) else DASH
        rows.append(
            (body_name(k, bool(stands)), str(int((measurement.body == k).sum())), fewest, f"{(seen > 0).sum()}")
        )
    header = ("body", "markers", "measured in a frame", "frames with any")
    shown = picture(groups, "First frame; markers in the colours of their bodies.") if groups is not None else ""
    return section(
        "Bodies",
        f'<div class="halves"><div>{shown}</div><div>',
        swatches(legend),
        table(header, rows, (1, 2, 3)),
        "</div></div>",
    )


def details_sections(content: dict[str, Any], measurement: Measurement) -> list[str]:
    """Quality, notes, settings, origin."""
    states = ("measured", "predicted", "missing")
    counts = {s: sum(point[s] for point in content["points"]) for s in states}
    samples = [
        (f"Samples {state}", f"{counts[state]} ({counts[state] / max(sum(counts.values()), 1):.2%})")
        for state in states
    ]
    quality = [(worded(name), number(value)) for name, value in measurement.quality.items()]
    source = {worded(key): value for key, value in content["source"].items() if value != ""}
    model = {f"Model {key}": value for key, value in content["model"].items()}
    return [
        section("Quality", table((), samples + quality, (1,))),
        section("Settings", pairs(content["settings"])),
        section("Origin", pairs({**source, **model, **content["versions"], "written": content["written"]})),
    ]


def write_page(
    path: Path, measurement: Measurement, film: Path | None, groups: np.ndarray | None, notes: list[str]
) -> None:
    """Write ``report.html``.

    Args:
        film: What ``write_film`` wrote, in the same folder; None for a page without the video.
        groups: First frame with its markers, (H, W, 3) uint8 BGR.
        notes: Sentences besides those of the measurement, e.g. why there is no video.

    Raises:
        ModuleNotFoundError: Plotly is not installed.
    """
    from plotly.offline import get_plotlyjs

    source, data = measurement.source, payload(measurement)
    if data["point_curves"] is None:
        notes = [*notes, "Curves of single markers would make this page too large; they are in points.csv."]
    below = f"{source.frames} frames of {source.size_px[0]} {TIMES} {source.size_px[1]} px at {source.fps:g} frames/s"
    notes = [*measurement.notes, *notes]
    content = summarise(measurement)
    quality, *rest = details_sections(content, measurement)
    parts = [
        figures_section(measurement),
        section("Notes and limits", bullets(notes), name="notes") if notes else "",
        curves_section(measurement, film),
        bodies_section(measurement, groups),
        f'<div class="halves">{quality}{rest[0]}</div>',
        rest[1],
    ]
    scripts = [data_block("data", data), script(get_plotlyjs()), script(own_text("page.js"))]
    with path.open("w", encoding="utf-8") as file:
        file.writelines(document(f"Motion from video {source.name}", below, parts, scripts))
