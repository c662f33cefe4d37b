"""Draw the pictures of the systems' pages from the running models.

    python tools/drawings.py [out=docs/images] [imgsz=640] [systems=gjadet,sspnet,tpnet,ccspnet,lcp]

Each model is built at scale n with 5 classes and sees one image; rows, connections and shapes are what that pass shows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from drawing import ccspnet, gjadet, lcp, sspnet, tpnet
from drawing.canvas import Page
from drawing.trace import Trace, trace

from gjadet_yolo import locate
from gjadet_yolo.messages import suggestion
from gjadet_yolo.systems import CCSPNET, GJADET, LCP, SSPNET, TPNET, System

DRAWINGS: dict[str, tuple[System, Callable[[Trace], Page]]] = {
    "gjadet": (GJADET, gjadet.draw),
    "sspnet": (SSPNET, sspnet.draw),
    "tpnet": (TPNET, tpnet.draw),
    "ccspnet": (CCSPNET, ccspnet.draw),
    "lcp": (LCP, lcp.draw),
}


def draw(name: str, imgsz: int = 640) -> Page:
    """Draw a system's leading model.

    Raises:
        ValueError: There is no drawing of that name.
    """
    if name not in DRAWINGS:
        raise ValueError(f"there is no drawing '{name}'.{suggestion(name, list(DRAWINGS))}")
    system, picture = DRAWINGS[name]
    return picture(trace(f"{locate.with_scale(system.lead, 'n')}.yaml", imgsz))


def main(out: str = "docs/images", imgsz: str = "640", systems: str = ",".join(DRAWINGS)) -> None:
    """Write the pictures."""
    for name in systems.split(","):
        file = Path(out) / f"{name}.png"
        draw(name, int(imgsz)).save(file)
        print(f"{file}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(**dict(word.split("=") for word in sys.argv[1:]))
