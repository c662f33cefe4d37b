"""What a wheel holds: YAMLs under their bare names, the autoload files, and a record of both for uninstalling."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SOURCES = ("gjadet_yolo", "cfg", "datasets", "weights")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A regular and an editable wheel, built from a copy of the sources."""
    pytest.importorskip("setuptools", minversion="77")
    copy = tmp_path_factory.mktemp("source")
    for folder in SOURCES:
        shutil.copytree(REPOSITORY / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, copy / name)
    built = {}
    for kind in ("build_wheel", "build_editable"):
        out = tmp_path_factory.mktemp(kind)
        code = f"from setuptools import build_meta; build_meta.{kind}({str(out)!r})"
        done = subprocess.run([sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        built[kind] = next(out.glob("*.whl"))
    return built


@pytest.mark.parametrize("kind", ["build_wheel", "build_editable"])
def test_autoload_files_are_in_and_recorded(wheels, kind):
    with zipfile.ZipFile(wheels[kind]) as wheel:
        names = wheel.namelist()
        record = wheel.read(next(name for name in names if name.endswith("/RECORD"))).decode()
        assert wheel.read("gjadet_yolo_autoload.start").decode() == "gjadet_yolo.autoload:start\n"
    for name in ("gjadet_yolo_autoload.pth", "gjadet_yolo_autoload.start"):
        assert names.count(name) == 1
        assert f"{name},sha256=" in record


@pytest.mark.parametrize(
    ("value", "loaded"),
    [(None, True), ("1", True), ("", True), ("0", False), ("false", False), ("No", False), ("OFF", False)],
)
def test_switching_off(wheels, value, loaded):
    """The line of the .pth file, and what the .start file calls."""
    with zipfile.ZipFile(wheels["build_wheel"]) as wheel:
        line = wheel.read("gjadet_yolo_autoload.pth").decode()
    env = {"PYTHONPATH": str(REPOSITORY)} | ({} if value is None else {"GJADET_AUTOLOAD": value})
    for code in (line, "from gjadet_yolo import autoload; autoload.start()"):
        code += "\nimport sys; print('gjadet_yolo' in sys.modules)"
        done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, env=env, check=False)
        assert done.stdout == f"{loaded}\n", done.stderr


def test_every_package_file_is_in(wheels):
    with zipfile.ZipFile(wheels["build_wheel"]) as wheel:
        names = set(wheel.namelist())
    for folder in SOURCES:
        root = REPOSITORY / folder
        files = [p for p in root.rglob("*") if p.suffix in {".py", ".yaml", ".md", ".pt"} and p.is_file()]
        prefix = "" if folder == "gjadet_yolo" else "gjadet_yolo/"
        assert {f"{prefix}{folder}/{p.relative_to(root).as_posix()}" for p in files} <= names
    assert not [name for name in names if name.startswith(("datasets", "tests", "cfg", "setup"))]
