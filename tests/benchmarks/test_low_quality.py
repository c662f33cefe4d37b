"""Sets of low quality: no scene is in two of them, twins and labels fit, the study's rows can be built."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import yaml
from comparison.study import Study
from low_quality import SETTINGS, main, parted


def test_parts_share_nothing():
    favoured, others = parted(9, 0.5, 3)
    assert (len(favoured), len(others)) == (4, 5)
    assert sorted([*favoured, *others]) == list(range(9))


def test_sets(rendered, tmp_path):
    """Eight training images: four stay, four are degraded and have twins, and labels go with them."""
    main(SETTINGS | {"data": str(rendered), "out": str(tmp_path), "kinds": "low_light,underwater"})
    for kind in ("low_light", "underwater"):
        content = yaml.safe_load((tmp_path / kind / "data.yaml").read_text(encoding="utf-8"))
        folder = Path(content["path"])
        seen, twins = (sorted((folder / part).iterdir()) for part in ("images/train", content["clean"]))
        good = sorted(Path(content["favoured"]).iterdir())
        assert [file.name for file in seen] == [file.name for file in twins]
        assert (len(seen), len(good), len(list((folder / "images" / "val").iterdir()))) == (4, 4, 4)
        pictures = [cv2.imread(str(file)) for file in (*good, *twins)]
        assert not any((a == b).all() for i, a in enumerate(pictures) for b in pictures[:i])
        change = [
            np.abs(cv2.imread(str(a)).astype(int) - cv2.imread(str(b))).mean() for a, b in zip(seen, twins, strict=True)
        ]
        assert min(change) > 5
        labels = [(folder / "labels" / "train" / f"{file.stem}.txt").read_text() for file in seen]
        source = {file.read_text() for file in (rendered.parent / "labels" / "train").iterdir()}
        assert set(labels) <= source


def test_the_study(rendered):
    study = Study.read(Path(__file__).parents[2] / "benchmarks" / "studies" / "lcp.yaml", str(rendered))
    blocks = {row.name: row.model_yaml() for row in study.rows}
    assert blocks["fine-tuned"].get("crux") is None
    assert blocks["lcp"]["crux"] == {"shallow": "P2", "medium": "P3"}
    assert blocks["no crux learner"]["crux"] == {"threshold": -100}
    assert {"crux", "restore"} <= set(blocks["lcp and restoration"])
