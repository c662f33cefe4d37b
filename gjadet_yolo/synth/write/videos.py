"""Write a rendered video and its truth.

Three files hold the truth: ``truth.json`` (camera, impact, markers, other objects), ``truth.csv`` (a row per marker
and frame) and ``mot.txt`` (MOT challenge format, for trackers). Frames count from 0 in the first two and from 1 in the
last, as MOT requires.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from gjadet_yolo.data.formats.stream import write_list
from gjadet_yolo.data.media import VideoFile
from gjadet_yolo.synth.paint.visible import is_labelled
from gjadet_yolo.synth.truth import COLUMNS, VideoTruth
from gjadet_yolo.synth.video import Video
from gjadet_yolo.synth.world.scene import NAMES


def write_video(video: Video, file: Path) -> VideoTruth:
    """Render a video into an AVI file; returns the truth.

    Raises:
        OSError: The file cannot be written, or not to its end.
    """
    with VideoFile(file, video.plan.size_px) as writer:
        for picture in video.frames():
            writer.write(picture)
    return video.truth()


def write_truth(truth: VideoTruth, folder: Path) -> None:
    """Write ``truth.json``, ``truth.csv`` and ``mot.txt`` into an existing folder.

    ``mot.txt`` lists what a detector can be asked to find: markers that the rule of ``visible.py`` grants a box.
    """
    with (folder / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(truth.rows())
    scale = truth.camera.mm_per_px(truth.camera.locate(np.array(truth.camera.size_px) / 2))
    camera = asdict(truth.camera) | {"mm_per_px": float(scale), "fps": truth.fps, "exposure_s": truth.exposure_s}
    head = json.dumps({"impact": truth.impact, "camera": camera, "kinds": truth.kinds, "columns": COLUMNS})
    # row by row: the rows of a long video need more memory as objects than all else
    with (folder / "truth.json").open("w", encoding="utf-8") as file:
        file.write(head.removesuffix("}"))
        for name, rows in (("rows", truth.rows()), ("objects", object_rows(truth))):
            file.write(f', "{name}": ')
            write_list(file, rows)
        file.write("}")
    with (folder / "mot.txt").open("w", encoding="utf-8") as file:
        file.writelines(mot_lines(truth))


def object_rows(truth: VideoTruth) -> Iterator[tuple[int, str, float, float, float, float]]:
    """Frame, class name and box of everything that is not a marker."""
    for frame, labels in enumerate(truth.objects):
        for label, *box in labels.tolist():
            yield (frame, NAMES[int(label)], *box)


def mot_lines(truth: VideoTruth) -> Iterator[str]:
    """Lines ``frame, id, left, top, width, height, 1, class, visible`` of the MOT ground-truth format."""
    for frame, marker in zip(*np.nonzero(is_labelled(truth.visible, truth.boxes_px)), strict=True):
        x1, y1, x2, y2 = truth.boxes_px[frame, marker]
        visible = truth.visible[frame, marker]
        yield f"{frame + 1},{marker + 1},{x1:.4f},{y1:.4f},{x2 - x1:.4f},{y2 - y1:.4f},1,1,{visible:.4f}\n"
