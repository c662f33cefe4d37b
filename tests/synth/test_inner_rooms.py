"""Rooms of the renderer: imports between its files go one way, without circles."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import gjadet_yolo

ROOT = Path(gjadet_yolo.__file__).parent
ALLOWED = {
    "geometry": set(),
    "world": {"geometry"},
    "scenes": {"geometry", "world"},
    "paint": {"geometry", "world"},
    "synth": {"geometry", "world", "scenes", "paint"},
    "write": {"geometry", "world", "scenes", "paint", "synth"},
}


def imports() -> dict[str, set[str]]:
    """Modules of ``geometry`` and ``synth`` with those of them that they import, also within functions."""
    found = {}
    for folder in ("geometry", "synth"):
        for file in (ROOT / folder).rglob("*.py"):
            name = ".".join(("gjadet_yolo", *file.relative_to(ROOT).with_suffix("").parts))
            nodes = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
            whole = {f"{node.module}.{alias.name}" for node in nodes for alias in node.names}
            found[name] = {node.module for node in nodes} | whole
    return {name: wanted & found.keys() for name, wanted in found.items()}


def room(module: str) -> str:
    """Name of the folder that a module lies in."""
    return module.split(".")[-2]


def test_rooms_import_inner_rooms_only():
    wrong = [
        f"{module} imports {other}"
        for module, others in imports().items()
        for other in others
        if room(other) != room(module) and room(other) not in ALLOWED[room(module)]
    ]
    assert not wrong


def test_no_circles_between_files():
    order = list(TopologicalSorter(imports()).static_order())  # raises CycleError, which names the circle
    assert order.index("gjadet_yolo.geometry.camera") < order.index("gjadet_yolo.synth.write.pictures")
