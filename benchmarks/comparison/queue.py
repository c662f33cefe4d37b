"""Runs side by side, each in a process and a folder of its own; finished ones are not repeated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from ultralytics.cfg import get_cfg
from ultralytics.data.build import build_yolo_dataset
from ultralytics.data.utils import check_det_dataset
from ultralytics.utils import DEFAULT_CFG

from comparison.result import read_result
from comparison.study import Run, Study, Variant, refuse_overlap
from gjadet_yolo.evaluate.scores import library


def work(study: Study, todo: list[tuple[Variant, Run]], out: Path, jobs: int, threads: int) -> Iterator[str]:
    """Train what is missing.

    Args:
        todo: Its runs, in the order in which they start.
        out: Folder of the study.
        jobs: Runs side by side.
        threads: Threads of torch for each.

    Yields:
        A line of progress for each run that ends.
    """
    library()  # every run would fail without it, after its training
    refuse_overlap(study.data)
    read_labels(study)
    unique = {run.key: (row, run) for row, run in todo if read_result(out, run) is None}  # two rows may be the same run
    start, done = time.time(), 0
    with ThreadPoolExecutor(jobs) as pool:
        for row, run, code in pool.map(lambda pair: start_one(study, *pair, out, threads), unique.values()):
            done += 1
            left = (time.time() - start) / done * (len(unique) - done) / 60
            what = f"{done} of {len(unique)}: {row.name}, seed {run.seed}"
            if result := read_result(out, run):
                yield f"{what}: AP {result.ap:.3f} ({result.minutes:.1f} min); about {left:.0f} min to go"
            else:
                problem = f"failed, see {out}/runs/{run.key}/log.txt"
                yield f"{what}: {'another call trains it' if code is None else problem}"


def read_labels(study: Study) -> None:
    """Let the host cache the labels once; runs that do it at the same time take the file from each other."""
    data = check_det_dataset(str(study.data))
    cfg = get_cfg(DEFAULT_CFG, {"imgsz": 32})
    for split in {"train", "val", study.score}:
        build_yolo_dataset(cfg, data[split], 1, data, mode="val")


def start_one(study: Study, row: Variant, run: Run, out: Path, threads: int) -> tuple[Variant, Run, int | None]:
    """Train one run in a process of its own; None as exit code where another call is at it."""
    folder = out / "runs" / run.key
    folder.mkdir(parents=True, exist_ok=True)
    if read_result(out, run) or not claim(folder / "claim"):
        return row, run, None
    config = asdict(run) | {"data_yaml": str(study.data.resolve()), "row": row.name}
    (folder / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
    command = [sys.executable, str(Path(__file__).parents[1] / "compare.py"), f"run={folder}", f"threads={threads}"]
    with (folder / "log.txt").open("a", encoding="utf-8") as log:
        code = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False).returncode
    (folder / "claim").unlink(missing_ok=True)
    return row, run, code


def claim(file: Path) -> bool:
    """Take a run, unless a living process has it."""
    for _ in range(2):  # the second time after a claim of a process that has died
        try:
            with file.open("x", encoding="utf-8") as handle:
                handle.write(str(os.getpid()))
            return True
        except FileExistsError:
            if is_alive(int(file.read_text(encoding="utf-8") or 0)):
                return False
            file.unlink(missing_ok=True)
    return False


def is_alive(process: int) -> bool:
    """Whether a process runs on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user, so it lives
        return True
    return process > 0
