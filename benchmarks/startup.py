"""What the autoload files add to the start of an interpreter: median over many starts, with and without, in turn.

python benchmarks/startup.py [rounds=200]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time


def start_ms(autoload: str) -> float:
    """Wall time in ms of an interpreter that does nothing."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], env=os.environ | {"GJADET_AUTOLOAD": autoload}, check=True)
    return (time.perf_counter() - begin) * 1e3


def main() -> None:
    """Measure and print."""
    rounds = int(dict(arg.split("=", 1) for arg in sys.argv[1:]).get("rounds", 200))
    # in pairs, because the difference is smaller than the drift of the machine
    pairs = [(start_ms("1"), start_ms("0")) for _ in range(rounds)]
    difference = statistics.median(on - off for on, off in pairs)
    print(
        f"with {statistics.median(p[0] for p in pairs):.2f} ms, without {statistics.median(p[1] for p in pairs):.2f} ms"
    )
    print(f"median difference {difference:.2f} ms over {rounds} pairs")


if __name__ == "__main__":
    main()
