"""``gjadet demo``: render a few scenes, train, validate, and detect in a short video. Nothing is downloaded."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from gjadet_yolo.cli.arguments import add_flag, positive

PRODUCTS = {
    "annotated video": "predict/video.avi",
    "checkpoint": "train/weights/best.pt",
    "curves": "train/results.png",
    "class ratios": "train/class_ratios.png",
    "predictions on validation scenes": "val/val_batch0_pred.jpg",
}


def add_subparser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "demo", allow_abbrev=False, help="the whole way in a few minutes", description=__doc__.replace("``", "")
    )
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="folder to create (default demo)")
    parser.add_argument("--model", default="gjadet.yaml", metavar="YAML", help="model YAML (default gjadet.yaml)")
    parser.add_argument("--images", type=positive, default=64, metavar="N", help="training images (default 64)")
    parser.add_argument("--epochs", type=positive, default=40, metavar="N", help="epochs (default 40)")
    parser.add_argument("--imgsz", type=positive, default=256, metavar="PX", help="image side (default 256)")
    add_flag(parser, "force", "replace an existing folder")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Render, train, validate, predict."""
    from ultralytics import YOLO

    import gjadet_yolo  # noqa: F401  registers where the autoload files are switched off
    from gjadet_yolo.data.sample import render_set, render_video

    clear(args.out, args.force)
    count = args.images // 4 or 1
    print(f"Rendering {args.images} + {count} scenes and a video", flush=True)
    data = render_set(args.out / "data", args.images, count, args.imgsz)
    video = render_video(args.out / "video.avi", imgsz=args.imgsz)
    settings = {"imgsz": args.imgsz, "device": "cpu", "project": str(args.out.resolve()), "exist_ok": True}
    YOLO(args.model).train(data=str(data), epochs=args.epochs, batch=8, nbs=8, name="train", val=False, **settings)
    model = YOLO(args.out / "train" / "weights" / "best.pt")
    metrics = model.val(data=str(data), name="val", **settings)
    settings |= {"save": True, "show_labels": False, "show_conf": False, "line_width": 1}  # text hides squares
    for _ in model.predict(video, stream=True, name="predict", verbose=False, **settings):
        pass
    print(f"\nAP50-95 {metrics.box.map:.3f}, AP50 {metrics.box.map50:.3f} on {count} rendered scenes")
    for what, path in PRODUCTS.items():
        found = args.out / path
        print(f"{what:<34}{found if found.exists() else 'not written'}")
    return 0


def clear(out: Path, force: bool) -> None:
    """Make room for the demo; only the folder of an earlier demo is ever removed.

    Raises:
        FileExistsError: The folder exists and may not be replaced.
    """
    from gjadet_yolo.data.yolo import refuse_existing

    refuse_existing(out, force)
    if not out.exists():
        return
    if not ((out / "data" / "data.yaml").is_file() and (out / "video.avi").is_file()):
        raise FileExistsError(
            f"{out} is not the folder of an earlier demo, and is not replaced. Choose another folder."
        )
    shutil.rmtree(out)
