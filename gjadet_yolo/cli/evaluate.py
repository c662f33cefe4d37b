"""``gjadet evaluate``: what a model can be trusted with, as one page, tables and JSON."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gjadet_yolo.cli.arguments import add_flag, natural, positive
from gjadet_yolo.messages import suggestion


def words(text: str) -> list[str]:
    """Names with commas between them."""
    return [word.strip() for word in text.strip("[]() ").split(",") if word.strip()]


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0 to 1")
    return value


def shares(text: str) -> list[float]:
    """Numbers above 0 up to 1, with commas between them."""
    values = sorted({share(word) for word in words(text)} - {0.0})
    if not values:
        raise argparse.ArgumentTypeError(f"'{text}' holds no level above 0")
    return values


def add_subparser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "evaluate",
        allow_abbrev=False,
        help="one page that says what a model can be trusted with",
        description="Scores by class, rarity and size with their 95 % intervals, thresholds, calibration, kinds of "
        "mistakes and pictures of them, as report.html, CSV, XLSX and JSON; also of two models side by side, and in "
        "degraded pictures. For checkpoints of this package and of YOLO, exported models, and predictions in a file.",
    )
    add = parser.add_argument
    add("--model", metavar="FILE", help="checkpoint or exported model, e.g. best.pt")
    add("--predictions", type=Path, metavar="FILE", help="detections.json or COCO results, in place of a model")
    add("--against", metavar="FILE", help="another model, or its predictions (.json), to compare with")
    add("--data", required=True, type=Path, metavar="SET", help="data YAML, or folder or json file of a COCO set")
    add("--split", default="val", metavar="NAME", help="of the data set (default val)")
    add("--out", type=Path, default=Path("evaluation"), metavar="DIR", help="folder to create (default evaluation)")
    add("--degrade", type=words, default=[], metavar="KIND,KIND", help="e.g. fog,blur: AP against their level")
    add(
        "--levels", type=shares, default=[0.25, 0.5, 0.75, 1.0], metavar="L,L", help="of degrade (default .25,.5,.75,1)"
    )
    add("--imgsz", type=positive, default=640, metavar="PX", help="longer side at the network's input (default 640)")
    add("--tile", type=positive, metavar="PX", help="predict in tiles of this side, as gjadet predict (default whole)")
    add("--overlap", type=natural, metavar="PX", help="overlap of tiles (default a fifth of a tile)")
    add("--conf", type=share, default=0.25, metavar="C", help="confidence from which mistakes are shown (default 0.25)")
    add("--precision", type=share, default=0.9, metavar="P", help="wanted precision of thresholds (default 0.9)")
    add("--draws", type=positive, default=1000, metavar="N", help="of the bootstrap (default 1000)")
    add("--worst", type=natural, default=48, metavar="N", help="most pictures with boxes to draw (default 48)")
    add("--crops", type=natural, default=480, metavar="N", help="most mistakes to show (default 480)")
    add("--device", default="cpu", metavar="NAME", help="cpu, 0, mps ... (default cpu)")
    add_flag(parser, "force", "replace the folder of an earlier run")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check everything, predict, judge, and write the folder."""
    from gjadet_yolo.folders.whole import inputs_of, refuse_existing, whole_folder

    check(args)
    inputs = inputs_of(args.model, args.against, str(args.data), args.predictions and str(args.predictions))
    refuse_existing(args.out, args.force, inputs)
    from gjadet_yolo.cli.judging import Source, judged_sides, libraries, write
    from gjadet_yolo.cli.progress import progress
    from gjadet_yolo.evaluate.labelled import labelled

    libraries(args.degrade)
    data = labelled(args.data, args.split, progress)
    sources = [Source.open(args.model or str(args.predictions), data, args)]
    if args.against:
        sources.append(Source.open(args.against, data, args))
        sources[1].refuse_other_classes(sources[0])
    settings = {key: str(value) for key, value in vars(args).items() if key not in ("run", "verb")}
    with whole_folder(args.out, args.force, tool="gjadet evaluate", settings=settings, inputs=inputs) as folder:
        content = judged_sides(sources, data, args)
        write(folder, content, settings)
    every = content.content["figures"][0]
    print(f"AP {every['AP']['value']:.3f}, AP50 {every['AP50']['value']:.3f}: {args.out / 'report.html'}")
    return 0


def check(args: argparse.Namespace) -> None:
    """Refuse arguments that do not go together.

    Raises:
        ValueError: Says which, and what to do.
    """
    from gjadet_yolo.data.degrade import DEGRADATIONS

    if bool(args.model) == bool(args.predictions):
        raise ValueError("evaluate needs model=FILE or predictions=FILE, one of them.")
    for name in args.degrade:
        if name not in DEGRADATIONS:
            raise ValueError(f"there is no degradation '{name}'.{suggestion(name, list(DEGRADATIONS))}")
    if args.degrade and not args.model:
        raise ValueError("degrade= needs a model, because predictions of degraded pictures are not in a file.")
    if args.overlap is not None and args.tile is None:
        raise ValueError("overlap= is that of tiles, so it needs tile=PX.")
