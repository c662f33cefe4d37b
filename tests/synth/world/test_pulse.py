"""Pulses: totals by hand, integrals against numerical derivatives, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from gjadet_yolo.synth.world.pulse import HalfSine, Haversine, PiecewiseLinear, Pulse

TRAPEZOID = PiecewiseLinear.trapezoid(300.0, 0.01, 0.05, 0.02)
TABLE = PiecewiseLinear((0.0, 0.01, 0.03, 0.1), (0.0, 250.0, 120.0, 40.0))
PULSES = [HalfSine(400.0, 0.08), Haversine(400.0, 0.08), TRAPEZOID, TABLE]
IDS = ["half_sine", "haversine", "trapezoid", "table"]


@pytest.mark.parametrize(
    ("pulse", "loss"),
    [
        (HalfSine(400.0, 0.08), 2 / np.pi * 400 * 0.08),
        (Haversine(400.0, 0.08), 400 * 0.08 / 2),
        (TRAPEZOID, 300 * (0.005 + 0.05 + 0.01)),
        (TABLE, 250 * 0.01 / 2 + (250 + 120) / 2 * 0.02 + (120 + 40) / 2 * 0.07),
    ],
    ids=IDS,
)
def test_velocity_loss_by_hand(pulse, loss):
    assert pulse.velocity_loss(np.array([10.0]))[0] == pytest.approx(loss, rel=1e-12)


def test_shortfall_by_hand():
    """Constant 100 m/s² for 0.1 s: 0.5 m; then 10 m/s for another 0.1 s: 1 m more."""
    pulse = PiecewiseLinear((0.0, 0.1), (100.0, 100.0))
    np.testing.assert_allclose(pulse.shortfall(np.array([-1.0, 0.05, 0.1, 0.2])), [0, 0.125, 0.5, 1.5], atol=1e-15)


@pytest.mark.parametrize("pulse", PULSES, ids=IDS)
def test_derivatives_agree(pulse: Pulse):
    """Central differences where the pulse is smooth, to 1e-6 of the largest value."""
    step = 1e-5
    t = np.linspace(-0.01, 0.15, 3001)
    corners = getattr(pulse, "times_s", (0.0, pulse.duration_s))
    t = t[np.min(np.abs(t[:, None] - np.array(corners)), axis=1) > 2 * step]
    for integral, derivative in ((pulse.shortfall, pulse.velocity_loss), (pulse.velocity_loss, pulse.deceleration)):
        numerical = (integral(t + step) - integral(t - step)) / (2 * step)
        assert np.abs(numerical - derivative(t)).max() < 1e-6 * np.abs(derivative(t)).max()


@pytest.mark.parametrize("pulse", PULSES, ids=IDS)
def test_nothing_before_and_constant_velocity_after(pulse: Pulse):
    before, after = np.array([-0.5, -1e-9]), pulse.duration_s + np.array([1e-9, 0.3, 1.0])
    for function in (pulse.deceleration, pulse.velocity_loss, pulse.shortfall):
        assert not function(before).any()
    assert not pulse.deceleration(after).any()
    assert np.ptp(pulse.velocity_loss(after)) == 0
    np.testing.assert_allclose(np.diff(pulse.shortfall(after[1:])), pulse.velocity_loss(after[:1]) * 0.7)


def test_table_file(tmp_path):
    file = tmp_path / "pulse.csv"
    file.write_text("time_s,deceleration_mps2\n0,0\n0.01,250\n0.03,120\n0.1,40\n")
    assert PiecewiseLinear.from_csv(file) == TABLE


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0,0\n0.02,5\n0.02,6\n", r"pulse\.csv: pulse table: time 0\.02 s in row 3 does not come after 0\.02 s"),
        ("0,0\n0.02,x\n", r"pulse\.csv row 2 is \['0\.02', 'x'\], expected time_s"),
        ("t,a\n0,0\n", "1 times and 1 values, expected two or more"),
        ("0,0\n0.1,-5\n", "smallest value -5 m/s²; allowed: 0 or more"),
        ("0,0\n0.1,nan\n", "must be finite"),
        ("0,0\n0.1," + "9" * 400, "must be finite"),
        ("0,0\n" + "1" * 200_000 + ",5\n", r"pulse\.csv is no table of time_s, .*: field larger than field limit"),
        ("0,0\n0.1,x" + "1" * 100_000, r"^.{0,200}row 2 is \['0\.1', 'x1+[.]{3}1+'.{0,60}$"),
        ("0,0\n0.1,5\0\n", r"pulse\.csv (row 2 is|is no table)"),
        ("t,a\n0,\xff\n".encode("latin-1"), r"pulse\.csv is no text in UTF-8"),
    ],
)
def test_table_refusals(tmp_path, text, words):
    (tmp_path / "pulse.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=words):
        PiecewiseLinear.from_csv(tmp_path / "pulse.csv")


def test_missing_table(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"pulse table .*none\.csv does not exist"):
        PiecewiseLinear.from_csv(tmp_path / "none.csv")


@pytest.mark.parametrize("build", [HalfSine, Haversine])
@pytest.mark.parametrize("values", [(0.0, 0.1), (100.0, -0.1), (float("nan"), 0.1)])
def test_impossible_shapes(build, values):
    with pytest.raises(ValueError, match="expected a number above 0"):
        build(*values)
