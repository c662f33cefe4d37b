"""``gjadet demo``: render a crash video with its truth, detect in it, measure it, compare. Nothing is downloaded."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gjadet_yolo.cli.arguments import add_flag, natural, positive

RELEASED = "gjadetn-crash-synth.pt"
MEASURED = "measured"
# small enough for a training of a few minutes on two cores
TRAINING = {"images": 64, "val": 16, "imgsz": 256, "epochs": 40}


def add_subparser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "demo",
        allow_abbrev=False,
        help="the whole way in a few minutes",
        description="Render a crash video with exact truth, detect in it with the released checkpoint, measure its "
        "motion, and write the annotated video, a table of detection quality, and the report of the measurement.",
    )
    add = parser.add_argument
    add("--out", type=Path, default=Path("demo"), metavar="DIR", help="folder to create (default demo)")
    add("--model", metavar="FILE", help=f"checkpoint, or with train=true a model YAML (default {RELEASED})")
    add("--scene", default="rig", metavar="NAME", help="rig, train or closeup (default rig)")
    add("--frames", type=positive, default=200, metavar="N", help="frames of the video (default 200)")
    add("--imgsz", type=positive, default=640, metavar="PX", help="side of its pictures (default 640)")
    add("--seed", type=natural, default=0, metavar="N", help="default 0")
    add("--epochs", type=positive, default=TRAINING["epochs"], metavar="N", help="epochs with train=true (default 40)")
    add_flag(parser, "train", "train a small model first instead of using a checkpoint")
    add_flag(parser, "force", "replace the folder of an earlier demo")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Render, detect, compare; train before that if asked to."""
    import numpy as np

    import gjadet_yolo  # noqa: F401  registers where the autoload files are switched off
    from gjadet_yolo.folders.marks import MARK
    from gjadet_yolo.folders.whole import inputs_of, refuse_existing, refuse_too_large, whole_folder
    from gjadet_yolo.synth.video import VideoPlan, draw_video
    from gjadet_yolo.synth.write.pictures import VIDEO

    inputs = inputs_of(args.model)  # a refusal must come before the first picture is rendered
    refuse_existing(args.out, args.force, inputs)
    plan = VideoPlan((args.imgsz, args.imgsz), frames=args.frames, scene=args.scene)
    refuse_too_large(args.out, 2 * plan.size_bytes())  # plain and annotated
    settings = {name: value for name, value in vars(args).items() if name not in ("run", "verb", "out", "force")}
    with whole_folder(args.out, args.force, tool="gjadet demo", settings=settings, inputs=inputs) as folder:
        model = trained(args, folder) if args.train else loaded(args.model or RELEASED)
        video = draw_video(np.random.default_rng([args.seed, VIDEO, 0]), plan)
        text = detect(model, video, folder, args.imgsz)
        lines = measured(args.model or RELEASED, video, folder) if not args.train else []
    products = [path for path in sorted(args.out.iterdir()) if path.name != MARK]
    print(f"\n{text}\n\n" + "\n".join(f"{describe(path):<52}{path}" for path in products))
    if lines:
        print("\n" + "\n".join([*lines, f"Report: {args.out / MEASURED / 'report.html'}"]))
    return 0


def measured(model: str, video: Any, folder: Path) -> list[str]:
    """Measure the video as a laboratory would, with its camera surveyed, into a folder; lines that compare with truth.

    A video that is too short or shows too little is no reason to lose the rest: the line then says why.
    """
    from gjadet_yolo.cli.against_truth import comparison, survey
    from gjadet_yolo.cli.progress import progress
    from gjadet_yolo.measure.chain import Counted, measure_video
    from gjadet_yolo.measure.detector import ModelDetector
    from gjadet_yolo.measure.frames import open_frames
    from gjadet_yolo.measure.settings import MeasureSettings
    from gjadet_yolo.report.write import write_results

    truth, file = video.truth(), folder / "video.avi"
    camera, plane = survey(truth, folder)
    settings = MeasureSettings(fps=truth.fps, camera=camera, plane=plane)
    try:
        found = measure_video(file, settings, ModelDetector(model), progress)
    except ValueError as error:
        return [f"Not measured: {error}"]
    (folder / MEASURED).mkdir()
    shown = Counted(open_frames(file, truth.fps), found.source.frames)
    advice = write_results(found, folder / MEASURED, progress(shown, "writing")).advice
    lines = comparison(found, truth) or [f"Nothing is quoted: {' '.join(found.notes)}"]
    return [*lines, advice] if advice else lines


def loaded(name: str) -> Any:
    """Model of a checkpoint, packaged or the user's."""
    from ultralytics import YOLO

    from gjadet_yolo.synth.world.scene import NAMES

    print(f"Model {name}", flush=True)
    model = YOLO(name)
    if list(model.names.values()) != list(NAMES):  # truth and detections are compared by number
        found = list(model.names.values())
        raise ValueError(
            f"{name} knows {len(found)} classes, first {found[:5]}; the demo compares {list(NAMES)}, in this order. "
            f"Use a model trained on such data, e.g. data=crash-synth.yaml."
        )
    return model


def trained(args: argparse.Namespace, folder: Path) -> Any:
    """A small model, trained now."""
    from ultralytics import YOLO

    from gjadet_yolo.synth.still import SceneMix
    from gjadet_yolo.synth.write.pictures import Request, render_set

    name = args.model or "gjadet.yaml"
    size = TRAINING["imgsz"]
    print(f"Rendering {TRAINING['images']} + {TRAINING['val']} scenes and training {name} on them", flush=True)
    mix = SceneMix({"point": 18.0, "bogie": 0.15, "wheel": 0.35, "absorber": 0.2, "rw": 0.15}, square_px=(6.0, 24.0))
    request = Request(TRAINING["images"] + TRAINING["val"], TRAINING["val"], size, args.seed, mix)
    data = render_set(request, folder / "data")
    # nbs as large as batch, or the host would gather the gradients of 64 pictures for one step, of which there are few
    settings = {"imgsz": size, "device": "cpu", "batch": 8, "nbs": 8, "project": str(folder.resolve()), "val": False}
    YOLO(name).train(data=str(data), epochs=args.epochs, name="train", exist_ok=True, **settings)
    return YOLO(folder / "train" / "weights" / "best.pt")


def detect(model: Any, video: Any, folder: Path, imgsz: int) -> str:
    """Render a video, detect in each frame, and write videos, sheet, truth and table.

    Returns:
        The table.
    """
    import numpy as np

    from gjadet_yolo.cli.progress import progress
    from gjadet_yolo.data.media import VideoFile, write_image
    from gjadet_yolo.evaluate.matching import measure, table
    from gjadet_yolo.evaluate.overlay import draw_match, sheet
    from gjadet_yolo.synth.world.scene import NAMES
    from gjadet_yolo.synth.write.pictures import Counted
    from gjadet_yolo.synth.write.videos import write_truth

    size, pairs, shown = video.plan.size_px, [], []
    every = max(video.plan.frames // 6, 1)  # six pictures on the sheet, two rows of three
    with VideoFile(folder / "video.avi", size) as plain, VideoFile(folder / "detections.avi", size) as annotated:
        for picture in progress(Counted(video.frames(), video.plan.frames), "rendering and detecting"):
            plain.write(picture)
            # max_det: the host's 300 boxes are fewer than the points of a frame
            result = model.predict(picture, imgsz=imgsz, max_det=1000, verbose=False, device="cpu")[0]
            pairs.append((video.rendered[-1].labels, result.boxes.data.numpy().astype(float)))
            overlay = draw_match(picture, *pairs[-1])
            annotated.write(overlay)
            if (len(pairs) - 1) % every == 0 and len(shown) < 6:
                shown.append(overlay)
    write_image(folder / "sheet.png", sheet(shown, min(len(shown), 3)))
    (folder / "truth").mkdir()
    write_truth(video.truth(), folder / "truth")
    text = table(measure(((truth.astype(np.float64), found) for truth, found in pairs), NAMES))
    text += f"\nIoU 0.5, {len(pairs)} frames, {video.plan.size_px[0]} px, scene {video.plan.scene}"
    text += released_note(model)
    (folder / "quality.txt").write_text(text + "\n", encoding="utf-8")
    return text


def released_note(model: Any) -> str:
    """What to expect of the released checkpoint, as a line to append; empty for other models."""
    if Path(str(model.ckpt_path)).name != RELEASED:
        return ""
    return f"\n{RELEASED} is trained for points; bogie, wheel, absorber and rw are weak (see weights/README.md)"


def describe(path: Path) -> str:
    """What a product of the demo is."""
    known = {
        "camera.yaml": "the lens, as a calibration gives it",
        "data": "rendered training scenes",
        "detections.avi": "video with right, false and missed boxes",
        "measured": "curves with bars, film and report",
        "plane.csv": "points of the plane of motion, as surveyed",
        "quality.txt": "this table",
        "sheet.png": "six of its frames",
        "train": "the training, with its checkpoint",
        "truth": "truth.json, truth.csv, mot.txt",
        "video.avi": "rendered video",
    }
    return known.get(path.name, path.name)
