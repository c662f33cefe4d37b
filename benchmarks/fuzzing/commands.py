"""Cases of command lines: ``gjadet convert``, ``synth``, ``attention`` and ``predict`` with odd arguments."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from fuzzing.case import Case, Draw, Misbehaved, Refused
from fuzzing.checkpoints import tiny
from fuzzing.hostile import NAMES, Target, named, put_special, target
from fuzzing.mutate import mutated_bytes
from fuzzing.samples import picture
from fuzzing.trees import coco_tree, yolo_tree

Verbs = dict[str, Callable[[Draw], tuple[dict[str, str], Target | None]]]
VALUES = (
    "", " ", "0", "-1", "1.5", "nan", "inf", "-inf", "1e999", "9" * 400, "1,2", "2,1", "a,b", ",", "true", "false",
    "maybe", "None", "[]", "x" * 5000, "é", "\uff11", "²", "a\nb", "=", "--force", "../..", "{", "%s", "64", "63",
)  # fmt: skip
COUNTS = [
    "images",
    "videos",
    "workers",
    "frames",
    "width",
    "seconds",
    "fps",
    "imgsz",
    "max_det",
    "batch",
    "line_width",
    "tile",
]
"""Where a large value, or the default, asks for a long job and not for an error."""
WORDS = [
    *["--help", "--version", "-h", "-x", "force", "convert", "out", "=", "--", "--out", "--force=", "a=b=c", "@file"],
    "\0",
]


def command(argv: list[str]) -> None:
    """Run a command line.

    Raises:
        Refused: It ended with status 1 and an error in words.
        Misbehaved: It ended in any other way than that, or with status 0.
    """
    from gjadet_yolo.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(argv)
        except SystemExit as leaving:  # of --help and --version
            status = leaving.code
    text = err.getvalue()
    if "Traceback (most recent call last)" in text:
        raise Misbehaved(f"a traceback was printed: {text[-2000:]}")
    if status == 1 and "Error: " in text:
        raise Refused(text.rpartition("\nError: ")[2].removeprefix("Error: ").rstrip("\n"))
    if status not in (0, None):
        raise Misbehaved(f"status {status}, and on standard error: {text[-300:]!r}")


def run_command_case(draw: Draw, verbs: Verbs | None = None, shares: tuple[str, ...] = ()) -> Case:
    """A command line with up to two odd arguments.

    Args:
        verbs: Makers of arguments by verb; those of this file by default.
        shares: Verbs, each as often as it shall come.
    """
    verbs = verbs or VERBS
    verb = str(draw.pick(shares or ("convert", "convert", "synth", "synth", "predict", "attention")))
    (draw.folder / "in").mkdir()
    arguments, place = verbs[verb](draw)
    if place and place.earlier:
        command([verb, *pairs(arguments | {"out": str(place.out)})])
    if place:
        arguments |= {"out": str(place.out), "force": str(place.force).lower()}
    words, story = [verb], list(place.story) if place else []
    for _ in range(int(draw.rng.integers(0, 3))):
        story.append(change(draw, arguments, words))
    argv = [*words, *pairs(arguments)]
    if draw.chance(0.05):
        argv[int(draw.rng.integers(len(argv)))] = str(draw.pick(WORDS))
    names = [*arguments, *words, "verb", *(f"{value} " for value in arguments.values())]
    names += [f"'{value}'" for value in arguments.values()]
    names += [value for value in arguments.values() if "/" in value]  # also where a name alone is too short to count
    names += [form for value in arguments.values() for form in named(Path(value).name)]
    shown = " ".join(word.replace(str(draw.folder), "CASE")[:80] for word in argv)
    call = functools.partial(command, argv)
    return Case(call, tuple(name for name in names if len(name) > 1), [*story, f"gjadet {shown}"], replaced(place))


def replaced(place: Target | None) -> Path | None:
    """An earlier result that a success may replace."""
    return place.out if place and place.earlier else None


def pairs(arguments: dict[str, str]) -> list[str]:
    """Arguments as they are typed."""
    return [f"{key}={value}" for key, value in arguments.items()]


def change(draw: Draw, arguments: dict[str, str], words: list[str]) -> str:
    """Change one argument, leave one out, add one, or misspell the verb."""
    key, kind = str(draw.pick(list(arguments))), draw.rng.random()
    value = str(draw.pick(VALUES))
    if kind < 0.6:
        if key in COUNTS and value.isdigit() and len(value) < 400:
            value = "0"
        if key == "workers" and len(value) == 400:  # as many processes as there are pictures, at most
            value = "0.5"
        arguments[key] = value
        return f"{key} = {value[:60]!r}"
    if kind < 0.75 and key not in COUNTS:
        del arguments[key]
        return f"without {key}"
    if kind < 0.9:
        wrong = str(draw.pick((f"{key}s", key.upper(), key[:-1] or "k", "extra", "")))
        arguments[wrong] = value
        return f"with {wrong!r} = {value[:60]!r}"
    words[0] = str(draw.pick((words[0] + "s", words[0].upper(), "", "train", "é")))
    return f"verb {words[0]!r}"


def convert(draw: Draw) -> tuple[dict[str, str], Target | None]:
    """Either direction, from a valid tree or a spoilt one."""
    key, tree = draw.pick((("coco", coco_tree), ("yolo", yolo_tree)))
    spoil = str(draw.pick(("", "", "values", "bytes", "special", "name")))
    (draw.folder / "in").rmdir()
    source, _, _ = tree(draw, draw.folder / "in", spoil)
    place = settled(draw, target(draw, source), not spoil)
    return {key: str(source), "images": str(draw.pick(("link", "copy")))}, place


def synth(draw: Draw) -> tuple[dict[str, str], Target | None]:
    """Two pictures, or a video of two frames."""
    arguments = {"images": "2", "imgsz": "64", "seed": "0", "square": "4.5,8", "workers": "1", "point": "1"}
    if draw.chance(0.3):
        arguments = dict(word.split("=") for word in VIDEO.split())
        arguments["pulse"] = str(draw.pick(("haversine", "trapezoid", pulse_file(draw))))
    valid = not arguments.get("pulse", "").endswith(".csv")
    return arguments, settled(draw, target(draw, draw.folder / "in" / "pulse.csv"), valid)


def settled(draw: Draw, place: Target, valid: bool) -> Target:
    """Where there can be no earlier result, because the input is not valid, an empty place."""
    return Target(draw.folder / "out") if place.earlier and not valid else place


def pulse_file(draw: Draw) -> str:
    """A pulse table, half the time a broken one."""
    file = draw.folder / "in" / "pulse.csv"
    data = b"time_s,deceleration_mps2\n0,0\n0.01,200\n0.03,300\n0.05,0\n"
    file.write_bytes(mutated_bytes(draw, data)[0] if draw.chance(0.5) else data)
    return str(file)


def source_of(draw: Draw) -> Path:
    """A picture, a folder, or what only looks like one."""
    folder = draw.folder / "in"
    good = folder / f"{draw.pick(('a', 'a', 'a', *NAMES))}.png"
    good.write_bytes(picture(".png", 40, 64))
    odd = folder / f"odd{draw.pick(('.png', '.jpg', '.mp4', '.avi', '.txt', '.tif', ''))}"
    odd.write_bytes(mutated_bytes(draw, picture())[0])
    if draw.chance(0.1):
        put_special(draw, odd)
    return Path(draw.pick((good, good, folder, odd, folder / "gone.png", folder / "*.png")))


def predict(draw: Draw) -> tuple[dict[str, str], Target | None]:
    """The tiny model on odd sources."""
    arguments = {"model": str(tiny()), "source": str(source_of(draw)), "tile": "64", "conf": "0.5"}
    arguments["project"] = str(draw.folder / "runs")
    return arguments | dict(word.split("=") for word in EXTRAS.split() if draw.chance(0.3)), None


def attention(draw: Draw) -> tuple[dict[str, str], Target | None]:
    """Sheets of the tiny model on odd sources."""
    source = source_of(draw)
    valid = source.suffix == ".png" and "odd" not in source.name and source.is_file()
    arguments = {"model": str(tiny()), "source": str(source), **dict(word.split("=") for word in ATTENTION.split())}
    return arguments, settled(draw, target(draw, source), valid)


VIDEO = "images=0 videos=1 fps=500 seconds=0.004 imgsz=64 scene=rig workers=1"
ATTENTION = "imgsz=64 width=64 conf=0.5 vid_stride=1"
EXTRAS = "overlap=16 batch=2 iou=0.5 max_det=10 name=a save_txt=true device=cpu"
VERBS: Verbs = {
    "convert": convert,
    "synth": synth,
    "predict": predict,
    "attention": attention,
}
