"""Arguments and helpers that the verbs in tiles, predict and val, share."""

from __future__ import annotations

import argparse
import pickle
import struct
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from itertools import repeat
from pathlib import Path
from typing import Any

from gjadet_yolo.cli.arguments import add_flag, natural, positive, truth
from gjadet_yolo.cli.extras import install_command
from gjadet_yolo.cli.progress import progress
from gjadet_yolo.data.formats.content import is_pipe
from gjadet_yolo.messages import cut, shown

# arguments that are passed on to the host as they are
HOST = ("iou", "max_det", "device", "half", "augment", "classes", "agnostic_nms", "project", "name", "exist_ok")
LISTED = 10  # files that a message names
SAID = 200  # characters of the host's message
CAMERA_DIGITS = 9  # OpenCV takes numbers of 32 bits
FAULTY, REMEDY = "cannot be read as a checkpoint:", "Copy it again, or use another one."


class TileBar:
    """Progress over the pictures that the network sees; a ``Watch`` of ``engine/tiles.py``."""

    steps: Iterator[Any] | None = None

    def start(self, total: int | None) -> None:
        """Show a bar, without an end if none is known."""
        endless, self.left = repeat(None), total
        if total == 0:
            return
        self.steps = iter(progress(endless if total is None else range(total), "tiles"))

    def tick(self, views: int) -> None:
        """Advance the bar."""
        for _ in range(views if self.steps else 0):
            next(self.steps, None)
        self.left = None if self.left is None else self.left - views

    def stop(self) -> None:
        """Finish the bar, or leave it where the work stopped early."""
        # the generator prints its last line when it is asked for one item too many
        if self.steps is None:
            return
        if self.left is not None and self.left <= 0:
            next(self.steps, None)
        self.steps.close()
        self.steps = None


def numbers(text: str) -> list[int]:
    """Class numbers, ``0,2`` or ``[0, 2]``."""
    parts = text.strip("[]() ").split(",")
    if not all(part.strip().isdigit() for part in parts):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of class numbers such as 0,2")
    return [int(part) for part in parts]


def add_tiling(parser: Any) -> None:
    """Add how frames are cut, and the settings that both verbs pass on to the host."""
    add = parser.add_argument
    add("--model", required=True, metavar="FILE", help="checkpoint, e.g. best.pt")
    add("--tile", type=positive, default=640, metavar="PX", help="side of a tile, a multiple of 32 (default 640)")
    add("--overlap", type=natural, metavar="PX", help="overlap of neighbours (default a fifth of a tile)")
    add("--batch", type=positive, default=4, metavar="N", help="tiles at a time (default 4)")
    add("--imgsz", type=positive, metavar="PX", help="longer side of a frame before it is cut (default as it is)")
    add("--iou", type=float, default=0.7, metavar="IOU", help="of NMS (default 0.7)")
    add("--max_det", type=positive, default=1000, metavar="N", help="most boxes per frame (default 1000)")
    add("--device", metavar="NAME", help="cpu, 0, mps ... (default as yolo chooses)")
    add("--classes", type=numbers, metavar="N,N", help="numbers of the classes to keep (default all)")
    add("--project", metavar="DIR", help="folder of the results (default runs/detect)")
    add("--name", metavar="NAME", help="its folder in there")
    add("--restore", type=truth, default=True, metavar="BOOL", help="off: leave out the restorer of a model with one")
    flags = {
        "exist_ok": "write into that folder if it is there already",
        "augment": "see every tile mirrored and reduced too, slower and surer",
        "agnostic_nms": "one box per place, whatever its class",
        "half": "half precision, on a GPU",
        "save_json": "write detections.json: boxes in px; the upper left pixel spans 0 to 1",
        "save_csv": "write detections.csv, the same as a table",
    }
    for name, text in flags.items():
        add_flag(parser, name, text)


def tiles(args: argparse.Namespace) -> Any:
    """How frames are cut."""
    from gjadet_yolo.engine.tiles import Tiles

    return Tiles(args.tile, args.tile // 5 if args.overlap is None else args.overlap, args.batch)


def passed_on(args: argparse.Namespace, *more: str) -> dict[str, Any]:
    """Settings of the host that were stated."""
    # the others are left out, so that the host's defaults hold
    given = {name: getattr(args, name) for name in (*HOST, *more) if getattr(args, name) not in (None, False)}
    if not args.restore:
        given["restore"] = False
    if given.pop("half", False):
        given["quantize"] = 16  # the host's newer word; half=True makes it print a warning
    return {**given, "verbose": args.verbose}


def loaded(name: str) -> Any:
    """Model of a checkpoint, an export or a YAML.

    Raises:
        FileNotFoundError: There is no such file; with the closest match beside it or in the package.
        ValueError: It cannot be read.
    """
    from ultralytics import YOLO

    from gjadet_yolo.host.building import FAULTS
    from gjadet_yolo.host.status import PluginError  # its package registers where the autoload files are switched off

    missing = f"model {name} does not exist.{closest(name, models=True)}"
    # bare names and addresses are left to the host, which finds packaged files and downloads
    if Path(name).parent != Path() and not Path(name).exists() and "://" not in name:
        raise FileNotFoundError(missing)
    if is_pipe(Path(name)):
        raise ValueError(f"model {name} is a pipe or device, expected a file.")
    try:
        model = YOLO(name)
    except FileNotFoundError as error:
        raise FileNotFoundError(missing) from error
    except PluginError:
        raise  # says itself what is wrong
    except ModuleNotFoundError as error:
        top = (error.name or "").split(".")[0]
        if top in ("", "gjadet_yolo"):
            raise
        raise ModuleNotFoundError(f"{name} needs {top}. Run: {install_command(top)}", name=error.name) from error
    except (*FAULTS, pickle.UnpicklingError, zipfile.BadZipFile, struct.error, EOFError, OSError) as error:
        if Path(name).suffix.lower() != ".pt" or not Path(name).is_file():
            raise
        # the first line, without what the host puts in front of a dash and in brackets
        reason = (str(error).splitlines() or [""])[0].split("—")[-1].split(" (")[0].strip(" .")[:SAID]
        raise ValueError(
            f"{name} ({Path(name).stat().st_size:,} bytes) {FAULTY} {reason or type(error).__name__}. {REMEDY}"
        ) from error
    check_loaded(model.model, name)
    return model


@contextmanager
def naming_model(name: str) -> Iterator[None]:
    """Let errors of torch while a model works, as of weights that do not fit together, name the model.

    Raises:
        RuntimeError: With the name in front.
    """
    import torch

    from gjadet_yolo.host.status import PluginError

    try:
        yield
    except RuntimeError as error:
        if isinstance(error, (PluginError, torch.cuda.OutOfMemoryError)) or name in str(error):
            raise
        raise RuntimeError(f"model {name} fails: {error}") from error


def check_loaded(model: Any, name: str) -> None:
    """Refuse what the host takes for a model and fails on later: a file of another kind, or odd content.

    Raises:
        ValueError: Names the model and what it lacks.
    """
    from torch import Tensor, nn

    from gjadet_yolo.host.export import export_suffixes

    if not isinstance(model, nn.Module):
        suffixes = export_suffixes()
        if "://" not in name and not any(suffix in Path(model).name.lower() for suffix in suffixes):
            allowed = ", ".join(suffixes)
            raise ValueError(f"model {name} is no checkpoint, model YAML or export. Their names end in: {allowed}.")
        return
    strides, names, content = (getattr(model, key, None) for key in ("stride", "names", "yaml"))
    if not (isinstance(strides, Tensor) and strides.numel() and bool((strides > 0).all())):
        raise ValueError(f"{name} {FAULTY} its strides are {shown(strides)}. {REMEDY}")
    if not (isinstance(names, (dict, list, tuple)) and names):
        raise ValueError(f"{name} {FAULTY} its class names are {shown(names)}. {REMEDY}")
    if not isinstance(content, dict):
        raise ValueError(f"{name} {FAULTY} its model YAML is {shown(content)}. {REMEDY}")


def check_source(source: str) -> None:
    """Refuse a path that does not exist, before anything is loaded.

    Raises:
        FileNotFoundError: With the closest match beside it.
        ValueError: A camera whose number is none.
    """
    if source.isdecimal() and len(source) > CAMERA_DIGITS:
        raise ValueError(f"source {cut(source, 40)} is neither a file nor the number of a camera, such as 0.")
    device = source.isdecimal() or source.lower().split()[0:1] == ["screen"]
    if not (device or "://" in source or "*" in source or Path(source).exists()):
        raise FileNotFoundError(f"source {source} does not exist.{closest(source)}")


def closest(name: str, models: bool = False) -> str:
    """End of an error message: the file beside a path whose name is most like it."""
    from gjadet_yolo import locate

    path = Path(name)
    folder = path.parent
    options = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    if models and folder == Path():
        options += [file.name for kind in ("weights", "cfg") for file in locate.files(kind).values()]
    if not folder.is_dir():
        return f" There is no folder {folder}."
    close = get_close_matches(path.name, options, n=1, cutoff=0.5)
    return f" Did you mean '{folder / close[0]}'?" if close else ""


def listed(files: Sequence[str]) -> str:
    """Files for a message, the first ten of many."""
    more = len(files) - LISTED
    return ", ".join(files[:LISTED]) + (f" and {more} more" if more > 0 else "")


def warn(text: str) -> None:
    """Print a warning."""
    print(f"Warning: {text}", file=sys.stderr)


def save_detections(args: argparse.Namespace, folder: Path, found: Sequence[Any], names: dict[int, str]) -> None:
    """Write the files that ``save_json`` and ``save_csv`` ask for, and say where they are.

    Args:
        args: The verb's.
        folder: Of the results.
        found: ``Detections`` of each frame.
        names: Class names by number.
    """
    from gjadet_yolo.evaluate.detections import as_csv, as_json, write_whole

    if args.save_json:
        print(write_whole(folder / "detections.json", as_json(found, names, args.model)))
    if args.save_csv:
        print(write_whole(folder / "detections.csv", as_csv(found, names)))
