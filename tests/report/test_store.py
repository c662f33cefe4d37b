"""A measurement comes back from its file as it was; a file that is none is refused by name."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from braking import braking

from gjadet_yolo.report.store import load, save


def test_round_trip_is_exact(tmp_path):
    measurement = braking(frames=40)
    save(tmp_path / "m.npz", measurement)
    again = load(tmp_path / "m.npz")
    for entry in fields(measurement):
        one, other = getattr(measurement, entry.name), getattr(again, entry.name)
        if entry.name in ("points", "bodies", "turning"):
            for part in fields(one):
                assert getattr(one, part.name).dtype == getattr(other, part.name).dtype
                np.testing.assert_array_equal(getattr(one, part.name), getattr(other, part.name))
        elif isinstance(one, np.ndarray):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
        elif entry.name == "figures":
            assert [repr(figure) for figure in one] == [repr(figure) for figure in other]  # NaN is not equal to itself
        else:
            assert one == other


def test_settings_that_json_does_not_know_become_plain(tmp_path):
    settings = {"source": Path("a") / "b.avi", "size": (8, 6), "fps": np.float64(0.1), "n": np.int64(3)}
    save(tmp_path / "m.npz", replace(braking(frames=3), settings=settings))
    found = load(tmp_path / "m.npz").settings
    assert found == {"source": str(Path("a") / "b.avi"), "size": [8, 6], "fps": 0.1, "n": 3}


@pytest.mark.parametrize("content", [None, b"", b"no archive", "folder", "other", "short"])
def test_what_is_no_measurement_is_named(tmp_path, content):
    path = tmp_path / "m.npz"
    if content == "folder":
        path.mkdir()
    elif content == "other":
        np.savez(path, a=np.zeros(3))
    elif content == "short":
        save(path, braking(frames=3))
        path.write_bytes(path.read_bytes()[:-200])
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"m\.npz cannot be read as a measurement: \w"):
        load(path)
