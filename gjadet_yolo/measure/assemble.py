"""From tracks to a measurement: bodies, scale, T0, kinematics, figures; and again with another filter."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from gjadet_yolo.measure.bodies import Grouping, fit_bodies
from gjadet_yolo.measure.curves import bodies_px, curves_of, noise_of, noise_ratios, turned, turning_of
from gjadet_yolo.measure.filters import Filter
from gjadet_yolo.measure.onset import Onset
from gjadet_yolo.measure.plane import Plane
from gjadet_yolo.measure.quality import quality_of
from gjadet_yolo.measure.quantities import figures
from gjadet_yolo.measure.result import Curves, Figure, Measurement, Source
from gjadet_yolo.measure.scale import Similar, Unscaled
from gjadet_yolo.measure.settings import MeasureSettings
from gjadet_yolo.measure.start import find_start
from gjadet_yolo.measure.tracks import Status, Tracks

Scale = Similar | Unscaled | Plane
SCALED_UNITS = ("mm", "m/s", "g")


def assemble(
    tracks: Tracks, grouping: Grouping, scale: Scale, source: Source, settings: MeasureSettings
) -> Measurement:
    """Curves, figures and quality of tracks."""
    fits, fps, filter_ = fit_bodies(tracks, grouping), source.fps, Filter.parse(settings.filter)
    frames, relative = len(tracks.time_s), relative_sigmas(scale, grouping.count)
    ratio = noise_ratios(tracks)
    # never less than stated: errors that last for many frames do not show between neighbours
    sigma_px = tracks.sigma_px * np.fmax(np.nanmedian(ratio) if np.isfinite(ratio).any() else 1.0, 1.0)
    place = np.where(tracks.status[..., None] > Status.MISSING, tracks.position_px, np.nan)
    body_px, body_sigma_px, seen = bodies_px(fits, frames)
    mm = scale.to_mm(np.where(tracks.measured[..., None], place, np.nan), sigma_px, grouping.body)
    body_mm = scale.to_mm(body_px, body_sigma_px, np.arange(grouping.count))
    # what all positions of a marker share is part of where it is, and not of how it moves
    shared = 0.0 if tracks.common_px is None else tracks.common_px
    points = curves_of(place, np.hypot(sigma_px, shared), *mm, tracks.measured, fps, filter_, relative[grouping.body])
    bodies = curves_of(body_px, body_sigma_px, *body_mm, seen, fps, filter_, relative[: grouping.count])
    known = body_mm if np.isfinite(body_mm[0]).any() else (body_px, body_sigma_px)
    t0 = start_of(settings.t0, tracks.time_s, *known, seen, ~grouping.reference)
    start_s = t0.time_s if t0 else float(tracks.time_s[0])
    measurement = Measurement(
        source=source,
        model={},
        settings={},
        time_s=tracks.time_s - start_s,
        body=grouping.body,
        kind=tracks.kind,
        status=tracks.status,
        disagreement_px=tracks.disagreement_px,
        points=points,
        bodies=bodies,
        turning=turning_of(fits, frames, fps, filter_),
        markers=np.stack([fit.markers for fit in fits], 1) if fits else np.zeros((frames, 0), int),
        reference=grouping.reference,
        quality=quality_of(tracks, fits, ratio) | {"t0_sigma_s": t0.sigma_s if t0 else math.nan},
        notes=notes_of(grouping, t0),
        scale_sigma=relative,
    )
    if t0 is None:
        return measurement
    start = Figure("t0", -1, start_s, t0.sigma_s, "s")
    return replace(measurement, figures=[start, *figures_of(measurement, filter_, settings.seed)])


def start_of(
    frame: int | None, time_s: np.ndarray, position: np.ndarray, sigma: np.ndarray, seen: np.ndarray, moving: np.ndarray
) -> Onset | None:
    """T0 as stated, or found; see :func:`~gjadet_yolo.measure.start.find_start`."""
    if frame is not None:
        return Onset(float(time_s[frame]), 0.0)
    return find_start(time_s, position, sigma, seen, moving)


def figures_of(measurement: Measurement, filter_: Filter, seed: int) -> list[Figure]:
    """What people quote of the bodies that move, with the scale's error in the bars."""
    bodies, relative = measurement.bodies, measurement.scale_sigma
    noise = noise_of(bodies, relative[:-1])
    seen = np.isfinite(bodies.position_mm).all(2)
    t0 = Onset(0.0, measurement.quality.get("t0_sigma_s", math.nan))
    generator = np.random.default_rng(seed)
    found = figures(measurement.time_s, bodies.position_mm, noise, seen, t0, filter_, generator)
    return [with_scale(figure, relative) for figure in found if not measurement.reference[figure.body]]


def refilter(measurement: Measurement, text: str) -> Measurement:
    """A measurement with another filter, from its own positions.

    Raises:
        ValueError: There is no such filter, or the rate cannot carry it.
    """
    filter_, fps, relative = Filter.parse(text), measurement.source.fps, measurement.scale_sigma
    changed = {}
    for name, one in (("points", relative[measurement.body]), ("bodies", relative[:-1])):
        old: Curves = getattr(measurement, name)
        seen = np.isfinite(old.position_mm).all(2)
        args = old.position_px, old.sigma_px, old.position_mm, noise_of(old, one)
        changed[name] = curves_of(*args, seen, fps, filter_, one)
    turning = turned(measurement.turning.angle_rad, measurement.turning.sigma_angle_rad, fps, filter_)
    settings = measurement.settings | {"filter": str(filter_)}
    found = replace(measurement, **changed, turning=turning, settings=settings)
    kept = [figure for figure in measurement.figures if figure.name == "t0"]
    quoted = figures_of(found, filter_, int(settings.get("seed", 0))) if kept else []
    return replace(found, figures=kept + quoted)


def notes_of(grouping: Grouping, t0: Onset | None) -> list[str]:
    """What a reader of the curves must know of bodies and T0."""
    notes = []
    if not grouping.count:
        notes.append("No body was found: it takes three markers that move alike. Curves are of single markers.")
    elif grouping.reference.all():
        notes.append("All bodies stand: there is no motion to measure.")
    elif t0 is None:
        notes.append("No onset was found, so times count from the first frame and nothing is quoted. State t0=FRAME.")
    left = grouping.left.tolist()
    return notes + [
        f"Marker {index} left body {grouping.body[index]} in frame {frame} and counts for it no longer."
        for index, frame in enumerate(left)
        if frame > 0
    ]


def relative_sigmas(scale: Scale, bodies: int) -> np.ndarray:
    """Relative standard deviation of the scale of each body, and of what belongs to none, (B + 1,)."""
    given = np.asarray(scale.relative_sigma, float)
    return given if len(given) == bodies + 1 else np.full(bodies + 1, given[-1])


def with_scale(figure: Figure, relative: np.ndarray) -> Figure:
    """A figure whose bar also holds the error of the scale."""
    if figure.unit not in SCALED_UNITS:
        return figure
    return replace(figure, sigma=math.hypot(figure.sigma, float(relative[figure.body]) * figure.value))
