"""Figures of a crash against closed forms, with their bars."""

from __future__ import annotations

import numpy as np
import pytest

from gjadet_yolo.measure.filters import Filter
from gjadet_yolo.measure.onset import Onset
from gjadet_yolo.measure.quantities import figures, level_held, lowest_mean, seen_whole
from gjadet_yolo.measure.result import Figure
from gjadet_yolo.measure.run_up import straight
from gjadet_yolo.synth.world.pulse import HalfSine

PULSE, T0_S, SPEED = HalfSine(400.0, 0.06), 0.08, 12.0
GRAVITY = 9.80665


def crash(direction: tuple[float, float], sigma: float, struck: bool = False, name: str = "cfc60") -> dict[str, Figure]:
    t = np.arange(250) / 1000
    along = 1e3 * ((0 if struck else SPEED) * t - PULSE.shortfall(t - T0_S))
    generator = np.random.default_rng(3)
    position = along[:, None, None] * np.array(direction) + sigma * generator.normal(size=(250, 1, 2))
    rest = sigma * generator.normal(size=(250, 1, 2))
    both = np.concatenate([rest, position], axis=1)
    found = figures(
        t, both, np.full(both.shape, sigma), np.ones((250, 2), bool), Onset(T0_S, 0.0), Filter.parse(name), generator
    )
    assert {figure.body for figure in found} == {1}  # the other one stands
    return {figure.name: figure for figure in found}


@pytest.mark.parametrize("name", ["cfc60", "auto", "kalman"])
@pytest.mark.parametrize("direction", [(1.0, 0.0), (-0.6, 0.8)])
def test_figures_of_a_half_sine(direction, name):
    found = crash(direction, 0.05, name=name)
    loss = 2 / np.pi * 400 * 0.06
    t = np.linspace(0, 0.06, 6001)
    crush = 1e3 * np.max(SPEED * t - PULSE.shortfall(t))
    half_s = 0.06 / np.pi * np.arcsin(0.9)  # a half-sine's loss goes from 5 to 95 % in twice this
    expected = {
        "impact_speed": SPEED,
        "rebound_speed": loss - SPEED,
        "peak_deceleration": 400 / GRAVITY,
        "deceleration_3ms": 400 * np.cos(np.pi * 0.0015 / 0.06) / GRAVITY,
        "mean_deceleration": 0.9 * loss / (2 * half_s) / GRAVITY,
        "duration": 2 * half_s,
        "crush": crush,
    }
    assert set(found) == set(expected)
    for key, value in expected.items():
        # the class, the differences and the smoothers round the pulse by up to half a per cent
        assert abs(found[key].value - value) < 4 * found[key].sigma + 0.005 * value, (key, found[key], value)
    assert found["peak_deceleration"].sigma < 0.8
    assert found["impact_speed"].sigma < 0.001
    assert found["peak_deceleration"].time_s == pytest.approx(T0_S + 0.03, abs=0.012)


def test_a_struck_body_is_thrown_from_rest():
    found = crash((1.0, 0.0), 0.05, struck=True)
    assert "crush" not in found
    assert abs(found["impact_speed"].value) < 0.01
    assert found["rebound_speed"].value == pytest.approx(2 / np.pi * 400 * 0.06, rel=0.005)
    assert found["peak_deceleration"].value == pytest.approx(400 / GRAVITY, rel=0.05)


def test_noise_does_not_lift_the_peak():
    peaks = []
    t = np.arange(250) / 1000
    along = 1e3 * (SPEED * t - PULSE.shortfall(t - T0_S))
    for seed in range(8):
        generator = np.random.default_rng(seed)
        position = along[:, None, None] * np.array([1.0, 0.0]) + 0.3 * generator.normal(size=(250, 1, 2))
        args = np.full(position.shape, 0.3), np.ones((250, 1), bool), Onset(T0_S, 0.0), Filter.parse("cfc60"), generator
        peaks += [f for f in figures(t, position, *args) if f.name == "peak_deceleration"]
    errors = np.array([f.value - 400 / GRAVITY for f in peaks])
    # the largest value of a curve with 3.3 g of noise lies about 5 g too high
    assert abs(errors.mean()) < 1.6
    assert np.mean(np.abs(errors) < 1.96 * np.array([f.sigma for f in peaks])) >= 0.75


def test_level_held_for_three_milliseconds():
    triangle = np.interp(np.arange(21), [0, 10, 20], [0, 10, 0])[:, None]
    assert level_held(triangle, 1000, 0.003) == pytest.approx(8.5)  # 1.5 ms from the top on each side
    assert level_held(triangle, 2500, 0.003) == pytest.approx(10 - 3.75, abs=0.05)
    assert np.isnan(level_held(triangle[:2], 1000, 0.003)).all()


def test_lowest_mean():
    values = np.array([5, 1, 3, np.inf, 0, 4.0])[:, None]
    assert lowest_mean(values, 2) == pytest.approx(2)
    assert lowest_mean(values, 3) == pytest.approx(3)


def test_line_with_alike_residuals_is_less_sure():
    generator = np.random.default_rng(0)
    t, noise = np.arange(80.0), generator.normal(size=80)
    white = straight(t, noise, np.ones(80))
    alike = straight(t, np.convolve(noise, np.ones(5), "same") / 5**0.5, np.ones(80))
    assert alike[3] > 1.8 * white[3]
    assert white[3] == pytest.approx((12 / 80**3) ** 0.5, rel=0.15)


@pytest.mark.parametrize("late_s", [-0.006, 0.0, 0.006])
def test_an_unsure_t0_after_a_short_run_up_leaves_speed_and_duration_right(late_s):
    t = np.arange(150) / 1000
    along = 1e3 * (SPEED * t - HalfSine(400.0, 0.06).shortfall(t - 0.0225))
    position = np.stack((along, 0 * along), 1)[:, None] + 0.02 * np.random.default_rng(0).normal(size=(150, 1, 2))
    args = position, np.full(position.shape, 0.02), np.ones((150, 1), bool)
    found = figures(t, *args, Onset(0.0225 + late_s, 0.01), Filter.parse("cfc60"), np.random.default_rng(1))
    found = {one.name: one for one in found}
    for name, value in (("impact_speed", SPEED), ("duration", 2 * 0.06 / np.pi * np.arcsin(0.9))):
        assert abs(found[name].value - value) < 3 * found[name].sigma + 0.001 * value, found[name]
    assert found["impact_speed"].sigma < 0.01


def test_a_pulse_that_was_not_seen_has_no_figures():
    """A peak within its noise is none; a mean above the peak is of a jump in a gap."""

    def found(peak, peak_sigma, mean):
        values = {"rebound_speed": (2.0, 0.01), "peak_deceleration": (peak, peak_sigma), "mean_deceleration": (mean, 1)}
        return [Figure(name, 0, value, sigma, "g") for name, (value, sigma) in values.items()]

    assert [figure.name for figure in seen_whole(found(5.3, 4.7, 3.0))] == ["rebound_speed"]
    assert [figure.name for figure in seen_whole(found(9.0, 1.0, 151.0))] == ["rebound_speed", "peak_deceleration"]
    assert len(seen_whole(found(9.0, 1.0, 6.0))) == 3
