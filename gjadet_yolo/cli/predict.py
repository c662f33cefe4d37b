"""``gjadet predict``: find small targets in large frames, tile by tile."""

from __future__ import annotations

import argparse
import contextlib
from typing import Any

from gjadet_yolo.cli.arguments import add_flag, positive, truth
from gjadet_yolo.cli.tiling import (
    TileBar,
    add_tiling,
    check_source,
    listed,
    loaded,
    naming_model,
    passed_on,
    save_detections,
    tiles,
    warn,
)


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
    add("--line_width", type=positive, metavar="PX", help="of the drawn boxes (default by their size)")
    for name, text in (("show_labels", "class names"), ("show_conf", "confidences")):
        add(
            f"--{name}", type=truth, nargs="?", const=True, metavar="BOOL", help=f"{text} at the boxes (default if few)"
        )
    flags = {
        "save_txt": "write a label file per frame",
        "save_conf": "with confidences in it",
        "verbose": "the host's line per frame instead of a progress bar",
    }
    for name, text in flags.items():
        add_flag(parser, name, text)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Predict, draw, and say where the pictures are."""
    cut = tiles(args)
    check_source(args.source)  # ahead of the next import, which takes seconds
    from gjadet_yolo.host.sliced import sliced_predictor
    from gjadet_yolo.host.sources import refuse_pipes

    refuse_pipes(args.source)
    model = loaded(args.model)
    settings = passed_on(args, "source", "conf", "vid_stride", "line_width", "save_txt", "save_conf", "imgsz")
    # false differs from not given: the host then decides by the number of boxes
    settings |= {name: getattr(args, name) for name in ("show_labels", "show_conf") if getattr(args, name) is not None}
    predictor = sliced_predictor(cut, native=args.imgsz is None, watch=None if args.verbose else TileBar())
    frames, boxes, kept = 0, 0, []
    with naming_model(args.model):
        for result in model.predict(stream=True, save=True, predictor=predictor, **settings):
            frames, boxes = frames + 1, boxes + len(result)
            if args.save_json or args.save_csv:
                kept.append(detections(result, model.predictor, args.vid_stride))  # boxes only, not the pictures
    check_read(model.predictor, frames)
    print(f"{frames} frames, {boxes / frames:.1f} boxes each: {model.predictor.save_dir}")
    save_detections(args, model.predictor.save_dir, kept, model.names)
    return 0


def check_read(predictor: Any, frames: int) -> None:
    """Warn of files that could not be read whole.

    Raises:
        ValueError: No frame could be read; an empty folder of results is removed.
    """
    problems = predictor.problems()
    if not frames:
        with contextlib.suppress(OSError):  # not empty, because an earlier run wrote into it
            predictor.save_dir.rmdir()
        raise ValueError(f"nothing could be read: {listed(problems)}. Are these whole images or videos?")
    if problems:
        files = predictor.dataset.nf + len(predictor.dataset.empty)
        warn(f"{len(problems)} of {files} files could not be read whole: {listed(problems)}")


def detections(result: Any, predictor: Any, vid_stride: int) -> Any:
    """Detections of a frame, for ``save_json`` and ``save_csv``."""
    from gjadet_yolo.evaluate.detections import Detections

    video = predictor.dataset.mode != "image"
    number = predictor.read[result.path] * vid_stride - 1 if video else None  # the last of each stride is taken
    return Detections(result.path, number, result.boxes.data.cpu().numpy().astype(float))
