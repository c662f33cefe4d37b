"""``gjadet restore``: images and videos through the restorer of a model, without its detector."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gjadet_yolo.cli.arguments import add_flag, positive
from gjadet_yolo.cli.tiling import check_source, listed, loaded, naming_model, warn

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    import numpy as np


def add_subparser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "restore",
        allow_abbrev=False,
        help="restore images and videos by the restorer of a model",
        description="Writes a restored PNG of each image and a restored AVI of each video, at their own sizes. The "
        "model needs a restore: block, as in gjadet-joint.yaml.",
    )
    add = parser.add_argument
    add("--model", required=True, metavar="FILE", help="checkpoint, e.g. best.pt")
    add("--source", required=True, metavar="PATH", help="image, folder or video")
    add("--out", type=Path, required=True, metavar="DIR", help="folder to create")
    add("--vid_stride", type=positive, default=1, metavar="N", help="take every Nth frame of a video (default 1)")
    add("--device", default="cpu", metavar="NAME", help="cpu, 0, mps ... (default cpu)")
    add_flag(parser, "side_by_side", "what came in at the left, restored at the right")
    add_flag(parser, "force", "replace the folder of an earlier run")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Restore, and say where the files are."""
    from gjadet_yolo.folders.whole import inputs_of, refuse_existing, whole_folder

    check_source(args.source)
    inputs = inputs_of(args.model, args.source)
    refuse_existing(args.out, args.force, inputs)
    from gjadet_yolo.evaluate.restored import restorer_of  # after it, because the imports take seconds
    from gjadet_yolo.host.sources import Files, refuse_pipes

    refuse_pipes(args.source)
    restorer = restorer_of(loaded(args.model).model, args.model).to(device_of(args.device))
    settings = {"model": args.model, "source": args.source, "side_by_side": args.side_by_side}
    place = whole_folder(args.out, args.force, tool="gjadet restore", settings=settings, inputs=inputs)
    with naming_model(args.model), place as folder:
        source = Files(args.source, 1, args.vid_stride)
        read = write_restored(source, restorer, folder, args.side_by_side)
        problems = source.problems(read)
        if not read:
            raise ValueError(f"nothing could be read: {listed(problems)}. Are these whole images or videos?")
    if problems:
        warn(
            f"{len(problems)} of {len(source.files) + len(source.empty)} files could not be read whole: "
            f"{listed(problems)}"
        )
    print(f"{sum(read.values())} pictures of {len(read)} files: {args.out}")
    return 0


def device_of(name: str) -> str:
    """Name of a device as torch writes it: ``0`` is the first GPU."""
    return f"cuda:{name}" if name.isdecimal() else name


def write_restored(source: Any, restorer: Any, folder: Path, both: bool) -> Counter[str]:
    """Write a restored file for each of a source.

    Returns:
        Pictures read, by file.
    """
    from collections import Counter
    from contextlib import ExitStack

    from gjadet_yolo.cli.progress import progress
    from gjadet_yolo.data.media import VideoFile, write_image

    read: Counter[str] = Counter()
    video: VideoFile | None = None
    with ExitStack() as open_video:
        for file, picture, moves in progress(restored_pictures(source, restorer, both), "pictures"):
            if not moves:
                write_image(new_file(folder, file, ".png"), picture)
            else:
                if not read[file]:
                    open_video.close()  # the video before, whose frames are checked here
                    video = open_video.enter_context(
                        VideoFile(new_file(folder, file, ".avi"), (picture.shape[1], picture.shape[0]))
                    )
                video.write(picture)
            read[file] += 1
    return read


def restored_pictures(source: Any, restorer: Any, both: bool) -> Iterator[tuple[str, np.ndarray, bool]]:
    """File, restored picture and whether it is of a video, one after the other."""
    from gjadet_yolo.evaluate.restored import restore_picture, side_by_side

    for (file,), (picture,), _ in source:
        after = restore_picture(restorer, picture)
        yield file, side_by_side({"as it was": picture, "restored": after}) if both else after, source.mode == "video"


def new_file(folder: Path, file: str, suffix: str) -> Path:
    """A file named as the source's; numbered where images of several folders have one name."""
    stem, number = Path(file).stem, 1
    while (place := folder / f"{stem}{f'-{number}' if number > 1 else ''}{suffix}").exists():
        number += 1
    return place
