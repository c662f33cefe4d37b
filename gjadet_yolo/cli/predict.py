"""``gjadet predict``: find small targets in large frames, tile by tile."""

from __future__ import annotations

import argparse
from typing import Any

from gjadet_yolo.cli.arguments import add_flag, positive
from gjadet_yolo.cli.tiling import add_tiling, passed_on, tiles


def add_subparser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "predict",
        allow_abbrev=False,
        help="yolo predict in tiles, for small targets in large frames",
        description="As yolo predict, for images, folders and videos, but every frame is cut into overlapping tiles: "
        "small targets keep their size, and what is larger than the overlap is found in the reduced frame. Each target "
        "is found once. Frames no larger than a tile are predicted as they are.",
    )
    add_tiling(parser)
    add = parser.add_argument
    add("--source", required=True, metavar="PATH", help="image, folder, video or stream")
    add("--conf", type=float, default=0.25, metavar="C", help="least confidence (default 0.25)")
    add("--vid_stride", type=positive, default=1, metavar="N", help="take every Nth frame of a video (default 1)")
    add("--line_width", type=positive, default=1, metavar="PX", help="of the drawn boxes (default 1)")
    for name, text in (("save_txt", "write a label file per frame"), ("save_conf", "with confidences in it")):
        add_flag(parser, name, text)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Predict, draw, and say where the pictures are."""
    cut = tiles(args)
    from ultralytics import YOLO

    from gjadet_yolo.engine.sliced import sliced_predictor

    model = YOLO(args.model)
    settings = passed_on(args, "source", "conf", "vid_stride", "line_width", "save_txt", "save_conf", "imgsz")
    frames = found = 0
    predictor = sliced_predictor(cut, native=args.imgsz is None)
    for result in model.predict(stream=True, save=True, show_labels=False, predictor=predictor, **settings):
        frames, found = frames + 1, found + len(result.boxes)
    print(f"{frames} frames, {found / max(frames, 1):.1f} boxes each: {model.predictor.save_dir}")
    return 0
