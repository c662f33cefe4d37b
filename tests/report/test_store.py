"""A measurement comes back from its file as it was; a file that is none is refused by name."""

import json
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


def spoil(folder, **changes) -> str:
    """What reading says of a file of which some parts were changed; None takes a part away."""
    path = folder / "spoilt.npz"
    save(path, braking(frames=5))
    parts = dict(np.load(path))
    text = json.loads(parts["text"].tobytes())
    for name, value in changes.items():
        where = text if name in text else parts
        where[name] = value
        if value is None:
            del where[name]
    parts["text"] = np.frombuffer(json.dumps(text).encode(), np.uint8)
    np.savez(path, **parts)
    with pytest.raises(ValueError, match=r"spoilt\.npz cannot be read as a measurement: ") as error:
        load(path)
    return str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale_sigma": None}, "it has no entry 'scale_sigma'"),
        ({"source": None}, "it has no entry 'source'"),
        ({"source": {"fps": 1}}, "it has no entry 'size_px'"),
        ({"time_s": np.zeros(3)}, "has shape (5, 26), expected (3, 26)"),
        ({"body": np.full(26, 100)}, "frames, markers and bodies do not fit each other"),
        ({"points.position_mm": np.full((5, 26, 2), "x")}, "points.position_mm holds <U1, expected numbers"),
        ({"figures": [{"name": "a", "body": 7, "value": 1.0, "sigma": 1.0, "unit": "g"}]}, "a figure is of a body"),
        ({"quality": []}, "its quality is none"),
    ],
)
def test_parts_that_do_not_fit_are_refused(tmp_path, changes, message):
    assert message in spoil(tmp_path, **changes)


def test_damaged_files_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    save(path, braking(frames=5))
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(40):
        bad = bytearray(data)
        start = int(rng.integers(len(data)))
        bad[start : start + 40] = rng.bytes(40)
        path.write_bytes(bytes(bad))
        try:
            load(path)  # where nothing of importance was hit
        except ValueError as error:
            assert "a.npz cannot be read as a measurement" in str(error)
    for part in (b"", b"hello", data[: len(data) // 2]):
        path.write_bytes(part)
        with pytest.raises(ValueError, match=r"a\.npz cannot be read as a measurement: it is no \.npz file"):
            load(path)
