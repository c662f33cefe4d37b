"""Curves and their bars: exact cases, variances against a dense operator, and how often bars hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

from gjadet_yolo.measure.cfc import LowPass
from gjadet_yolo.measure.filters import Filter
from gjadet_yolo.measure.kinematics import Motion, kinematics, noise_ratio
from gjadet_yolo.measure.propagate import Unfiltered, by_pulses, derivatives, noise_gain, variances
from gjadet_yolo.synth.world.pulse import STOPS

FPS, G = 1000.0, 9806.65  # mm/s²


def motion_of(pulse_name: str, count: int = 250) -> np.ndarray:
    """True position, velocity, acceleration (3, n) in mm: 12 m/s, stopped within 0.36 m from 80 ms on."""
    pulse, t = STOPS[pulse_name](12.0, 0.36), np.arange(count) / FPS - 0.0803
    parts = 12 * t - pulse.shortfall(t), 12 - pulse.velocity_loss(t), -pulse.deceleration(t)
    return 1e3 * np.stack(parts)


def measure(truth: np.ndarray, sigma: float, name: str, gaps: bool = False, curves: int = 60) -> tuple[Motion, ...]:
    generator = np.random.default_rng(1)
    noisy = truth[0][:, None] + sigma * generator.normal(size=(truth.shape[1], curves))
    measured = np.ones(noisy.shape, bool)
    for c in range(curves if gaps else 0):
        for first in generator.integers(5, truth.shape[1] - 10, 4):
            measured[first : first + generator.integers(1, 7), c] = False
    noisy[~measured] = np.nan
    return kinematics(noisy, np.full(noisy.shape, sigma), measured, FPS, Filter.parse(name)), measured


def coverage(found: Motion, truth: np.ndarray) -> np.ndarray:
    """Parts of the values whose 95 % bars hold the truth (3, n): position, velocity, acceleration."""
    pairs = [
        (found.position, found.sigma_position),
        (found.velocity, found.sigma_velocity),
        (found.acceleration, found.sigma_acceleration),
    ]
    return np.array([np.mean(np.abs(v - t[:, None]) < 1.96 * s) for (v, s), t in zip(pairs, truth, strict=True)])


@pytest.mark.parametrize(("name", "acceleration_g"), [("cfc60", 3.35), ("50hz", 0.75), ("30hz", 0.23), ("20hz", 0.09)])
def test_noise_of_a_tenth_of_a_pixel(name, acceleration_g):
    # 0.1 px at 3 mm/px
    gain = noise_gain(Filter.parse(name).linear(FPS))
    tolerance = 0.03 if name != "20hz" else 0.06  # 0.09 is given with one digit
    assert 0.3 * gain[2] ** 0.5 / G == pytest.approx(acceleration_g, rel=tolerance)
    if name == "cfc60":
        assert 0.3 * gain[1] ** 0.5 / 1e3 == pytest.approx(0.055, rel=0.03)


@pytest.mark.parametrize("filter_", [LowPass.of_class(60, FPS), LowPass.of_class(60, FPS, "iso"), Unfiltered(FPS)])
def test_variances_equal_those_of_the_dense_operator(filter_):
    variance = np.random.default_rng(0).uniform(0.5, 2, (400, 2))
    dense = by_pulses(filter_, variance)
    np.testing.assert_allclose(variances(filter_, variance), dense, rtol=1e-6)
    # and the operator is what filters
    values = np.random.default_rng(1).normal(size=(400, 2))
    weights = derivatives(filter_, np.eye(400))
    np.testing.assert_allclose(weights @ values, derivatives(filter_, values), atol=1e-3)


def test_a_parabola_keeps_its_acceleration():
    t = np.arange(200) / FPS
    position = (5e5 + 1.2e4 * t - 0.5 * 2e5 * t**2)[:, None]
    for name in ("cfc60", "50hz", "kalman", "spline", "auto"):
        found = kinematics(position, np.full((200, 1), 0.1), np.ones((200, 1), bool), FPS, Filter.parse(name))
        np.testing.assert_allclose(found.acceleration, -2e5, rtol=1e-5)
        np.testing.assert_allclose(found.velocity[:, 0], 1.2e4 - 2e5 * t, atol=0.1)


@pytest.mark.parametrize("sigma", [0.015, 0.3])
@pytest.mark.parametrize("name", ["cfc60", "cfc60:iso", "50hz", "none"])
def test_bars_of_classes_hold_the_filtered_truth(name, sigma):
    truth = motion_of("haversine")
    found, _ = measure(truth, sigma, name, curves=100)
    same = derivatives(Filter.parse(name).linear(FPS), truth[0][:, None])[:, :, 0]
    inner = slice(2, -2) if name == "none" else slice(None)
    cut = Motion(*(np.asarray(part)[inner] for part in vars(found).values()))
    assert np.all(np.abs(coverage(cut, same[:, inner]) - 0.95) < 0.02)


@pytest.mark.parametrize("pulse", ["haversine", "half_sine", "trapezoid"])
@pytest.mark.parametrize("name", ["auto", "kalman", "spline"])
def test_bars_of_fitted_filters_hold_the_truth(name, pulse):
    truth = motion_of(pulse)
    found, _ = measure(truth, 0.06, name)
    held = coverage(found, truth)
    # one strength of jerk for quiet and violent parts: generous for smooth pulses, and never far below
    assert np.all(held > 0.92), held
    error = np.sqrt(np.mean((found.acceleration - truth[2][:, None]) ** 2)) / G
    assert error < 0.65 * noise_gain(LowPass.of_class(60, FPS))[2] ** 0.5 * 0.06 / G * 1.05, error


@pytest.mark.parametrize("name", ["cfc60", "auto", "kalman"])
def test_gaps_are_bridged_with_honest_bars(name):
    truth = motion_of("half_sine")
    found, measured = measure(truth, 0.015, name, gaps=True)
    linear = Filter.parse(name).linear(FPS)
    same = derivatives(linear, truth[0][:, None])[:, :, 0] if linear else truth
    error = np.abs(found.position - same[0][:, None])[~measured]
    bar = found.sigma_position[~measured]
    bridged = np.isfinite(error)
    assert bridged.mean() > 0.9
    assert 0.92 < np.mean(error[bridged] < 1.96 * bar[bridged]) <= 1
    assert np.median(bar[bridged]) > np.median(found.sigma_position[measured])


def test_long_gaps_split_and_short_stretches_are_not_differentiated():
    measured = np.zeros((200, 2), bool)
    measured[10:80], measured[120:180] = True, True
    measured[150:156, 1] = False
    measured[190:194] = True
    position = 12.0 * np.arange(200)[:, None] * np.ones((1, 2))
    found = kinematics(position, np.full((200, 2), 0.1), measured, FPS, Filter.parse("cfc60"))
    known = np.isfinite(found.velocity)
    assert known[10:80].all()
    assert known[120:180].all()
    assert known.sum() == 2 * 130
    np.testing.assert_allclose(found.position[190:194], position[190:194])
    np.testing.assert_allclose(found.velocity[known], 12e3, rtol=1e-6)
    assert np.isnan(found.sigma_velocity[~known]).all()


def test_nothing_measured():
    found = kinematics(np.full((50, 1), np.nan), np.ones((50, 1)), np.ones((50, 1), bool), FPS, Filter.parse("cfc60"))
    assert np.isnan(found.position).all()
    assert (
        kinematics(np.empty((50, 0)), np.empty((50, 0)), np.empty((50, 0), bool), FPS, Filter("auto")).position.size
        == 0
    )


def test_a_filter_that_the_rate_cannot_carry():
    with pytest.raises(ValueError, match="cfc180 needs"):
        kinematics(np.ones((50, 1)), np.ones((50, 1)), np.ones((50, 1), bool), FPS, Filter.parse("cfc180"))


def test_noise_is_found_from_the_data():
    truth = motion_of("trapezoid", 400)
    noisy = truth[0][:, None] + 0.1 * np.random.default_rng(0).normal(size=(400, 20))
    ratio = noise_ratio(noisy, np.full(noisy.shape, 0.05), np.ones(noisy.shape, bool))
    assert ratio.mean() == pytest.approx(2, rel=0.05)
    assert np.isnan(noise_ratio(noisy[:8], np.ones((8, 20)), np.ones((8, 20), bool))).all()
