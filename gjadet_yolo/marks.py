"""The mark of folders that this tool made: a hidden file that says what made them, and what they held then.

It disturbs no reader: the host and COCO tools look for images and ``*.json``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gjadet_yolo

MARK = ".gjadet-yolo"


def write_mark(folder: Path, tool: str, settings: Mapping[str, Any]) -> None:
    """Note in a folder what made it, and what is in it now."""
    entries = sorted({path.name for path in folder.iterdir()} - {MARK})
    content = {"tool": tool, "version": gjadet_yolo.__version__, "settings": dict(settings), "entries": entries}
    (folder / MARK).write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")


def made_entries(folder: Path) -> set[str] | None:
    """Names of what a run put into a folder, or None for a folder that no run made."""
    try:
        content = json.loads((folder / MARK).read_text(encoding="utf-8"))
        return set(content["entries"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def remove(folder: Path) -> None:
    """Remove a folder, its mark last: what is left of it when this is interrupted can still be told from others."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != MARK:
            path.unlink()
    (folder / MARK).unlink(missing_ok=True)
    folder.rmdir()


def is_ours(folder: Path) -> bool:
    """Whether a hidden neighbour is a run's: marked, or still empty."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    return made_entries(folder) is not None or not any(folder.iterdir())
