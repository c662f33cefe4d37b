"""All files together: what is written, what is skipped and why, and that the files say where they come from."""

import builtins
import hashlib
import json
import zipfile
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from braking import braking, pictures

from gjadet_yolo.measure.result import Figure
from gjadet_yolo.report.store import load
from gjadet_yolo.report.wording import with_bar, worded
from gjadet_yolo.report.write import write_results

ALWAYS = ["points.csv", "bodies.csv", "measurement.npz", "isomme"]


@pytest.fixture
def without(monkeypatch):
    """Makes libraries that are there look as if they were not."""

    def hide(*names):
        real = builtins.__import__

        def refusing(name, *args, **kwargs):
            if name.partition(".")[0] in names:
                raise ModuleNotFoundError(f"No module named '{name}'", name=name)
            return real(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", refusing)

    return hide


def test_without_the_extra_tables_are_written_and_one_line_names_it(tmp_path, without):
    without("av", "plotly", "xlsxwriter")
    measurement = braking(frames=5)
    written = write_results(measurement, tmp_path, pictures(measurement))
    assert written.files == [*ALWAYS, "groups.jpg", "summary.json"]
    assert list(written.skipped) == ["curves.xlsx", "overlay.mp4", "report.html"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(written.files)
    assert written.advice == (
        "Not written for want of xlsxwriter, av, plotly: curves.xlsx, overlay.mp4, report.html. "
        "Install: pip install 'gjadet-yolo[measure]'"
    )


def test_summary_ties_every_file_to_settings_and_hashes(tmp_path, without):
    without("av", "plotly", "xlsxwriter")
    measurement = braking(frames=5)
    write_results(measurement, tmp_path)
    text = (tmp_path / "summary.json").read_text(encoding="utf-8")
    content = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert content["settings"]["square_mm"] == 40
    assert (content["source"]["sha256"], content["model"]["sha256"]) == ("ab" * 32, "cd" * 32)
    assert content["figures"][1]["time_s"] is None
    assert content["points"][3]["predicted"] == 0 and content["bodies"][0]["markers"] == 20
    assert content["files"]["points.csv"] == hashlib.sha256((tmp_path / "points.csv").read_bytes()).hexdigest()
    assert any(name.startswith("isomme/Channel/") for name in content["files"])


def test_filtered_again_keeps_the_film(tmp_path):
    pytest.importorskip("av")
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir(), second.mkdir()
    measurement = braking(frames=5)
    write_results(measurement, first, pictures(measurement))
    written = write_results(load(first / "measurement.npz"), second, earlier=first)
    assert {"overlay.mp4", "groups.jpg"} <= set(written.files)
    assert (first / "overlay.mp4").read_bytes() == (second / "overlay.mp4").read_bytes()
    assert (first / "points.csv").read_bytes() == (second / "points.csv").read_bytes()


def test_workbook_has_its_sheets_and_charts(tmp_path):
    pytest.importorskip("xlsxwriter")
    write_results(replace(braking(frames=30), notes=["=1+1", "see http://a.b"]), tmp_path)
    with zipfile.ZipFile(tmp_path / "curves.xlsx") as book:
        names = book.namelist()
        sheets = book.read("xl/workbook.xml").decode()
        assert [sheets.index(f'name="{name}"') for name in ("summary", "charts", "bodies", "points")]
        assert sum(name.startswith("xl/charts/chart") for name in names) == 6
        summary = book.read("xl/worksheets/sheet1.xml").decode()
        assert "ab" * 32 in summary and "cd" * 32 in summary and "square_mm" in summary
        assert "<f>" not in summary and not any("hyperlink" in name for name in names)
        bodies, points = (book.read(f"xl/worksheets/sheet{k}.xml").decode().count("<row ") for k in (3, 4))
    assert (bodies, points) == (1 + 2 * 30, 1 + 26 * 30)


class Addresses(HTMLParser):
    """Every address that a page loads something from."""

    def __init__(self):
        super().__init__()
        self.found, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.found += [value for key, value in attrs if key in ("src", "href", "poster", "data", "action")]


def test_page_needs_nothing_from_elsewhere_and_escapes_names(tmp_path):
    pytest.importorskip("plotly")
    measurement = braking(frames=5)
    bad = "</script><script>alert(1)</script>"
    source = replace(measurement.source, name=f"{bad}.avi")
    write_results(
        replace(measurement, source=source, notes=[bad], settings={bad: bad}), tmp_path, pictures(measurement)
    )
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text
    page = Addresses()
    page.feed(text)
    assert all(address.startswith("data:") for address in page.found) and "link" not in page.tags
    assert page.tags.count("script") == 3


def test_large_film_stays_beside_the_page(tmp_path, monkeypatch):
    pytest.importorskip("plotly"), pytest.importorskip("av")
    monkeypatch.setattr("gjadet_yolo.report.page.MOST_EMBEDDED_BYTES", 10)
    measurement = braking(frames=5)
    write_results(measurement, tmp_path, pictures(measurement))
    assert 'src="overlay.mp4"' in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_curves_of_markers_that_are_too_many_are_left_out_aloud(tmp_path, monkeypatch):
    pytest.importorskip("plotly")
    monkeypatch.setattr("gjadet_yolo.report.payload.MOST_POINT_VALUES", 10)
    write_results(braking(frames=5), tmp_path)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert '"point_curves":null' in text and "they are in points.csv" in text


@pytest.mark.parametrize("frames", [1, 2])
def test_hardly_any_frames(tmp_path, frames):
    measurement = braking(frames=frames)
    assert "summary.json" in write_results(measurement, tmp_path, pictures(measurement)).files


def test_no_bodies_no_markers_no_scale(tmp_path):
    measurement = braking(frames=4)
    for curves in (measurement.points, measurement.bodies):
        for name, values in vars(curves).items():
            if not name.endswith("_px"):
                values[:] = np.nan
    empty = {name: v[:, :0] for name, v in vars(measurement.points).items()}
    none = replace(measurement, points=type(measurement.points)(**empty), bodies=type(measurement.points)(**empty))
    turning = type(measurement.turning)(**{name: v[:, :0] for name, v in vars(measurement.turning).items()})
    (tmp_path / "px").mkdir(), (tmp_path / "none").mkdir()
    assert "summary.json" in write_results(measurement, tmp_path / "px", pictures(measurement)).files
    none = replace(none, turning=turning, markers=measurement.markers[:, :0], reference=np.zeros(0, bool), figures=[])
    none = replace(none, body=np.zeros(0, int), kind=(), status=measurement.status[:, :0])
    assert "summary.json" in write_results(none, tmp_path / "none", pictures(measurement)).files


def test_values_have_the_digits_that_their_bars_support():
    assert with_bar(12.48123, 0.0062, "m/s") == "12.481 ± 0.012 m/s"
    assert with_bar(-0.31, 0.3) == "\N{MINUS SIGN}0.31 ± 0.59"
    assert with_bar(1234.5, 80) == "1230 ± 160"
    assert with_bar(-0.0001, 0.01) == "0.000 ± 0.020" and with_bar(5, 0.0508) == "5.00 ± 0.10"
    assert with_bar(2.0, float("nan"), "g") == "2 g"
    assert with_bar(float("nan"), 1.0, "g") == "\N{EN DASH}"
    assert worded("maximum_deceleration_3ms") == "Maximum deceleration 3 ms"
    assert (worded("impact_speed"), worded("noise_px")) == ("Impact speed", "Noise, px")


def test_what_a_reader_sees_is_in_words(tmp_path):
    """The file's name as the title, times in ms, quality in words, hashes that are there or said not to be."""
    pytest.importorskip("plotly")
    bare = braking(frames=5)
    figures = [Figure("t0", -1, 0.0279, 0.0027, "s"), Figure("duration", 0, 0.0944, 0.0005, "s")]
    quality = {"t0_sigma_s": 0.0027, "noise_against_stated": 0.314, "markers": 26.0}
    source = replace(bare.source, name="/data/tests 26/crash 7.avi")
    changed = {"source": source, "figures": figures, "quality": quality, "model": {"name": "a.pt", "sha256": ""}}
    write_results(replace(bare, **changed), tmp_path)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<h1>Motion from video crash 7.avi</h1>" in text and "<td>/data/tests 26/crash 7.avi</td>" in text
    assert "<span>27.9 ± 5.3</span> <small>ms</small>" in text and "<span>94.40 ± 0.98</span> <small>ms</small>" in text
    assert 'Standard deviation of T0, ms</td><td class="number">2.7<' in text
    assert "Scatter between frames, in stated standard deviations" in text and "t0_sigma" not in text
    assert "<td>Model: sha256</td><td>not known</td>" in text
