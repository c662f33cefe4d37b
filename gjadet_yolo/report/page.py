"""The page of a measurement: one file that opens offline, with figures, curves beside the video, quality and settings.

Curves are drawn by Plotly's script, which the Python package ``plotly`` carries and which goes into the page whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from gjadet_yolo.measure.result import Figure, Measurement, Source
from gjadet_yolo.measure.tracks import Status
from gjadet_yolo.report.colours import NO_BODY, body_colours
from gjadet_yolo.report.parts import (
    bullets,
    cards,
    data_block,
    document,
    embedded,
    halves,
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
from gjadet_yolo.report.wording import (
    DASH,
    MINUS,
    NAMES,
    TIMES,
    body_name,
    number,
    quality_rows,
    reading,
    with_bar,
    worded,
)

MOST_EMBEDDED_BYTES = 24 << 20  # a larger film stays beside the page, which mail and browsers would else refuse
SAID_ELSEWHERE = ("markers", "predicted_percent")  # of the quality figures: in the tables beside them
BARS = "± is 95 % (1.96 standard deviations)."


def figure_place(figure: Figure, measurement: Measurement) -> str:
    """Which body and when, as far as either applies."""
    if figure.name == "t0":
        return "after the first frame"
    body = body_name(figure.body, bool(measurement.reference[figure.body])) if figure.body >= 0 else ""
    when = f"at {1000 * figure.time_s:.1f} ms".replace("-", MINUS) if np.isfinite(figure.time_s) else ""
    return ", ".join(part for part in (body, when) if part)


def size_text(source: Source) -> str:
    return f"{source.size_px[0]} {TIMES} {source.size_px[1]} px"


def figures_section(measurement: Measurement) -> str:
    """Cards of the body that runs into something, a table of the others."""
    if not measurement.figures:
        return section("Figures", "<p>No figure was found.</p>", name="figures")
    first = leading_body(measurement.figures)
    entries = []
    for figure in measurement.figures:
        if figure.body in (-1, first):
            value, sigma, unit = reading(figure)
            entries.append((worded(figure.name), with_bar(value, sigma), unit, figure_place(figure, measurement)))
    content = cards(entries) + others_table([one for one in measurement.figures if one.body not in (-1, first)])
    return section("Figures", f'{content}<p class="below">{BARS}</p>', name="figures")


def leading_body(figures: Sequence[Figure]) -> int:
    """The body with the highest impact speed, which the others are struck by; the first where none has any."""
    speeds = {figure.body: figure.value for figure in figures if figure.name == "impact_speed"}
    first = min((figure.body for figure in figures if figure.body >= 0), default=-1)
    return max(speeds, key=lambda body: speeds[body], default=first)


def others_table(figures: Sequence[Figure]) -> str:
    """A row for each body, a column for each figure; empty without any."""
    if not figures:
        return ""
    names = list(dict.fromkeys(figure.name for figure in figures))
    by_body: dict[int, dict[str, str]] = {}
    for figure in figures:
        by_body.setdefault(figure.body, {})[figure.name] = with_bar(*reading(figure))
    rows = [(body_name(body, False), *(cells.get(name, DASH) for name in names)) for body, cells in by_body.items()]
    return table(("body", *map(worded, names)), rows, range(1, len(names) + 1))


def video_part(film: Path | None) -> str:
    """The player; without a film, the slider alone still moves the cursor."""
    if film is None:
        player = '<p class="below">No video: see the notes.</p>'
    else:
        inside = film.stat().st_size <= MOST_EMBEDDED_BYTES
        address = embedded(film.read_bytes(), "video/mp4") if inside else film.name
        player = f'<video muted playsinline preload="auto" src="{address}"></video><svg id="rings"></svg>'
    return f'<div id="screen">{player}</div>' + own_text("player.html")


def curves_section(film: Path | None, filter_: str | None) -> str:
    through = f" Velocity, acceleration and rates went through the filter {escape(filter_)}." if filter_ else ""
    return section(
        "Curves",
        '<div id="beside"><div id="left"><div id="choices"></div><div id="plots"></div>'
        '<p class="below">Bands are 95 %. Displacement counts from its value at T0; its band is that of the place.'
        f"{through} "
        '<span class="screen">Click a curve to see its frame, and a marker in the video to see its curve.</span></p>'
        f'</div><div id="right">{video_part(film)}<div id="readout"></div></div></div>',
        name="curves",
    )


def groups_section(measurement: Measurement, groups: np.ndarray | None) -> str:
    legend = [
        (colour, body_name(k, bool(stands)))
        for k, (colour, stands) in enumerate(
            zip(body_colours(measurement.reference), measurement.reference, strict=True)
        )
    ]
    if (measurement.body < 0).any():
        legend.append((NO_BODY, "no body"))
    shown = picture(groups, "First frame; markers in the colours of their bodies.") if groups is not None else ""
    return section("Bodies", swatches(legend), shown)


def markers_section(measurement: Measurement) -> str:
    """How many markers each body has, and how many of them were measured at the least and at the most."""
    rows = []
    for k, stands in enumerate(measurement.reference):
        seen = measurement.markers[:, k]
        least, most = int(seen.min()), int(seen.max())
        span = f"{least} to {most}" if least < most else f"{most}"
        own = int((measurement.body == k).sum())
        rows.append((body_name(k, bool(stands)), str(own), span, str(int((seen > 0).sum()))))
    return section("Markers", table(("body", "markers", "measured in a frame", "frames"), rows, (1, 2, 3)))


def quality_section(measurement: Measurement) -> str:
    samples = [
        (f"Samples {s.name.lower()}", f"{n} ({n / max(measurement.status.size, 1):.2%})")
        for s in reversed(Status)
        for n in [int((measurement.status == s).sum())]
    ]
    shown = {name: value for name, value in measurement.quality.items() if name not in SAID_ELSEWHERE}
    quality = [(name, number(value, 4 if "%" in name else 2)) for name, value in quality_rows(shown)]
    return section("Quality", table((), samples + quality, (1,)))


def origin_section(content: dict[str, Any], source: Source) -> str:
    """Hashes, model and versions, of the mapping that ``summary.json`` holds."""
    origin = {
        "Video": source.name,
        "SHA-256 of the video": source.sha256,
        "Frames": f"{source.frames}, {size_text(source)}, {source.fps:g} frames/s",
        **({"Reading ended": source.ended} if source.ended else {}),
        **{f"Model: {key}": value or "not known" for key, value in content["model"].items()},
        "Versions": ", ".join(f"{name} {version}" for name, version in content["versions"].items()),
        "Written": content["written"].replace("T", " ").replace("+00:00", " UTC"),
    }
    return section("Origin", pairs(origin))


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
    below = f"{source.frames} frames of {size_text(source)} at {source.fps:g} frames/s"
    notes = [*measurement.notes, *notes]
    content = summarise(measurement)
    settings = {NAMES.get(name, name): value for name, value in content["settings"].items()}
    parts = [
        figures_section(measurement),
        section("Notes and limits", bullets(notes), name="notes") if notes else "",
        curves_section(film, measurement.settings.get("filter")),
        halves(groups_section(measurement, groups), markers_section(measurement) + quality_section(measurement)),
        halves(section("Settings", pairs(settings)), origin_section(content, source)),
    ]
    scripts = [data_block("data", data), script(get_plotlyjs()), script(own_text("page.js"))]
    with path.open("w", encoding="utf-8") as file:
        file.writelines(document(f"Motion from video {Path(source.name).name}", below, parts, scripts))
