"""Shared fixtures: golden numbers, a small rendered data set, and one tiny trained run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import Distribution, distributions
from pathlib import Path

os.environ.setdefault("YOLO_CONFIG_DIR", tempfile.mkdtemp(prefix="gjadet-tests-"))  # leave the user's settings alone
os.environ.setdefault("YOLO_OFFLINE", "true")
os.environ["YOLO_AUTOINSTALL"] = "false"  # a test that misses a library is skipped and installs nothing

import numpy as np
import pytest

import gjadet_yolo  # noqa: F401  registers the plugin
from gjadet_yolo.synth.still import SceneMix
from gjadet_yolo.synth.write.pictures import Request, render_set

GOLDEN = Path(__file__).parent / "golden"
TINY = {"imgsz": 128, "device": "cpu", "batch": 4, "plots": False, "verbose": False, "workers": 0}


@pytest.fixture(scope="session")
def golden() -> Callable[[str], dict[str, np.ndarray]]:
    """Reader of reference numbers by file name."""
    return lambda name: dict(np.load(GOLDEN / f"{name}.npz"))


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data YAML of eight training and four validation scenes."""
    often = {"point": 20.0, "bogie": 0.5, "wheel": 1.0, "absorber": 0.4, "rw": 0.4}
    mix = SceneMix(often, {"rig": 0.4, "train": 0.6}, (6.0, 14.0))
    return render_set(Request(12, 4, 128, 3, mix), tmp_path_factory.mktemp("rendered") / "set")


@pytest.fixture(scope="session")
def run_dir(rendered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a finished two-epoch training of gjadet-paper.yaml, with its pictures."""
    from ultralytics import YOLO

    project = tmp_path_factory.mktemp("runs")
    YOLO("gjadet-paper.yaml").train(
        data=str(rendered), epochs=2, project=str(project), name="a", **{**TINY, "plots": True}
    )
    return project / "a"


@pytest.fixture(scope="session")
def installation() -> Distribution:
    """The installed package; build information of the source tree beside it does not count."""
    found = next((one for one in distributions(name="gjadet-yolo") if one.read_text("RECORD")), None)
    if found is None:
        pytest.skip("needs the package installed (pip install -e .)")
    return found


@pytest.fixture
def fresh(tmp_path: Path, installation: Distribution) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python code in a new process, from an empty folder, without this repository on its path."""

    def run(code: str, *args: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        settings = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        folder = cwd or tmp_path
        command = [sys.executable, "-c", code, *args]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=folder, env=settings | env, timeout=300, check=False
        )

    return run
