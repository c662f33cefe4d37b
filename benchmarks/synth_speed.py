"""Pictures rendered per second and core, written as JPEG with labels.

    python benchmarks/synth_speed.py [images=200] [imgsz=640] [rounds=3]

One process, one thread of OpenCV. Prints the time to fill the textures, which each process does once, and the rate by
CPU time (what a core does when nothing else runs on it) and by wall time, medians of the rounds.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import cv2

from gjadet_yolo.synth.paint.material import MATERIALS, VARIANTS, texture
from gjadet_yolo.synth.write.pictures import TRAIN, Request, write_still


def main(images: int = 200, imgsz: int = 640, rounds: int = 3) -> None:
    """Render and print the rates."""
    cv2.setNumThreads(1)
    request = Request(images=images, val=1, imgsz=imgsz)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for kind in ("images", "labels"):
            (folder / kind / "train").mkdir(parents=True)
        write_still(request, folder, TRAIN, 0)  # fills tables that are computed once per process
        begin = time.process_time()
        for material in MATERIALS:
            for variant in range(VARIANTS):
                texture(material, variant)
        print(f"textures: {time.process_time() - begin:.1f} s of CPU time, once per process")
        rates = []
        for _ in range(rounds):
            cpu, wall = time.process_time(), time.perf_counter()
            for index in range(images):
                write_still(request, folder, TRAIN, index)
            rates.append((images / (time.process_time() - cpu), images / (time.perf_counter() - wall)))
    by_cpu, by_wall = (statistics.median(column) for column in zip(*rates, strict=True))
    print(f"{imgsz} px: {by_cpu:.1f} images/s per core by CPU time, {by_wall:.1f} by wall time ({rounds} x {images})")


if __name__ == "__main__":
    main(**{key: int(value) for key, value in (word.split("=") for word in sys.argv[1:])})
