"""Cameras from chessboards: rendered pictures, known corners, honest deviations, files, refusals."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from gjadet_yolo.measure import calibrate as module
from gjadet_yolo.measure.boards import corners_of, pattern_of
from gjadet_yolo.measure.calibrate import NAMES, Calibration, bend, calibrate, deviations, fitted, flat_board
from gjadet_yolo.measure.camera_file import camera_text, read_camera
from gjadet_yolo.measure.lens import Lens
from gjadet_yolo.measure.residual_chart import residual_chart

SIZE, PATTERN = (640, 480), (7, 5)
LENS = Lens(SIZE, 520.0, 521.0, 325.0, 236.0, -0.2, 0.05, 3e-4, -2e-4, -0.01)


def views(count: int, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Turns and shifts of a board, in squares, that keep it in the picture."""
    found = []
    while len(found) < count:
        turn = rng.uniform((-0.6, -0.6, -0.3), (0.6, 0.6, 0.3))
        shift = rng.uniform((-7, -5, 8), (1, 1, 13))
        seen = seen_from(flat_board(PATTERN), turn, shift)
        if (seen > 30).all() and (seen < np.array(SIZE) - 30).all():
            found.append((turn, shift))
    return found


def seen_from(board: np.ndarray, turn: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Image points (N, 2) of points of a board (N, 3)."""
    placed = board @ cv2.Rodrigues(turn)[0].T + shift
    return LENS.distort(placed[:, :2] / placed[:, 2:] * LENS.focal_px + LENS.centre_px)


def corners(count: int, seed: int, noise_px: float, bow: float = 0.0) -> np.ndarray:
    """Corners (P, N, 2), as OpenCV counts pixels, of a board that is bowed by a share of a square."""
    rng = np.random.default_rng(seed)
    board = flat_board(PATTERN).astype(float)
    board[:, 2] = bow * np.cos(np.pi * (board[:, 0] / (PATTERN[0] - 1) - 0.5))
    seen = np.stack([seen_from(board, *view) for view in views(count, rng)])
    return seen - 0.5 + rng.normal(0, noise_px, seen.shape)


TRUTH = np.array([getattr(LENS, name) for name in NAMES]) - [0, 0, 0.5, 0.5, 0, 0, 0, 0, 0]


def picture(view: tuple[np.ndarray, np.ndarray], pattern: tuple[int, int] = PATTERN) -> np.ndarray:
    """Picture (H, W) of a board, three samples along each side of a pixel."""
    # the lens bends smoothly: lines between every fourth pixel are within 0.01 px of it
    v, u = np.mgrid[2 : SIZE[1] : 4, 2 : SIZE[0] : 4].astype(float)
    ideal = (LENS.undistort(np.stack((u, v), -1))[0] - LENS.centre_px) / LENS.focal_px
    ideal = cv2.resize(ideal, (SIZE[0] * 3, SIZE[1] * 3), interpolation=cv2.INTER_LINEAR)
    rotation, shift = cv2.Rodrigues(view[0])[0], view[1]
    back = np.linalg.inv(np.column_stack((rotation[:, :2], shift)))
    full = np.concatenate((ideal, np.ones_like(ideal[..., :1])), -1) @ back.T
    x, y = full[..., 0] / full[..., 2] + 1, full[..., 1] / full[..., 2] + 1
    inside = (x > 0) & (y > 0) & (x < pattern[0] + 1) & (y < pattern[1] + 1)
    dark = inside & ((np.floor(x) + np.floor(y)) % 2 == 0)
    return cv2.resize(np.where(dark, 40.0, 215.0), SIZE, interpolation=cv2.INTER_AREA).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures of a board, one without, and one that cannot be read."""
    out = tmp_path_factory.mktemp("boards")
    for index, view in enumerate(views(6, np.random.default_rng(5))):
        cv2.imwrite(str(out / f"{index}.png"), picture(view))
    cv2.imwrite(str(out / "empty.png"), np.full(SIZE[::-1], 128, np.uint8))
    (out / "broken.png").write_bytes(b"no picture")
    return out


@pytest.fixture(scope="module")
def found(folder: Path) -> Calibration:
    return calibrate(sorted(folder.iterdir()), PATTERN, 30.0)


def test_corners_are_where_they_were_drawn(folder):
    """Within 0.08 px RMS, in the convention that the top left pixel spans 0 to 1."""
    for index, view in enumerate(views(6, np.random.default_rng(5))):
        seen = corners_of(cv2.imread(str(folder / f"{index}.png"), cv2.IMREAD_GRAYSCALE), PATTERN)
        truth = seen_from(flat_board(PATTERN), *view)
        error = min(np.sqrt(((seen[order] - truth) ** 2).mean()) for order in (slice(None), slice(None, None, -1)))
        assert error < 0.08


def test_camera_from_pictures(found):
    assert found.rms_px < 0.1
    assert list(found.pictures) == [f"{index}.png" for index in range(6)]
    assert found.failed == {"empty.png": "no whole board found", "broken.png": "cannot be read"}
    assert np.isnan(found.bend_mm)
    for name in NAMES:
        assert abs(getattr(found.lens, name) - getattr(LENS, name)) < 4 * found.sigma[name], name
    probe = np.array([(100.0, 100.0), (320.0, 240.0), (560.0, 400.0)])
    assert np.abs(found.lens.undistort(probe)[0] - LENS.undistort(probe)[0]).max() < 3
    chart = residual_chart(found)
    assert chart.shape[1] == 1280
    assert len(np.unique(chart.reshape(-1, 3), axis=0)) > 20


def test_files_round_trip(found, tmp_path):
    (tmp_path / "camera.yaml").write_text(camera_text(found))
    lens, sigma = read_camera(tmp_path / "camera.yaml", SIZE)
    assert lens == found.lens
    assert sigma == found.sigma
    content = yaml.safe_load((tmp_path / "camera.yaml").read_text())
    assert (content["pictures"], content["pattern"], content["square_mm"]) == (6, "7x5", 30.0)
    with pytest.raises(ValueError, match=r"camera\.yaml is for pictures of 640 x 480 px, but the video has 320 x 240"):
        read_camera(tmp_path / "camera.yaml", (320, 240))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fx": None}, r"c\.yaml has no fx\. Make one with: gjadet calibrate"),
        ({"fx": -1}, r"c\.yaml: fx is -1, allowed: a number above 0"),
        ({"k1": "much"}, r"c\.yaml: k1 is 'much', allowed: a number"),
        ({"cx": 9000}, r"c\.yaml: cx is 9000, allowed: -640 to 1280"),
        ({"size": [640]}, r"c\.yaml: size is \[640\], allowed: width and height"),
        ({"sigma": {"fx": -1}}, r"c\.yaml: sigma of fx is -1, allowed: a number of 0 or more"),
        ({"k9": 1}, r"c\.yaml: there is no key 'k9'\. Did you mean 'k"),
    ],
)
def test_impossible_camera_files(tmp_path, change, message):
    content = {"size": [640, 480], "fx": 500, "fy": 500, "cx": 320, "cy": 240, "k1": -0.1} | change
    content = {key: value for key, value in content.items() if value is not None}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(ValueError, match=message):
        read_camera(tmp_path / "c.yaml")


def test_deviations_of_flat_fits_are_honest(monkeypatch):
    """16 draws of eight pictures with noise of 0.2 px: half of OpenCV's pixel errors would show as ratios of 2."""
    monkeypatch.setattr(module, "RELEASED_FROM", 99)
    ratios = []
    for seed in range(16):
        fit, used = fitted(corners(8, seed, 0.2), PATTERN, SIZE)
        ratios.append((fit.values - TRUTH) / deviations(fit, used, SIZE, PATTERN))
    assert 0.5 < np.sqrt(np.mean(np.square(ratios))) < 1.3
    assert np.mean(np.abs(ratios) < 2) > 0.88


def test_a_bowed_board_is_seen_and_undone():
    """A bow of 0.03 squares: fitted with the camera, it leaves the noise of 0.05 px and no more."""
    points = corners(12, 3, 0.05, bow=0.03)
    fit, used = fitted(points, PATTERN, SIZE)
    assert used.released
    assert fit.rms_px < 0.075
    assert 0.008 < bend(fit.board, PATTERN) < 0.04
    flat = module.fit_camera(points, PATTERN, SIZE)
    assert flat.rms_px > 2 * fit.rms_px
    assert np.abs(fit.values[:2] - TRUTH[:2]).max() < 3


def test_corners_counted_from_the_other_end(monkeypatch):
    """A board that was hung upside down for four pictures: the fit turns their corners back."""
    monkeypatch.setattr(module, "STOP", (module.STOP[0], 20, 1e-6))
    points = corners(12, 4, 0.05, bow=0.0)
    skewed = points.copy()
    skewed[[1, 4, 7, 9]] = skewed[[1, 4, 7, 9], ::-1]
    assert np.allclose(fitted(skewed, PATTERN, SIZE)[0].rms_px, fitted(points, PATTERN, SIZE)[0].rms_px, rtol=0.05)


def test_a_picture_that_does_not_fit_is_left_out():
    points = corners(9, 6, 0.1)
    points[4] += np.random.default_rng(0).normal(0, 3, points[4].shape)
    fit, used = fitted(points, PATTERN, SIZE)
    assert list(np.nonzero(~used.kept)[0]) == [4]
    assert fit.rms_px < 0.2
    assert module.residuals_of_all(fit, used, points)[4] > 2


def test_refusals(folder, tmp_path):
    with pytest.raises(
        ValueError, match=r"board of 8x8 inner corners was found in 0 of 8 pictures, allowed: 5 or more"
    ):
        calibrate(sorted(folder.iterdir()), (8, 8), 30.0)
    cv2.imwrite(str(tmp_path / "a.png"), cv2.imread(str(folder / "0.png"))[:470])
    with pytest.raises(ValueError, match=r"a\.png is 640 x 470 px, but 0\.png is 640 x 480 px"):
        calibrate([folder / "0.png", tmp_path / "a.png"], PATTERN, 30.0)
    for text in ("8", "8x", "2x8", "8x6x4", "axb", "101x5"):
        with pytest.raises(ValueError, match=f"pattern is '{text}', allowed: two numbers from 3 to 100"):
            pattern_of(text)
    assert pattern_of(" 8X6 ") == (8, 6)


def test_bend_of_a_turned_flat_board_is_none():
    board = flat_board(PATTERN) @ cv2.Rodrigues(np.array([0.3, 0.2, 1.0]))[0].T * 1.02 + 5
    assert bend(board, PATTERN) < 1e-6
