"""``gjadet synth``: render crash scenes with exact labels, and videos with exact truth."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from gjadet_yolo.cli.arguments import add_flag, natural, pair, positive
from gjadet_yolo.synth.defaults import MIXES, PER_IMAGE


def add_subparser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "synth",
        allow_abbrev=False,
        help="render crash scenes with exact labels",
        description="Render train-crash scenes: a YOLO tree with data.yaml and COCO json, and videos with truth.json, "
        "truth.csv and mot.txt. The same seed gives the same bytes on any number of workers.",
    )
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="folder to create")
    add("--images", type=natural, default=2000, metavar="N", help="pictures, validation included (default 2000)")
    add("--val", type=natural, metavar="N", help="pictures for validation (default a tenth)")
    add("--imgsz", type=positive, default=640, metavar="PX", help="their side, also of videos (default 640)")
    add("--seed", type=natural, default=0, metavar="N", help="default 0")
    add(
        "--square",
        type=pair,
        default=(5.0, 60.0),
        metavar="LOW,HIGH",
        help="side of pictures' squares in px (default 5,60)",
    )
    add("--videos", type=natural, default=0, metavar="N", help="videos (default 0)")
    add("--fps", type=float, default=1000.0, metavar="F", help="frames per second of the camera (default 1000)")
    add("--seconds", type=float, default=0.15, metavar="S", help="length of a video in real time (default 0.15)")
    add(
        "--markers",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="share of pictures with other markers than squares: quadrants, spots, dots, rings, crosses (default 0.2)",
    )
    add(
        "--scene",
        default="",
        metavar="NAME",
        help="rig, train or closeup, in pictures also gear and empty (default by the shares of the mix)",
    )
    add(
        "--mix",
        default="tail",
        metavar="NAME",
        help="tail: points far above all other classes; balanced: as many large objects as find room, close-ups of "
        "running gear, and pictures without targets (default tail)",
    )
    add("--empty", type=float, metavar="SHARE", help="share of pictures without targets (default 0, balanced 0.12)")
    add("--pulse", default="haversine", metavar="NAME", help="half_sine, haversine, trapezoid or a CSV of time_s, m/s2")
    add("--workers", type=natural, default=0, metavar="N", help="processes (default one per core)")
    for name, mean in PER_IMAGE.items():
        add(
            f"--{name}",
            type=float,
            metavar="MEAN",
            help=f"mean number of {name} per picture ({default_text(name, mean)})",
        )
    add_flag(parser, "force", "replace the folder of an earlier run")
    parser.set_defaults(run=run)


def default_text(name: str, mean: float) -> str:
    """A default as the help states it."""
    # squares of a given size may leave no room for as many points
    return f"default {mean:g}, or what fits" if name == "point" else f"default {mean:g}"


def run(args: argparse.Namespace) -> int:
    """Render and say where everything is."""
    from gjadet_yolo.cli.progress import progress
    from gjadet_yolo.folders.whole import inputs_of, refuse_existing
    from gjadet_yolo.synth.write.pictures import render_set
    from gjadet_yolo.synth.write.workers import cores

    refuse_existing(args.out, args.force, inputs_of(args.pulse))
    request = request_of(args)
    made = render_set(request, args.out, args.workers or cores(), args.force, progress)
    print(f"Wrote {made}")
    if request.videos:
        print(f"Videos and truth: {args.out / 'videos'}")
    if request.images:
        print(f"Train: yolo train model=gjadet.yaml data={made}")
    return 0


def with_empty(shares: dict[str, float], empty: float | None) -> dict[str, float]:
    """Shares of scenes with a stated share of pictures without targets.

    Raises:
        ValueError: Not a share.
    """
    if empty is None:
        return dict(shares)
    if not 0 <= empty < 1:
        raise ValueError(f"empty={empty:g}, allowed: 0 to below 1, the share of pictures without targets.")
    others = {kind: share for kind, share in shares.items() if kind != "empty"}
    whole = sum(others.values())
    if not whole:  # of empty pictures alone nothing can be taken away
        return dict(shares)
    scaled = {kind: share / whole * (1 - empty) for kind, share in others.items()}
    return scaled | ({"empty": empty} if empty else {})


def request_of(args: argparse.Namespace) -> Any:
    """Request to render what the arguments say.

    Raises:
        ValueError: An impossible setting.
    """
    from gjadet_yolo.messages import suggestion
    from gjadet_yolo.synth.scenes.compose import SCENES, SCENES_WITH
    from gjadet_yolo.synth.still import SceneMix
    from gjadet_yolo.synth.write.pictures import Request

    if args.scene and args.scene not in SCENES:
        raise ValueError(f"scene={args.scene}: there is no such scene.{suggestion(args.scene, list(SCENES))}")
    if args.mix not in MIXES:
        raise ValueError(f"mix={args.mix}: there is no such mix.{suggestion(args.mix, list(MIXES))}")
    means, shares = MIXES[args.mix]
    scenes = with_empty({args.scene: 1.0} if args.scene else shares, args.empty)
    # classes that no chosen scene can hold are left out, because the mix would refuse their default
    per_image = {name: mean for name, mean in means.items() if set(SCENES_WITH[name]) & set(scenes)}
    low, high = args.square
    if not (math.isfinite(high) and 0 < low <= high):
        raise ValueError(f"square={low:g},{high:g}: allowed are two numbers above 0, the smaller one first.")
    room = SceneMix(per_image, scenes, args.square).most_points((args.imgsz, args.imgsz))
    # the default only: a stated number that does not fit is refused, not changed
    if "point" in per_image:
        per_image["point"] = min(per_image["point"], float(int(room)))
    asked = {name: getattr(args, name) for name in PER_IMAGE if getattr(args, name) is not None}
    mix = SceneMix(per_image | asked, scenes, args.square, args.markers)
    val = max(args.images // 10, 1) if args.val is None else args.val
    return Request(
        args.images, val, args.imgsz, args.seed, mix, args.videos, args.fps, args.seconds, args.scene, args.pulse
    )
