"""The whole chain: read, detect and follow, group into bodies, scale, T0, kinematics, figures.

Positions are given as they were measured; velocity and acceleration went through the filter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from gjadet_yolo.folders.whole import listed
from gjadet_yolo.measure.alongside import alongside
from gjadet_yolo.measure.assemble import Scale, assemble
from gjadet_yolo.measure.bodies import Grouping, group
from gjadet_yolo.measure.camera_file import read_camera
from gjadet_yolo.measure.cuts import UntilCut
from gjadet_yolo.measure.filters import Filter
from gjadet_yolo.measure.frames import Frames, grey, open_frames, picture
from gjadet_yolo.measure.lens import Lens
from gjadet_yolo.measure.localise.pool import Pool
from gjadet_yolo.measure.localise.templates import Templates
from gjadet_yolo.measure.plane import Plane, read_plane
from gjadet_yolo.measure.points_file import read_points
from gjadet_yolo.measure.quantities import LEAST_BEFORE
from gjadet_yolo.measure.result import Measurement, Source
from gjadet_yolo.measure.scale import Unscaled, scale_of_squares, scale_of_two_points
from gjadet_yolo.measure.settings import MeasureSettings
from gjadet_yolo.measure.steady import steady
from gjadet_yolo.measure.straight import straightened
from gjadet_yolo.measure.tilt import tilted
from gjadet_yolo.measure.track import TrackSettings, follow
from gjadet_yolo.measure.tracks import Tracks

Progress = Callable[[Iterable[np.ndarray], str], Iterable[np.ndarray]]
NEVER = 1_000_000_000  # frames: stated points are not detected again


class Detector(Protocol):
    """See :class:`~gjadet_yolo.measure.detector.ModelDetector`."""

    @property
    def marker_class(self) -> int | None: ...

    def provenance(self) -> dict[str, str]: ...

    def __call__(self, picture: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Counted:
    """Frames with their number, where the source states it, so that progress knows the remaining time."""

    frames: Iterable[np.ndarray]
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self.frames)


def measure_video(
    source: str | Path,
    settings: MeasureSettings,
    detector: Detector | None,
    progress: Progress = lambda items, _: items,
) -> Measurement:
    """Measure a video.

    Args:
        source: Video, folder of images, or .cine file.
        detector: Not needed where the settings state points.
        progress: Takes the frames and a text, and gives the frames on.

    Raises:
        FileNotFoundError: There is no such source.
        ValueError: It cannot be read or measured, or a setting does not fit it; says why and what to do.
    """
    filter_ = Filter.parse(settings.filter)
    frames = open_frames(source, settings.fps)
    filter_.linear(frames.fps)  # what the rate cannot carry is refused before the video is read
    lens = read_camera(settings.camera, frames.size_px)[0] if settings.camera else None
    # nor does anyone wait for a video to learn of a mistake in a file or setting
    stated = stated_scale(settings, frames.size_px, lens)
    check_start(settings.t0, frames.count)
    tracks, notes = follow_markers(frames, settings, detector, progress)
    check_start(settings.t0, len(tracks.time_s))
    grouping = bodies_in(tracks, stated, lens)
    if settings.steady:
        tracks = steady(tracks, grouping)
        notes.append("The motion of the camera was removed by the markers that stand.")
    scale = stated or scale_by_squares(settings, tracks, grouping, frames.size_px, lens)
    source_ = Source(frames.name, frames.sha256, frames.size_px, len(tracks.time_s), frames.fps, frames.ended)
    measurement = assemble(tracks, grouping, scale, source_, settings)
    notes += unquoted(measurement)
    model = detector.provenance() if detector else {}
    typed = settings.typed() | {"fps": frames.fps, "origin": scale.origin}
    found = replace(measurement, model=model, settings=typed, notes=[*notes, *scale.notes, *measurement.notes])
    return found


def follow_markers(
    frames: Frames, settings: MeasureSettings, detector: Detector | None, progress: Progress
) -> tuple[Tracks, list[str]]:
    """Tracks of all markers, and notes on what of the video was used.

    Raises:
        ValueError: Nothing was found to follow.
    """
    clip, white = UntilCut(frames), frames.white
    shown = progress(Counted(clip, frames.count) if frames.count else clip, "measuring")

    def as_grey(image: np.ndarray) -> np.ndarray:
        return grey(image, white)

    def detected(image: np.ndarray) -> np.ndarray:
        return detector(picture(image, white))

    if settings.points is not None:
        once = StatedBoxes(read_points(settings.points, frames.size_px))
        tracks = follow(shown, once, Patches(), TrackSettings(NEVER, marker_class=None, confirm=1), frames.fps, as_grey)
    else:
        how = TrackSettings(settings.every, settings.confidence, marker_class=detector.marker_class)
        tracks = follow(shown, detected, Pool(), how, frames.fps, as_grey)
        tracks = alongside(tracks)
    if not len(tracks.time_s):
        raise ValueError(f"source={frames.name}: no frame could be read{': ' + frames.ended if frames.ended else ''}.")
    if not tracks.measured.any():
        raise ValueError(f"source={frames.name}: {nothing_found(settings, len(tracks.time_s))}")
    notes = [*frames.notes, *notes_on_end(frames, clip)]
    if settings.points:
        notes += lost_points(tracks)
    elif detector.marker_class is None:
        notes.append("The model has no class 'point': everything that it finds was taken for a marker.")
    # what was begun and never found again is no marker; stated points keep their order
    return tracks if settings.points else tracks.only(tracks.measured.any(0)), notes


def notes_on_end(frames: Frames, clip: UntilCut) -> list[str]:
    """Why a video was not measured to its end."""
    notes = []
    if clip.cut is not None:
        notes.append(
            f"Measured up to frame {clip.cut - 1}: a cut or damaged frames follow, behind which no marker can be "
            f"followed."
        )
    if frames.ended:
        notes.append(f"The video ended early: {frames.ended.rstrip('.')}. What was read before is measured.")
    return notes


def lost_points(tracks: Tracks) -> list[str]:
    """A note on stated points that were not followed to the end."""
    end, measured = len(tracks.time_s) - 1, [np.flatnonzero(seen) for seen in tracks.measured.T]
    lost = [f"{point} in frame {seen.max(initial=-1) + 1}" for point, seen in enumerate(measured) if end not in seen]
    return [f"Points were lost before the end: {listed(lost)}. Patches with more texture hold longer."] if lost else []


def unquoted(measurement: Measurement) -> list[str]:
    """Why a measurement with T0 and a scale has no figures although something moves."""
    scaled = np.isfinite(measurement.bodies.position_mm).any()
    if not scaled or measurement.reference.all() or [figure.name for figure in measurement.figures] != ["t0"]:
        return []
    return [
        f"Nothing is quoted: it takes a body that is measured in {2 * LEAST_BEFORE} frames, in {LEAST_BEFORE} of them "
        f"from T0 on, and that moves by then."
    ]


def nothing_found(settings: MeasureSettings, frames: int) -> str:
    """Message for a video in which nothing was followed."""
    if settings.points:
        return (
            f"none of the points in {settings.points} could be followed. Allowed are patches with texture that lie "
            f"whole within the picture, with a margin; state other places or sizes."
        )
    return (
        f"no marker was found in {frames} frames. Is something else than squares, quadrants or dots to be followed? "
        f"State its places: points=FILE. Faint markers: lower conf (confidence in Python), now {settings.confidence:g}."
    )


@dataclass
class StatedBoxes:
    """A detector that gives stated boxes for the first frame, and nothing for any other."""

    boxes: np.ndarray
    used: bool = False

    def __call__(self, image: np.ndarray) -> np.ndarray:
        boxes, self.used = self.boxes[: 0 if self.used else None], True
        return np.column_stack((boxes, np.ones(len(boxes)), np.zeros(len(boxes))))


class Patches:
    """A localiser of any texture."""

    def learn(self, grey_: np.ndarray, boxes_xyxy: np.ndarray) -> Templates:
        middle, size = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2, boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
        return Templates.of_points(grey_, middle, size)


def check_start(t0: int | None, frames: int | None) -> None:
    """Refuse a T0 outside of the video, which has so many frames; None where that is not known yet.

    Raises:
        ValueError: Names the allowed frames.
    """
    if t0 is not None and frames is not None and t0 >= frames:
        raise ValueError(f"t0 is {t0}, allowed: a frame of the video, 0 to {frames - 1}.")


def bodies_in(tracks: Tracks, stated: Scale | None, lens: Lens | None) -> Grouping:
    """Bodies, found in the plane of motion where that is stated."""
    plane = stated if isinstance(stated, Plane) else None
    return group(straightened(tracks, plane, lens), flat=plane is not None)


def stated_scale(settings: MeasureSettings, size_px: tuple[int, int], lens: Lens | None) -> Scale | None:
    """The scale that was asked for; None where it comes from the squares.

    Raises:
        OSError: The plane's file cannot be read.
        ValueError: What is stated is no scale.
    """
    if settings.scale is not None:
        return scale_of_two_points(settings.scale, size_px, lens)
    if settings.plane is not None:
        return read_plane(settings.plane, size_px, lens)
    if settings.square_mm is None:
        return Unscaled()
    return None


def scale_by_squares(
    settings: MeasureSettings, tracks: Tracks, grouping: Grouping, size_px: tuple[int, int], lens: Lens | None
) -> Scale:
    """The scale of each body from the squares on it."""
    # the frame that shows most markers
    best = int(tracks.measured.sum(1).argmax())
    there = np.where(tracks.measured[best][:, None], tracks.position_px[best], np.nan)
    there[np.array([kind != "square" for kind in tracks.kind])] = np.nan
    scale = scale_of_squares(there, tracks.size_px, grouping.body, settings.square_mm, size_px, lens)
    return scale if isinstance(scale, Unscaled) else tilted(scale, tracks, grouping, best, lens)
