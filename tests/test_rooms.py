"""Who may import whom: no circles of files, and rooms that only import the rooms below them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
ROOMS: dict[str, tuple[str, ...]] = {
    "messages": (),
    "locate": (),
    "folders": (),
    "geometry": (),
    "systems": ("locate",),
    "nn": ("messages",),
    "losses": ("messages",),
    "data": ("messages", "locate", "folders", "geometry"),
    "recipe": ("messages", "losses", "data"),
    "synth": ("messages", "folders", "geometry", "data"),
    "evaluate": ("losses", "data", "nn"),
    "measure": ("messages", "locate", "folders", "geometry", "data"),
    "report": ("messages", "folders", "geometry", "data", "measure"),
    # the host's functions as they are wrapped: what models and trainers need of them
    "host": ("messages", "locate", "folders", "nn", "recipe", "data"),
    "engine": ("messages", "nn", "losses", "recipe", "data", "evaluate", "host"),
    # these hand out classes of engine/, so they stand above it
    "host.restricted": ("nn", "engine"),
    "host.sliced": ("messages", "host", "engine"),
    "host.connect": ("locate", "nn", "recipe", "host", "engine", "host.restricted"),
    "autoload": ("host.connect",),
    "cli": (
        *("messages", "locate", "folders", "nn", "data", "synth", "evaluate", "measure", "report"),
        *("host", "engine", "host.sliced", "host.connect"),
    ),
    "__main__": ("cli",),
}
"""Rooms from the ground up, each with those it may import; a file with its own rule stands beside its room.

``gjadet_yolo/__init__.py`` stands apart. Python runs it ahead of every other file; it imports ``autoload`` only, and
others may read its ``__version__`` and nothing else.
"""

EXCEPTIONS = {
    ("synth.write.first_use", "cli.main"): "runs in a process of its own, as the command 'gjadet synth'",
}
"""Imports against the table, with reasons."""


def module_name(file: Path, root: Path) -> str:
    """``gjadet_yolo/nn/row.py`` -> ``gjadet_yolo.nn.row``, and a package's ``__init__.py`` -> the package."""
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(node: ast.AST) -> Iterator[str]:
    """Dotted names that code imports anywhere, also inside functions, but not for type checkers only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            yield from imported(ast.Module(child.orelse, []))
        elif isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert not child.level, "imports are absolute here"
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        else:
            yield from imported(child)


def import_graph(root: Path) -> dict[str, set[str]]:
    """Files of the package that each file imports, by name without ``gjadet_yolo.``; the root package is left out."""
    files = {module_name(file, root): file for file in (root / "gjadet_yolo").rglob("*.py")}
    graph = {}
    for name, file in files.items():
        found = set()
        for target in imported(ast.parse(file.read_text(encoding="utf-8"))):
            module = target if target in files else target.rpartition(".")[0]
            if module in files and module != "gjadet_yolo":
                found.add(module.removeprefix("gjadet_yolo."))
        graph[name.removeprefix("gjadet_yolo.")] = found
    return graph


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Some circle of a graph as the way round, its first file repeated at the end; empty where there is none."""
    finished: set[str] = set()

    def search(way: list[str]) -> list[str]:
        for target in sorted(graph[way[-1]] - finished):
            if target in way:
                return [*way[way.index(target) :], target]
            if found := search([*way, target]):
                return found
        finished.add(way[-1])
        return []

    return next((found for start in sorted(graph) if (found := search([start]))), [])


def room_of(name: str) -> str:
    """Room of a file: itself where the table names it, else the folder at the top."""
    return name if name in ROOMS else name.partition(".")[0]


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    return import_graph(REPOSITORY)


def test_no_file_imports_itself_by_a_detour(graph):
    """Imports inside functions count: they only put off the error until somebody calls the function."""
    assert not circle(graph), "circle: " + " -> ".join(circle(graph))


def test_rooms_import_only_what_the_table_allows(graph):
    crossing = {
        (name, target): f"{name} imports {target}, and {room_of(name)} may import {', '.join(ROOMS[room_of(name)])}"
        for name, targets in graph.items()
        for target in targets
        if name != "gjadet_yolo" and room_of(target) not in (room_of(name), *ROOMS[room_of(name)])
    }
    wrong = {text for pair, text in crossing.items() if pair not in EXCEPTIONS}
    assert not wrong, "\n".join(sorted(wrong))
    assert not EXCEPTIONS.keys() - crossing.keys()  # an exception that nothing needs hides the next import


def test_table_goes_from_the_ground_up():
    """So rooms cannot stand in a circle; every folder and file at the top has its row."""
    order = list(ROOMS)
    assert all(order.index(below) < order.index(room) for room, allowed in ROOMS.items() for below in allowed)
    top = {file.stem if file.is_file() else file.name for file in (REPOSITORY / "gjadet_yolo").iterdir()}
    assert top - {"__init__", "__pycache__"} == {room for room in ROOMS if "." not in room}


def test_of_the_package_itself_only_its_version_is_imported(graph):
    assert graph["gjadet_yolo"] == {"autoload"}
    for file in (REPOSITORY / "gjadet_yolo").rglob("*.py"):
        for target in imported(ast.parse(file.read_text(encoding="utf-8"))):
            package, _, name = target.rpartition(".")
            assert package != "gjadet_yolo" or name in (*graph, *ROOMS, "__version__"), f"{file.name}: {target}"


def test_circles_are_found_with_their_way_round():
    """Also those through an import inside a function; a package and its files are told apart."""
    assert circle({"a": {"b"}, "b": {"c"}, "c": set(), "d": {"a"}}) == []
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": {"b"}}) == ["b", "c", "d", "b"]
    code = "import x.y\nif TYPE_CHECKING:\n import z\nelse:\n import t\ndef f():\n from p.q import r, s"
    assert list(imported(ast.parse(code))) == ["x.y", "t", "p.q.r", "p.q.s"]
