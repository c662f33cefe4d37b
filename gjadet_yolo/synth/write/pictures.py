"""Write rendered sets: a YOLO tree with COCO json, and videos with their truth.

Every picture has its own seed, so that the same request gives the same bytes on any number of workers.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from gjadet_yolo.data.formats.boxes import LabelledImage
from gjadet_yolo.data.formats.coco import Progress, to_coco
from gjadet_yolo.data.formats.stream import write_list
from gjadet_yolo.data.formats.yolo import label_lines, write_data_yaml
from gjadet_yolo.data.media import write_image
from gjadet_yolo.folders.whole import inputs_of, refuse_existing, refuse_too_large, whole_folder
from gjadet_yolo.synth.scenes.compose import IMPACTS
from gjadet_yolo.synth.still import SceneMix, draw_still
from gjadet_yolo.synth.video import (
    MOST_FRAMES,
    RATES_FPS,
    SIDES,
    VideoPlan,
    draw_video,
    read_pulse,
)
from gjadet_yolo.synth.world.pulse import STOPS
from gjadet_yolo.synth.world.scene import NAMES
from gjadet_yolo.synth.write.videos import write_truth, write_video
from gjadet_yolo.synth.write.workers import results

TRAIN, VAL, VIDEO = range(3)  # part of every seed, so that no picture of one split is one of another
SPLITS = {TRAIN: "train", VAL: "val"}
QUALITY = 95  # of the JPEG files: high, since compression belongs to the look
BYTES_PER_PX, LABEL_BYTES = 0.2, 6_000  # per picture, measured at 640 px


@dataclass(frozen=True)
class Request:
    """A set to be rendered.

    Attributes:
        images: Number of pictures, ``val`` of which are for validation.
        imgsz: Their side in px, also that of the videos.
        seed: Same seed, same bytes.
        mix: What the pictures hold.
        videos: Number of videos.
        fps: Frames per second of the videos' camera.
        seconds: Their length in real time.
        scene: Scene of the videos, or an empty text for all by turns.
        pulse: Pulse of the videos; see ``VideoPlan``.
    """

    images: int = 2000
    val: int = 200
    imgsz: int = 640
    seed: int = 0
    mix: SceneMix = field(default_factory=SceneMix)
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
        self.mix.check((self.imgsz, self.imgsz))
        if self.videos and self.plan(0).pulse not in STOPS:
            read_pulse(Path(self.pulse))  # before the work, not in the middle of it

    def plan(self, index: int) -> VideoPlan:
        """What one of the videos shows.

        Raises:
            ValueError: Impossible frame rate or length, unknown scene or pulse.
        """
        slow, fast = RATES_FPS
        if not (slow <= self.fps <= fast and 0 < self.fps * self.seconds <= MOST_FRAMES):
            raise ValueError(
                f"fps is {self.fps}, seconds {self.seconds}; allowed: numbers above 0, {slow} to {fast:,} frames per "
                f"second, and at most {MOST_FRAMES:,} frames in a video."
            )
        scene = self.scene or IMPACTS[index % len(IMPACTS)]
        return VideoPlan((self.imgsz, self.imgsz), self.fps, max(round(self.fps * self.seconds), 1), scene, self.pulse)

    def size_bytes(self) -> float:
        """Bytes on disk of the whole set, about."""
        pictures = self.images * (self.imgsz**2 * BYTES_PER_PX + LABEL_BYTES)
        return pictures + (self.videos * self.plan(0).size_bytes() if self.videos else 0)


@dataclass
class DrawnImage(LabelledImage):
    """A rendered picture: its points come first, with kind and centre (x, y) in px of each."""

    markers: list[dict[str, Any]] = field(default_factory=list)


def write_still(request: Request, folder: Path, split: int, index: int) -> DrawnImage:
    """Render one picture into a tree; returns its labels."""
    rng = np.random.default_rng([request.seed, split, index])
    image, labels, kinds, centres = draw_still(rng, (request.imgsz, request.imgsz), request.mix)
    name, stem = SPLITS[split], f"{index:06d}"
    file = folder / "images" / name / f"{stem}.jpg"
    write_image(file, image, QUALITY)
    (folder / "labels" / name / f"{stem}.txt").write_text(
        label_lines(labels, request.imgsz, request.imgsz), encoding="utf-8"
    )
    markers = [{"kind": kind, "centre": centre} for kind, centre in zip(kinds, centres.tolist(), strict=True)]
    return DrawnImage(file, file.name, request.imgsz, request.imgsz, labels, markers)


def write_clip(request: Request, folder: Path, index: int) -> None:
    """Render one video and its truth into a tree."""
    rng = np.random.default_rng([request.seed, VIDEO, index])
    target = folder / "videos" / f"{index:06d}"
    target.mkdir(parents=True)
    write_truth(write_video(draw_video(rng, request.plan(index)), target / "video.avi"), target)


def write_job(job: tuple[Request, Path, int, int]) -> DrawnImage | None:
    """One picture or video of a set."""
    request, folder, split, index = job
    if split == VIDEO:
        return write_clip(request, folder, index)
    return write_still(request, folder, split, index)


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
        force: Replace the folder of an earlier run.
        progress: Wraps the pictures, e.g. to show a bar.

    Returns:
        The data YAML, or the folder where only videos were asked for.

    Raises:
        FileExistsError, ValueError: The folder may not be written; see ``folders/whole.py``.
        OSError: There is no room for it.
    """
    inputs = inputs_of(request.pulse) if request.videos else []
    refuse_existing(out, force, inputs)
    refuse_too_large(out, request.size_bytes())
    with whole_folder(out, force, tool="gjadet synth", settings=asdict(request), inputs=inputs) as folder:
        for name in SPLITS.values() if request.images else ():
            for kind in ("images", "labels"):
                (folder / kind / name).mkdir(parents=True)
        render_parts(request, folder, workers, progress)
        if request.images:
            write_data_yaml(folder, SPLITS.values(), NAMES)
        (folder / "request.json").write_text(json.dumps(asdict(request), indent=1), encoding="utf-8")
    return out / "data.yaml" if request.images else out


def render_parts(request: Request, folder: Path, workers: int, progress: Progress) -> None:
    """Render videos and pictures, and write the COCO json of each split along the way; arguments as above."""
    counts = {VIDEO: request.videos}
    if request.images:
        counts |= {TRAIN: request.images - request.val, VAL: request.val}
        (folder / "annotations").mkdir()
    # videos first: one takes as long as many pictures, and the last one would keep a single process busy
    jobs = ((request, folder, split, index) for split, count in counts.items() for index in range(count))
    with results(write_job, jobs, workers) as written:
        done = iter(progress(Counted(written, sum(counts.values())), "rendering"))
        for split, count in counts.items():
            part = islice(done, count)
            if split in SPLITS:
                write_annotations(folder / "annotations" / f"{SPLITS[split]}.json", part, count, request.imgsz)
            else:
                deque(part, maxlen=0)
        deque(done, maxlen=0)  # lets the progress display end


@dataclass
class Counted:
    """An iterable whose length is known, for the progress display."""

    items: Iterable[Any]
    count: int

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)

    def __len__(self) -> int:
        return self.count


def write_annotations(file: Path, images: Iterable[DrawnImage], count: int, imgsz: int) -> None:
    """Write the COCO json of a split while its pictures are rendered: that of ``to_coco``, with the kind of each point.

    ``images`` are in the order of their names, ``count`` in number, of side ``imgsz``.
    """

    # a set of any size is written in constant memory; only the images' entries come before the labels are known
    def entries() -> Iterator[dict[str, Any]]:
        for number in range(1, count + 1):
            yield {"id": number, "file_name": f"{number - 1:06d}.jpg", "width": imgsz, "height": imgsz}

    def annotations() -> Iterator[dict[str, Any]]:
        total = 0
        for number, image in enumerate(images, 1):
            found = to_coco([image], list(NAMES))["annotations"]
            for annotation, marker in zip_longest(found, image.markers, fillvalue={}):
                total += 1
                yield annotation | {"id": total, "image_id": number} | marker

    parts = (
        ("images", entries()),
        ("annotations", annotations()),
        ("categories", to_coco([], list(NAMES))["categories"]),
    )
    with file.open("w", encoding="utf-8") as stream:
        for index, (name, items) in enumerate(parts):
            stream.write(f'{", " if index else "{"}"{name}": ')
            write_list(stream, items)
        stream.write("}")
