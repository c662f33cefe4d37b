"""ISO-MME: codes of 16 characters, SI values, NOVALUE; a foreign reader finds the same curves."""

from dataclasses import replace

import numpy as np
import pytest
from braking import braking

from gjadet_yolo.report.isomme import channels, write_isomme


def test_codes_and_units():
    found = {channel.code: channel for channel in channels(braking(frames=60))}
    assert all(len(code) == 16 and code.isalnum() for code in found)
    assert len(found) == 2 * 8
    assert {code[12:14]: channel.unit for code, channel in found.items()} == {
        **{"DS": "m", "VE": "m/s", "AC": "m/(s*s)", "AN": "rad", "AV": "rad/s"}
    }
    assert {code[-1] for code in found} == {"D"}  # CFC60


@pytest.mark.parametrize(("setting", "letter"), [("cfc180", "C"), ("auto", "V"), (None, "V"), (50, "V")])
def test_last_character_is_the_filter(setting, letter):
    measurement = replace(braking(frames=5), settings={"filter": setting})
    assert {channel.code[-1] for channel in channels(measurement)} == {letter}


def test_without_a_scale_there_are_angles_only():
    measurement = braking(frames=5)
    for name, values in vars(measurement.bodies).items():
        values[:] = values if name.endswith("_px") else np.nan
    assert {channel.code[12:14] for channel in channels(measurement)} == {"AN", "AV"}


def test_files_and_missing_values(tmp_path):
    measurement = braking(frames=60)
    measurement.bodies.velocity_mps[5, 0] = np.nan
    write_isomme(tmp_path / "isomme", measurement)
    chn = (tmp_path / "isomme/Channel/crash_run_7.chn").read_text().splitlines()
    assert chn[0].split(":") == ["Number of channels          ", "16"]
    place = next(k for k, line in enumerate(chn) if "VEX" in line and "Body 0" in line)
    lines = (tmp_path / f"isomme/Channel/crash_run_7.{place:03d}").read_text().splitlines()
    head = dict(line.split(":", 1) for line in lines if ":" in line)
    values = lines[len(head) :]
    assert values[5] == "NOVALUE" and len(values) == 60
    assert float(values[6]) == pytest.approx(measurement.bodies.velocity_mps[6, 0, 0], rel=1e-8)
    assert float({k.strip(): v for k, v in head.items()}["Sampling interval"]) == 0.001


def test_uneven_frames_are_refused(tmp_path):
    measurement = braking(frames=10)
    measurement.time_s[6:] += 0.004
    with pytest.raises(ValueError, match="not evenly spaced"):
        write_isomme(tmp_path / "isomme", measurement)
    assert not (tmp_path / "isomme").exists()


def test_pyisomme_reads_the_same(tmp_path):
    pyisomme = pytest.importorskip("pyisomme")
    measurement = braking(frames=60)
    measurement.bodies.velocity_mps[5, 0] = np.nan
    write_isomme(tmp_path, measurement)
    read = {str(channel.code): channel for channel in pyisomme.Isomme().read(tmp_path).channels}
    expected = channels(measurement)
    assert list(read) == [channel.code for channel in expected]
    for channel in expected:
        again = read[channel.code]
        np.testing.assert_allclose(again.get_data(), channel.values, rtol=1e-8)
        np.testing.assert_allclose(again.data.index, measurement.time_s, atol=1e-9)
        assert pyisomme.Unit(channel.unit) == again.unit
