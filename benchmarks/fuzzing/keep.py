"""What a folder holds, and what of it is gone or changed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def contents(folder: Path) -> dict[str, str]:
    """Every entry below a folder with a fingerprint of its content; links are not followed."""
    found: dict[str, str] = {}
    for root, folders, files in os.walk(folder):
        for name in folders + files:
            path = Path(root) / name
            found[str(path.relative_to(folder))] = fingerprint(path)
    return found


def fingerprint(path: Path) -> str:
    """A digest of a file, the target of a link, or the kind of anything else."""
    if path.is_symlink():
        return f"link to {path.readlink()}"
    if path.is_file():
        return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    return "folder" if path.is_dir() else "special"


def losses(before: dict[str, str], after: dict[str, str], replaced: str | None = None) -> list[str]:
    """Entries that are gone or changed.

    Args:
        before: Contents before a call.
        after: And after it.
        replaced: A folder that may have been replaced, or None.
    """
    gone = [path for path, print_ in before.items() if after.get(path) != print_]
    if replaced is None:
        return gone
    return [path for path in gone if path != replaced and not path.startswith(f"{replaced}/")]
