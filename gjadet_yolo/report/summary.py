"""What stands behind the curves, as a mapping: settings, hashes, figures, quality, notes and versions."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from gjadet_yolo import __version__
from gjadet_yolo.measure.result import Measurement
from gjadet_yolo.measure.tracks import Status
from gjadet_yolo.report.store import plain


def provenance(measurement: Measurement) -> dict[str, Any]:
    """Where curves come from: source with its hash, model with its hash, settings, versions; part of every file."""
    return {
        "source": plain(asdict(measurement.source)),
        "model": dict(measurement.model),
        "settings": plain(measurement.settings),
        "versions": {
            "gjadet-yolo": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "opencv": cv2.__version__,
        },
    }


def summarise(measurement: Measurement) -> dict[str, Any]:
    """Contents of ``summary.json`` but the hashes of the other files; not a number is None."""
    states = [[int((measurement.status[:, k] == s).sum()) for s in Status] for k in range(len(measurement.body))]
    return finite(
        {
            "written": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            **provenance(measurement),
            "figures": [asdict(figure) for figure in measurement.figures],
            "bodies": [
                {
                    "body": index,
                    "standing": bool(stands),
                    "markers": int((measurement.body == index).sum()),
                    "frames": int((measurement.markers[:, index] > 0).sum()),
                }
                for index, stands in enumerate(measurement.reference)
            ],
            "points": [
                {
                    **{"id": index, "body": int(measurement.body[index]), "kind": measurement.kind[index]},
                    **{s.name.lower(): states[index][s] for s in Status},
                }
                for index in range(len(measurement.body))
            ],
            "quality": dict(measurement.quality),
            "notes": list(measurement.notes),
        }
    )


def finite(value: Any) -> Any:
    """JSON has no NaN: a number that is none becomes None, at any depth."""
    if isinstance(value, dict):
        return {key: finite(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [finite(entry) for entry in value]
    value = plain(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def hashes(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of each named file; of a folder, of each file in it."""
    found = {}
    for name in names:
        path = folder / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                found[file.relative_to(folder).as_posix()] = file_hash(file)
    return found


def file_hash(file: Path) -> str:
    """SHA-256 in hexadecimal, read in pieces."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def write_summary(path: Path, measurement: Measurement, written: Iterable[str]) -> None:
    """Write ``summary.json``.

    Args:
        written: Names of the other results beside it. Their hashes tie tables, which have no room for settings,
            to them.
    """
    content = {**summarise(measurement), "files": hashes(path.parent, written)}
    path.write_text(json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")
