"""The page in a browser: the video moves the cursor, a curve moves the video, a marker shows its curve.

Needs the Python package ``playwright`` and a Chromium: its own (``playwright install chromium``) or the system's.
"""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from braking import braking, pictures

from gjadet_yolo.report.write import write_results

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as tool:
        system = next((path for name in NAMES if (path := shutil.which(name))), None)
        try:
            # a container's root has no sandbox; the page is our own
            found = tool.chromium.launch(executable_path=system, args=["--no-sandbox", "--disable-gpu"])
        except playwright.Error as error:
            pytest.skip(f"no Chromium: {str(error).splitlines()[0]}")
        yield found
        found.close()


@pytest.fixture(scope="module")
def measurement():
    return braking(frames=60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, measurement):
    pytest.importorskip("plotly"), pytest.importorskip("av")
    folder = tmp_path_factory.mktemp("report")
    write_results(measurement, folder, pictures(measurement))
    return folder


@pytest.fixture(scope="module")
def trouble():
    """What failed in pages, and what was asked of the network: nothing may, at the end of each test."""
    return []


@pytest.fixture(scope="module")
def opened(browser, trouble):
    """Opens a page; one is opened once, because reading Plotly takes most of the time."""

    def visit(folder):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: trouble.append(request.url) if request.url.startswith("http") else None)
        page.goto((folder / "report.html").as_uri())
        page.wait_for_function("document.body.dataset.frame !== undefined")
        return page

    return visit


@pytest.fixture(scope="module")
def page(opened, folder):
    return opened(folder)


@pytest.fixture(autouse=True)
def nothing_fails(trouble):
    yield
    assert not trouble


def frame_of(page):
    """The page's frame, which the cursor in the curves and the slider must share."""
    frame = int(page.evaluate("document.body.dataset.frame"))
    assert int(page.evaluate("document.getElementById('slider').value")) == frame
    return frame


def cursor_ms(page):
    return page.evaluate("document.getElementById('plots').layout.shapes[0].x0")


def drawn(page):
    """Names of the drawn curves."""
    return set(page.evaluate("document.getElementById('plots').data.map(t => t.name).filter(Boolean)"))


def test_video_and_cursor_go_together(page, measurement):
    page.wait_for_function("document.querySelector('video').readyState >= 2 || document.querySelector('video').error")
    if page.evaluate("document.querySelector('video').error !== null"):
        pytest.skip("this Chromium was built without the video's codec")
    start = frame_of(page)
    assert cursor_ms(page) == 0 and measurement.time_s[start] == 0
    page.click("#play")
    page.wait_for_function(f"Number(document.body.dataset.frame) >= {start + 5}", timeout=10_000)
    page.click("#play")
    page.click("#next")
    frame = frame_of(page)
    assert cursor_ms(page) == pytest.approx(1000 * measurement.time_s[frame])
    page.wait_for_function("!document.querySelector('video').seeking")
    assert int(page.evaluate("document.querySelector('video').currentTime") * 25) == frame


def test_click_on_a_curve_shows_its_frame(page):
    box = page.locator("#plots .nsewdrag").nth(1).bounding_box()
    # frames 0 to 59 span the axis
    page.mouse.click(box["x"] + box["width"] * 40.2 / 59, box["y"] + box["height"] / 2)
    page.wait_for_function("document.body.dataset.frame === '40'")
    assert frame_of(page) == 40
    assert page.evaluate("document.querySelector('video').currentTime") == pytest.approx(40.5 / 25, abs=0.02)


def test_click_on_a_marker_shows_its_curve(page, measurement):
    page.locator("#screen").scroll_into_view_if_needed()
    x, y = measurement.points.position_px[frame_of(page), 7]
    box = page.locator("#rings").bounding_box()
    scale = box["width"] / 640
    assert "Marker 7" not in drawn(page)
    page.mouse.click(box["x"] + x * scale, box["y"] + y * scale)
    assert "Marker 7" in drawn(page)
    assert page.locator("#rings circle").count() == 1
    assert "Marker 7" in page.inner_text("#readout")
    page.click("#readout button")
    assert "Marker 7" not in drawn(page)


def test_components_have_their_values(page, measurement):
    frame = frame_of(page)
    page.click("text=x (to the right)")
    velocity = measurement.bodies.velocity_mps[frame, 0, 0]
    assert f"{velocity:.3f} ± 0.039" in page.inner_text("#readout")
    page.click("text=rotation")
    assert "Angular rate" in page.inner_text("#readout")
    page.keyboard.press("ArrowRight")
    assert frame_of(page) == frame  # a button has the keys
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowRight")
    assert frame_of(page) == frame + 1


@pytest.mark.parametrize("width", [1440, 900, 390])
def test_nothing_is_wider_than_the_window(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_timeout(300)  # charts follow the window with a delay
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    plots, screen = (page.locator(name).bounding_box() for name in ("#plots", "#screen"))
    apart = plots["x"] + plots["width"] <= screen["x"] or screen["y"] + screen["height"] <= plots["y"]
    assert apart


def test_without_scale_and_film_there_are_still_curves(opened, tmp_path, measurement):
    def unscaled(curves):
        return replace(curves, **{k: np.full_like(v, np.nan) for k, v in vars(curves).items() if not k.endswith("_px")})

    bare = replace(measurement, bodies=unscaled(measurement.bodies), points=unscaled(measurement.points))
    write_results(bare, tmp_path)
    page = opened(tmp_path)
    assert "Displacement, px" in page.inner_text("#readout")
    assert "overlay.mp4 was not written: there are no pictures." in page.inner_text("#notes")
    page.click("#next")
