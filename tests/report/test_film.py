"""The film: what browsers play, every frame, any size, marks where the markers are."""

from dataclasses import replace

import numpy as np
import pytest
from braking import braking, pictures

from gjadet_yolo.measure.tracks import Status
from gjadet_yolo.report import film
from gjadet_yolo.report.colours import as_bgr, body_colours
from gjadet_yolo.report.film import as_bgr8, film_size, marked, play_rate, write_film
from gjadet_yolo.report.markings import Markings


@pytest.mark.parametrize("name", film.ENCODERS)
def test_film_is_played_by_browsers(tmp_path, monkeypatch, name):
    av = pytest.importorskip("av")
    monkeypatch.setattr(film, "ENCODERS", {name: film.ENCODERS[name]})
    try:
        film.encoder()
    except LookupError as error:
        pytest.skip(str(error))
    measurement = braking(frames=12, width=821, height=199)  # odd, and the format knows even sizes only
    assert write_film(tmp_path / "overlay.mp4", measurement, pictures(measurement)) == 12
    with av.open(str(tmp_path / "overlay.mp4")) as opened:
        stream = opened.streams.video[0]
        assert stream.codec_context.name in ("h264", "vp9") and stream.codec_context.pix_fmt == "yuv420p"
        assert (stream.width, stream.height) == film_size((821, 199)) == (822, 228)
        assert "square_mm" in opened.metadata["comment"] and "ab" * 32 in opened.metadata["comment"]
        times = [frame.time for frame in opened.decode(video=0)]
    assert times == pytest.approx(np.arange(12) / 25)
    content = (tmp_path / "overlay.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")  # a browser shows it before it has all


def test_pictures_of_other_kinds():
    grey, twelve_bit = np.full((4, 6), 100, np.uint8), np.full((4, 6), 1600, np.uint16)
    found = list(as_bgr8([grey, grey])) + list(as_bgr8([twelve_bit, 2 * twelve_bit]))
    assert [f.shape for f in found] == [(4, 6, 3)] * 4
    # 1600 needs 11 bits, so 2047 is white, and brighter frames do not dim the others
    assert [int(f[0, 0, 0]) for f in found] == [100, 100, 200, 255]


def test_given_pictures_are_not_drawn_into():
    measurement = braking(frames=2)
    given = list(pictures(measurement))
    kept = given[1].copy()
    drawn = list(marked(measurement, as_bgr8(given)))
    assert (given[1] == kept).all()
    # twice as large, for a small video, and with the bar
    assert drawn[1].shape == (2 * 400 + 44, 2 * 640, 3)


def test_picture_of_another_size_is_refused():
    measurement = braking(frames=2)
    with pytest.raises(ValueError, match="frame 0 measures 30 x 20, not 640 x 400"):
        list(marked(measurement, [np.zeros((20, 30, 3), np.uint8)]))


@pytest.mark.parametrize("width", [640, 1280])
@pytest.mark.parametrize("place", [(100.5, 60.5), (100.75, 60.25)])
def test_mark_stands_on_its_marker(place, width):
    """The middle of the first pixel is 0.5, and the ring's centre of mass is the marker's place."""
    measurement = braking(frames=1, moving=1, width=width)
    measurement.points.position_px[0, 0] = place
    markings = Markings(measurement)
    markings.labels[:] = False
    canvas = markings.draw(np.zeros((400, width, 3), np.uint8), 0)
    canvas = canvas.reshape(400, markings.zoom, width, markings.zoom, 3).mean(axis=(1, 3))  # pixels of the video
    ring = canvas[40:80, 80:120].sum(axis=-1).astype(float)
    rows, columns = np.mgrid[40:80, 80:120] + 0.5
    found = (columns * ring).sum() / ring.sum(), (rows * ring).sum() / ring.sum()
    assert found == pytest.approx(place, abs=0.05)


def test_predicted_looks_different_and_missing_draws_nothing():
    measurement = braking(frames=1, moving=1)
    canvases = []
    for state in (Status.MEASURED, Status.PREDICTED, Status.MISSING):
        status = np.full((1, 7), Status.MISSING, np.uint8)
        status[0, 0] = state
        dark = np.zeros((400, 640, 3), np.uint8)
        canvases.append(Markings(replace(measurement, status=status)).draw(dark, 0))
    measured, predicted, missing = canvases
    x, y = (2 * measurement.points.position_px[0, 0]).astype(int)
    assert not missing.any()
    assert predicted[y, x].max() > 150 and measured[y, x].max() < 60  # a cross covers its middle, a ring does not


def test_numbers_that_would_cover_a_marker_are_left_out():
    measurement = braking(frames=1, moving=2)
    place = measurement.points.position_px
    place[0, 0], place[0, 1] = (100, 100), (108, 95)
    assert Markings(measurement).labels[:2].tolist() == [False, True]
    place[0, 1] = 150, 95
    assert Markings(measurement).labels[:2].tolist() == [True, True]


def test_colours_are_kept_for_what_moves():
    assert body_colours(np.array([True, False, True, False])) == ["#6F6F6F", "#0072B2", "#6F6F6F", "#D55E00"]
    assert as_bgr("#0072B2") == (178, 114, 0)
    assert (play_rate(1000), play_rate(12.5)) == (25, 12.5)
