"""``gjadet doctor``: versions, whether the plugin is active, where its files are, and what to do about problems."""

from __future__ import annotations

import argparse
import platform
import re
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distributions, version
from importlib.util import find_spec
from json import loads
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

import gjadet_yolo
from gjadet_yolo.cli.extras import EXTRAS, install_command

RUNNING = Path(gjadet_yolo.__file__).resolve().parent
REINSTALL = "pip install --force-reinstall --no-deps . (in a clone of gjadet-yolo)"
# module by distribution
PACKAGES = {"ultralytics": "ultralytics", "torch": "torch", "torchvision": "torchvision", "numpy": "numpy"}
# distributions that all install the module cv2, into one folder
OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
# all of them have to go first: removing one deletes files that the others share
ONE_OPENCV = "pip uninstall -y {} && pip install --force-reinstall --no-deps opencv-python"


@dataclass
class Findings:
    """Problems, which make the exit status 1, and hints, which do not."""

    problems: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)


def add_subparser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "doctor", allow_abbrev=False, help="check the installation", description=__doc__.replace("``", "")
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the findings."""
    findings = Findings()
    line("python", platform.python_version(), sys.executable)
    line("gjadet-yolo", gjadet_yolo.__version__, str(RUNNING))
    checks = (check_copies, check_packages, check_opencv, check_gpu, check_autoload, check_registration, check_files)
    for check in (*checks, check_extras):
        check(findings)
    # problems last, where a terminal shows them
    for kind, texts in (("HINT", findings.hints), ("PROBLEM", findings.problems)):
        for text in texts:
            print(f"{kind:<8} {text}")
    count = len(findings.problems)
    print(f"{count} problem{'s' if count > 1 else ''}." if count else "All is well.")
    return 1 if count else 0


def line(name: str, *parts: str) -> None:
    """Print one line of the table: name, version and place, or name and text."""
    print(f"{name:<14}{parts[0]:<12}{parts[1]}" if len(parts) > 1 else f"{name:<14}{parts[0]}")


def installed(name: str) -> str:
    """Version of a distribution; empty where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def check_copies(findings: Findings) -> None:
    """Other copies of this package that an interpreter could load, and outdated metadata of this one."""
    for place, found in sorted(copies().items()):
        line("another copy", found, str(place))
        text = (
            f"There are two copies of gjadet-yolo: {gjadet_yolo.__version__} in {RUNNING} runs here, "
            f"{found} in {place} may run elsewhere. Keep one: pip uninstall gjadet-yolo, install the one you want, "
            "and unset PYTHONPATH."
        )
        # copies of one version behave alike as long as neither changes
        (findings.hints if found == gjadet_yolo.__version__ else findings.problems).append(text)
    for distribution in distributions(name="gjadet-yolo"):
        if place_of(distribution) == RUNNING and distribution.version != gjadet_yolo.__version__:
            findings.hints.append(
                f"pip takes this copy for version {distribution.version}, because it has changed since. "
                f"Run again, in {RUNNING.parent}: pip install -e ."
            )


def copies() -> dict[Path, str]:
    """Folders with a ``gjadet_yolo`` other than the running one, on the path or installed, and the version of each."""
    # an editable installation puts no folder on the path, hence both
    places = {Path(entry or ".").resolve() / "gjadet_yolo" for entry in sys.path}
    places |= {place_of(distribution) for distribution in distributions(name="gjadet-yolo")}
    return {place: stated_version(place) for place in places - {RUNNING} if (place / "__init__.py").is_file()}


def place_of(distribution: Any) -> Path:
    """Package folder of an installation; for an editable one, that of its clone."""
    origin = loads(distribution.read_text("direct_url.json") or "{}")
    base = distribution.locate_file("")
    if origin.get("dir_info", {}).get("editable"):
        base = url2pathname(urlparse(origin["url"]).path)
    return Path(base).resolve() / "gjadet_yolo"


def stated_version(place: Path) -> str:
    """Version of a package folder."""
    # read and not imported: it cannot be imported beside the running one
    found = re.search(r'^__version__ = "(.+)"', (place / "__init__.py").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else "unknown"


def check_packages(findings: Findings) -> None:
    """Versions of required packages."""
    # none is imported: one that is broken would end this command, which is there to say so
    for name, module in PACKAGES.items():
        spec = find_spec(module)
        if spec is None:
            line(name, "missing")
            findings.problems.append(f"{name} is not installed. Run: {install_command(name)}")
        else:
            line(name, installed(name) or "unknown", str(Path(spec.origin or "").parent))


def check_opencv(findings: Findings) -> None:
    """Which OpenCV runs, and whether several distributions wrote into its folder."""
    present = [name for name in OPENCV if installed(name)]
    try:
        import cv2
    except ImportError as error:
        line("cv2", "missing")
        findings.problems.append(f"OpenCV cannot be imported: {error}. Run: {reinstall_opencv(present)}")
        return
    runs = opencv_name(cv2)
    line("cv2", cv2.__version__, f"{Path(cv2.__file__).parent}  ({runs})")
    if len(present) > 1:
        findings.hints.append(
            f"{' and '.join(f'{name} {installed(name)}' for name in present)} share one folder. {runs} runs, because "
            "it was installed last; removing any of them breaks cv2. Albumentations brings the headless one, and works "
            f"with either. To keep one: {reinstall_opencv(present)}"
        )


def opencv_name(cv2: Any) -> str:
    """Distribution that the module cv2 came with."""
    facts = getattr(cv2, "version", None)
    contrib, headless = (getattr(facts, name, False) for name in ("contrib", "headless"))
    return f"opencv-{'contrib-' if contrib else ''}python{'-headless' if headless else ''}"


def reinstall_opencv(present: list[str]) -> str:
    """Commands that leave opencv-python alone installed."""
    return ONE_OPENCV.format(" ".join(present)) if present else "pip install opencv-python"


def check_gpu(findings: Findings) -> None:
    """What torch can compute on; to have no GPU is no problem."""
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a library of it cannot be loaded
        line("gpu", "unknown, torch cannot be imported")
        if find_spec("torch"):  # else check_packages has said it
            findings.problems.append(f"torch cannot be imported: {error}. Run: pip install --force-reinstall torch")
        return
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    if names and torch.cuda.is_available():
        line("gpu", ", ".join(f"{name} (device={index})" for index, name in enumerate(names)))
    else:
        line("gpu", "Apple GPU (device=mps)" if torch.backends.mps.is_available() else "none, the CPU computes")


def check_autoload(findings: Findings) -> None:
    """Whether a fresh interpreter loads the plugin without an import."""
    code = "import sys; print('gjadet_yolo' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(sys.executable).parent, check=False
    )
    active = answer.stdout.strip() == "True"
    line("autoload", "active in new interpreters" if active else "not active")
    if not active:
        findings.problems.append(
            "New interpreters do not load the plugin. Unset GJADET_AUTOLOAD if it is 0, false, no or off, else run: "
            f"{REINSTALL}. 'import gjadet_yolo' works meanwhile."
        )


def check_registration(findings: Findings) -> None:
    """Host modules that are connected, and modules that are registered with them."""
    from gjadet_yolo.host import connect
    from gjadet_yolo.host.status import status

    connected: list[str] = []
    registered: list[str] = []
    try:
        connected, registered = connect.activate()
    except (ImportError, OSError, AttributeError) as error:  # of a host that is broken, or too old to have them
        if all(find_spec(module) for module in PACKAGES.values()):  # else check_packages has said it
            findings.problems.append(f"The plugin cannot be connected: {error}. Run: {install_command('ultralytics')}")
    line("connected", ", ".join(connected) or "nothing")
    line("modules", ", ".join(registered) or "none")
    if status.problem:
        findings.problems.append(status.problem)


def check_files(findings: Findings) -> None:
    """Where packaged YAMLs and checkpoints are."""
    from gjadet_yolo import locate

    for kind in ("cfg", "datasets", "weights"):
        names = sorted(path.name for path in locate.files(kind).values())
        shown = ", ".join(names) if len(names) < 5 else f"{len(names)} files, see gjadet models"
        line(kind, f"{locate.folder(kind)}  ({shown or 'empty'})")
        if not names:
            findings.problems.append(f"{locate.folder(kind)} is empty. Run: {REINSTALL}")


def check_extras(findings: Findings) -> None:
    """Libraries of the extras, and the commands that install those that are missing."""
    found = {name: installed(name) for name in EXTRAS}
    line("extras", ", ".join(f"{name} {number}" for name, number in found.items() if number) or "none")
    # one line per command, because an extra brings several of them
    for command in dict.fromkeys(install_command(name) for name, number in found.items() if not number):
        names = [name for name, number in found.items() if not number and install_command(name) == command]
        line("", f"without {', '.join(names)}: {command}")
