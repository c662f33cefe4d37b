"""``gjadet attention``: where each level of an SSPNet neck looks, and cruxes, drawn over the picture."""

from __future__ import annotations

import argparse
from collections import deque
from pathlib import Path
from typing import Any

from gjadet_yolo.cli.arguments import add_flag, positive
from gjadet_yolo.cli.tiling import check_source, loaded, naming_model


def add_subparser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "attention",
        allow_abbrev=False,
        help="draw the attention maps of an SSPNet neck, or cruxes, over pictures",
        description="For each picture or frame a sheet: its detections, and over it the attention map of each "
        "level, or heat map and mask of its crux. Red is 1, dark blue 0. The model needs a row SSPNeck, as in "
        "sspnet.yaml or gjadet-tiny.yaml, or a block crux:, as in lcp.yaml.",
    )
    add = parser.add_argument
    add("--model", required=True, metavar="FILE", help="checkpoint, e.g. best.pt")
    add("--source", required=True, metavar="PATH", help="image, folder or video")
    add("--out", type=Path, default=Path("attention"), metavar="DIR", help="folder to create (default attention)")
    add("--imgsz", type=positive, default=640, metavar="PX", help="longer side at the network's input (default 640)")
    add("--conf", type=float, default=0.25, metavar="C", help="least confidence of drawn boxes (default 0.25)")
    add("--width", type=positive, default=640, metavar="PX", help="width of each picture on the sheet (default 640)")
    add("--vid_stride", type=positive, default=1, metavar="N", help="take every Nth frame of a video (default 1)")
    add("--device", default="cpu", metavar="NAME", help="cpu, 0, mps ... (default cpu)")
    add_flag(parser, "force", "replace the folder of an earlier run")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Predict, draw, and say where the sheets are."""
    from gjadet_yolo.folders.whole import inputs_of, refuse_existing, whole_folder

    check_source(args.source)
    inputs = inputs_of(args.model, args.source)
    refuse_existing(args.out, args.force, inputs)
    from gjadet_yolo.data.media import write_image  # after it, because the imports take seconds
    from gjadet_yolo.evaluate.attention import attention_maps, check_maps, crux_maps, draw_attention
    from gjadet_yolo.host.sources import refuse_pipes
    from gjadet_yolo.nn.auxiliary import aux_of

    refuse_pipes(args.source)
    model = loaded(args.model)
    check_maps(model.model, args.model)
    settings = {"imgsz": args.imgsz, "conf": args.conf, "vid_stride": args.vid_stride, "device": args.device}
    passes: deque[tuple[Any, Any]] = deque(maxlen=1)  # input and outputs of the last one
    model.add_callback("on_predict_start", lambda predictor: watch(predictor.model.model, passes))
    count = 0
    marked = {"model": args.model, "source": args.source, "width": args.width, **settings}
    place = whole_folder(args.out, args.force, tool="gjadet attention", settings=marked, inputs=inputs)
    with naming_model(args.model), place as folder:
        for count, result in enumerate(model.predict(args.source, stream=True, max_det=1000, **settings), 1):
            seen, outputs = passes[-1]
            aux, sizes = aux_of(outputs), (tuple(seen.shape[2:]), result.orig_shape)
            maps, strides = attention_maps(aux.get("attention", [()])[0], *sizes)
            others = []
            if "heat" in aux:
                learner = model.model.crux.learner
                others = crux_maps(aux["heat"][0], learner.temperature, learner.threshold, *sizes)
            drawn = draw_attention(result.orig_img, result.boxes.xyxy.cpu().numpy(), maps, strides, args.width, others)
            write_image(folder / f"{count:05d}-{Path(result.path).stem}.png", drawn)
    print(f"{count} sheets: {args.out}")
    return 0


def watch(model: Any, passes: deque[tuple[Any, Any]]) -> None:
    """Note what a model is given, and what it gives."""
    model.register_forward_hook(lambda _, inputs, outputs: passes.append((inputs[0], outputs)))
