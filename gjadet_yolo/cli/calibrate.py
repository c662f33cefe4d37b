"""``gjadet calibrate``: a camera from pictures of a chessboard."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gjadet_yolo.cli.arguments import add_flag

if TYPE_CHECKING:
    from gjadet_yolo.measure.calibrate import Calibration

SUFFIXES = (".yaml", ".yml")


def add_subparser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "calibrate",
        allow_abbrev=False,
        help="measure a camera's lens from chessboard pictures",
        description="Find a chessboard in pictures of one camera, fit its focal lengths, centre and distortion, and "
        "write them with the standard deviation of each; a picture of the residuals is put beside the file.",
    )
    add = parser.add_argument
    add("--images", type=Path, required=True, metavar="DIR", help="folder of the pictures, ten or more")
    add("--pattern", required=True, metavar="NxM", help="inner corners of the board, 8x6 for one of 9 x 7 squares")
    add("--square_mm", type=float, required=True, metavar="MM", help="side of a square of the board")
    add("--out", type=Path, required=True, metavar="FILE", help="camera file to write, .yaml")
    add_flag(parser, "force", "replace the file of an earlier run")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Calibrate, and say how good it is."""
    chart = checked(args)
    from gjadet_yolo.folders.single import refuse_existing_files, write_files
    from gjadet_yolo.measure.boards import pattern_of, pictures_in
    from gjadet_yolo.measure.calibrate import calibrate
    from gjadet_yolo.measure.camera_file import camera_text
    from gjadet_yolo.measure.residual_chart import residual_chart

    pattern = pattern_of(args.pattern)
    # an earlier picture of residuals may lie among those of the board
    files = [file for file in pictures_in(args.images) if file.resolve() != chart.resolve()]
    refuse_existing_files((args.out, chart), args.force, is_camera_file, files)
    found = calibrate(files, pattern, args.square_mm)
    contents = {args.out: camera_text(found).encode(), chart: png(residual_chart(found))}
    write_files(contents, args.force, is_camera_file)
    for line in report(found):
        print(line)
    print(f"Wrote {args.out} and {chart}")
    return 0


def checked(args: argparse.Namespace) -> Path:
    """Name of the picture of residuals, for arguments that are possible.

    Raises:
        ValueError: One is not.
    """
    if not (math.isfinite(args.square_mm) and args.square_mm > 0):
        raise ValueError(f"square_mm is {args.square_mm:g}, allowed: a number above 0, the side of a square in mm.")
    if args.out.suffix.lower() not in SUFFIXES:
        raise ValueError(f"out={args.out}: allowed are names in .yaml or .yml, e.g. out=camera.yaml")
    return args.out.with_suffix(".png")


def is_camera_file(file: Path) -> bool:
    """Whether a file is a camera file that this verb wrote."""
    from gjadet_yolo.measure.camera_file import FORMAT

    try:
        with file.open("rb") as stream:
            return stream.read(200).startswith(f"# {FORMAT}".encode())
    except OSError:
        return False


def png(picture: Any) -> bytes:
    """A picture as the bytes of a PNG file."""
    import cv2

    return cv2.imencode(".png", picture)[1].tobytes()


def report(found: Calibration) -> list[str]:
    """What the user should know, line by line."""
    from gjadet_yolo.measure.calibrate import NAMES, RELEASED_FROM

    lines = [f"{'':4}{'value':>12}{'sigma':>12}"]
    for name in NAMES:
        lines.append(f"{name:4}{getattr(found.lens, name):12.5g}{found.sigma[name]:12.2g}")
    worst = max(found.pictures, key=lambda name: found.pictures[name])
    lines.append(
        f"Residual {found.rms_px:.3f} px RMS in {len(found.pictures)} pictures, at most {found.pictures[worst]:.3f} in "
        f"{worst}."
    )
    if math.isfinite(found.bend_mm):
        lines.append(f"The board is up to {found.bend_mm:.2g} mm off a flat one, which is taken into account.")
    else:
        lines.append(f"The board was taken for flat. With {RELEASED_FROM} pictures or more its shape is fitted too.")
    lines += [
        f"Left out: {name}, because it does not fit the others ({value:.2f} px). Was anything moved or refocused?"
        for name, value in found.left_out.items()
    ]
    lines += [f"Not used: {name}, {why}." for name, why in found.failed.items()]
    if found.lens.reach_px < math.hypot(*found.lens.size_px) / 2:
        lines.append(
            f"The model holds up to {found.lens.reach_px:.0f} px from the centre; nothing is measured in the corners "
            f"beyond. Pictures with the board there would help."
        )
    return lines
