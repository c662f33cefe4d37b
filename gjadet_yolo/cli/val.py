"""``gjadet val``: validate a checkpoint tile by tile."""

from __future__ import annotations

import argparse
from typing import Any

from gjadet_yolo.cli.tiling import add_tiling, passed_on, tiles


def add_subparser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "val",
        allow_abbrev=False,
        help="yolo val in tiles, for small targets in large frames",
        description="As yolo val, with the same figures, but every frame is cut into overlapping tiles as by "
        "gjadet predict.",
    )
    add_tiling(parser)
    parser.add_argument("--data", required=True, metavar="YAML", help="data set, e.g. crash-synth.yaml")
    parser.add_argument("--split", default="val", metavar="NAME", help="of the data set (default val)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Validate and print the host's table."""
    cut = tiles(args)
    from ultralytics import YOLO

    from gjadet_yolo.engine.sliced import largest_side, sliced_validator

    imgsz = args.imgsz or largest_side(args.data, args.split)
    print(f"Frames of {imgsz} px in tiles of {cut.side} px")
    settings = passed_on(args, "data", "split")
    YOLO(args.model).val(imgsz=imgsz, batch=1, validator=sliced_validator(cut), **settings)
    return 0
