"""Every file of a measurement, into a folder; without a library of the extra, what needs none of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from gjadet_yolo.measure.result import Measurement
from gjadet_yolo.report.film import as_bgr8, encoder, write_film
from gjadet_yolo.report.isomme import sampling, write_isomme
from gjadet_yolo.report.markings import groups_picture
from gjadet_yolo.report.page import write_page
from gjadet_yolo.report.sheets import write_sheets
from gjadet_yolo.report.store import save
from gjadet_yolo.report.summary import write_summary
from gjadet_yolo.report.tables import write_csv

EXTRA = "pip install 'gjadet-yolo[measure]'"
STORE, FILM, GROUPS = "measurement.npz", "overlay.mp4", "groups.jpg"


@dataclass
class Written:
    """What was written and what was not.

    Attributes:
        files: Names in the folder, in the order of writing.
        skipped: Reason by name.
        missing: Distribution that was not there, by the name of what needs it.
    """

    files: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def advice(self) -> str:
        """One line that says how to get what was skipped for want of a library; empty where none is missing."""
        if not self.missing:
            return ""
        return (
            f"Not written for want of {', '.join(self.missing.values())}: {', '.join(self.missing)}. Install: {EXTRA}"
        )

    def attempt(self, path: Path, write: Callable[[Path], object], distribution: str = "") -> None:
        """Write one file or folder; a library that is not installed skips it.

        Args:
            distribution: What to install for it; empty where an import that fails is an error of this package.
        """
        try:
            write(path)
        except ModuleNotFoundError as error:
            if not distribution:
                raise
            self.skip(path.name, f"{error.name} is not installed")
            self.missing[path.name] = distribution
        else:
            self.files.append(path.name)

    def skip(self, name: str, reason: str) -> None:
        self.skipped[name] = reason


def write_results(
    measurement: Measurement,
    folder: Path,
    pictures: Iterable[np.ndarray] | None = None,
    earlier: Path | None = None,
) -> Written:
    """Write every result of a measurement.

    Args:
        folder: Exists and is empty.
        pictures: Frames of the video as they were measured, (H, W) or (H, W, 3) BGR, 8 or 16 bit; taken one by one.
        earlier: Folder of the measurement that this one was filtered from. Without pictures, its film and its picture
            of the groups are copied: neither shows anything that a filter changes.

    Raises:
        OSError: A file cannot be written.
        ValueError: A picture has another size than the video.
    """
    written = Written()
    written.attempt(folder / "points.csv", lambda path: write_csv(path, measurement, bodies=False))
    written.attempt(folder / "bodies.csv", lambda path: write_csv(path, measurement, bodies=True))
    written.attempt(folder / STORE, lambda path: save(path, measurement))
    try:
        sampling(measurement)
    except ValueError as error:
        written.skip("isomme", f"{error}")
    else:
        written.attempt(folder / "isomme", lambda path: write_isomme(path, measurement))
    written.attempt(folder / "curves.xlsx", lambda path: write_sheets(path, measurement), "xlsxwriter")
    if pictures is not None:
        write_pictures(measurement, folder, pictures, written)
    elif earlier is not None:
        for name in (GROUPS, FILM):
            if (earlier / name).is_file():
                written.attempt(folder / name, lambda path: shutil.copyfile(earlier / path.name, path))
    if FILM not in (*written.files, *written.skipped):
        written.skip(FILM, "there are no pictures")
    write_reading(measurement, folder, written)
    return written


def write_pictures(measurement: Measurement, folder: Path, pictures: Iterable[np.ndarray], written: Written) -> None:
    """Write the picture of the groups and the film."""
    stream = iter(pictures)
    first = next(stream, None)
    if first is None:
        return
    shown = next(as_bgr8([first]))
    written.attempt(folder / GROUPS, lambda path: write_image(path, groups_picture(shown, measurement)))
    try:
        encoder()
    except LookupError as error:
        written.skip(FILM, f"{error}")
    except ModuleNotFoundError:
        pass  # write_film meets it again, and it is reported there
    if FILM not in written.skipped:
        written.attempt(folder / FILM, lambda path: write_film(path, measurement, chain([first], stream)), "av")


def write_reading(measurement: Measurement, folder: Path, written: Written) -> None:
    """Write what is read first, the report and the summary, with what the files before them became."""
    film = folder / FILM if FILM in written.files else None
    groups = cv2.imdecode(np.fromfile(folder / GROUPS, np.uint8), cv2.IMREAD_COLOR) if GROUPS in written.files else None
    reasons = [f"{name} was not written: {why}." for name, why in written.skipped.items()]
    written.attempt(folder / "report.html", lambda path: write_page(path, measurement, film, groups, reasons), "plotly")
    others = list(written.files)
    written.attempt(folder / "summary.json", lambda path: write_summary(path, measurement, others))


def write_image(path: Path, image: np.ndarray) -> None:
    """Write a BGR picture as JPEG, under any name that the system takes."""
    # OpenCV's own writer takes no path with letters beyond ASCII on Windows
    cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tofile(path)
