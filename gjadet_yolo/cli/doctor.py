"""``gjadet doctor``: versions, whether the plugin is active, where it finds its files, and what to do if not."""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

REINSTALL = "pip install --force-reinstall --no-deps . (in a clone of gjadet-yolo)"
PACKAGES = ("gjadet-yolo", "ultralytics", "torch", "torchvision", "opencv-python", "numpy")


def add_subparser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "doctor", allow_abbrev=False, help="check the installation", description=__doc__.replace("``", "")
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the findings; 0 when all is well."""
    problems: list[str] = []
    print(f"python        {platform.python_version()}  {sys.executable}")
    for name in PACKAGES:
        print(f"{name:<13} {installed_version(name, problems)}")
    check_autoload(problems)
    check_registration(problems)
    check_files(problems)
    for problem in problems:
        print(f"PROBLEM  {problem}")
    print("All is well." if not problems else f"{len(problems)} problem{'s' if len(problems) > 1 else ''}.")
    return 1 if problems else 0


def installed_version(name: str, problems: list[str]) -> str:
    """Version of a distribution."""
    try:
        return version(name)
    except PackageNotFoundError:
        if find_spec(name.replace("opencv-python", "cv2").replace("-", "_")):
            return "present, not installed by pip"
        problems.append(f"{name} is not installed. Run: pip install {name}")
        return "missing"


def check_autoload(problems: list[str]) -> None:
    """Whether a fresh interpreter loads the plugin without an import."""
    code = "import sys; print('gjadet_yolo' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(sys.executable).parent, check=False
    )
    active = answer.stdout.strip() == "True"
    print(f"autoload      {'active in new interpreters' if active else 'not active'}")
    if not active:
        problems.append(
            "New interpreters do not load the plugin. Unset GJADET_AUTOLOAD if it is 0, else run: "
            f"{REINSTALL}. 'import gjadet_yolo' works meanwhile."
        )


def check_registration(problems: list[str]) -> None:
    """What is registered with the host."""
    from gjadet_yolo import plugin

    connected, registered = plugin.activate()
    print(f"connected     {', '.join(connected) or 'nothing'}")
    print(f"modules       {', '.join(registered) or 'none'}")
    if plugin.status.problem:
        problems.append(plugin.status.problem)


def check_files(problems: list[str]) -> None:
    """Where packaged YAMLs lie."""
    from gjadet_yolo import locate

    for kind in ("cfg", "datasets"):
        names = sorted(locate.files(kind))
        print(f"{kind:<13} {locate.folder(kind)}  ({', '.join(names) or 'empty'})")
        if not names:
            problems.append(f"{locate.folder(kind)} holds no YAML. Run: {REINSTALL}")
