"""Crash2024, the data set of GJADet: what to say where its images are not there yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def explain_missing(data: dict[str, Any]) -> None:
    """Stop, by a SystemExit, with instructions; ``download:`` of ``datasets/crash2024.yaml`` calls this."""
    target = Path(str(data.get("path", "crash2024")))
    raise SystemExit(
        f"\nCrash2024 is not in {target}, and it is not downloaded automatically.\n"
        "1. Get the data set by hand: its authors link it in the README of the repository GJADet-crash-pytorch.\n"
        "   It holds annotations/{train,val,test}.json and the folders train/ val/ test/ of images.\n"
        f"2. Convert it: gjadet convert coco=DOWNLOADED_FOLDER out={target}\n"
        "3. Run the same command again.\n"
        "Another place is fine too: give data=THAT_FOLDER/data.yaml instead of data=crash2024.yaml."
    )
