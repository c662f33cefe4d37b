"""``gjadet val``: validate a checkpoint tile by tile."""

from __future__ import annotations

import argparse
from typing import Any

from gjadet_yolo.cli.arguments import truth
from gjadet_yolo.cli.tiling import TileBar, add_tiling, loaded, passed_on, save_detections, tiles


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
    parser.add_argument("--verbose", type=truth, default=True, metavar="BOOL", help="a row per class (default true)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Validate and print the host's table."""
    cut = tiles(args)  # ahead of the next imports, which take seconds
    from gjadet_yolo.evaluate.detections import Detections
    from gjadet_yolo.host.sliced import check_split, sliced_validator

    check_split(args.data, args.split)
    model, kept = loaded(args.model), []
    # kept only where it is written: a large set may give millions of boxes
    wanted = args.save_json or args.save_csv
    validator = sliced_validator(
        cut,
        native=args.imgsz is None,
        watch=TileBar(),
        sink=(lambda file, boxes: kept.append(Detections(file, None, boxes))) if wanted else None,
    )
    print(f"Images {f'of {args.imgsz} px' if args.imgsz else 'at their own sizes'} in tiles of {cut.side} px")
    metrics = model.val(validator=validator, **passed_on(args, "data", "split", "imgsz"))
    save_detections(args, metrics.save_dir, kept, model.names)
    return 0
