"""``gjadet version``: which gjadet-yolo runs."""

from __future__ import annotations

import argparse
from typing import Any

from gjadet_yolo import __version__


def add_subparser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "version", allow_abbrev=False, help="print the version", description=__doc__.replace("``", "")
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the version."""
    print(__version__)
    return 0
