"""The whole chain on a crash drawn by formula: what comes out is what was drawn, within the bars."""

from __future__ import annotations

import numpy as np
import plates
import pytest

from gjadet_yolo import measure
from gjadet_yolo.measure.assemble import refilter
from gjadet_yolo.measure.chain import measure_video
from gjadet_yolo.measure.result import Measurement
from gjadet_yolo.measure.settings import MeasureSettings

STANDARD_GRAVITY = 9.80665


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return plates.write_clip(tmp_path_factory.mktemp("chain") / "clip")


@pytest.fixture(scope="module")
def measured(clip) -> Measurement:
    side = plates.SQUARE_PX * plates.MM_PER_PX
    settings = MeasureSettings(fps=plates.FPS, square_mm=(side, side), every=1)
    return measure_video(clip, settings, plates.TrueBoxes())


def value(measurement: Measurement, name: str):
    return next(figure for figure in measurement.figures if figure.name == name)


def test_bodies_and_markers(measured):
    assert len(measured.kind) == 20
    assert measured.markers.max(0).tolist() == [10, 10]
    assert sorted(measured.reference.tolist()) == [False, True]
    assert (measured.status == 2).mean() > 0.995


def test_positions(measured):
    """Squares of 16 px: 0.03 px RMS, drawn to 1/16 px."""
    time_s = np.arange(90) / plates.FPS
    truth = np.stack([(boxes[:, :2] + boxes[:, 2:]) / 2 for boxes in map(plates.boxes_at, time_s)])
    apart = measured.points.position_px[:, :, None] - truth[:, None]
    nearest = np.hypot(*np.moveaxis(apart, 3, 0)).mean(0).argmin(1)
    assert len(set(nearest)) == 20
    error = measured.points.position_px - truth[:, nearest]
    assert np.sqrt(np.nanmean(error**2)) < 0.03


def test_figures(measured):
    speed, peak = value(measured, "impact_speed"), value(measured, "peak_deceleration")
    assert speed.value == pytest.approx(plates.SPEED_MPS, abs=max(3 * speed.sigma, 0.005))
    assert speed.sigma < 0.03
    # CFC60 takes 2.4 % off a pulse of 30 ms, by its formula for one of 33 Hz and its harmonic
    assert peak.value == pytest.approx(plates.PEAK_MPS2 / STANDARD_GRAVITY, rel=0.06)
    t0 = value(measured, "t0")
    assert t0.value == pytest.approx(plates.CONTACT_S, abs=3 * t0.sigma)
    assert t0.sigma < 0.004


def test_velocity_lies_in_its_bars(measured):
    body = int(np.flatnonzero(~measured.reference)[0])
    time_s = np.arange(90) / plates.FPS
    exact = np.gradient(plates.way_px(time_s), 1 / plates.FPS) * plates.MM_PER_PX / 1000
    found, sigma = measured.bodies.velocity_mps[:, body, 0], measured.bodies.sigma_velocity_mps[:, body, 0]
    assert np.sqrt(np.mean((found - exact)[10:-10] ** 2)) < 0.05
    assert (np.abs(found - exact) < 4 * sigma + 0.05).all()
    standing = int(np.flatnonzero(measured.reference)[0])
    assert np.abs(measured.bodies.velocity_mps[10:-10, standing]).max() < 0.03


def test_filtered_again(measured):
    """The same filter gives the same curves; a lower cut-off calmer ones; positions stay."""
    same, calm = refilter(measured, "cfc60"), refilter(measured, "30hz")
    np.testing.assert_allclose(same.bodies.acceleration_mps2, measured.bodies.acceleration_mps2, rtol=1e-9)
    found, before = ([figure.value for figure in one.figures] for one in (same, measured))
    assert found == pytest.approx(before, rel=1e-9)
    standing = int(np.flatnonzero(measured.reference)[0])
    noise = [np.nanstd(one.bodies.acceleration_mps2[:, standing]) for one in (measured, calm)]
    assert noise[1] < noise[0] / 2
    np.testing.assert_array_equal(calm.points.position_mm, measured.points.position_mm)
    assert calm.settings["filter"] == "30hz"


def test_without_a_scale(clip):
    """Positions in px are there; all else is NaN, and a note says what to state."""
    found = measure_video(clip, MeasureSettings(fps=plates.FPS, every=1, t0=30), plates.TrueBoxes())
    assert np.isfinite(found.points.position_px).any()
    assert np.isnan(found.points.velocity_mps).all()
    assert any("There is no scale" in note for note in found.notes)
    assert [figure.name for figure in found.figures] == ["t0"]


def test_patches_without_a_detector(clip, tmp_path):
    file = tmp_path / "points.csv"
    file.write_text("x,y,size\n72,46,30\n92,142,30\n")
    found = measure(clip, fps=plates.FPS, points=file, scale=(0, 0, 100, 0, 250))
    assert found.kind == ("patch", "patch")
    moved = found.points.position_px[-1] - found.points.position_px[0]
    assert moved[0] == pytest.approx([0, 0], abs=0.05)
    assert moved[1] == pytest.approx([plates.way_px(np.array([0.089]))[0], 0], abs=0.1)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"fps": None}, "the capture rate is not known. Images do not state one"),
        ({"filter": "cfc180"}, "cfc180"),
        ({"filter": "cfc6"}, "filter is 'cfc6'"),
        ({"square_mm": 40.0, "scale": (0, 0, 9, 0, 9)}, "square_mm and scale both state a scale"),
        ({"t0": 2000}, "t0 is 2000, allowed: a frame of the video, 0 to 89"),
        ({"filtre": "cfc60"}, "measure has no setting 'filtre'. Did you mean 'filter'?"),
        ({"every": 0}, "every is 0"),
        ({"imgsz": 5}, "imgsz is 5"),
    ],
)
def test_refusals(clip, stated, message):
    with pytest.raises(ValueError) as error:
        measure_video(clip, MeasureSettings.of(**{"fps": plates.FPS, "every": 1} | stated), plates.TrueBoxes())
    assert message in str(error.value)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 9])
def test_short_clips(tmp_path, frames):
    """Too short for a velocity is no error: positions are given, and a note says what is missing."""
    clip = plates.write_clip(tmp_path / "clip", frames)
    found = measure_video(clip, MeasureSettings(fps=plates.FPS, square_mm=40.0, every=1), plates.TrueBoxes())
    assert len(found.kind) == 20
    assert np.isfinite(found.points.position_mm).all()
    assert np.isfinite(found.points.velocity_mps).any() == (frames >= 9)
    assert found.notes


def test_no_marker_at_all(clip):
    class Blind(plates.TrueBoxes):
        def __call__(self, picture):
            return np.zeros((0, 6))

    with pytest.raises(ValueError, match="no marker was found in 90 frames"):
        measure_video(clip, MeasureSettings(fps=plates.FPS), Blind())
