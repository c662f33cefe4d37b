"""Bodies: positions by hand, derivatives against numbers, centripetal acceleration."""

from __future__ import annotations

import numpy as np
import pytest

from gjadet_yolo.synth.world.motion import BodyMotion, StepResponse, Vibration
from gjadet_yolo.synth.world.pulse import HalfSine, Haversine, PiecewiseLinear

POINTS = np.array([[0.0, 0.0], [500.0, -200.0], [-1200.0, 300.0]])


def test_run_up_and_stop_by_hand():
    """10 m/s, then 100 m/s² for 0.1 s: stands still 0.5 m behind the place of impact."""
    body = BodyMotion((0.0, 40.0), (10.0, 0.0), PiecewiseLinear((0.0, 0.1), (100.0, 100.0)), impact_s=0.2)
    motion = body.markers(np.array([0.0, 0.2, 0.25, 0.3, 1.0]), POINTS[:1])
    np.testing.assert_allclose(motion.position_mm[:, 0, 0], [0, 2000, 2375, 2500, 2500], atol=1e-9)
    np.testing.assert_allclose(motion.position_mm[:, 0, 1], 40)
    np.testing.assert_allclose(motion.velocity_mps[:, 0, 0], [10, 10, 5, 0, 0], atol=1e-12)
    np.testing.assert_allclose(motion.acceleration_mps2[[0, 2, 4], 0, 0], [0, -100, 0])


@pytest.mark.parametrize("pulse", [Haversine(300.0, 0.1), HalfSine(300.0, 0.1)])
def test_velocity_and_acceleration_are_derivatives(pulse):
    """Central differences of all parts together, to 1e-6 of the largest value, away from the onsets."""
    body = BodyMotion(
        (100.0, 50.0),
        (13.0, 1.0),
        pulse,
        impact_s=0.03,
        pitch=StepResponse(0.05, 4.0, 6.0, start_s=0.03),
        vibration=(Vibration(0.8, 55.0), Vibration(1.5, 31.0, 0.7)),
    )
    step = 1e-5
    t = np.linspace(0.035, 0.125, 901)
    before, here, after = (body.markers(t + shift, POINTS) for shift in (-step, 0.0, step))
    velocity = (after.position_mm - before.position_mm) / (2 * step) * 1e-3
    acceleration = (after.velocity_mps - before.velocity_mps) / (2 * step)
    assert np.abs(velocity - here.velocity_mps).max() < 1e-6 * np.abs(here.velocity_mps).max()
    assert np.abs(acceleration - here.acceleration_mps2).max() < 1e-6 * np.abs(here.acceleration_mps2).max()


def test_body_is_rigid():
    body = BodyMotion((0.0, 0.0), (5.0, 0.0), pitch=StepResponse(0.2, 3.0, 5.0), vibration=(Vibration(2.0, 20.0), None))
    positions = body.markers(np.linspace(0, 0.5, 50), POINTS).position_mm
    distances = np.linalg.norm(positions[:, 1] - positions[:, 2], axis=-1)
    np.testing.assert_allclose(distances, np.hypot(1700, 500))


def test_step_response_starts_at_rest_and_settles():
    value, rate, acceleration = StepResponse(0.1, 5.0, 8.0, start_s=0.1).derivatives(np.array([0.0, 0.1, 5.0]))
    np.testing.assert_allclose(value, [0, 0, 0.1], atol=1e-12)
    np.testing.assert_allclose(rate, 0, atol=1e-12)
    assert acceleration[0] == 0
    assert acceleration[1] == pytest.approx(0.1 * ((2 * np.pi * 5) ** 2 + 64))


def test_standing_body():
    motion = BodyMotion((1.0, 2.0)).markers(np.linspace(0, 1, 5), POINTS)
    np.testing.assert_allclose(motion.position_mm, np.broadcast_to(np.add(POINTS, (1.0, 2.0)), (5, 3, 2)))
    assert not motion.velocity_mps.any()
    assert not motion.acceleration_mps2.any()


def test_refusals():
    with pytest.raises(ValueError, match=r"velocity_mps is \(0\.0, 0\.0\); a body with a pulse must move"):
        BodyMotion((0.0, 0.0), pulse=HalfSine(100.0, 0.1))
    with pytest.raises(ValueError, match="frequency_hz is 0, expected a number above 0"):
        StepResponse(0.1, 0, 1.0)
