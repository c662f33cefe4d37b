"""T0 from the motion."""

from __future__ import annotations

import numpy as np
import pytest

from gjadet_yolo.measure.onset import find_onset
from gjadet_yolo.synth.world.pulse import STOPS, PiecewiseLinear, Pulse


def find(pulse: Pulse, sigma: float, t0_s: float, seed: int = 0):
    t = np.arange(250) / 1000
    position = 1e3 * (12 * t - pulse.shortfall(t - t0_s))
    noisy = position + sigma * np.random.default_rng(seed).normal(size=250)
    return find_onset(t, noisy, np.full(250, sigma), np.ones(250, bool))


def test_a_step_is_found_within_a_fraction_of_a_frame():
    found = find(PiecewiseLinear((0, 0.05), (200, 200)), 0.015, 0.0804)
    assert found.time_s == pytest.approx(0.0804, abs=0.0003)
    assert found.sigma_s < 0.001


@pytest.mark.parametrize("name", ["half_sine", "haversine", "trapezoid"])
def test_the_bar_holds_the_truth(name):
    errors = []
    for seed in range(12):
        t0_s = 0.08 + 0.0001 * seed
        found = find(STOPS[name](12.0, 0.36), 0.06, t0_s, seed)
        errors.append(abs(found.time_s - t0_s) / found.sigma_s)
        assert abs(found.time_s - t0_s) < 0.004
    assert np.mean(np.array(errors) < 2.5) >= 0.9


def test_no_change_no_onset():
    t = np.arange(200) / 1000
    noisy = 12e3 * t + 0.1 * np.random.default_rng(0).normal(size=200)
    assert find_onset(t, noisy, np.full(200, 0.1), np.ones(200, bool)) is None
    assert find_onset(t, noisy, np.full(200, 0.1), np.zeros(200, bool)) is None


def test_a_change_in_the_first_frames_has_too_little_before_it():
    assert find(STOPS["half_sine"](12.0, 0.3), 0.05, 0.002) is None


@pytest.mark.parametrize("contact", [0.0225, 0.03])
def test_a_run_up_of_twenty_frames_is_enough(contact):
    """The filter that looks for the change may not carry the impact into the run-up."""
    t = np.arange(150) / 1000
    position = 1e3 * (9 * t - STOPS["haversine"](9.0, 0.3).shortfall(t - contact))
    noisy = position + 0.02 * np.random.default_rng(3).normal(size=150)
    found = find_onset(t, noisy, np.full(150, 0.02), np.ones(150, bool))
    assert abs(found.time_s - contact) < max(2.5 * found.sigma_s, 0.001)
    assert found.sigma_s < 0.006
