"""Import hook that registers the plugin when the host's modules load.

Ultralytics has no plugin mechanism. A ``.pth`` file (and a ``.start`` file for Python 3.15+, PEP 829) in site-packages
imports this package in every interpreter, and the package calls :func:`install`. The hook costs one string comparison
per import; torch and Ultralytics are imported by nobody but the user. ``GJADET_AUTOLOAD=0`` (or ``false``, ``no``,
``off``) switches the files off; ``import gjadet_yolo`` always registers.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing typing would cost more than everything else here
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

SEAMS = (
    "ultralytics.nn.tasks",
    "ultralytics.data.utils",
    "ultralytics.models.yolo.model",
    "ultralytics.engine.exporter",
)
"""Host modules that the plugin touches; ``gjadet_yolo.plugin`` holds one function for each."""

PATCHED = "__gjadet_patched__"
"""Mark of a host module that has been handed to the plugin."""

OFF = ("0", "false", "no", "off")
"""Values of ``GJADET_AUTOLOAD``, in any case, that switch the files off; setup.py writes them into the .pth file."""


class SeamLoader:
    """Loader that runs the host's own loader first and then connects the plugin to the module."""

    def __init__(self, loader: object) -> None:
        self.loader = loader

    def __getattr__(self, name: str) -> object:
        """Behave like the host's loader in everything else (``get_source``, ``is_package``, ...)."""
        return getattr(self.loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        vars(module).pop(PATCHED, None)  # a reload keeps the mark and undoes what it stands for
        connect(module)


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


def connect(module: ModuleType) -> None:
    """Hand a loaded host module to the plugin."""
    from gjadet_yolo import plugin

    plugin.connect(module)


def install() -> None:
    """Register with the host: now for what is already loaded, later for the rest. Calling it twice is harmless."""
    if SeamFinder not in sys.meta_path:
        sys.meta_path.insert(0, SeamFinder)
    for name in SEAMS:
        if name in sys.modules:
            connect(sys.modules[name])


def installed() -> bool:
    """Whether the import hook is active in this interpreter."""
    return SeamFinder in sys.meta_path


def start() -> None:
    """Entry point named in the ``.start`` file; importing this module has already installed the hook.

    Where ``GJADET_AUTOLOAD`` is one of ``OFF``, it takes everything back, so that a later ``import gjadet_yolo``
    registers again.
    """
    if os.environ.get("GJADET_AUTOLOAD", "").lower() in OFF:
        sys.meta_path.remove(SeamFinder)
        for name in ("gjadet_yolo", "gjadet_yolo.autoload"):
            sys.modules.pop(name, None)
