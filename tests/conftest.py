"""Shared fixtures: golden numbers, a small rendered data set, and one tiny trained run."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

os.environ.setdefault("YOLO_CONFIG_DIR", tempfile.mkdtemp(prefix="gjadet-tests-"))  # leave the user's settings alone
os.environ.setdefault("YOLO_OFFLINE", "true")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # as the host sets it where it comes before torch; models here are tiny
os.environ["YOLO_AUTOINSTALL"] = "false"  # a test that misses a library is skipped and installs nothing

import numpy as np
import pytest
from warm import Forks

import gjadet_yolo  # noqa: F401  registers the plugin
from gjadet_yolo.synth.still import SceneMix
from gjadet_yolo.synth.write.pictures import Request, render_set

GOLDEN = Path(__file__).parent / "golden"
TINY = {"imgsz": 128, "device": "cpu", "batch": 4, "plots": False, "verbose": False, "workers": 0}


def pytest_collection_finish() -> None:
    """Keep what the imports made out of later collections of garbage: the host asks for one after each training."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def golden() -> Callable[[str], dict[str, np.ndarray]]:
    """Reader of reference numbers by file name."""
    return lambda name: dict(np.load(GOLDEN / f"{name}.npz"))


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data YAML of eight training and four validation scenes, of a seed whose splits hold all that tests need."""
    often = {"point": 20.0, "bogie": 0.5, "wheel": 1.0, "absorber": 0.4, "rw": 0.4}
    mix = SceneMix(often, {"rig": 0.4, "train": 0.6}, (6.0, 14.0))
    return render_set(Request(12, 4, 128, 11, mix), tmp_path_factory.mktemp("rendered") / "set")


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


@pytest.fixture(scope="session")
def forks(installation: Distribution) -> Iterator[Forks]:
    """One interpreter with PyTorch for the processes of all tests."""
    server = Forks(Path(installation.locate_file("gjadet_yolo_autoload.pth")), outside())
    yield server
    server.close()


def outside() -> dict[str, str]:
    """The environment without this repository on the path."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


@pytest.fixture
def fresh(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python code in a new process, from an empty folder, without this repository on its path.

    PyTorch is there already (``warm.py``), host and plugin are not. For what start-up itself imports, take ``cold``.
    """
    if not hasattr(os, "fork"):
        return request.getfixturevalue("cold")
    forks: Forks = request.getfixturevalue("forks")

    def run(code: str, *args: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        return forks.run(code, list(args), cwd or tmp_path, outside() | env)

    return run


@pytest.fixture
def cold(tmp_path: Path, installation: Distribution) -> Callable[..., subprocess.CompletedProcess[str]]:
    """As ``fresh``, in an interpreter that has imported nothing."""

    def run(code: str, *args: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code, *args]
        settings = {"capture_output": True, "text": True, "cwd": cwd or tmp_path, "env": outside() | env}
        return subprocess.run(command, timeout=300, check=False, **settings)

    return run
