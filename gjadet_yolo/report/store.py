"""A measurement kept without loss, so that it can be filtered again without measuring again.

One ``.npz`` file holds every array in its own type and the rest as JSON text. Nothing in it is pickled, so a file from
elsewhere cannot run code when it is read.
"""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from dataclasses import asdict, fields
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from gjadet_yolo.measure.result import Curves, Figure, Measurement, Source, Turning
from gjadet_yolo.messages import is_number

FORMAT = 1  # of the file; a reader refuses a higher one
ARRAYS = ("time_s", "body", "status", "disagreement_px", "markers", "reference", "scale_sigma")
# what reading a file raises that is cut off, damaged, edited or of another kind
UNREADABLE = (OSError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, EOFError, RuntimeError)
UNREADABLE += (MemoryError, zipfile.BadZipFile, zlib.error, struct.error)
GROUPS: dict[str, type] = {"points": Curves, "bodies": Curves, "turning": Turning}


def plain(value: Any) -> Any:
    """A setting as JSON holds it: NumPy's numbers as Python's, tuples and arrays as lists, the rest as text."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value) if isinstance(value, PurePath) else repr(value)


def save(path: Path, measurement: Measurement) -> None:
    """Write a measurement to ``path``, of which :func:`load` makes the same one again.

    Settings come back as :func:`plain` makes them.
    """
    arrays = {name: getattr(measurement, name) for name in ARRAYS}
    for group, kind in GROUPS.items():
        values = getattr(measurement, group)
        arrays |= {f"{group}.{entry.name}": getattr(values, entry.name) for entry in fields(kind)}
    text = {
        "format": FORMAT,
        "source": asdict(measurement.source),
        "model": measurement.model,
        "settings": plain(measurement.settings),
        "kind": list(measurement.kind),
        "figures": [plain(asdict(figure)) for figure in measurement.figures],
        "quality": plain(measurement.quality),
        "notes": measurement.notes,
    }
    # as bytes: an array of text takes four bytes per letter
    arrays["text"] = np.frombuffer(json.dumps(text).encode(), dtype=np.uint8)
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load(path: Path) -> Measurement:
    """Read what :func:`save` wrote.

    Raises:
        ValueError: The file is not there or is none of these, or a newer version wrote it; names the file.
    """
    try:
        return read(path)
    except UNREADABLE as error:
        reason = f"it has no entry {error}" if isinstance(error, KeyError) else f"{error}".rstrip(".")
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        raise ValueError(
            f"{path} cannot be read as a measurement: {reason or type(error).__name__}. Name a folder of 'gjadet "
            f"measure'."
        ) from None


def read(path: Path) -> Measurement:
    """Read what :func:`save` wrote; errors of ``UNREADABLE`` where it is none."""
    if path.is_file() and not zipfile.is_zipfile(path):  # NumPy would advise to trust it
        raise ValueError("it is no .npz file, or only a part of one")
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    text = json.loads(arrays["text"].tobytes())
    if text["format"] > FORMAT:
        raise ValueError(f"it has format {text['format']}; this version reads up to {FORMAT}, update gjadet-yolo")
    groups = {
        group: kind(**{entry.name: arrays[f"{group}.{entry.name}"] for entry in fields(kind)})
        for group, kind in GROUPS.items()
    }
    source = text["source"]
    found = Measurement(
        source=Source(**{**source, "size_px": tuple(source["size_px"])}),
        model=text["model"],
        settings=text["settings"],
        kind=tuple(text["kind"]),
        figures=[Figure(**figure) for figure in text["figures"]],
        quality=text["quality"],
        notes=text["notes"],
        **{name: arrays[name] for name in ARRAYS},
        **groups,
    )
    refuse_unfit(found)
    return found


def refuse_unfit(found: Measurement) -> None:
    """Refuse parts that do not fit each other, as after an edit by hand.

    Raises:
        ValueError: Names the part.
    """
    frames, count, bodies = len(found.time_s), len(found.body), len(found.reference)
    shapes = {"time_s": (frames,), "body": (count,), "status": (frames, count), "disagreement_px": (frames, count)}
    shapes |= {"markers": (frames, bodies), "reference": (bodies,), "scale_sigma": (bodies + 1,)}
    arrays = {name: getattr(found, name) for name in ARRAYS}
    for group, shape in {
        "points": (frames, count, 2),
        "bodies": (frames, bodies, 2),
        "turning": (frames, bodies),
    }.items():
        values = {f"{group}.{name}": value for name, value in vars(getattr(found, group)).items()}
        arrays |= values
        shapes |= dict.fromkeys(values, shape)
    for name, values in arrays.items():
        # measurements of before scale_sigma have none
        if values.shape != shapes[name] and not (name == "scale_sigma" and not values.size):
            raise ValueError(f"{name} has shape {values.shape}, expected {shapes[name]}")
        if values.dtype.kind not in "biuf":
            raise ValueError(f"{name} holds {values.dtype}, expected numbers")
    if frames < 1 or len(found.kind) != count or not ((found.body >= -1) & (found.body < bodies)).all():
        raise ValueError("frames, markers and bodies do not fit each other")
    if any(not -1 <= figure.body < bodies for figure in found.figures):
        raise ValueError("a figure is of a body that is not there")
    if not (is_number(found.source.fps) and found.source.fps > 0 and len(found.source.size_px) == 2):
        raise ValueError("its source has no rate or no size")
    for name, kind in (("model", dict), ("settings", dict), ("quality", dict), ("notes", list)):
        if not isinstance(getattr(found, name), kind):
            raise ValueError(f"its {name} is none")
