"""Draw the measuring chain of docs/measure.md.

python tools/measure_drawing.py [out=docs/images/measure-chain.png]
"""

from __future__ import annotations

import sys
from pathlib import Path

from drawing.measuring import draw


def main(out: str = "docs/images/measure-chain.png") -> None:
    """Write the picture."""
    page = draw()
    if page.overlaps():
        raise RuntimeError("boxes overlap.")
    page.save(Path(out))
    print(f"{out}: {Path(out).stat().st_size:,} bytes")


if __name__ == "__main__":
    main(**dict(word.split("=") for word in sys.argv[1:]))
