"""Lens, plane, two points and squares: from px to mm against cameras that are known exactly."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from gjadet_yolo.geometry.camera import Camera
from gjadet_yolo.measure.lens import Lens
from gjadet_yolo.measure.pitch import neighbours
from gjadet_yolo.measure.plane import fit_plane, read_plane
from gjadet_yolo.measure.scale import Unscaled, scale_of_squares, scale_of_two_points, sides_of
from gjadet_yolo.synth.world.strip import Strip

SIZE = (640, 480)
LENS = Lens(SIZE, 500.0, 510.0, 330.0, 250.0, -0.24, 0.07, 4e-4, 2e-4, -0.011)


def grid(step: int = 40) -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(20, 640, step), np.arange(20, 480, step)), -1).reshape(-1, 2).astype(float)


def test_lens_is_that_of_opencv():
    """Also its pixel convention: OpenCV has the middle of the first pixel at 0."""
    ray = np.random.default_rng(0).uniform(-0.4, 0.4, (50, 2))
    matrix = np.array([[500, 0, 329.5], [0, 510, 249.5], [0, 0, 1]])
    theirs = cv2.projectPoints(
        np.column_stack((ray, np.ones(50))),
        np.zeros(3),
        np.zeros(3),
        matrix,
        np.array([-0.24, 0.07, 4e-4, 2e-4, -0.011]),
    )[0][:, 0]
    assert np.allclose(LENS.distort(ray * LENS.focal_px + LENS.centre_px), theirs + 0.5, atol=1e-9)


def test_undistorting_is_exact_and_knows_its_slope():
    points = grid()
    ideal, slope = LENS.undistort(points)
    assert np.abs(LENS.distort(ideal) - points).max() < 1e-9
    for axis in (0, 1):
        step = np.eye(2)[axis] * 1e-4
        moved = (LENS.undistort(points + step)[0] - LENS.undistort(points - step)[0]) / 2e-4
        assert np.abs(moved - slope[..., axis]).max() < 1e-5


def test_out_of_reach_is_nan_and_nan_stays():
    lens = replace(LENS, k1=-0.4, k2=0.0, k3=0.0, fx=300.0, fy=300.0)
    inside = np.array((lens.cx + lens.reach_px - 1, lens.cy))
    outside = np.array((lens.cx + lens.reach_px + 1, lens.cy))
    ideal, _ = lens.undistort(np.array([inside, outside, (np.nan, 3.0)]))
    assert np.isfinite(ideal[0]).all()
    assert np.isnan(ideal[1:]).all(1).all()


CAMERA = Camera.facing(SIZE, 2.0, (100.0, -50.0), roll_rad=0.05, pan_rad=0.15, tilt_rad=-0.1)


def plane_points(count: int = 12, seed: int = 0) -> np.ndarray:
    """Points spread over the plane, of which the first four form a quadrangle."""
    rng = np.random.default_rng(seed)
    corners = np.array([(-350, -350), (500, -330), (480, 250), (-330, 230)], float)
    return np.concatenate((corners, rng.uniform((-350, -350), (500, 250), (count, 2))))[:count]


def test_plane_without_noise_is_exact():
    points = plane_points()
    plane = fit_plane(CAMERA.project(points), points, SIZE)
    px = grid()
    place, sigma = plane.to_mm(px[None], np.full((1, len(px), 2), 0.02))
    assert np.abs(place[0] - CAMERA.locate(px)).max() < 1e-5
    # noise by finite differences of the exact camera
    right, down = np.eye(2) * 1e-3
    slope = (CAMERA.locate(px + right) - CAMERA.locate(px - right)) / 2e-3
    other = (CAMERA.locate(px + down) - CAMERA.locate(px - down)) / 2e-3
    assert np.allclose(sigma[0], 0.02 * np.hypot(slope, other), rtol=1e-4)


def test_plane_behind_a_lens():
    points = plane_points()
    ideal = CAMERA.project(points)
    plane = fit_plane(LENS.distort(ideal), points, SIZE, LENS)
    probe = np.array([(0.0, 0.0), (200.0, -100.0)])
    seen = LENS.distort(CAMERA.project(probe))
    place, _ = plane.to_mm(seen[None], np.full((1, 2, 2), 0.02))
    assert np.abs(place[0] - probe).max() < 1e-5


@pytest.mark.parametrize("count", [4, 6, 20])
def test_deviations_of_a_plane_are_honest(count):
    """Over 200 draws of 0.5 px: errors over stated deviations have a root mean square of 1 within a fifth."""
    rng, points = np.random.default_rng(1), plane_points(count)
    px = np.array([(320.0, 240.0), (200.0, 150.0), (450.0, 330.0)])
    ratios, scales = [], []
    for _ in range(200):
        plane = fit_plane(CAMERA.project(points) + rng.normal(0, 0.5, points.shape), points, SIZE)
        place, _ = plane.to_mm(px[None], np.zeros((1, 3, 2)))
        ratios.append((place[0] - CAMERA.locate(px)) / plane.systematic_mm(px))
        middle = points.mean(0)[None]
        seen = CAMERA.project(middle)
        ends = plane.to_mm(
            seen[None] + np.array([[[0.5, 0]], [[-0.5, 0]], [[0, 0.5]], [[0, -0.5]]]), np.zeros((4, 1, 2))
        )[0]
        right, down = ends[0, 0] - ends[1, 0], ends[2, 0] - ends[3, 0]
        got = np.sqrt(abs(right[0] * down[1] - right[1] * down[0]))
        scales.append(np.log(got / CAMERA.mm_per_px(middle)[0]) / plane.relative_sigma[0])
    assert 0.8 < np.sqrt(np.mean(np.square(ratios))) < 1.2
    assert 0.8 < np.sqrt(np.mean(np.square(scales))) < 1.2


def test_impossible_planes():
    points = plane_points(5)
    with pytest.raises(ValueError, match="fix no plane"):
        line = np.column_stack((np.arange(5.0), np.arange(5.0))) * 50
        fit_plane(line, line, SIZE)
    three = points[:4].copy()
    three[1] = (three[0] + three[2]) / 2
    with pytest.raises(ValueError, match="fix no plane"):
        fit_plane(CAMERA.project(three), three, SIZE)


def test_plane_files(tmp_path):
    points = plane_points(6)
    seen = CAMERA.project(points)
    rows = [f"{u:.6f};{v:.6f};{x};{y}" for (u, v), (x, y) in zip(seen, points, strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(["x_px;y_px;x_mm;y_mm", *rows]))
    keys = ("x_px", "y_px", "x_mm", "y_mm")
    lines = ["- {" + ", ".join(f"{k}: {v}" for k, v in zip(keys, row.split(";"), strict=True)) + "}" for row in rows]
    (tmp_path / "a.yaml").write_text("points:\n" + "\n".join(lines))
    for name in ("a.csv", "a.yaml"):
        assert np.abs(read_plane(tmp_path / name, SIZE).to_mm(seen[None], seen[None])[0][0] - points).max() < 1e-3
    for text, message in {
        "x_px,y_px,x_mm\n1,2,3": r"b\.csv, line 1: there is no column 'y_mm', found: x_px, y_px, x_mm",
        "x_px,y_px,x_mm,y_mm\n1,2,3,4\n1,2,nan,4": r"b\.csv, line 3: x_mm is 'nan', allowed: a finite number",
        "x_px,y_px,x_mm,y_mm\n1,2,3,4": r"b\.csv holds 1 points, allowed: 4 or more",
        "x_px,y_px,x_mm,y_mm\n1,2,3,4\n2,2,3,4\n3,2,3,4\n700,2,3,4": r"b\.csv, line 5: the point lies outside",
        "": r"b\.csv, line 1: there is no column 'x_px', found: nothing",
    }.items():
        (tmp_path / "b.csv").write_text(text)
        with pytest.raises(ValueError, match=message):
            read_plane(tmp_path / "b.csv", SIZE)


def test_two_points():
    """400 px are 800 mm: 2 mm/px; clicks of 0.5 px at both ends are 0.5 * sqrt(2) / 400 of it."""
    scale = scale_of_two_points((100, 200, 500, 200, 800), SIZE)
    place, sigma = scale.to_mm(np.array([[[320.0, 240.0], [330.0, 220.0]]]), np.full((1, 2, 2), 0.1))
    assert np.allclose(place, [[[0, 0], [20, -40]]])
    assert np.allclose(sigma, 0.2)
    assert scale.relative_sigma == pytest.approx(0.5 * np.sqrt(2) / 400)
    assert "middle of the picture" in scale.origin


@pytest.mark.parametrize(
    "points", [(1, 2, 3), (1, 2, 3, 4, 0), (1, 2, 3, float("nan"), 5), (5, 5, 5.5, 5, 9), (5, 5, 700, 5, 9)]
)
def test_impossible_two_points(points):
    with pytest.raises(ValueError, match=r"^scale is \("):
        scale_of_two_points(points, SIZE)


def test_two_points_behind_a_lens():
    """Straight through the principal point, the distance is that of the ideal points."""
    ideal = LENS.centre_px + np.array([(-200.0, 30.0), (220.0, -10.0)])
    (x1, y1), (x2, y2) = LENS.distort(ideal)
    scale = scale_of_two_points((x1, y1, x2, y2, 1000.0), SIZE, LENS)
    assert scale.mm_per_px[0] == pytest.approx(1000 / np.linalg.norm(ideal[1] - ideal[0]), rel=1e-9)
    place, _ = scale.to_mm(LENS.distort(ideal)[None], np.full((1, 2, 2), 0.1))
    assert np.linalg.norm(place[0, 1] - place[0, 0]) == pytest.approx(1000)


def test_no_scale_says_so():
    place, sigma = Unscaled().to_mm(np.zeros((2, 3, 2)), np.zeros((2, 3, 2)))
    assert np.isnan(place).all()
    assert np.isnan(sigma).all()
    assert "results are in px" in Unscaled().notes[0]


def squares(strip: Strip, camera: Camera = CAMERA) -> tuple[np.ndarray, np.ndarray]:
    """Centres and box sizes in px of a strip's squares."""
    corners = camera.project(strip.squares_mm)
    return corners.mean(1), np.ptp(corners, axis=1)


FACING = Camera.facing(SIZE, 2.0)


def test_along_and_across_are_told_apart():
    """Two columns of ten rows: 10 pairs across, and half of those along; turned, long, short, bent."""
    for angle in (0.0, 0.3, 1.2):
        for length in (20.0, 40.0, 70.0):
            strip = Strip(10, 40.0, (0, 0), angle, row_mm=(length,) * 10, bend_per_mm=5e-4)
            pairs = neighbours(squares(strip, FACING)[0])
            assert (~pairs.along).sum() == 10, (angle, length)
            assert pairs.length_px[~pairs.along] == pytest.approx(20, rel=0.03)
            assert pairs.along.sum() >= 9


def test_each_body_has_its_scale():
    """Three bodies at 2, 2.5 and 4 mm/px; the third has one square only and borrows."""
    near, far = (
        squares(Strip(8, 40.0, (-300, -200)), FACING),
        squares(Strip(6, 40.0, (200, -100)), Camera.facing(SIZE, 2.5)),
    )
    centres = np.concatenate((near[0], far[0], [(50.0, 50.0)]))
    sizes = np.concatenate((near[1], far[1], [(np.nan, np.nan)]))
    body = np.repeat([0, 1, 2], [16, 12, 1])
    scale = scale_of_squares(centres, sizes, body, 40.0, SIZE)
    assert scale.mm_per_px[:2] == pytest.approx([2.0, 2.5], rel=1e-6)
    assert scale.mm_per_px[2] == pytest.approx(np.sqrt(5))
    assert scale.relative_sigma[2] > 0.1 > 0.02 > scale.relative_sigma[0]
    assert "Body 2 has no two squares side by side" in scale.notes[0]
    place, sigma = scale.to_mm(centres[None], np.full((1, 29, 2), 0.02), body)
    assert np.allclose(place[0, :16], Strip(8, 40.0, (-300, -200)).centres_mm)
    assert np.allclose(sigma[0, 16:28], 0.05)


@pytest.mark.parametrize("sides", [40.0, (40.0, 52.0)])
def test_stated_deviations_hold_in_tilted_views(sides):
    """60 cameras turned by up to 10 degrees, centres known to 0.03 px: 95 % within two deviations, 80 % at least."""
    rng, inside = np.random.default_rng(2), []
    for _ in range(60):
        pan, tilt, roll = rng.uniform(-0.17, 0.17, 3)
        camera = Camera.facing(SIZE, 2.0, (0.0, 0.0), roll, pan, tilt)
        strips = [Strip(8, 40.0, (x, y), a, row_mm=(52.0,) * 8) for x, y, a in ((-300, -200, 0), (100, -150, 0.4))]
        parts = [squares(strip, camera) for strip in strips]
        centres = np.concatenate([part[0] for part in parts]) + rng.normal(0, 0.03, (32, 2))
        sizes = np.concatenate([part[1] for part in parts])
        scale = scale_of_squares(centres, sizes, np.zeros(32, int), sides, SIZE)
        truth = camera.mm_per_px(np.concatenate([strip.centres_mm for strip in strips])).mean()
        inside.append(abs(scale.mm_per_px[0] / truth - 1) < 2 * scale.relative_sigma[0])
    assert np.mean(inside) > 0.9


def test_one_column_goes_by_its_boxes():
    strip = Strip(8, 40.0, (-300, -200), columns=1, row_mm=(60.0,) * 8)
    centres, sizes = squares(strip, FACING)
    scale = scale_of_squares(centres, sizes, np.zeros(8, int), 40.0, SIZE)
    assert scale.mm_per_px[0] == pytest.approx(2.0, rel=0.01)
    assert "boxes of its squares and is uncertain by 3" in scale.notes[0]
    stated = scale_of_squares(centres, sizes, np.zeros(8, int), (40.0, 60.0), SIZE)
    assert stated.mm_per_px[0] == pytest.approx(2.0, rel=1e-6)
    assert stated.notes == ()


def test_squares_that_are_not_there():
    none = np.full((3, 2), np.nan)
    assert "no squares were found" in scale_of_squares(none, none, np.zeros(3, int), 40.0, SIZE).notes[0]
    assert isinstance(scale_of_squares(none[:0], none[:0], np.zeros(0, int), 40.0, SIZE), Unscaled)


@pytest.mark.parametrize("value", [0, -4.0, float("nan"), "40", (1, 2, 3), True])
def test_impossible_squares(value):
    with pytest.raises(ValueError, match=r"square_mm is .*, allowed: the side of a square"):
        sides_of(value)


def test_a_plane_that_does_not_fit_asks_for_the_lens():
    """Points through a lens, whose file is not stated, miss by several px."""
    lens = Lens((640, 480), 500, 500, 320, 240, k1=-0.3)
    across, down = np.meshgrid(np.linspace(40, 600, 5), np.linspace(40, 440, 4))
    points = np.column_stack((across.ravel(), down.ravel()))
    seen, size = lens.distort(points), (640, 480)
    assert "State the lens, camera=FILE, or check them." in fit_plane(seen, 2 * points, size).notes[0]
    assert "State the lens" not in fit_plane(seen, 2 * points, size, lens).notes[0]
