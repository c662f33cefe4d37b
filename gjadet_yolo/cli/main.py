"""The command ``gjadet``: one file per verb, arguments as ``key=value`` (as ``yolo`` users type) or ``--key value``."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import NoReturn

from gjadet_yolo.cli import (
    attention,
    calibrate,
    convert,
    demo,
    doctor,
    evaluate,
    explain,
    measure,
    models,
    predict,
    restore,
    synth,
    val,
    version,
)
from gjadet_yolo.cli.failures import explained, is_closed_pipe, is_fault, known_errors
from gjadet_yolo.cli.words import ASSIGNMENT, HELP, OPTION, UsageError, keys_of, normalise
from gjadet_yolo.messages import suggestion

VERBS = {
    "attention": attention,
    "calibrate": calibrate,
    "convert": convert,
    "demo": demo,
    "doctor": doctor,
    "evaluate": evaluate,
    "explain": explain,
    "measure": measure,
    "models": models,
    "predict": predict,
    "restore": restore,
    "synth": synth,
    "val": val,
    "version": version,
}
# command lines that work, tested: help shows all of a verb, refusals the first
EXAMPLES = {
    "attention": ("gjadet attention model=best.pt source=a.jpg",),
    "calibrate": ("gjadet calibrate images=DIR pattern=8x6 square_mm=30 out=camera.yaml",),
    "convert": ("gjadet convert coco=DIR out=DIR", "gjadet convert yolo=DIR/data.yaml out=DIR"),
    "demo": ("gjadet demo out=demo", "gjadet demo train=true epochs=40"),
    "doctor": ("gjadet doctor",),
    "evaluate": (
        "gjadet evaluate model=best.pt data=data.yaml out=DIR",
        "gjadet evaluate model=best.pt against=other.pt data=data.yaml degrade=fog,blur out=DIR",
    ),
    "explain": ("gjadet explain model=best.pt source=a.jpg out=DIR",),
    "measure": (
        "gjadet measure source=crash.avi fps=1000 square_mm=40 out=DIR",
        "gjadet measure from=DIR filter=50hz out=DIR2",
    ),
    "models": ("gjadet models scales=ns",),
    "predict": ("gjadet predict model=best.pt source=crash.mp4",),
    "restore": ("gjadet restore model=best.pt source=crash.avi out=DIR",),
    "synth": ("gjadet synth out=DIR images=2000 videos=4",),
    "val": ("gjadet val model=best.pt data=data.yaml",),
    "version": ("gjadet version",),
}
VERSION = ("-v", "-V", "--version")


class Parser(argparse.ArgumentParser):
    """Argument parser that raises instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. See: {self.prog} --help")


def build_parser() -> tuple[Parser, dict[str, Parser]]:
    """Parser with one sub-command per verb, and the verbs' own parsers by name."""
    parser = Parser(
        prog="gjadet",
        description="Small, dense, long-tailed and degraded targets for Ultralytics YOLO. Training, exports and all "
        "else are verbs of yolo itself, e.g. yolo train model=gjadet.yaml data=data.yaml.",
        epilog="Arguments are key=value or --key value. gjadet VERB --help explains a verb, with examples.",
        allow_abbrev=False,
    )
    parser.add_argument(*VERSION, dest="verb", action="store_const", const="version", help="print the version and exit")
    subparsers = parser.add_subparsers(dest="verb", metavar="VERB")
    for verb in VERBS.values():
        verb.add_subparser(subparsers)
    width = shutil.get_terminal_size().columns - 2  # as argparse itself
    for verb, own in subparsers.choices.items():
        lines = "\n".join(f"  {line}" for line in EXAMPLES[verb])
        own.formatter_class = argparse.RawDescriptionHelpFormatter  # keeps the lines of the examples
        own.description = textwrap.fill(own.description or "", width)
        own.epilog = f"arguments are key=value or --key value, for example:\n{lines}"
    return parser, subparsers.choices


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse a command line.

    Raises:
        UsageError: Unknown verb or key, with the closest match, or a value that is missing or not understood.
    """
    parser, verbs = build_parser()
    verb, *rest = argv or ["--help"]
    if verb in HELP:
        return argparse.Namespace(run=lambda _: parser.print_help())
    if verb in VERSION:
        verb = "version"  # words behind it are then checked as those of any verb
    if verb not in verbs:
        raise UsageError(no_verb(verb, rest))
    return parser.parse_args([verb, *normalise(rest, keys_of(verbs[verb]), verb, EXAMPLES[verb][0])])


def no_verb(word: str, rest: Sequence[str]) -> str:
    """Message for a command line that does not begin with a verb."""
    if ASSIGNMENT.fullmatch(word) or OPTION.fullmatch(word):
        verb = next((one for one in rest if one in VERBS), "predict")
        return f"'{word}' stands where the verb belongs. Example: {EXAMPLES[verb][0]}"
    return f"there is no verb '{word}'.{suggestion(word, list(VERBS))}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return the exit status, 1 for known errors."""
    try:
        args = parse(sys.argv[1:] if argv is None else argv)
        status = args.run(args) or 0
        sys.stdout.flush()  # a reader that has gone is noticed here and not when Python ends
        return status
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130  # 128 + SIGINT, as shells expect
    except known_errors() as error:
        if is_fault(error):
            raise
        if is_closed_pipe(error):
            return 141  # as of a command that SIGPIPE ends
        print(f"Error: {explained(error)}", file=sys.stderr)
        return 1
