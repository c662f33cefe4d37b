"""Autoload files for site-packages; everything else is in setup.cfg.

``gjadet_yolo_autoload.pth`` imports the package when an interpreter starts; from Python 3.15 on,
``gjadet_yolo_autoload.start`` does (PEP 829) and the import line of the .pth file of the same name is passed over.
Both are listed as outputs, so that uninstalling removes them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel

PTH = (
    "import os; exec(\"if os.environ.get('GJADET_AUTOLOAD', '').lower() not in ('0', 'false', 'no', 'off'):\\n"
    ' try:\\n  import gjadet_yolo\\n except Exception:\\n  pass")\n'
)
FILES = {"gjadet_yolo_autoload.pth": PTH, "gjadet_yolo_autoload.start": "gjadet_yolo.autoload:start\n"}


class BuildPy(build_py):
    """Write the autoload files into the wheel's root."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for name, text in FILES.items():
                path = Path(self.build_lib) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [*super().get_outputs(include_bytecode), *(str(Path(self.build_lib) / name) for name in FILES)]


class WithAutoload:
    """Editable strategy that also writes the autoload files into the editable wheel."""

    def __init__(self, strategy: Any) -> None:
        self.strategy = strategy

    def __enter__(self) -> WithAutoload:
        self.strategy.__enter__()
        return self

    def __exit__(self, *details: Any) -> Any:
        return self.strategy.__exit__(*details)

    def __call__(self, wheel: Any, files: list[str], mapping: dict[str, str]) -> None:
        self.strategy(wheel, files, mapping)
        for name, text in FILES.items():
            wheel.writestr(name, text)


class EditableWheel(editable_wheel):
    """Editable wheel with the autoload files."""

    def _select_strategy(self, *args: Any, **kwargs: Any) -> WithAutoload:
        return WithAutoload(super()._select_strategy(*args, **kwargs))


setup(cmdclass={"build_py": BuildPy, "editable_wheel": EditableWheel})
