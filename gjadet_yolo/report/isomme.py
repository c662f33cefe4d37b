"""Curves of bodies as ISO-MME channels (ISO/TS 13499), the exchange format of crash laboratories.

A channel code has 16 characters: test object, position, main location (4), fine locations (2 + 2 + 2), dimension (2),
direction, filter class. A video does not say what a body is, so object, position and main location are 0, "undefined",
and the third fine location counts the bodies. X and Y are the picture's axes, right and down.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gjadet_yolo.measure.result import Measurement
from gjadet_yolo.report.summary import provenance

FILTERS = {"cfc60": ("D", "60"), "cfc180": ("C", "180")}
FROM_FILM = ("V", "NOVALUE")  # the filter class of film analysis without a standard's filter
UNEVEN = 0.01  # of a sampling interval; beyond it, time stamps do not belong to one rate


@dataclass(frozen=True)
class Channel:
    """One curve: code, name in words, unit, T values and their standard deviations."""

    code: str
    name: str
    unit: str
    values: np.ndarray
    sigma: np.ndarray


def channels(measurement: Measurement) -> list[Channel]:
    """Displacement, velocity and acceleration along X and Y, angle and angular rate about Z, of each body.

    A curve without any value, as all in metres are where there is no scale, is left out.
    """
    bodies, turning = measurement.bodies, measurement.turning
    letter, _ = FILTERS.get(str(measurement.settings.get("filter")), FROM_FILM)
    found = []
    for body in range(len(measurement.reference)):
        start = first_index(bodies.position_mm[:, body], measurement.time_s)
        moved = (bodies.position_mm[:, body] - bodies.position_mm[start, body]) / 1000
        curves = [
            ("DS", "displacement", "m", moved, bodies.sigma_mm[:, body] / 1000),
            ("VE", "velocity", "m/s", bodies.velocity_mps[:, body], bodies.sigma_velocity_mps[:, body]),
            (
                "AC",
                "acceleration",
                "m/(s*s)",
                bodies.acceleration_mps2[:, body],
                bodies.sigma_acceleration_mps2[:, body],
            ),
        ]
        place = f"000000{0:04d}{body:02d}"
        for dimension, word, unit, values, sigma in curves:
            for axis, direction in enumerate("XY"):
                code = f"{place}{dimension}{direction}{letter}"
                found.append(Channel(code, f"Body {body} {word} {direction}", unit, values[:, axis], sigma[:, axis]))
        for dimension, word, unit, values, sigma in (
            ("AN", "angle", "rad", turning.angle_rad, turning.sigma_angle_rad),
            ("AV", "angular rate", "rad/s", turning.rate_radps, turning.sigma_rate_radps),
        ):
            code = f"{place}{dimension}Z{letter}"
            found.append(Channel(code, f"Body {body} {word}", unit, values[:, body], sigma[:, body]))
    return [channel for channel in found if np.isfinite(channel.values).any()]


def first_index(position: np.ndarray, time_s: np.ndarray) -> int:
    """Frame that displacements count from: the first with a place (T, 2) at T0 or later, else the first with one."""
    placed = np.isfinite(position).all(axis=-1)
    return int(np.argmax(placed & (time_s >= 0))) if (placed & (time_s >= 0)).any() else int(np.argmax(placed))


def sampling(measurement: Measurement) -> tuple[float, float]:
    """Time of the first sample and interval, s.

    Raises:
        ValueError: Frames are not evenly spaced.
    """
    time_s, interval = measurement.time_s, 1 / measurement.source.fps
    if len(time_s) > 1:
        interval = float(time_s[-1] - time_s[0]) / (len(time_s) - 1)
        if np.abs(np.diff(time_s) - interval).max() > UNEVEN * interval:
            raise ValueError("frames are not evenly spaced in time, and its channels have one sampling interval")
    return float(time_s[0]), interval


def lines(entries: list[tuple[str, object]]) -> str:
    """``key :value`` lines, keys padded as readers of the format expect; ASCII, as its oldest readers do."""
    text = "".join(f"{key:<28}:{' '.join(str(value).split())}\n" for key, value in entries)
    return text.encode("ascii", "backslashreplace").decode()


def channel_text(channel: Channel, measurement: Measurement) -> str:
    """Contents of one channel file: header, then one value a line."""
    first, interval = sampling(measurement)
    spread = channel.sigma[np.isfinite(channel.sigma)]
    usual = f"{np.sqrt(np.mean(spread**2)):.3g} {channel.unit}" if spread.size else "not known"
    header = [
        ("Channel code", channel.code),
        ("Name of the channel", channel.name),
        ("Unit", channel.unit),
        ("Reference channel", "implicit"),
        ("Time of first sample", f"{first:.9g}"),
        ("Sampling interval", f"{interval:.9g}"),
        ("Number of samples", len(channel.values)),
        ("Channel frequency class", FILTERS.get(str(measurement.settings.get("filter")), FROM_FILM)[1]),
        ("Comments", f"Standard deviation, RMS over the curve: {usual}"),
    ]
    values = (f"{value:.9g}" if np.isfinite(value) else "NOVALUE" for value in channel.values)
    return lines(header) + "\n".join(values) + "\n"


def write_isomme(folder: Path, measurement: Measurement) -> None:
    """Write ``TEST.mme``, ``Channel/TEST.chn`` and ``Channel/TEST.001`` onwards; TEST is named after the video.

    Raises:
        ValueError: Frames are not evenly spaced.
    """
    sampling(measurement)
    test = re.sub(r"[^A-Za-z0-9_-]+", "_", Path(measurement.source.name).stem).strip("_") or "TEST"
    found = channels(measurement)
    (folder / "Channel").mkdir(parents=True)
    facts = json.dumps(provenance(measurement), sort_keys=True)
    (folder / f"{test}.mme").write_text(
        lines(
            [
                ("Data format edition number", "1.6"),
                ("Laboratory test ref. number", test),
                ("Title", f"Motion from video {Path(measurement.source.name).name}"),
                ("Comments", "X and Y are the picture's axes, right and down; Z points into the picture"),
                *(("Comments", note) for note in measurement.notes),
                ("Comments", facts),
            ]
        )
    )
    names = [(f"Name of channel {k:03d}", f"{c.code} / {c.name}") for k, c in enumerate(found, 1)]
    head = ("Number of channels", len(found))
    (folder / "Channel" / f"{test}.chn").write_text(lines([head, *names]))
    for k, channel in enumerate(found, 1):
        (folder / "Channel" / f"{test}.{k:03d}").write_text(channel_text(channel, measurement))
