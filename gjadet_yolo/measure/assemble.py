"""From tracks to a measurement: bodies, scale, T0, kinematics, figures; and again with another filter."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from gjadet_yolo.measure.bodies import LEAST, Grouping, fit_bodies
from gjadet_yolo.measure.curves import MM_PER_M, bodies_px, curves_of, noise_of, noise_ratios, turned, turning_of
from gjadet_yolo.measure.filters import Filter
from gjadet_yolo.measure.lattice import departures, widened
from gjadet_yolo.measure.onset import Onset
from gjadet_yolo.measure.plane import Plane
from gjadet_yolo.measure.quality import quality_of
from gjadet_yolo.measure.quantities import figures
from gjadet_yolo.measure.result import Curves, Figure, Measurement, Source
from gjadet_yolo.measure.rigid import BodyFit
from gjadet_yolo.measure.run_up import run_up
from gjadet_yolo.measure.scale import Similar, Unscaled
from gjadet_yolo.measure.settings import MeasureSettings
from gjadet_yolo.measure.start import find_start
from gjadet_yolo.measure.straight import in_plane, mm_per_px
from gjadet_yolo.measure.tracks import Status, Tracks
from gjadet_yolo.measure.wander import passed, slope_sigma

Scale = Similar | Unscaled | Plane
SCALED_UNITS = ("mm", "m/s", "g")


def assemble(
    tracks: Tracks, grouping: Grouping, scale: Scale, source: Source, settings: MeasureSettings
) -> Measurement:
    """Curves, figures and quality of tracks."""
    fps, filter_, ratio = source.fps, Filter.parse(settings.filter), noise_ratios(tracks)
    # never less than stated: errors that last for many frames do not show between neighbours
    larger = np.fmax(np.nanmedian(ratio) if np.isfinite(ratio).any() else 1.0, 1.0)
    noisy = replace(tracks, sigma_px=tracks.sigma_px * larger, common_px=common_of(tracks))
    paths = paths_of(noisy, grouping, scale)
    turning = turning_of(paths.fits, len(tracks.time_s), fps, filter_)
    points, bodies, slow = both_curves(noisy, grouping, paths, turning.angle_rad, fps, filter_)
    t0 = start_of(settings.t0, tracks.time_s, *paths.known, paths.seen, ~grouping.reference)
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
        turning=turning,
        markers=np.stack([np.zeros(len(tracks.time_s), int), *(fit.markers for fit in paths.fits)], 1)[:, 1:],
        reference=grouping.reference,
        quality=quality_of(tracks, paths.fits, ratio) | {"t0_sigma_s": t0.sigma_s if t0 else math.nan},
        notes=notes_of(grouping, t0),
        scale_sigma=paths.relative,
    )
    if t0 is None:
        return measurement
    start = Figure("t0", -1, start_s, t0.sigma_s, "s")
    return replace(measurement, figures=[start, *figures_of(measurement, filter_, settings.seed, slow)])


def common_of(tracks: Tracks) -> np.ndarray | None:
    """Deviations of what all positions of a marker share, (N, 2), checked by the grid of strips; None if not known."""
    if tracks.common_px is None or not len(tracks.status):
        return tracks.common_px
    best = int(tracks.measured.sum(1).argmax())  # the frame that shows most markers
    square = np.array([kind == "square" for kind in tracks.kind], bool)
    place = np.where((tracks.measured[best] & square)[:, None], tracks.position_px[best], np.nan)
    return widened(tracks.common_px, departures(place, tracks.size_px.mean(1)))


Place = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Paths:
    """Where N markers and B bodies go; each pair is of positions and their noise, (T, K, 2), NaN where not measured.

    Attributes:
        fits: Of the bodies, in the plane of motion where there is a scale.
        seen: Where bodies were measured, (T, B) bool.
        relative: Relative standard deviation of each body's scale and, last, of what belongs to none, (B + 1,).
    """

    points_mm: Place
    bodies_px: Place
    bodies_mm: Place
    fits: list[BodyFit]
    seen: np.ndarray
    relative: np.ndarray

    @property
    def known(self) -> Place:
        """Paths of bodies in mm, or in px where there is no scale."""
        return self.bodies_mm if np.isfinite(self.bodies_mm[0]).any() else self.bodies_px


def paths_of(tracks: Tracks, grouping: Grouping, scale: Scale) -> Paths:
    """Markers and bodies in px and mm."""
    frames, fits, relative = len(tracks.time_s), fit_bodies(tracks, grouping), relative_sigmas(scale, grouping.count)
    *px, seen = bodies_px(fits, frames)
    measured = np.where(tracks.measured[..., None], tracks.position_px, np.nan)
    place, noise = scale.to_mm(measured, tracks.sigma_px, grouping.body)
    noise = np.where(np.isfinite(place), noise, np.nan)
    mm = px[0] * np.nan, px[1] * np.nan
    if np.isfinite(place).any():
        # a body is stiff in its plane and not in a tilted or distorted picture of it
        scales = mm_per_px(tracks, noise, grouping.body)
        fits = fit_bodies(in_plane(tracks, place, noise, grouping.body), grouping, not isinstance(scale, Plane))
        *straight, seen = bodies_px(fits, frames)
        relative = np.hypot(relative, [*map(uneven, fits), 0.0])
        mm = tuple(part * scales[: grouping.count, None] for part in straight)
    return Paths((place, noise), tuple(px), mm, fits, seen, relative)


def both_curves(
    tracks: Tracks, grouping: Grouping, paths: Paths, angle_rad: np.ndarray, fps: float, filter_: Filter
) -> tuple[Curves, Curves, np.ndarray]:
    """Curves of markers and of bodies, and how errors hang together, (B, 3), as in ``wander.py``."""
    relative, body = paths.relative, grouping.body
    # what all positions of a marker share is part of where it is, and not of how it moves
    shared = 0.0 if tracks.common_px is None else tracks.common_px
    place = np.where(tracks.status[..., None] > Status.MISSING, tracks.position_px, np.nan)
    sigma_px = np.hypot(tracks.sigma_px, shared)
    points = curves_of(place, sigma_px, *paths.points_mm, tracks.measured, fps, filter_, relative[body])
    slow = passed(*paths.points_mm, body, paths.bodies_mm[0], angle_rad, fps, filter_)
    bodies = curves_of(*paths.bodies_px, *paths.bodies_mm, paths.seen, fps, filter_, relative[:-1], slow)
    return points, bodies, slow


def start_of(
    frame: int | None, time_s: np.ndarray, position: np.ndarray, sigma: np.ndarray, seen: np.ndarray, moving: np.ndarray
) -> Onset | None:
    """T0 as stated, or found; see :func:`~gjadet_yolo.measure.start.find_start`."""
    if frame is not None:
        return Onset(float(time_s[frame]), 0.0)
    return find_start(time_s, position, sigma, seen, moving)


def figures_of(measurement: Measurement, filter_: Filter, seed: int, slow: np.ndarray) -> list[Figure]:
    """What people quote of the bodies that move, with the scale's error in the bars; ``slow`` as in ``wander.py``."""
    bodies, relative = measurement.bodies, measurement.scale_sigma
    noise = noise_of(bodies, relative[:-1])
    seen = np.isfinite(bodies.position_mm).all(2)
    t0 = Onset(0.0, measurement.quality.get("t0_sigma_s", math.nan))
    generator = np.random.default_rng(seed)
    found = figures(measurement.time_s, bodies.position_mm, noise, seen, t0, filter_, generator, slow)
    found = [with_slope(figure, measurement, t0) for figure in found if not measurement.reference[figure.body]]
    return [with_scale(figure, relative) for figure in found]


def with_slope(figure: Figure, measurement: Measurement, t0: Onset) -> Figure:
    """An impact speed whose bar also holds how its markers disagree about it."""
    if figure.name != "impact_speed":
        return figure
    time_s, body = measurement.time_s, figure.body
    place = measurement.points.position_mm[:, measurement.body == body]
    way, angle = measurement.bodies.position_mm[:, body], measurement.turning.angle_rad[:, body]
    use = run_up(time_s, np.isfinite(way).all(1), t0)
    sigma = slope_sigma(time_s, place, way, angle, use) / MM_PER_M
    return replace(figure, sigma=math.hypot(figure.sigma, sigma))


def refilter(measurement: Measurement, text: str) -> Measurement:
    """A measurement with another filter, from its own positions.

    Raises:
        ValueError: There is no such filter, or the rate cannot carry it.
    """
    filter_, fps, relative = Filter.parse(text), measurement.source.fps, measurement.scale_sigma
    changed, points = {}, measurement.points
    noise = noise_of(points, relative[measurement.body])
    angle, place = measurement.turning.angle_rad, measurement.bodies.position_mm
    slow = passed(points.position_mm, noise, measurement.body, place, angle, fps, filter_)
    for name, one, much in (("points", relative[measurement.body], None), ("bodies", relative[:-1], slow)):
        old: Curves = getattr(measurement, name)
        seen = np.isfinite(old.position_mm).all(2)
        args = old.position_px, old.sigma_px, old.position_mm, noise_of(old, one)
        changed[name] = curves_of(*args, seen, fps, filter_, one, much)
    turning = turned(measurement.turning.angle_rad, measurement.turning.sigma_angle_rad, fps, filter_)
    settings = measurement.settings | {"filter": str(filter_)}
    found = replace(measurement, **changed, turning=turning, settings=settings)
    kept = [figure for figure in measurement.figures if figure.name == "t0"]
    quoted = figures_of(found, filter_, int(settings.get("seed", 0)), slow) if kept else []
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


def uneven(fit: BodyFit) -> float:
    """Half of how a body's size in the view changes on its way: so far is one scale off at its ends; 0 in a plane."""
    sure = fit.scale[np.isfinite(fit.scale) & (fit.markers >= LEAST)]
    return float(np.ptp(np.percentile(sure, (5, 95))) / 2) if len(sure) else 0.0


def with_scale(figure: Figure, relative: np.ndarray) -> Figure:
    """A figure whose bar also holds the error of the scale.

    A duration does not change with a scale, but does with one that changes on the way, as in tilted views.
    """
    if figure.unit not in SCALED_UNITS and figure.name != "duration":
        return figure
    return replace(figure, sigma=math.hypot(figure.sigma, float(relative[figure.body]) * figure.value))
