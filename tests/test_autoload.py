"""The plugin in new processes: what starts it, what it costs, and how it is switched off."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gjadet_yolo import autoload

LOADED = "import sys; print(sorted(m for m in ('gjadet_yolo', 'torch', 'numpy', 'ultralytics') if m in sys.modules))"


def test_starts_without_torch_and_without_import(cold):
    assert cold(LOADED).stdout.strip() == "['gjadet_yolo']"


def test_switch_off(cold):
    assert cold(LOADED, GJADET_AUTOLOAD="0").stdout.strip() == "[]"


def test_switched_off_import_registers(fresh):
    code = "import gjadet_yolo; from ultralytics import YOLO; print(type(YOLO('gjadetn.yaml').model).__name__)"
    assert fresh(code, GJADET_AUTOLOAD="0").stdout.split()[-1] == "GjadetModel"


def test_import_after_the_host_registers(fresh):
    code = (
        "from ultralytics import YOLO; YOLO('yolov8n.yaml'); import gjadet_yolo; "
        "print(type(YOLO('gjadetn.yaml').model).__name__)"
    )
    assert fresh(code, GJADET_AUTOLOAD="0").stdout.split()[-1] == "GjadetModel"


@pytest.mark.parametrize("first", ["gjadet_yolo.nn", "gjadet_yolo.engine.trainer", "gjadet_yolo.losses.criterion"])
def test_any_module_can_be_imported_first(fresh, first):
    done = fresh(f"import {first}; from ultralytics import YOLO; YOLO('gjadetn.yaml')")
    assert done.returncode == 0, done.stderr


def test_start_file_takes_back_when_switched_off(cold):
    code = (
        "import sys; from gjadet_yolo import autoload; autoload.start(); "
        "print('gjadet_yolo' in sys.modules, autoload.installed()); "
        "import gjadet_yolo; print(gjadet_yolo.autoload.installed())"
    )
    assert cold(code, GJADET_AUTOLOAD="0").stdout.split() == ["False", "False", "True"]
    assert cold(code).stdout.split()[-1] == "True"


def test_pth_line_never_raises(installation, tmp_path):
    """The line as installed, in an interpreter that has no such package."""
    line = Path(installation.locate_file("gjadet_yolo_autoload.pth")).read_text(encoding="utf-8")
    assert line.count("\n") == 1  # one import line, or site would not run it as a whole
    command = [sys.executable, "-S", "-c", line]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={}, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_autoload_files_are_recorded(installation):
    """Uninstalling removes what RECORD lists."""
    names = {str(file) for file in installation.files}
    assert {"gjadet_yolo_autoload.pth", "gjadet_yolo_autoload.start"} <= names


def test_install_twice_is_harmless():
    autoload.install()
    autoload.install()
    assert sys.meta_path.count(autoload.SeamFinder) == 1
