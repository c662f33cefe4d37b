"""Write rendered sets: a YOLO tree with COCO json, and videos with their truth.

Every picture has its own seed, so that the same request gives the same bytes on any number of workers.
"""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from gjadet_yolo.data.boxes import LabelledImage
from gjadet_yolo.data.coco import Progress, to_coco
from gjadet_yolo.data.synth.pulse import STOPS
from gjadet_yolo.data.synth.scene import NAMES
from gjadet_yolo.data.synth.still import SCENES, Recipe, draw_still
from gjadet_yolo.data.synth.truth import write_truth
from gjadet_yolo.data.synth.video import VideoPlan, draw_video, read_pulse, write_video
from gjadet_yolo.data.yolo import label_lines, whole_folder, write_data_yaml

TRAIN, VAL, VIDEO = range(3)  # first part of every seed after the user's
SPLITS = {TRAIN: "train", VAL: "val"}
QUALITY = 95  # of the JPEG files
SIDES = (64, 4096)


@dataclass(frozen=True)
class Request:
    """A set to be rendered.

    Attributes:
        images: Number of pictures.
        val: How many of them are for validation.
        imgsz: Their side in px.
        seed: Same seed, same bytes.
        recipe: What the pictures hold.
        videos: Number of videos.
        fps: Frames per second of the videos' camera.
        seconds: Their length in seconds of real time.
        scene: Scene of the videos, or an empty text for all by turns.
        pulse: Pulse of the videos; see ``VideoPlan``.
    """

    images: int = 2000
    val: int = 200
    imgsz: int = 640
    seed: int = 0
    recipe: Recipe = field(default_factory=Recipe)
    videos: int = 0
    fps: float = 1000.0
    seconds: float = 0.15
    scene: str = ""
    pulse: str = "haversine"

    def __post_init__(self) -> None:
        low, high = SIDES
        if not low <= self.imgsz <= high:
            raise ValueError(f"imgsz is {self.imgsz}, allowed: {low} to {high} px.")
        if self.images < 0 or self.videos < 0 or self.images + self.videos < 1 or self.seed < 0:
            raise ValueError(
                f"images is {self.images}, videos {self.videos}, seed {self.seed}; allowed: 0 or more, and at least "
                f"one picture or video."
            )
        if self.images == 1:
            raise ValueError(
                "images is 1, allowed: 0, or 2 and more: at least one for training and one for validation."
            )
        if self.images and not 1 <= self.val < self.images:
            raise ValueError(f"val is {self.val} of {self.images} images, allowed: 1 to {self.images - 1}.")
        self.recipe.check((self.imgsz, self.imgsz))
        if self.videos and self.plan(0).pulse not in STOPS:
            read_pulse(Path(self.pulse))  # before the work, not in the middle of it

    def plan(self, index: int) -> VideoPlan:
        """What one of the videos shows.

        Raises:
            ValueError: Impossible frame rate or length, unknown scene or pulse.
        """
        if not (np.isfinite(self.fps) and self.fps > 0 and np.isfinite(self.seconds) and self.seconds > 0):
            raise ValueError(f"fps is {self.fps}, seconds {self.seconds}; allowed: numbers above 0.")
        scene = self.scene or list(SCENES)[index % len(SCENES)]
        return VideoPlan((self.imgsz, self.imgsz), self.fps, max(round(self.fps * self.seconds), 1), scene, self.pulse)


def write_still(request: Request, folder: Path, split: int, index: int) -> LabelledImage:
    """Render one picture into a tree; returns its labels."""
    rng = np.random.default_rng([request.seed, split, index])
    image, labels = draw_still(rng, (request.imgsz, request.imgsz), request.recipe)
    name, stem = SPLITS[split], f"{index:06d}"
    file = folder / "images" / name / f"{stem}.jpg"
    if not cv2.imwrite(str(file), image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY]):
        raise OSError(f"{file} cannot be written. Is there room on the disk?")
    (folder / "labels" / name / f"{stem}.txt").write_text(
        label_lines(labels, request.imgsz, request.imgsz), encoding="utf-8"
    )
    return LabelledImage(file, file.name, request.imgsz, request.imgsz, labels)


def write_clip(request: Request, folder: Path, index: int) -> None:
    """Render one video and its truth into a tree."""
    rng = np.random.default_rng([request.seed, VIDEO, index])
    target = folder / "videos" / f"{index:06d}"
    target.mkdir(parents=True)
    write_truth(write_video(draw_video(rng, request.plan(index)), target / "video.avi"), target)


def write_job(job: tuple[Request, Path, int, int]) -> LabelledImage | None:
    """One picture or video of a set."""
    request, folder, split, index = job
    if split == VIDEO:
        return write_clip(request, folder, index)
    return write_still(request, folder, split, index)


def quiet() -> None:
    """Set up a worker: one thread of OpenCV, and no traceback of its own when the user interrupts."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def results(jobs: list[Any], workers: int) -> Iterator[Iterable[Any]]:
    """Results of the jobs in their order, from as many processes as wanted."""
    if workers <= 1:
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            yield map(write_job, jobs)
        finally:
            cv2.setNumThreads(threads)
        return
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), quiet)
    try:
        yield pool.map(write_job, jobs, chunksize=1 if jobs[0][2] == VIDEO else min(8, len(jobs) // workers + 1))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def render_set(
    request: Request,
    out: Path,
    workers: int = 1,
    force: bool = False,
    progress: Progress = lambda items, _: items,
) -> Path:
    """Render ``images/``, ``labels/``, ``annotations/`` (COCO json), ``data.yaml``, ``videos/`` and ``request.json``.

    Nothing is left behind when it is interrupted.

    Args:
        request: What to render.
        out: Folder to create.
        workers: Processes. More than one needs a main module that can be imported, as all multiprocessing does.
        force: Replace an existing folder.
        progress: Wraps the pictures, e.g. to show a bar.

    Returns:
        The data YAML, or the folder where only videos were asked for.

    Raises:
        FileExistsError: The folder exists and ``force`` is not set.
    """
    with whole_folder(out, force) as folder:
        counts = {VIDEO: request.videos, TRAIN: request.images - request.val, VAL: request.val}
        if not request.images:
            counts |= {TRAIN: 0, VAL: 0}
        for name in SPLITS.values() if request.images else ():
            (folder / "images" / name).mkdir(parents=True)
            (folder / "labels" / name).mkdir(parents=True)
        jobs = [(request, folder, split, index) for split, count in counts.items() for index in range(count)]
        with results(jobs, workers) as written:
            done = list(progress(Counted(written, len(jobs)), "rendering"))
        if request.images:
            write_annotations(folder, [job[2] for job in jobs], done)
            write_data_yaml(folder, SPLITS.values(), NAMES)
        (folder / "request.json").write_text(json.dumps(asdict(request), indent=1), encoding="utf-8")
    return out / "data.yaml" if request.images else out


@dataclass
class Counted:
    """An iterable whose length is known, for the progress display."""

    items: Iterable[Any]
    count: int

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)

    def __len__(self) -> int:
        return self.count


def write_annotations(folder: Path, splits: list[int], done: list[LabelledImage | None]) -> None:
    """COCO json of each split."""
    (folder / "annotations").mkdir()
    for split, name in SPLITS.items():
        images = [image for image, where in zip(done, splits, strict=True) if where == split and image is not None]
        content = json.dumps(to_coco(images, list(NAMES)))
        (folder / "annotations" / f"{name}.json").write_text(content, encoding="utf-8")
