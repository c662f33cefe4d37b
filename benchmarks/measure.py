"""How well `gjadet measure` measures, on rendered videos with exact truth, and what people would use instead.

    python benchmarks/measure.py out=DIR [seeds=9000:9020] [frames=150] [imgsz=640] [host=2] [keep=]
        [degrade=blur:0.4,noise:0.4,compression:0.4,low_light:0.4,dust:0.4] [model=gjadetn-crash-synth.pt]

Seeds are drawn as the scenes rig, train and closeup in turn, at 1000 frames/s, with the exact lens and plane; impact
speeds are also given with `square_mm=` for a scale. Each seed is measured clean, degraded by one kind in turn, and with
so many frames left out that markers move by up to 1.2 of their sides a frame. Kinematics are compared with the truth
through the same filter (cfc60). The first `host` seeds are also tracked by `yolo track`. Results of a video are kept in
DIR, so that a run that was stopped goes on; DIR also gets `bodies.csv`, `figures.csv` and `table.md`. Videos are
removed unless keep=1. Run it with OMP_NUM_THREADS=1. Times are CPU seconds of one thread: wall time would count what
else a shared machine does.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from measuring.others import host_scores, refined_scores
from measuring.report import write_report
from measuring.scores import Scores, bodies, identity, markers, positions
from measuring.videos import Truth, degraded, render, step_for, thinned

from gjadet_yolo.measure.assemble import assemble
from gjadet_yolo.measure.camera_file import read_camera
from gjadet_yolo.measure.chain import bodies_in, follow_markers, scale_by_squares, stated_scale
from gjadet_yolo.measure.detector import ModelDetector
from gjadet_yolo.measure.filters import Filter
from gjadet_yolo.measure.frames import open_frames
from gjadet_yolo.measure.result import Source
from gjadet_yolo.measure.settings import MeasureSettings

SCENES = ("rig", "train", "closeup")
PITCHES = 1.2  # sides a frame, with frames left out
SETTINGS = {
    "out": "",
    "seeds": "9000:9020",
    "frames": "150",
    "imgsz": "640",
    "degrade": "blur:0.4,noise:0.4,compression:0.4,low_light:0.4,dust:0.4",
    "host": "2",
    "keep": "",
    "model": "gjadetn-crash-synth.pt",
}


@dataclass
class Timed:
    """A detector with the CPU time it took."""

    detector: ModelDetector
    seconds: float = 0.0
    calls: list[float] = field(default_factory=list)

    @property
    def marker_class(self) -> int | None:
        return self.detector.marker_class

    def provenance(self) -> dict[str, str]:
        return self.detector.provenance()

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        start = time.process_time()
        boxes = self.detector(picture)
        self.calls.append(time.process_time() - start)
        return boxes


def measure(file: Path, folder: Path, truth: Truth, detector: ModelDetector, whole: bool = True) -> dict:
    """Measure a video and score it; ``whole``: with kinematics."""
    timed, start = Timed(detector), time.process_time()
    settings = MeasureSettings(fps=truth.fps, plane=folder / "plane.csv", camera=folder / "camera.yaml")
    frames = open_frames(file, truth.fps)
    lens = read_camera(settings.camera, frames.size_px)[0]
    try:
        tracks, _ = follow_markers(frames, settings, timed, lambda items, _: items)
    except ValueError as error:  # nothing found to follow, as a user would be told
        return {"refused": str(error), "scores": {"wanted": int((truth.visible > 0.9).sum())}}
    place = np.where(tracks.measured[..., None], tracks.position_px, np.nan)
    scores: Scores = identity(place, truth)
    if not whole:
        return {"scores": scores}
    plane = stated_scale(settings, frames.size_px, lens)
    bundled = bodies_in(tracks, plane, lens)
    source = Source(file.name, "", frames.size_px, len(tracks.time_s), truth.fps)
    found = assemble(tracks, bundled, plane, source, settings)
    spent = time.process_time() - start
    scores |= {"cpu_s": spent, "detect_s": sum(timed.calls), "detections": len(timed.calls), "frames": len(place)}
    loose = np.isfinite(place).all(2).any(0) & (bundled.body < 0)
    scores |= {"loose_tracks": int(loose.sum()), "markers_frames": int(tracks.measured.sum())}
    scores |= positions(place, found.points.sigma_px, truth) | markers(found, truth, Filter.parse(settings.filter))
    pooled, rows = bodies(found, truth, Filter.parse(settings.filter))
    by_squares = MeasureSettings(fps=truth.fps, square_mm=truth.square_mm, camera=settings.camera)
    bundled = bodies_in(tracks, None, lens)
    squares = scale_by_squares(by_squares, tracks, bundled, frames.size_px, lens)
    again = bodies(assemble(tracks, bundled, squares, source, by_squares), truth, Filter.parse(settings.filter))[1]
    quality = {name: float(value) for name, value in found.quality.items()}
    return {"scores": scores | pooled, "bodies": rows, "by_squares": again, "quality": quality, "notes": found.notes}


def seed_results(seed: int, number: int, settings: dict[str, str], out: Path, detector: ModelDetector) -> None:
    """Everything of one seed that is not there yet."""
    kind, level = [item.split(":") for item in settings["degrade"].split(",")][
        number % (settings["degrade"].count(",") + 1)
    ]
    scene, folder = SCENES[seed % len(SCENES)], out / "videos" / str(seed)
    wanted = {name: out / "results" / f"{seed}-{name}.json" for name in ("clean", "degraded", "thinned")}
    todo = [name for name, file in wanted.items() if not file.exists()]
    if not todo:
        return
    truth = render(seed, scene, int(settings["frames"]), int(settings["imgsz"]), folder)
    for name in todo:
        start, host = time.perf_counter(), number < int(settings["host"])
        if name == "thinned":
            step = step_for(truth, PITCHES)
            found = measure(thinned(folder, step), folder, truth.every(step), detector, whole=False) | {"step": step}
            file = folder / f"every{step}.avi"
            part = truth.every(step)
        else:
            file = folder / "video.avi" if name == "clean" else degraded(folder, kind, float(level), seed)
            found, part = measure(file, folder, truth, detector), truth
            found["scores"] |= refined_scores(file, truth, seed)
        if host:
            found["scores"] |= host_scores(file, str(detector.file), part)
        about = {"seed": seed, "scene": scene, "kind": kind if name == "degraded" else name}
        wanted[name].write_text(json.dumps(about | found), encoding="utf-8")
        print(f"{seed} {scene} {about['kind']}: {time.perf_counter() - start:.0f} s", flush=True)
    if not settings["keep"]:
        shutil.rmtree(folder)


def main() -> None:
    """Measure what is missing and write the tables."""
    settings = SETTINGS | dict(arg.split("=", 1) for arg in sys.argv[1:])
    unknown = [name for name in settings if name not in SETTINGS]
    if unknown or not settings["out"]:
        sys.exit(__doc__)
    if int(settings["host"]) and importlib.util.find_spec("lap") is None:
        sys.exit("yolo track needs lap: pip install lap, or leave the host's tracker out with host=0")
    out, (first, last) = Path(settings["out"]), map(int, settings["seeds"].split(":"))
    (out / "results").mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    if last > first:
        import torch

        torch.set_num_threads(1)
        detector = ModelDetector(settings["model"])
        for number, seed in enumerate(range(first, last)):
            seed_results(seed, number, settings, out, detector)
    print(write_report(out))


if __name__ == "__main__":
    main()
