"""``gjadet explain``: what chosen detections rest on, drawn over the picture."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from gjadet_yolo.cli.arguments import add_flag, natural, positive
from gjadet_yolo.cli.tiling import check_source, loaded, naming_model

METHODS = ("layercam", "rise")


def add_subparser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "explain",
        allow_abbrev=False,
        help="draw what a detection rests on",
        description="For each picture a sheet: its detections, and over it a map of the evidence for each chosen one, "
        "from gradients (layercam) or from what is left when parts of the picture are masked (rise); then the gates of "
        "adaptive modules, where the model has them. explain.json says how much of each map lies within its box. For "
        "checkpoints of this package and of YOLO that detect boxes. Attention maps and cruxes: gjadet attention.",
    )
    add = parser.add_argument
    add("--model", required=True, metavar="FILE", help="checkpoint, e.g. best.pt")
    add("--source", required=True, metavar="PATH", help="image, folder or video")
    add("--out", type=Path, default=Path("explain"), metavar="DIR", help="folder to create (default explain)")
    add("--method", default="layercam", metavar="NAME", help="layercam or rise (default layercam)")
    add("--detection", type=natural, metavar="K", help="number of the detection, the surest is 0 (default the first 3)")
    add("--masks", type=positive, default=200, metavar="N", help="of rise: forward passes (default 200)")
    add("--imgsz", type=positive, default=640, metavar="PX", help="longer side at the network's input (default 640)")
    add("--conf", type=float, default=0.25, metavar="C", help="least confidence of detections (default 0.25)")
    add("--width", type=positive, default=640, metavar="PX", help="width of each picture on the sheet (default 640)")
    add("--vid_stride", type=positive, default=1, metavar="N", help="take every Nth frame of a video (default 1)")
    add("--device", default="cpu", metavar="NAME", help="cpu, 0, mps ... (default cpu)")
    add_flag(parser, "force", "replace the folder of an earlier run")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Predict, explain, draw, and say where the sheets are."""
    from gjadet_yolo.folders.whole import inputs_of, refuse_existing, whole_folder
    from gjadet_yolo.messages import suggestion

    if args.method not in METHODS:
        raise ValueError(f"method is '{args.method}'.{suggestion(args.method, METHODS)}")
    check_source(args.source)
    inputs = inputs_of(args.model, args.source)
    refuse_existing(args.out, args.force, inputs)
    import copy

    from torch import nn  # after it, because the imports take seconds

    from gjadet_yolo.data.media import write_image
    from gjadet_yolo.evaluate.attention import draw_attention
    from gjadet_yolo.host.sources import refuse_pipes

    refuse_pipes(args.source)
    model = loaded(args.model)
    if not isinstance(model.model, nn.Module):
        raise ValueError(f"{args.model} is an exported model, which gives out no features. Explain its checkpoint.")
    network = copy.deepcopy(model.model).float().eval()  # the host fuses and freezes what it predicts with
    settings = {"imgsz": args.imgsz, "conf": args.conf, "vid_stride": args.vid_stride, "device": args.device}
    seen: list[Any] = []
    model.add_callback("on_predict_start", lambda predictor: watch(predictor.model.model, seen))
    marked = {"model": args.model, "source": args.source, "method": args.method, "masks": args.masks, **settings}
    place = whole_folder(args.out, args.force, tool="gjadet explain", settings=marked, inputs=inputs)
    rows: list[dict[str, Any]] = []
    count = 0
    with naming_model(args.model), place as folder:
        for count, result in enumerate(model.predict(args.source, stream=True, max_det=1000, **settings), 1):
            network.to(seen[-1].device)
            maps, found = explained(network, seen[-1].clone().float(), result, args)
            rows += found
            boxes = result.boxes.xyxy.cpu().numpy()[[row["detection"] for row in found]]
            drawn = draw_attention(result.orig_img, boxes, [], [], args.width, maps)
            write_image(folder / f"{count:05d}-{Path(result.path).stem}.png", drawn)
        (folder / "explain.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print(f"{count} sheets of {len(rows)} detections: {args.out}")
    return 0


def explained(network: Any, seen: Any, result: Any, args: argparse.Namespace) -> tuple[list[Any], list[dict[str, Any]]]:
    """Maps in the frame's px with captions, and a row for each detection that is explained."""
    from gjadet_yolo.cli.progress import progress
    from gjadet_yolo.evaluate.activation import adaptive_gates, choose, layercam, rise, share_inside
    from gjadet_yolo.evaluate.attention import in_frame

    input_hw, frame_hw = tuple(seen.shape[2:]), result.orig_shape
    boxes, confidence, label = (
        value.cpu().numpy() for value in (result.boxes.xyxy, result.boxes.conf, result.boxes.cls)
    )
    if args.detection is not None and args.detection >= len(boxes):
        raise ValueError(f"detection={args.detection}: {result.path} has {len(boxes)} detections, counted from 0.")
    chosen = range(min(3, len(boxes))) if args.detection is None else [args.detection]
    maps, rows = [], []
    for index in progress(list(chosen), f"explaining {Path(result.path).name}"):
        anchor = choose(network, seen, seen_box(boxes[index], input_hw, frame_hw), int(label[index]))
        raw = layercam(network, seen, anchor) if args.method == "layercam" else rise(network, seen, anchor, args.masks)
        evidence = in_frame(raw, input_hw, frame_hw).clip(0, 1)
        name = result.names[int(label[index])]
        maps.append((evidence, f"{index}: {name} {confidence[index]:.2f}"))
        row = {"image": Path(result.path).name, "detection": int(index), "class": name, "method": args.method}
        row |= {"confidence": round(float(confidence[index]), 4), "box_xyxy_px": boxes[index].round(2).tolist()}
        rows.append(row | {"share_inside": share_inside(evidence, boxes[index])})
    gates = adaptive_gates(network, seen)
    return [*maps, *((in_frame(gate, input_hw, frame_hw), caption) for gate, caption in gates)], rows


def seen_box(box: Any, input_hw: tuple[int, int], frame_hw: tuple[int, int]) -> Any:
    """A box, xyxy in the frame's px, in px of what the network saw: resized, padded evenly."""
    import numpy as np

    ratio = min(inside / side for inside, side in zip(input_hw, frame_hw, strict=True))
    pad = [(inside - side * ratio) / 2 for inside, side in zip(input_hw, frame_hw, strict=True)]
    return box * ratio + np.array((pad[1], pad[0]) * 2)


def watch(model: Any, seen: list[Any]) -> None:
    """Note what a model is given last."""

    def keep(_: Any, inputs: tuple[Any, ...]) -> None:
        seen[:] = [inputs[0]]

    model.register_forward_pre_hook(keep)
