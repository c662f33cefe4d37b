"""``gjadet models``: the model YAMLs and their sizes."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from gjadet_yolo.cli.arguments import positive


def add_subparser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "models", allow_abbrev=False, help="list the model YAMLs", description=__doc__.replace("``", "")
    )
    parser.add_argument("--imgsz", type=positive, default=640, metavar="PX", help="image side for GFLOPs (default 640)")
    parser.add_argument("--nc", type=positive, default=5, metavar="N", help="number of classes (default 5)")
    parser.add_argument("--scales", default="nsmlx", metavar="LETTERS", help="scales to list (default nsmlx)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Build each model and print its size."""
    import yaml

    from gjadet_yolo import locate
    from gjadet_yolo.engine.model import GjadetModel

    wrong = [scale for scale in args.scales if scale not in locate.SCALES]
    if wrong or not args.scales:
        raise ValueError(f"scales is '{args.scales}', allowed: letters out of {locate.SCALES}.")
    logging.getLogger("ultralytics").setLevel(logging.ERROR)  # no layer tables
    print(f"{'model':<26}{'layers':>8}{'parameters':>14}{'GFLOPs':>9}")
    for family, file in locate.files("cfg").items():
        has_scales = "scales" in yaml.safe_load(file.read_text(encoding="utf-8"))
        for name in [locate.with_scale(family, scale) for scale in args.scales] if has_scales else [family]:
            try:
                model = GjadetModel(f"{name}.yaml", nc=args.nc, verbose=False)
            except ValueError as error:  # a library that is not installed
                print(f"{name + '.yaml':<26}{str(error).partition(': ')[2]}", flush=True)
                continue
            # flushed line by line, because each model takes about a second
            layers, parameters, _, gflops = model.info(verbose=True, imgsz=args.imgsz)
            print(f"{name + '.yaml':<26}{layers:>8}{parameters:>14,}{gflops:>9.1f}", flush=True)
    return 0
