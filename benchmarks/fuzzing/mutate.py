"""Mutations of valid inputs: values in a tree of mappings and lists, their text as JSON or YAML, and plain bytes."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import yaml

from fuzzing.case import Draw

DEEP, LONG, HEX, TAG, LOOP, MANY = ("@deep@", "@long@", "@hex@", "@tag@", "@loop@", "@many@")
"""Stand-ins for what no value can express; :func:`json_text` and :func:`yaml_text` put it in."""

NASTY: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 0.5, 1.5, -0.0, 1e-308, 1e308, -1e308,
    float("nan"), float("inf"), float("-inf"), 2**31, 2**63, 2**64, -(2**63), 10**400, -(10**400),
    "", " ", "x", "0", "1", "-1", "nan", "none", "null", "true", "1e999", "é", "数据", "a\nb", "a\0b", "\ud7ff",
    "../..", "x" * 5000, [], {}, [[]], [None], [{}], {"a": 1}, {"": None}, [1, 2, 3], [1, 2, 3, 4], ["a", "b"],
    [float("nan")] * 4,     DEEP, LONG, HEX, TAG, LOOP, MANY,
)  # fmt: skip
TAGS = (
    "!!python/name:builtins.print ''", "!!python/object/apply:builtins.dict []", "!custom {a: 1}", "!!binary 'x'",
    "*gone", "!!timestamp 2024-99-99", "2024-01-01", "!!int abc", "!!float abc", "!!set {a, b}", "0o9", "1_0", "? x",
    "{[a]: b}", "<<", "!!pairs [1]", "'open", "- x\n  - y", "@at", "%x", "\t- x", "2024-01-01 25:00:00",
)  # fmt: skip
HEADS = (b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", b"%PDF-1.7", b"\xff\xd8\xff\xe0", b"\x80\x02", b"<html>", b"RIFF")


def places(tree: Any) -> Iterator[tuple[Any, Any, str]]:
    """Every container and key in a tree, with the place in words."""
    pending = [(tree, "")]
    while pending:
        node, where = pending.pop()
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, value in items:
            place = f"{where}.{key}" if isinstance(node, dict) else f"{where}[{key}]"
            yield node, key, place.lstrip(".")
            pending.append((value, place))


def mutated(draw: Draw, tree: Any, most: int = 2) -> tuple[Any, list[str], list[str]]:
    """A changed copy of a tree.

    Args:
        draw: Source of randomness.
        tree: Mappings and lists of plain values.
        most: Largest number of changes.

    Returns:
        The copy, what was changed in words, and the keys and values that a message may name.
    """
    tree, story, names = copy.deepcopy(tree), [], []
    if draw.chance(0.04):
        tree = draw.pick(NASTY)
        return copy.deepcopy(tree), [f"all of it is {shown(tree)}"], []
    for _ in range(int(draw.rng.integers(1, most + 1))):
        found = list(places(tree))
        if not found:
            break
        container, key, where = found[int(draw.rng.integers(len(found)))]
        change = str(draw.rng.choice(list(CHANGES), p=[share for share, _ in CHANGES.values()]))
        text = CHANGES[change][1](draw, container, key)
        story.append(f"{where} {text}")
        value = container.get(key) if isinstance(container, dict) else ""
        parts = (str(key), *where.replace("[", ".").split("."), value[:40] if isinstance(value, str) else "")
        names.extend(part for part in parts if len(part) > 1)
    return tree, story, names


def replace(draw: Draw, container: Any, key: Any) -> str:
    """Another value."""
    container[key] = copy.deepcopy(draw.pick(NASTY))
    return f"= {shown(container[key])}"


def delete(draw: Draw, container: Any, key: Any) -> str:
    """Nothing."""
    del container[key]
    return "deleted"


def add(draw: Draw, container: Any, key: Any) -> str:
    """One more key or entry."""
    value = copy.deepcopy(draw.pick(NASTY))
    if isinstance(container, list):
        container.insert(key, value)
        return f"preceded by {shown(value)}"
    name = draw.pick((f"{key}s", "extra", "", 1, None, True, "x" * 300, 1.5))
    container[name] = value
    return f"joined by {name!r}: {shown(value)}"


def repeat(draw: Draw, container: Any, key: Any) -> str:
    """The same again."""
    if isinstance(container, list):
        container.append(copy.deepcopy(container[key]))
        return "repeated"
    container[f"{key} "] = copy.deepcopy(container[key])
    return "repeated with a space"


def wrap(draw: Draw, container: Any, key: Any) -> str:
    """Inside something else."""
    value = container[key]
    container[key] = draw.pick(([value], {"a": value}, str(value), [value, value]))
    return f"wrapped as {shown(container[key])}"


CHANGES = {
    "replace": (0.5, replace),
    "delete": (0.15, delete),
    "add": (0.13, add),
    "repeat": (0.1, repeat),
    "wrap": (0.12, wrap),
}


def shown(value: Any) -> str:
    """A value in a few characters."""
    if isinstance(value, int) and abs(value) > 10**20:
        return f"an integer of {len(str(abs(value)))} digits"
    text = repr(value)
    return text if len(text) < 60 else f"{text[:50]}... ({len(text)} characters)"


def json_text(draw: Draw, tree: Any) -> str:
    """JSON with the stand-ins put in, and now and then a key twice."""
    text = json.dumps(tree)
    depth = int(draw.pick((100, 2000, 100_000)))
    forms = {DEEP: "[" * depth + "]" * depth, LONG: "9" * 5000, HEX: "0xff", TAG: "NaN", LOOP: "-Infinity"}
    for token, form in (forms | {MANY: "1e400"}).items():
        text = text.replace(f'"{token}"', form)
    if draw.chance(0.1):
        text = text.replace('"id":', '"id": 1, "id":')
    return text


def yaml_text(draw: Draw, tree: Any) -> str:
    """YAML with the stand-ins put in, and now and then a key twice."""
    text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
    depth = int(draw.pick((20, 300, 3000)))
    laughs = "[" + ", ".join(["&a0 [lol]", *(f"&a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10))]) + "]"
    forms = {
        DEEP: "[" * depth + "]" * depth,
        LONG: "9" * 5000,
        HEX: "0x" + "f" * 5000,
        TAG: str(draw.pick(TAGS)),
        LOOP: "&loop [*loop]",
        MANY: laughs,
    }
    for token, form in forms.items():
        text = text.replace(f"'{token}'", form)
    if draw.chance(0.05):
        text += "\n" + text.splitlines()[0] + "\n"
    return text


def mutated_bytes(draw: Draw, data: bytes) -> tuple[bytes, str]:
    """Changed content of a file, and the change in words."""
    at = int(draw.rng.integers(0, len(data) + 1))
    length = int(draw.rng.integers(1, 40))
    noise = draw.rng.bytes(length)
    text = data.decode("utf-8", "replace")
    ways = {
        "empty": b"",
        f"cut after {at} of {len(data)} bytes": data[:at],
        f"{length} bytes from {at} taken out": data[:at] + data[at + length :],
        f"{length} random bytes at {at}": data[:at] + noise + data[at + length :],
        f"{length} random bytes put in at {at}": data[:at] + noise + data[at:],
        f"NUL put in at {at}": data[:at] + b"\0" + data[at:],
        f"a bit flipped at {at}": data[:at]
        + bytes(byte ^ 1 << length % 8 for byte in data[at : at + 1])
        + data[at + 1 :],
        "only NUL": b"\0" * len(data),
        "only blanks": b" \n" * 20,
        "UTF-8 with BOM": b"\xef\xbb\xbf" + data,
        "UTF-16": text.encode("utf-16"),
        "UTF-32": text.encode("utf-32"),
        "Latin-1 with umlauts": (text + "# äöü").encode("latin-1", "replace"),
        "CR line ends": data.replace(b"\n", b"\r"),
        "CRLF line ends": data.replace(b"\n", b"\r\n"),
        "twice": data + data,
        "another kind of file": bytes(draw.pick(HEADS)) + data[8:],
    }
    way = str(draw.pick(list(ways)))
    return ways[way], way
