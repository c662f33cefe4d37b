"""Comparison of variants on one data set: a row per variant, a run per seed, every row relative to its own host.

    python benchmarks/compare.py study=benchmarks/studies/screen.yaml out=DIR [data=DATA.yaml] [jobs=2] [threads=1]
        [seeds=0,1,2] [rows=host,gjr] [cost=1] [rounds=15] [only_table=1]

The study names the rows (``benchmarks/comparison/study.py``). Runs are cached in DIR/runs under a hash of their
configuration: finished ones are never repeated, whatever study they come from, and interrupted ones go on from their
last epoch. The code is no part of the hash: after a change that matters use another DIR. Two calls may share a DIR.

Writes ``NAME.csv`` (a line per run), ``NAME.md`` (mean and standard deviation over the seeds) and ``NAME.png`` to DIR.
``cost=1`` measures parameters, GFLOPs, latency and training step against the baseline; let nothing else run then.
Needs faster-coco-eval (``pip install 'gjadet-yolo[benchmark]'``).
"""

from __future__ import annotations

import sys
from pathlib import Path

from comparison.cost import cost
from comparison.queue import work
from comparison.report import Line, markdown, plot, write_csv
from comparison.result import Result, read_result
from comparison.study import Run, Study, Variant, runs
from comparison.train import train_and_score

from gjadet_yolo.messages import suggestion

SETTINGS = {
    "study": "",
    "out": "",
    "data": "",
    "jobs": "2",
    "threads": "1",
    "seeds": "",
    "rows": "",
    "cost": "",
    "rounds": "15",
    "only_table": "",
    "run": "",
}


def parse(arguments: list[str]) -> dict[str, str]:
    """Settings of the command line.

    Raises:
        ValueError: Not ``key=value``, an unknown key, or no study.
    """
    settings = dict(SETTINGS)
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or key not in settings:
            raise ValueError(f"'{argument}' is no setting.{suggestion(key, list(settings))}")
        settings[key] = value
    if not settings["run"] and not (settings["study"] and settings["out"]):
        raise ValueError("Name a study and a folder: study=benchmarks/studies/screen.yaml out=DIR")
    return settings


def lines(study: Study, todo: list[tuple[Variant, Run]], out: Path, settings: dict[str, str]) -> list[Line]:
    """Rows with what is finished, baselines included."""
    results: dict[str, dict[int, Result]] = {row.name: {} for row in study.rows}
    for row, run in todo:
        if found := read_result(out, run):
            results[row.name][run.seed] = found
    table = []
    for row in study.rows:
        base, spent = study.baseline(row), None
        if settings["cost"] and results[row.name]:
            classes = len(next(iter(results[row.name].values())).by_class)
            sizes = (classes, study.train.get("imgsz", 640), int(settings["rounds"]), out)
            spent = cost(row.model_yaml(), base.model_yaml(), *sizes)
        table.append(Line(row, base.name, results[row.name], results[base.name], spent))
    return table


def main() -> None:
    """Train what is missing and write the tables after every run."""
    settings = parse(sys.argv[1:])
    if settings["run"]:
        train_and_score(Path(settings["run"]), int(settings["threads"]))
        return
    out = Path(settings["out"])
    out.mkdir(parents=True, exist_ok=True)
    study = Study.read(Path(settings["study"]), settings["data"])
    everything = runs(study)
    chosen = settings["rows"].split(",") if settings["rows"] else [row.name for row in study.rows]
    if unknown := [name for name in chosen if name not in {row.name for row in study.rows}]:
        raise ValueError(
            f"rows: '{unknown[0]}' is no row of the study.{suggestion(unknown[0], [r.name for r in study.rows])}"
        )
    seeds = [int(seed) for seed in settings["seeds"].split(",")] if settings["seeds"] else list(study.seeds)
    todo = [(row, run) for row, run in everything if row.name in chosen and run.seed in seeds]
    target = out / Path(settings["study"]).stem
    if not settings["only_table"]:
        for line in work(study, todo, out, int(settings["jobs"]), int(settings["threads"])):
            print(line, flush=True)
            report(study, everything, target, settings | {"cost": ""})
    print(report(study, everything, target, settings))
    missing = sum(read_result(out, run) is None for _, run in todo)
    if missing and not settings["only_table"]:
        sys.exit(f"Error: {missing} of {len(todo)} runs have no result; their log.txt in {out / 'runs'} says why.")


def report(study: Study, everything: list[tuple[Variant, Run]], target: Path, settings: dict[str, str]) -> str:
    """Write table, CSV and plot of what is finished."""
    rows = lines(study, everything, target.parent, settings)
    text = markdown(rows)
    target.with_suffix(".md").write_text(text, encoding="utf-8")
    write_csv(rows, target.with_suffix(".csv"))
    plot(rows, target.with_suffix(".png"))
    return text


if __name__ == "__main__":
    try:
        main()
    except (ValueError, ModuleNotFoundError) as error:
        sys.exit(f"Error: {error}")
