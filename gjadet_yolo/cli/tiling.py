"""Arguments that the verbs working in tiles share."""

from __future__ import annotations

import argparse
from typing import Any

from gjadet_yolo.cli.arguments import natural, positive


def add_tiling(parser: Any) -> None:
    """Add what says how frames are cut, and the settings of the host that both verbs pass on."""
    add = parser.add_argument
    add("--model", required=True, metavar="FILE", help="checkpoint, e.g. best.pt")
    add("--tile", type=positive, default=640, metavar="PX", help="side of a tile, a multiple of 32 (default 640)")
    add("--overlap", type=natural, metavar="PX", help="overlap of neighbours (default a fifth of a tile)")
    add("--batch", type=positive, default=4, metavar="N", help="tiles at a time (default 4)")
    add("--imgsz", type=positive, metavar="PX", help="longer side of a frame before it is cut (default as it is)")
    add("--iou", type=float, default=0.7, metavar="IOU", help="of NMS (default 0.7)")
    add("--max_det", type=positive, default=1000, metavar="N", help="most boxes per frame (default 1000)")
    add("--device", default="cpu", metavar="NAME", help="cpu, 0, mps ... (default cpu)")
    add("--project", metavar="DIR", help="folder of the results (default runs/detect)")
    add("--name", metavar="NAME", help="its folder in there")


def tiles(args: argparse.Namespace) -> Any:
    """How frames are cut."""
    from gjadet_yolo.engine.slicing import Tiles

    return Tiles(args.tile, args.tile // 5 if args.overlap is None else args.overlap, args.batch)


def passed_on(args: argparse.Namespace, *more: str) -> dict[str, Any]:
    """Settings of the host that were given."""
    names = ("iou", "max_det", "device", "project", "name", *more)
    return {name: getattr(args, name) for name in names if getattr(args, name) is not None}
