"""Errors that hang together over time are passed by filters, and bars say so."""

from __future__ import annotations

import numpy as np
import pytest

from gjadet_yolo.measure.filters import Filter
from gjadet_yolo.measure.kinematics import kinematics
from gjadet_yolo.measure.rigid import fit_body
from gjadet_yolo.measure.wander import passed, residuals, slope_sigma

CFC60 = Filter.parse("cfc60")


def errors(rng: np.random.Generator, shape: tuple[int, ...], likeness: float) -> np.ndarray:
    """Errors of variance 1 along the first axis, neighbours of which resemble each other."""
    found = rng.normal(size=shape)
    for frame in range(1, shape[0]):
        found[frame] = likeness * found[frame - 1] + np.sqrt(1 - likeness**2) * found[frame]
    return found


def body(rng: np.random.Generator, likeness: float, frames: int = 300, count: int = 16):
    """Markers with errors of 0.05 on a body that moves evenly, their fit, and the truth."""
    layout = rng.uniform(-60, 60, (count, 2))
    way = np.stack((1.7 * np.arange(frames), np.zeros(frames)), 1)
    points = layout + way[:, None] + 0.05 * errors(rng, (frames, count, 2), likeness)
    return points, fit_body(points, np.full(points.shape, 0.05)), layout.mean(0) + way


@pytest.mark.parametrize("likeness", [0.0, 0.5, 0.8])
def test_bars_of_velocity_and_acceleration_hold_what_they_say(likeness):
    inside, factors = [], []
    for seed in range(6):
        points, fit, truth = body(np.random.default_rng(seed), likeness)
        sigma = np.full(points.shape, 0.05)
        args = points, sigma, np.zeros(16, int), fit.position[:, None], fit.angle_rad[:, None]
        factors.append(passed(*args, 1000.0, CFC60)[0])
        motion = kinematics(fit.position - truth, fit.sigma, np.ones(truth.shape, bool), 1000.0, CFC60)
        for row, (value, bar) in enumerate(
            (
                (motion.velocity, motion.sigma_velocity),
                (motion.acceleration, motion.sigma_acceleration),
            )
        ):
            inside.append((np.abs(value) < 1.96 * bar * factors[-1][row + 1]).mean())
    assert 0.93 < np.mean(inside) < 0.975
    expected = {0.0: 1.0, 0.5: 1.45, 0.8: 1.25}[likeness]
    assert np.mean(factors, 0)[1] == pytest.approx(expected, abs=0.15)


def test_fitted_filters_have_no_factor_and_few_markers_tell_none():
    points, fit, _ = body(np.random.default_rng(0), 0.8)
    args = np.full(points.shape, 0.05), np.zeros(16, int), fit.position[:, None], fit.angle_rad[:, None], 1000.0
    np.testing.assert_array_equal(passed(points, *args, Filter.parse("auto")), 1)
    few = points[:, :3], args[0][:, :3], np.zeros(3, int), *args[2:]
    np.testing.assert_array_equal(passed(*few, CFC60), 1)


def test_residuals_are_those_of_a_turned_body():
    angle = np.linspace(0, 0.3, 20)
    layout = np.random.default_rng(0).uniform(-50, 50, (5, 2))
    turn = np.stack((np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)), -1).reshape(-1, 2, 2)
    points = np.einsum("tij,kj->tki", turn, layout) + np.array((100, 50))
    np.testing.assert_allclose(residuals(points, np.full((20, 2), (100, 50)), angle), 0, atol=1e-9)


def test_markers_that_drift_apart_widen_the_bar_of_the_speed():
    """Slopes of 0.1 a frame between 25 markers: the mean's is a fifth of that."""
    rng, frames = np.random.default_rng(1), 60
    drift = rng.normal(0, 0.1, (25, 2)) * np.arange(frames)[:, None, None]
    points = rng.uniform(-50, 50, (25, 2)) + drift
    time_s, rest = np.arange(frames) / 1000, np.zeros((frames, 2))
    found = slope_sigma(time_s, points, rest, np.zeros(frames), np.ones(frames, bool))
    assert found == pytest.approx(100 / 5, rel=0.3)  # 0.1 a frame is 100 a second
    assert slope_sigma(time_s, points[:, :3], rest, np.zeros(frames), np.ones(frames, bool)) == 0


def test_bars_follow_the_scatter_about_each_frame():
    rng = np.random.default_rng(2)
    size = np.where(np.arange(200) < 60, 0.3, 0.03)
    points = rng.uniform(-60, 60, (20, 2)) + size[:, None, None] * rng.normal(size=(200, 20, 2))
    fit = fit_body(points, np.full(points.shape, 0.05))
    early, late = np.median(fit.sigma[5:50]), np.median(fit.sigma[80:190])
    assert early == pytest.approx(0.3 / np.sqrt(20), rel=0.15)
    assert late == pytest.approx(0.03 / np.sqrt(20), rel=0.15)
    assert np.median(fit.markers[5:50]) >= 19  # large errors of all are no outliers of some
