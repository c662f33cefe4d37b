"""What people would use instead, on the same videos: the host's tracker, cornerSubPix, correlation with a parabola."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
from localisation import Clip, corner_sub_pix, correlation

from measuring.scores import FLAT, LEAST_PX, WHOLE, Scores, identity, positions
from measuring.videos import Truth, pictures

NOISE_PX = 0.3  # of the true boxes that refining starts from, as a detector's
FRAMES = 24


def host_tracks(file: Path, checkpoint: str) -> tuple[np.ndarray, float]:
    """Centres of the boxes of ``yolo track``, (T, N, 2) with NaN, and CPU seconds per frame."""
    from ultralytics import YOLO

    model, rows = YOLO(checkpoint), []
    marker = next(index for index, name in model.names.items() if name == "point")
    start = time.process_time()
    for frame, result in enumerate(model.track(str(file), stream=True, verbose=False, max_det=1000, classes=[marker])):
        boxes = result.boxes
        if boxes.id is not None:
            middle = boxes.xywh.cpu().numpy()[:, :2]
            rows += [(frame, int(one), *place) for one, place in zip(boxes.id.tolist(), middle, strict=True)]
    spent = (time.process_time() - start) / (frame + 1)
    found = np.array(rows, float).reshape(-1, 4)
    names, column = np.unique(found[:, 1], return_inverse=True)
    place = np.full((frame + 1, len(names), 2), np.nan)
    place[found[:, 0].astype(int), column] = found[:, 2:]
    return place, spent


def host_scores(file: Path, checkpoint: str, truth: Truth) -> Scores:
    """Identity and position of box centres, names beginning with ``host_``."""
    place, spent = host_tracks(file, checkpoint)
    scores = {f"host_{name}": value for name, value in identity(place, truth).items()}
    return (
        scores | positions(place, None, truth, "host_") | {"host_cpu_s": spent * len(place), "host_frames": len(place)}
    )


def refined_scores(file: Path, truth: Truth, seed: int) -> Scores:
    """Errors of the usual ways to refine boxes, names beginning with ``corner_`` and ``correlation_``."""
    clip, ids, chosen = clip_of(file, truth, np.random.default_rng(seed))
    scores: Scores = {}
    for name, method in (("corner_", corner_sub_pix), ("correlation_", correlation)):
        found = np.full((len(chosen), len(truth.body), 2), np.nan)
        found[:, ids] = np.where(clip.whole[..., None], method(clip, np.random.default_rng(seed)), np.nan)
        part = Truth(
            truth.fps,
            *(one[chosen] for one in (truth.visible, truth.position_px, truth.boxes_px, truth.position_mm)),
            *(truth.body, truth.square, truth.square_mm, truth.mm_per_px, truth.width_px, truth.impact),
        )
        scores |= positions(found, None, part, name)
    return scores


def clip_of(file: Path, truth: Truth, rng: np.random.Generator) -> tuple[Clip, np.ndarray, np.ndarray]:
    """Frames spread over a video, the markers that are whole in the first, and which frames those are."""
    chosen = np.unique(np.linspace(0, len(truth.visible) - 1, FRAMES).round().astype(int))
    colour = [image for index, image in enumerate(pictures(file)) if index in chosen]
    grey = [cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in colour]
    side = np.nan_to_num(truth.side_px)
    ids = np.flatnonzero((truth.visible[0] > 0.999) & (truth.width_px >= LEAST_PX))
    whole = (truth.visible[chosen][:, ids] >= WHOLE) & (side[chosen][:, ids] >= FLAT * side[0, ids])
    boxes = truth.boxes_px[chosen][:, ids] + rng.normal(0, NOISE_PX, (len(chosen), len(ids), 4))
    return Clip(colour, grey, truth.position_px[chosen][:, ids], whole, boxes, truth.width_px[ids]), ids, chosen
