"""Bodies: motions come back exactly, their deviations are honest, and markers are grouped by the whole video."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from gjadet_yolo.measure.bodies import fit_bodies, group
from gjadet_yolo.measure.rigid import centred, fit_body, middle_of
from gjadet_yolo.measure.steady import steady
from gjadet_yolo.measure.tracks import Status, Tracks


def strip(count: int, corner: tuple[float, float]) -> np.ndarray:
    """Centres of two columns of squares of 14 px, (count, 2)."""
    return np.stack(np.divmod(np.arange(count), 2), -1) * 14.0 + corner


def moved(layout: np.ndarray, shift: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Layout (K, 2) turned about its mean and shifted, (T, K, 2)."""
    turn = np.stack((np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)), -1).reshape(-1, 2, 2)
    mean = layout.mean(0)
    return (layout - mean) @ turn.transpose(0, 2, 1) + mean + shift[:, None]


def braked(frames: int, stop: int, step_px: float = 1.5) -> np.ndarray:
    """Shift along x that ends at a frame, (frames, 2)."""
    x = step_px * np.minimum(np.arange(frames), stop)
    return np.stack((x, np.zeros(frames)), 1)


def film(position: np.ndarray, sigma_px: float, rng: np.random.Generator) -> Tracks:
    """Tracks of positions (T, N, 2) with noise; NaN is missing."""
    status = np.where(np.isfinite(position).all(2), Status.MEASURED, Status.MISSING).astype(np.uint8)
    count = position.shape[1]
    return Tracks(
        np.arange(len(position)) / 1000,
        position + rng.normal(0, sigma_px, position.shape),
        np.full(position.shape, sigma_px),
        status,
        np.zeros(status.shape),
        np.full((count, 2), 14.0),
        ("square",) * count,
    )


def test_a_motion_without_noise_comes_back():
    """Also where each marker is seen for a part of the time only, and the turn goes through a half circle."""
    layout, angle = strip(12, (50, 60)), np.linspace(0, 4, 40)
    shift = np.stack((np.linspace(0, 90, 40), 5 * np.sin(angle)), 1)
    position = moved(layout, shift, angle)
    position[:20, :3], position[25:, 8:] = np.nan, np.nan
    fit = fit_body(position, np.full(position.shape, 0.05))
    np.testing.assert_allclose(fit.position, layout.mean(0) + shift, atol=1e-6)
    np.testing.assert_allclose(fit.angle_rad, angle, atol=1e-8)
    np.testing.assert_array_equal(fit.markers, np.isfinite(position).all(2).sum(1))


@pytest.mark.parametrize("count", [4, 16, 64])
def test_noise_falls_with_the_root_of_the_markers_and_deviations_are_honest(count):
    rng, angle = np.random.default_rng(count), 0.1 * np.sin(np.linspace(0, 6, 400))
    layout, shift = strip(count, (30, 30)), braked(400, 250)
    fit = fit_body(moved(layout, shift, angle) + rng.normal(0, 0.1, (400, count, 2)), np.full((400, count, 2), 0.1))
    error = fit.position - layout.mean(0) - shift
    error -= error.mean(0)  # the layout's own error is the same in all frames
    assert np.sqrt((error**2).mean()) == pytest.approx(0.1 / np.sqrt(count), rel=0.08)
    assert 0.93 < (np.abs(error) <= 1.96 * fit.sigma).mean() < 0.97
    turned = fit.angle_rad - angle
    turned -= turned.mean()
    assert 0.92 < (np.abs(turned) <= 1.96 * fit.sigma_angle_rad).mean() < 0.98
    assert fit.excess == pytest.approx(1, abs=0.06)


def test_deviations_that_were_given_too_small_are_found_out():
    rng = np.random.default_rng(0)
    position = moved(strip(20, (0, 0)), braked(200, 100), np.zeros(200)) + rng.normal(0, 0.2, (200, 20, 2))
    fit = fit_body(position, np.full(position.shape, 0.1))
    assert fit.excess == pytest.approx(2, rel=0.05)
    assert np.median(fit.sigma) == pytest.approx(0.2 / np.sqrt(20), rel=0.1)


def test_a_mean_that_is_not_seen_has_a_wide_bar():
    """With the markers of one end only, the middle goes round them as the direction errs."""
    rng = np.random.default_rng(1)
    position = moved(strip(20, (0, 0)), braked(300, 100), np.zeros(300)) + rng.normal(0, 0.1, (300, 20, 2))
    position[200:, 4:] = np.nan
    fit = fit_body(position, np.full(position.shape, 0.1))
    error = fit.position[200:] - position[0].mean(0) - braked(300, 100)[200:]
    assert (fit.sigma[200:].max(1) > 3 * fit.sigma[:200].max()).all()
    assert 0.9 < (np.abs(error) <= 1.96 * fit.sigma[200:]).mean() < 0.99


def test_outliers_and_a_marker_that_leaves_do_not_move_the_body():
    rng = np.random.default_rng(2)
    position = moved(strip(10, (0, 0)), braked(100, 60), np.zeros(100)) + rng.normal(0, 0.05, (100, 10, 2))
    truth = position[:, 1:].mean(1)
    position[rng.random((100, 10)) < 0.05] += 6.0
    position[70:, 0] += np.arange(30)[:, None] * 0.8 + 1
    fit = fit_body(position, np.full(position.shape, 0.05))
    assert fit.left.tolist() == [70] + [-1] * 9
    drift = fit.position - truth
    assert np.abs(drift - np.median(drift, axis=0)).max() < 0.12


def test_one_marker_has_a_place_and_no_direction():
    fit = fit_body(np.arange(20.0).reshape(10, 1, 2), np.full((10, 1, 2), 0.1))
    np.testing.assert_allclose(fit.position, np.arange(20.0).reshape(10, 2))
    np.testing.assert_allclose(fit.sigma, 0.1)
    assert np.isnan(fit.angle_rad).all()


def test_bodies_with_one_run_up_are_told_apart_by_the_impact():
    """Standing, and two that come in alike, of which one goes on for ten frames longer; all strips side by side."""
    frames, still = 100, np.zeros(100)
    parts = (
        moved(strip(12, (20, 20)), braked(frames, 0), still),
        moved(strip(16, (20, 60)), braked(frames, 70), still),
        moved(strip(10, (20, 90)), braked(frames, 80), still),
    )
    tracks = film(np.concatenate(parts, 1), 0.05, np.random.default_rng(3))
    found = group(tracks)
    assert found.count == 3
    assert found.body.tolist() == [1] * 12 + [0] * 16 + [2] * 10  # the largest first
    assert found.reference.tolist() == [False, True, False]


def test_a_crushed_tube_is_no_body():
    """Its squares move by shares of the way of what crushes it, along and across the strip."""
    frames, shift = 100, braked(100, 60)
    tube = strip(16, (150, 40))
    share = (tube[:, 0] - 150) / 140 * 0.9 + 0.05
    parts = (moved(strip(12, (300, 20)), shift, np.zeros(frames)), tube[None] + share[:, None] * shift[:, None])
    found = group(film(np.concatenate(parts, 1), 0.05, np.random.default_rng(4)))
    assert found.body[:12].tolist() == [0] * 12
    assert found.body[12:].max() == -1


def test_a_torn_marker_keeps_its_body_up_to_the_frame():
    position = moved(strip(14, (20, 60)), braked(120, 60), np.zeros(120))
    position[90:, 5, 1] += 2.0 * np.arange(1, 31)
    tracks = film(position, 0.05, np.random.default_rng(5))
    found = group(tracks)
    assert found.body.tolist() == [0] * 14
    assert 89 <= found.left[5] <= 92
    fit = fit_bodies(tracks, found)[0]
    assert fit.markers[50] == 14
    assert fit.markers[100] == 13


def test_too_few_markers_are_no_body():
    found = group(film(np.tile([[10.0, 10.0], [30.0, 10.0]], (20, 1, 1)), 0.05, np.random.default_rng(6)))
    assert found.body.tolist() == [-1, -1]
    assert found.count == 0
    empty = group(film(np.zeros((5, 0, 2)), 0.05, np.random.default_rng(6)))
    assert empty.count == 0


def test_a_shaken_camera_is_steadied_by_what_stands():
    rng, frames = np.random.default_rng(7), 120
    jolt = np.stack((np.sin(np.arange(frames)), np.cos(0.7 * np.arange(frames))), 1)
    roll = 0.01 * np.sin(0.3 * np.arange(frames))
    still, car = strip(20, (20, 20)), strip(16, (60, 200))
    both = np.concatenate((np.repeat(still[None], frames, 0), moved(car, braked(frames, 70), np.zeros(frames))), 1)
    turn = np.exp(1j * roll)[:, None]
    seen = (both[..., 0] + 1j * both[..., 1]) * turn + (jolt @ (1, 1j))[:, None]
    tracks = film(np.stack((seen.real, seen.imag), -1), 0.03, rng)
    found = group(tracks)
    assert found.body.tolist() == [0] * 20 + [1] * 16
    assert found.reference.tolist() == [True, False]
    plain = steady(tracks, found)
    drift = plain.position_px[:, :20] - plain.position_px[:, :20].mean(0)
    assert np.sqrt((drift**2).mean()) < 0.04  # 1 px and 3 px before
    error = plain.position_px[:, 20:] - plain.position_px[:1, 20:] - (both[:, 20:] - both[:1, 20:])
    assert np.abs(error).max() < 0.35
    with pytest.raises(ValueError, match="none of the bodies"):
        steady(tracks, type(found)(found.body, np.zeros(2, bool), found.left))


def test_places_that_are_never_known_warn_nobody():
    """Two frames of two markers, the second of which is never seen: its place is unknown, and nothing is printed."""
    back = np.array([(1 + 2j, np.nan), (3 + 4j, np.nan)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layout = middle_of(back)
        assert layout[0] == 2 + 3j and np.isnan(layout[1])
        assert centred(layout)[0] == 0
        assert np.isnan(centred(np.full(2, np.nan + 0j))).all()
