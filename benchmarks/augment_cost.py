"""Cost of the ``augment:`` block per training image, against the host's own augmentation: ms, in turn, medians.

    python benchmarks/augment_cost.py data=DATA.yaml [imgsz=320] [images=200] [rounds=5]

An image is one item of the training set with the host's default mosaic, decoded from a cache in memory.
"""

from __future__ import annotations

import random
import statistics
import sys
import time

from ultralytics.cfg import get_cfg
from ultralytics.data.build import build_yolo_dataset
from ultralytics.data.utils import check_det_dataset
from ultralytics.utils import DEFAULT_CFG

from gjadet_yolo.host.dataset import RecipeDataset
from gjadet_yolo.recipe.augment import AugmentConfig

WAYS = {
    "host": AugmentConfig(),
    "tiles: 0.5": AugmentConfig(tiles=0.5),
    "tiles: 1": AugmentConfig(tiles=1.0),
    "paste: 0.5": AugmentConfig(paste=0.5),
    "repeat: 0.3": AugmentConfig(repeat=0.3),
}


def main() -> None:
    """Measure and print a line per way."""
    settings = {"imgsz": "320", "images": "200", "rounds": "5"}
    settings |= dict(arg.split("=", 1) for arg in sys.argv[1:])
    cfg = get_cfg(DEFAULT_CFG, {"imgsz": int(settings["imgsz"]), "workers": 0, "cache": "ram"})
    data = check_det_dataset(settings["data"])
    sets = {}
    for name, config in WAYS.items():
        dataset = build_yolo_dataset(cfg, data["train"], 16, data)
        sets[name] = dataset if config == AugmentConfig() else RecipeDataset.apply(dataset, config, 0)
    ms: dict[str, list[float]] = {name: [] for name in sets}
    for number in range(int(settings["rounds"])):
        for name, dataset in sets.items():
            random.seed(number)  # every way sees the same mosaics of the host
            start = time.perf_counter()
            for index in range(int(settings["images"])):
                dataset[index % len(dataset)]
            ms[name].append((time.perf_counter() - start) / int(settings["images"]) * 1e3)
    host = statistics.median(ms["host"])
    for name, values in ms.items():
        ratio = statistics.median(v / h for v, h in zip(values, ms["host"], strict=True))
        longer = len(sets[name]) / len(sets["host"])
        print(f"{name}: {statistics.median(values):.1f} ms, {statistics.median(values) - host:+.1f} ms, "
              f"ratio {ratio:.2f}, epoch x{longer:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
