"""``gjadet measure``: from a crash video to displacement, velocity and acceleration, with bars."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gjadet_yolo.cli.arguments import add_flag, natural, positive

if TYPE_CHECKING:
    from gjadet_yolo.measure.result import Measurement
    from gjadet_yolo.report.write import Written

QUOTED = ("impact_speed", "rebound_speed", "peak_deceleration", "deceleration_3ms", "mean_deceleration", "crush")
# what a measurement is asked for by the same name on the command line and in Python
SAME = ("fps", "square_mm", "scale", "plane", "camera", "points", "t0", "every", "imgsz", "steady")
ANEW = (*SAME, "conf", "model")  # what filtering again cannot change


def add_subparser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "measure",
        allow_abbrev=False,
        help="displacement, velocity and acceleration from a crash video",
        description="Find all markers of a video, follow each to a fraction of a pixel, group them into stiff bodies, "
        "and write position, velocity and acceleration of markers and bodies with their standard deviations: tables, "
        "a workbook, ISO-MME channels, a film, and a report that opens in any browser.",
    )
    add = parser.add_argument
    add("--source", metavar="PATH", help="video, folder of images, or .cine file")
    add("--from", dest="earlier", type=Path, metavar="DIR", help="filter an earlier result again, without measuring")
    add("--out", type=Path, required=True, metavar="DIR", help="folder to create")
    add("--fps", type=float, metavar="N", help="capture rate in frames/s; a container's own is that of playback")
    add("--square_mm", type=numbers(1, 2), metavar="MM", help="side of squares across their strip, or across,along")
    add("--scale", type=numbers(5), metavar="X,Y,X,Y,MM", help="two points in px and their distance in mm")
    add("--plane", type=Path, metavar="FILE", help="points of the plane of motion: x_px, y_px, x_mm, y_mm")
    add("--camera", type=Path, metavar="FILE", help="camera file of gjadet calibrate")
    add("--points", type=Path, metavar="FILE", help="places to follow instead: x, y, size in the first frame")
    add("--t0", type=natural, metavar="FRAME", help="frame of T0 (default: found from the motion)")
    add("--filter", metavar="NAME", help="cfc60, cfc60:iso, cfc180, 50hz, kalman, spline, auto, none (default cfc60)")
    add("--every", type=positive, metavar="N", help="detect in each Nth frame, or if unsure (default 10)")
    add("--conf", type=float, metavar="C", help="least confidence of a new marker (default 0.25)")
    add("--imgsz", type=positive, metavar="PX", help="side that frames are detected at (default: their own)")
    add("--model", metavar="FILE", help="checkpoint that finds the markers (default gjadetn-crash-synth.pt)")
    add_flag(parser, "steady", "remove the motion of the camera by the markers that stand")
    add_flag(parser, "force", "replace the folder of an earlier run")
    parser.set_defaults(run=run)


def numbers(*counts: int) -> Callable[[str], Any]:
    """Argument type: numbers with commas between them, as many as one of the counts; a single one comes alone."""

    def read(text: str) -> Any:
        try:
            values = tuple(map(float, text.split(",")))
        except ValueError:
            values = ()
        if len(values) not in counts:
            wanted = " or ".join(map(str, counts))
            raise argparse.ArgumentTypeError(f"'{text}' is not {wanted} number{'s' * (counts != (1,))} with commas")
        return values[0] if len(values) == 1 else values

    return read


def run(args: argparse.Namespace) -> int:
    """Measure, or filter again, and say what came out."""
    if (args.source is None) == (args.earlier is None):
        raise ValueError("gjadet measure needs either source=VIDEO, or from=DIR to filter an earlier result again.")
    measurement, written = again(args) if args.earlier else anew(args)
    for line in report(measurement):
        print(line)
    if written.advice:
        print(written.advice)
    page = args.out / "report.html"
    print(f"Report: {page}" if "report.html" in written.files else f"Wrote {args.out}")
    return 0


def anew(args: argparse.Namespace) -> tuple[Measurement, Written]:
    """Measure a video."""
    from gjadet_yolo.measure.settings import MeasureSettings

    named = {"filter": args.filter, "confidence": args.conf} | {name: getattr(args, name) for name in SAME}
    settings = MeasureSettings.of(**{name: value for name, value in named.items() if value is not None})
    if args.model and settings.points:
        raise ValueError(f"model={args.model} finds markers, and points={settings.points} states them. Leave one out.")
    return measured(args.source, settings, args.out, args.force, args.model)


def measured(source: str, settings: Any, out: Path, force: bool, model: str | None) -> tuple[Measurement, Written]:
    """Measure a video into a folder.

    Args:
        settings: Of the measurement.
    """
    from gjadet_yolo.cli.progress import progress
    from gjadet_yolo.folders.whole import inputs_of, refuse_existing, whole_folder
    from gjadet_yolo.measure.frames import open_frames

    files = [str(file) for file in (settings.plane, settings.camera, settings.points) if file]
    inputs = inputs_of(source, model, *files)
    refuse_existing(out, force, inputs)
    frames = open_frames(source, settings.fps)  # what cannot be read is refused before torch is imported
    from gjadet_yolo.measure.chain import Counted, measure_video
    from gjadet_yolo.measure.detector import RELEASED, ModelDetector
    from gjadet_yolo.report.write import write_results

    typed = settings.typed() | {"source": source}
    with whole_folder(out, force, tool="gjadet measure", settings=plain(typed), inputs=inputs) as folder:
        detector = None if settings.points else ModelDetector(model or RELEASED, settings.imgsz)
        found = measure_video(source, settings, detector, progress)
        shown: Iterable[Any] = Counted(first_of(frames, found.source.frames), found.source.frames)
        written = write_results(found, folder, progress(shown, "writing"))
    return found, written


def first_of(frames: Iterable[Any], count: int) -> Iterable[Any]:
    """The first frames: what follows a cut was not measured."""
    for _, frame in zip(range(count), frames, strict=False):
        yield frame


def again(args: argparse.Namespace) -> tuple[Measurement, Written]:
    """Filter an earlier result again.

    Raises:
        ValueError: No filter, or settings that only measuring again would apply.
    """
    from gjadet_yolo.folders.whole import refuse_existing, whole_folder
    from gjadet_yolo.measure.assemble import refilter
    from gjadet_yolo.report.store import load
    from gjadet_yolo.report.write import STORE, write_results

    stated = [name for name in ANEW if getattr(args, name) not in (None, False)]
    if stated or not args.filter:
        wrong = f"{stated[0]} takes measuring anew" if stated else "there is no filter"
        raise ValueError(f"from={args.earlier} filters again and changes nothing else: {wrong}. Example: filter=50hz")
    refuse_existing(args.out, args.force, [args.earlier])
    found = refilter(load(args.earlier / STORE), args.filter)
    settings = plain({"from": args.earlier, "filter": args.filter})
    with whole_folder(args.out, args.force, tool="gjadet measure", settings=settings, inputs=[args.earlier]) as folder:
        written = write_results(found, folder, earlier=args.earlier)
    return found, written


def plain(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings for the mark of a folder: paths as text."""
    return {name: str(value) if isinstance(value, Path) else value for name, value in settings.items()}


def report(measurement: Measurement) -> list[str]:
    """What came out, line by line."""
    from gjadet_yolo.report.wording import body_name, counted, reading, with_bar, worded

    quality = measurement.quality
    found = counted(len(measurement.kind), "marker"), counted(len(measurement.reference), "body", "bodies")
    lines = [
        f"{' on '.join(found)} in {counted(measurement.source.frames, 'frame')}; measured in "
        f"{quality.get('measured_percent', math.nan):.1f} % of them from first to last sight"
    ]
    for body in range(len(measurement.reference)):
        found = {one.name: one for one in measurement.figures if one.body == body}
        parts = [f"{worded(name).lower()} {with_bar(*reading(one))}" for name in QUOTED if (one := found.get(name))]
        if parts:
            lines.append(f"{body_name(body, False)}: {', '.join(parts)}")
    return lines + [f"Note: {note}" for note in measurement.notes]
