"""The mark of folders that this tool made: a hidden file that says which command made them, and what they held then."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gjadet_yolo

MARK = ".gjadet-yolo"  # hidden and without a suffix: the host and COCO tools look for images and *.json


def write_mark(folder: Path, tool: str, settings: Mapping[str, Any]) -> None:
    """Write the mark: tool, version, settings, and the entries of the folder now."""
    entries = sorted({path.name for path in folder.iterdir()} - {MARK})
    content = {"tool": tool, "version": gjadet_yolo.__version__, "settings": dict(settings), "entries": entries}
    (folder / MARK).write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")


def made_entries(folder: Path) -> set[str] | None:
    """Entries that a run put into a folder, or None for a folder without a readable mark."""
    try:
        content = json.loads((folder / MARK).read_text(encoding="utf-8"))
        return set(content["entries"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def remove(folder: Path) -> None:
    """Remove a folder."""
    # its mark last, so that the rest of it can still be told from a user's folder when this is interrupted
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():  # of a link the link only
            shutil.rmtree(path)
        elif path.name != MARK:
            path.unlink()
    (folder / MARK).unlink(missing_ok=True)
    folder.rmdir()


def is_ours(folder: Path) -> bool:
    """Whether a hidden neighbour belongs to a run: marked, or still empty."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    return made_entries(folder) is not None or not any(folder.iterdir())
