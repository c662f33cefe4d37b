"""Rendering speed of two versions of the package, by turns, so that what else the machine does weighs on both alike.

    git worktree add ../before v0.9
    python benchmarks/synth_pair.py before=../before [images=100] [imgsz=640]

Each version renders in a process of its own, five pictures by turns, JPEG and labels written, after ten pictures that
do not count and what is made once per process. Prints pictures per second of CPU time and their ratio.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

BLOCK, WARM = 5, 10
# runs in the older version too, which has no function for this; seeds after those of the measured pictures warm it up
CHILD = """
import sys, tempfile, time
from pathlib import Path
import cv2
from gjadet_yolo.synth.write.pictures import TRAIN, Request, write_still
cv2.setNumThreads(1)
images, imgsz, warm = map(int, sys.argv[1:])
request = Request(images=images, val=1, imgsz=imgsz)
with tempfile.TemporaryDirectory() as temporary:
    for kind in ("images", "labels", "kinds"):
        (Path(temporary) / kind / "train").mkdir(parents=True)
    for index in range(images, images + warm):
        write_still(request, Path(temporary), TRAIN, index)
    try:
        from gjadet_yolo.synth.paint.material import MATERIALS, VARIANTS, texture
    except ImportError:
        pass
    else:
        for key in [(material, variant) for material in MATERIALS for variant in range(VARIANTS)]:
            texture(*key)
    print("ready", flush=True)
    for line in sys.stdin:
        begin = time.process_time()
        for index in range(*map(int, line.split())):
            write_still(request, Path(temporary), TRAIN, index)
        print(time.process_time() - begin, flush=True)
"""


def start(folder: Path, images: int, imgsz: int) -> subprocess.Popen[str]:
    """A process that renders with the package in a folder."""
    words = [sys.executable, "-c", CHILD, str(images), str(imgsz), str(WARM)]
    environment = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        words, cwd=folder, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def main(before: str, images: int = 100, imgsz: int = 640) -> None:
    """Render by turns and print the rates."""
    folders = {"before": Path(before).resolve(), "now": Path(__file__).resolve().parents[1]}
    children = {name: start(folder, images, imgsz) for name, folder in folders.items()}
    for child in children.values():
        child.stdout.readline()
    spent_s = dict.fromkeys(children, 0.0)
    for block in range(images // BLOCK):
        for name in sorted(children, reverse=block % 2 == 1):  # neither goes first always
            children[name].stdin.write(f"{block * BLOCK} {(block + 1) * BLOCK}\n")
            children[name].stdin.flush()
            spent_s[name] += float(children[name].stdout.readline())
    for child in children.values():
        child.stdin.close()
        child.wait()
    rates = {name: images // BLOCK * BLOCK / seconds for name, seconds in spent_s.items()}
    print(f"{imgsz} px: {rates['before']:.1f} images/s per core before, {rates['now']:.1f} now, by CPU time")
    print(f"now / before: {rates['now'] / rates['before']:.2f} ({images} pictures each)")


if __name__ == "__main__":
    words = dict(word.split("=") for word in sys.argv[1:])
    main(words.pop("before"), **{key: int(value) for key, value in words.items()})
