"""CFC filters against the coefficients of the standards, SciPy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, filtfilt

from gjadet_yolo.measure.cfc import LowPass, cfc_filter

# SAE J211-1 Appendix C and ISO 6487 Annex A: a0, b1, b2
TABLE = [
    (60, 1000, "j211", 0.09718463, 0.94557401, -0.33431251),
    (60, 2000, "j211", 0.02980607, 1.45572821, -0.57495250),
    (60, 10000, "j211", 0.00145237, 1.88934322, -0.89515269),
    (180, 2000, "j211", 0.18587404, 0.46687527, -0.21037144),
    (180, 10000, "j211", 0.01179627, 1.67011746, -0.71730255),
    (1000, 10000, "j211", 0.21923142, 0.31189654, -0.18882221),
    (60, 1000, "iso", 0.09763107, 0.94280904, -0.33333333),
]


@pytest.mark.parametrize(("cfc", "fps", "form", "a0", "b1", "b2"), TABLE)
def test_coefficients_of_the_standards(cfc, fps, form, a0, b1, b2):
    low_pass = LowPass.of_class(cfc, fps, form)
    numerator, denominator = low_pass.coefficients
    np.testing.assert_allclose(numerator, [a0, 2 * a0, a0], atol=1.01e-8)
    np.testing.assert_allclose(denominator, [1, -b1, -b2], atol=1e-8)
    assert numerator.sum() == pytest.approx(denominator.sum())  # a constant passes


@pytest.mark.parametrize(
    ("cfc", "fps", "cutoff"), [(60, 1000, 101.8), (60, 2000, 100.5), (60, 10000, 100), (180, 2000, 312.3)]
)
def test_half_power_of_the_finished_filter(cfc, fps, cutoff):
    low_pass = LowPass.of_class(cfc, fps)
    assert low_pass.cutoff_hz == pytest.approx(cutoff, rel=0.005)
    assert low_pass.gain(low_pass.cutoff_hz) == pytest.approx(2**-0.5)


@pytest.mark.parametrize("form", ["j211", "iso"])
def test_a_sine_comes_out_with_the_gain(form):
    t = np.arange(2000) / 1000
    for frequency in (20, 60, 100, 200):
        sine = np.sin(2 * np.pi * frequency * t)
        out = cfc_filter(sine, 60, 1000, form)[500:-500]
        gain = LowPass.of_class(60, 1000, form).gain(frequency)
        np.testing.assert_allclose(out, gain * sine[500:-500], atol=1e-9)


def test_cutoff_in_hz_is_that_of_the_finished_filter():
    assert LowPass.of_cutoff(50, 1000).gain(50) == pytest.approx(2**-0.5)
    assert LowPass.of_cutoff(50, 1000).cutoff_hz == pytest.approx(50)


def test_scipy_agrees():
    walk = np.random.default_rng(0).normal(size=600).cumsum()
    iso = LowPass.of_class(60, 1000, "iso")
    np.testing.assert_allclose(
        cfc_filter(walk, 60, 1000, "iso"), filtfilt(*iso.coefficients, walk, padlen=100), atol=1e-9
    )
    short = walk[:40]  # fewer points than the standard adds
    np.testing.assert_allclose(
        cfc_filter(short, 60, 1000, "iso"), filtfilt(*iso.coefficients, short, padlen=39), atol=1e-9
    )
    numerator, denominator = butter(2, 2.0775 * 60 / 500)
    whole = filtfilt(numerator, denominator, walk)
    np.testing.assert_allclose(cfc_filter(walk, 60, 1000)[100:-100], whole[100:-100], atol=1e-9)


def test_what_the_ends_keep():
    t = np.arange(300.0)
    line, parabola = 3 + 2 * t, 3 + 2 * t + 0.1 * t**2
    np.testing.assert_allclose(cfc_filter(line, 60, 1000, "iso"), line, atol=1e-8)
    np.testing.assert_allclose(cfc_filter(line, 60, 1000), line, atol=1e-8)
    # two runs of a filter without phase add one constant to a parabola, at the ends as in the middle
    added = cfc_filter(parabola, 60, 1000) - parabola
    np.testing.assert_allclose(added, added[150], atol=1e-7)
    assert abs(cfc_filter(parabola, 60, 1000, "iso") - parabola)[0] < 1e-8  # mirroring holds the end point


def test_what_the_rate_cannot_carry():
    with pytest.raises(
        ValueError, match=r"cfc180 needs at least fps=1800, this video has fps=1000.*up to 100.*filter=166hz"
    ):
        LowPass.of_class(180, 1000)
    LowPass.of_class(60, 600)
    with pytest.raises(ValueError, match=r"200 Hz, allowed at 1000 frames/s: 1 to 166.7 Hz"):
        LowPass.of_cutoff(200, 1000)
