"""Bodies in tilted views: found and fitted in the plane of motion."""

from __future__ import annotations

import numpy as np
import pytest

from gjadet_yolo.geometry.camera import Camera
from gjadet_yolo.measure.assemble import assemble, refilter
from gjadet_yolo.measure.bodies import fit_bodies, group
from gjadet_yolo.measure.lens import Lens
from gjadet_yolo.measure.plane import Plane, fit_plane
from gjadet_yolo.measure.result import Source
from gjadet_yolo.measure.scale import scale_of_squares
from gjadet_yolo.measure.settings import MeasureSettings
from gjadet_yolo.measure.straight import mm_per_px, straightened
from gjadet_yolo.measure.tilt import tilt_of, tilted
from gjadet_yolo.measure.tracks import Status, Tracks

SIZE, SIGMA_PX = (640, 640), 0.03
CAMERA = Camera.facing(SIZE, 2.0, pan_rad=0.25, tilt_rad=-0.15, roll_rad=0.2, k1=-0.15)
LENS = Lens(SIZE, CAMERA.focal_px, CAMERA.focal_px, 320.0, 320.0, -0.15, 0.0, 0.0, 0.0, 0.0)


def plane() -> Plane:
    px = np.stack(np.meshgrid(np.linspace(20, 620, 5), np.linspace(20, 620, 5)), -1).reshape(-1, 2)
    return fit_plane(px, CAMERA.locate(px), SIZE, LENS)


def film(*bodies_mm: np.ndarray, seed: int = 0) -> Tracks:
    """Tracks of bodies (T, K, 2) in mm, as the camera sees them."""
    px = CAMERA.project(np.concatenate(bodies_mm, 1))
    px = px + np.random.default_rng(seed).normal(0, SIGMA_PX, px.shape)
    status = np.full(px.shape[:2], Status.MEASURED, np.uint8)
    sizes, kinds = np.full((px.shape[1], 2), 20.0), ("square",) * px.shape[1]
    time_s = np.arange(len(px)) / 1000
    return Tracks(time_s, px, np.full(px.shape, SIGMA_PX), status, np.zeros(status.shape), sizes, kinds)


def strip(corner: tuple[float, float], frames: int, speed: float = 4.0, turn: float = 0.0, stop: int = 60):
    """Twenty squares that move along x by so many mm a frame until one, and turn on the way, (T, 20, 2) in mm."""
    layout = np.stack(np.divmod(np.arange(20), 2), -1) * 30.0
    layout = layout - layout.mean(0)
    step = np.minimum(np.arange(frames), stop)
    angle = (turn * step / stop)[:, None]
    x = np.cos(angle) * layout[:, 0] - np.sin(angle) * layout[:, 1] + speed * step[:, None]
    y = np.sin(angle) * layout[:, 0] + np.cos(angle) * layout[:, 1]
    return np.stack((x, y), -1) + corner


def test_the_straight_view_is_the_plane_in_px():
    moving = strip((-300, 0), 40)
    tracks = film(moving)
    tracks_exact = tracks.__class__(**{**tracks.__dict__, "position_px": CAMERA.project(moving)})
    seen = straightened(tracks_exact, plane(), LENS)
    side = np.linalg.norm(seen.position_px[:, 2] - seen.position_px[:, 0], axis=1)
    np.testing.assert_allclose(
        side, side[0], rtol=1e-6
    )  # a stiff body keeps its size, which it does not in the picture
    scale = mm_per_px(tracks, seen.sigma_px * 2, np.zeros(20, int))
    assert scale[0] == pytest.approx(2, rel=0.05)
    assert straightened(tracks, None, None) is tracks


def test_bodies_that_turn_by_a_degree_against_each_other_are_told_apart_in_the_plane():
    tracks = film(strip((-300, -120), 100), strip((-300, 120), 100, turn=0.018), strip((300, 0), 100, speed=0))
    found = group(straightened(tracks, plane(), LENS), flat=True)
    assert found.count == 3
    for first in (0, 20, 40):
        assert len(set(found.body[first : first + 20])) == 1
    assert found.reference.sum() == 1 and found.reference[found.body[40]]


def test_bodies_that_part_in_a_third_of_the_frames_only_are_two():
    """Frames in which nobody fits had been left out, as if no marker was there."""
    tracks = film(strip((-300, 0), 150, stop=40), strip((200, 0), 150, speed=0))
    assert group(straightened(tracks, plane(), LENS), flat=True).count == 2


def test_a_body_in_a_tilted_view_keeps_its_velocity():
    moving, still = strip((-300, -50), 150), strip((250, 100), 150, speed=0)
    tracks, scale = film(moving, still), plane()
    grouping = group(straightened(tracks, scale, LENS), flat=True)
    source = Source("film", "", SIZE, 150, 1000.0)
    found = assemble(tracks, grouping, scale, source, MeasureSettings(fps=1000.0, t0=60))
    body = grouping.body[0]
    velocity = found.bodies.velocity_mps[20:45, body]
    np.testing.assert_allclose(velocity - (4.0, 0.0), 0, atol=0.02)
    assert np.sqrt(((velocity - (4.0, 0.0)) ** 2).mean()) < 0.006
    speed = next(one for one in found.figures if one.name == "impact_speed")
    assert abs(speed.value - 4.0) < 2.5 * speed.sigma and speed.sigma < 0.004
    again = refilter(found, "cfc60")
    np.testing.assert_allclose(again.bodies.sigma_velocity_mps, found.bodies.sigma_velocity_mps, rtol=0.05)
    # a fit in the tilted picture is not stiff
    assert fit_bodies(tracks, grouping, similar=False)[body].excess > 3


def test_markers_that_were_never_measured_are_left_out():
    tracks = film(strip((-300, 0), 10))
    tracks.status[:, 3] = Status.MISSING
    kept = tracks.only(tracks.measured.any(0))
    assert kept.position_px.shape == (10, 19, 2) and len(kept.kind) == 19 and kept.size_px.shape == (19, 2)
    np.testing.assert_array_equal(kept.position_px[:, 3], tracks.position_px[:, 4])


def test_a_tilted_view_shows_in_the_size_of_a_body_on_its_way():
    """Squares alone give the speed within their scale's error; with one scale it changes by 0.25 m/s on the way."""
    moving, still = strip((-420, 0), 120, speed=9.0), strip((300, -300), 120, speed=0)
    tracks = film(moving, still)
    grouping = group(straightened(tracks, None, LENS))
    plain = scale_of_squares(tracks.position_px[110], tracks.size_px, grouping.body, (30.0, 30.0), SIZE, LENS)
    fits = fit_bodies(straightened(tracks, None, LENS), grouping)
    body = grouping.body[0]
    assert tilt_of(fits[body], 110) is not None and tilt_of(fits[grouping.body[20]], 110) is None
    speeds = {}
    for name, scale in (("plain", plain), ("tilted", tilted(plain, tracks, grouping, 110, LENS))):
        settings, source = MeasureSettings(fps=1000.0, t0=60), Source("film", "", SIZE, 120, 1000.0)
        found = assemble(tracks, grouping, scale, source, settings)
        speeds[name] = np.linalg.norm(found.bodies.velocity_mps[[15, 45], body], axis=1)
    assert np.ptp(speeds["plain"]) > 0.25
    assert np.ptp(speeds["tilted"]) < 0.05
    assert speeds["tilted"].mean() == pytest.approx(9.0, rel=0.03)
