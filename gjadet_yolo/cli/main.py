"""The command ``gjadet``: one file per verb, arguments as ``key=value`` (as ``yolo`` users type) or ``--key value``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from gjadet_yolo import __version__
from gjadet_yolo.cli import attention, convert, demo, doctor, models, predict, synth, val
from gjadet_yolo.locate import suggestion

VERBS = {
    "attention": attention,
    "convert": convert,
    "demo": demo,
    "doctor": doctor,
    "models": models,
    "predict": predict,
    "synth": synth,
    "val": val,
}


class UsageError(ValueError):
    """The command line is not understood."""


class Parser(argparse.ArgumentParser):
    """Argument parser that raises instead of leaving the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. See: {self.prog} --help")


def build_parser() -> Parser:
    """Parser with one sub-command per verb."""
    parser = Parser(prog="gjadet", description=__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(dest="verb", metavar="VERB")
    for verb in VERBS.values():
        verb.add_subparser(subparsers)
    return parser


def normalise(argv: Sequence[str]) -> list[str]:
    """Turn ``key=value`` into ``--key=value``; everything else stays."""
    return [f"--{arg}" if "=" in arg and arg.split("=")[0].isidentifier() else arg for arg in argv]


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse a command line.

    Raises:
        UsageError: Unknown verb or key, with the closest match, or a value that is missing or not understood.
    """
    parser = build_parser()
    words = normalise(argv)
    if words and not words[0].startswith("-") and words[0] not in VERBS:
        raise UsageError(f"there is no verb '{words[0]}'.{suggestion(words[0], list(VERBS))}")
    args, unknown = parser.parse_known_args(words)
    if unknown:
        key = unknown[0].lstrip("-").split("=")[0]
        keys = [name for name in vars(args) if name not in ("verb", "run")]
        raise UsageError(f"gjadet {args.verb or ''} has no argument '{key}'.{suggestion(key, keys)}")
    if not args.verb:
        parser.print_help()
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status, 1 for known errors."""
    try:
        args = parse(sys.argv[1:] if argv is None else argv)
        return args.run(args) if args.verb else 0
    except (ValueError, OSError, RuntimeError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
