"""``gjadet convert``: COCO to YOLO and back."""

from __future__ import annotations

import argparse
from os.path import commonpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gjadet_yolo.cli.arguments import add_flag

if TYPE_CHECKING:
    from gjadet_yolo.data.formats.boxes import BoxDataset


def add_subparser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "convert",
        allow_abbrev=False,
        help="data sets between COCO and YOLO",
        description="COCO to YOLO (coco=DIR) or YOLO to COCO (yolo=data.yaml). Nothing is dropped in silence: findings "
        "are counted in a table and listed in conversion.csv.",
    )
    parser.add_argument("--coco", type=Path, metavar="DIR", help="folder with annotations/*.json, or one json file")
    parser.add_argument("--yolo", type=Path, metavar="YAML", help="data YAML of a YOLO tree, or its folder")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to create")
    parser.add_argument(
        "--images", choices=("link", "copy"), default="link", help="link to the images (default) or copy"
    )
    add_flag(parser, "copy", "copy the images, the same as images=copy")
    add_flag(parser, "force", "replace the folder of an earlier run")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Convert and print the table of findings."""
    from gjadet_yolo.cli.progress import progress
    from gjadet_yolo.data.formats.coco import read_coco
    from gjadet_yolo.data.formats.convert import sources, write_coco, write_yolo
    from gjadet_yolo.data.formats.yolo import read_yolo
    from gjadet_yolo.folders.whole import refuse_existing

    if (args.coco is None) == (args.yolo is None):
        raise ValueError("gjadet convert takes either coco=DIR (to YOLO) or yolo=data.yaml (to COCO).")
    refuse_existing(args.out, args.force, sources(args.coco, args.yolo))  # reading may take minutes
    data = read_coco(args.coco, progress) if args.coco else read_yolo(args.yolo, progress)
    print(table(data))  # shown even if writing fails
    write = write_yolo if args.coco else write_coco
    copy = args.copy or args.images == "copy"
    target = write(data, args.out, copy=copy, force=args.force, progress=progress)
    print(f"Wrote {target}")
    if linked(args.out):
        print(
            f"Its images are links to {source_folder(data)}, which has to stay where it is as seen from {args.out}. "
            f"To copy the images instead, say copy=true"
        )
    if data.report.rows:
        print(f"Each finding is listed in {args.out / 'conversion.csv'}")
    if args.coco:
        print(f"Train: yolo train model=gjadet.yaml data={target}")
    return 0


def linked(folder: Path) -> bool:
    """Whether a folder holds links."""
    # looked up, not taken from the arguments: where a file system refuses links, images were copied
    return any(path.is_symlink() for path in folder.rglob("*"))


def source_folder(data: BoxDataset) -> str:
    """The innermost folder that holds all images."""
    folders = {image.file.resolve().parent for images in data.splits.values() for image in images}
    # commonpath raises for folders on several drives
    return commonpath(folders) if len({folder.anchor for folder in folders}) == 1 else "several drives"


def table(data: BoxDataset) -> str:
    """Images, boxes per class and findings by split; below it findings on whole splits."""
    splits = list(data.splits)
    rows = [("images", [len(data.splits[split]) for split in splits])]
    for index, name in enumerate(data.names):
        counts = [sum(int((image.labels[:, 0] == index).sum()) for image in data.splits[split]) for split in splits]
        rows.append((f"boxes of {name}", counts))
    rows += [(what, [counts[split] for split in splits]) for what, counts in data.report.counts().items()]
    width = max(len(row[0]) for row in rows)
    sides = [max(10, len(split) + 2) for split in splits]
    lines = [" " * width + "".join(f"{split:>{side}}" for split, side in zip(splits, sides, strict=True))]
    for what, counts in rows:
        lines.append(f"{what:<{width}}" + "".join(f"{n:>{side}}" for n, side in zip(counts, sides, strict=True)))
    return "\n".join([*lines, *data.report.notes()])
