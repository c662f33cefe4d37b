"""``gjadet demo``: render a few scenes, train, validate, and detect in a short video. Nothing is downloaded."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gjadet_yolo.cli.arguments import add_flag, positive


def add_subparser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "demo", allow_abbrev=False, help="the whole way in a few minutes", description=__doc__.replace("``", "")
    )
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="folder to create (default demo)")
    parser.add_argument("--model", default="gjadet.yaml", metavar="YAML", help="model YAML (default gjadet.yaml)")
    parser.add_argument("--images", type=positive, default=96, metavar="N", help="training images (default 96)")
    parser.add_argument("--epochs", type=positive, default=20, metavar="N", help="epochs (default 20)")
    parser.add_argument("--imgsz", type=positive, default=256, metavar="PX", help="image side (default 256)")
    add_flag(parser, "force", "replace an existing folder")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Render, train, validate, predict."""
    from ultralytics import YOLO

    import gjadet_yolo  # noqa: F401  registers where the autoload files are switched off
    from gjadet_yolo.data.sample import render_set, render_video
    from gjadet_yolo.data.yolo import whole_folder

    with whole_folder(args.out, args.force) as folder:
        print(f"Rendering {args.images} + {args.images // 4 or 1} scenes and a video", flush=True)
        data = render_set(folder / "data", args.images, args.images // 4 or 1, args.imgsz)
        video = render_video(folder / "video.avi", imgsz=args.imgsz)
        settings = {"imgsz": args.imgsz, "device": "cpu", "project": str(folder.resolve()), "exist_ok": True}
        YOLO(args.model).train(data=str(data), epochs=args.epochs, batch=16, name="train", val=False, **settings)
        model = YOLO(folder / "train" / "weights" / "best.pt")
        metrics = model.val(data=str(data), name="val", **settings)
        for _ in model.predict(video, stream=True, save=True, name="predict", verbose=False, line_width=1, **settings):
            pass
    print(f"\nAP50-95 {metrics.box.map:.3f}, AP50 {metrics.box.map50:.3f} on {args.images // 4 or 1} rendered scenes")
    for what, path in (
        ("annotated video", "predict/video.avi"),
        ("checkpoint", "train/weights/best.pt"),
        ("curves", "train/results.png"),
        ("class ratios", "train/class_ratios.png"),
        ("predictions on validation scenes", "val/val_batch0_pred.jpg"),
    ):
        found = args.out / path
        print(f"{what:<34}{found if found.exists() else 'not written'}")
    return 0
