"""Import hook that registers the plugin when the host's modules load.

Ultralytics has no plugin mechanism. A ``.pth`` file (and a ``.start`` file for Python 3.15+, PEP 829) in site-packages
imports this package in every interpreter, and the package calls :func:`install`. The hook costs one string comparison
per import; torch and Ultralytics are loaded only when the user's program imports them. ``GJADET_AUTOLOAD=0`` (or
``false``, ``no``, ``off``) switches the files off; ``import gjadet_yolo`` always registers.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing typing would cost more than everything else here
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

# Host modules in which something is wrapped; host/connect.py has one function for each.
SEAMS = (
    "ultralytics.cfg",
    "ultralytics.nn.tasks",
    "ultralytics.data.utils",
    "ultralytics.models.yolo.model",
    "ultralytics.engine.exporter",
)
PATCHED = "__gjadet_patched__"  # mark of a host module that has been handed over
OFF = ("0", "false", "no", "off")  # values of GJADET_AUTOLOAD in any case; setup.py repeats them in the .pth file


class SeamLoader:
    """Loader that runs the host's own loader first and then hands the module over."""

    def __init__(self, loader: object) -> None:
        self.loader = loader

    def __getattr__(self, name: str) -> object:
        return getattr(self.loader, name)  # get_source, is_package, ...

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        vars(module).pop(PATCHED, None)  # a reload keeps the mark but undoes the wrapping
        hand_over(module)


class SeamFinder:
    """Meta path finder that claims the seam modules only and leaves finding them to the other finders."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in SEAMS:
            return None
        for finder in sys.meta_path:
            if finder is SeamFinder or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = SeamLoader(spec.loader)
                return spec
        return None


def hand_over(module: ModuleType) -> None:
    """Have a loaded host module connected, once."""
    if getattr(module, PATCHED, False):
        return
    setattr(module, PATCHED, True)
    from gjadet_yolo.host import connect  # here: only interpreters that load the host pay for it

    connect.connect(module)


def install() -> None:
    """Register with the host: now for modules that are already loaded, later for the rest. Harmless when repeated."""
    if SeamFinder not in sys.meta_path:
        sys.meta_path.insert(0, SeamFinder)
    for name in SEAMS:
        if name in sys.modules:
            hand_over(sys.modules[name])


def installed() -> bool:
    """Whether the import hook is active in this interpreter."""
    return SeamFinder in sys.meta_path


def start() -> None:
    """Entry point named in the ``.start`` file; importing this module has already installed the hook."""
    if os.environ.get("GJADET_AUTOLOAD", "").lower() in OFF:
        sys.meta_path.remove(SeamFinder)
        for name in ("gjadet_yolo", "gjadet_yolo.autoload"):
            sys.modules.pop(name, None)  # so that a later ``import gjadet_yolo`` registers again
