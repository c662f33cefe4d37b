"""Second streams: which images a step sees, as a table; reading."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from conftest import TINY
from small import small_yaml
from ultralytics import YOLO

from gjadet_yolo.engine.streams import UnpairedImages, drawn, letterboxed
from gjadet_yolo.losses.terms import TERMS
from gjadet_yolo.losses.terms.term import LossTerm


class TestDrawn:
    @pytest.mark.parametrize(("count", "size"), [(5, 2), (4, 4), (3, 7), (1, 3)])
    def test_every_image_once_before_any_twice(self, count, size):
        seen = np.concatenate([drawn(count, size, step, (0, 1)) for step in range(2 * count)])
        for start in range(0, len(seen) - count + 1, count):
            assert sorted(seen[start : start + count]) == list(range(count))

    def test_the_seed_and_the_step_decide(self):
        """So that a resumed training sees what it would have seen."""
        first = [drawn(50, 4, step, (0, 3)) for step in range(6)]
        assert all(np.array_equal(a, drawn(50, 4, step, (0, 3))) for step, a in enumerate(first))
        assert not np.array_equal(first[0], drawn(50, 4, 0, (0, 4)))


def test_letterbox_by_hand():
    """20 x 10 into 8 x 8: 8 wide, 4 high, two grey rows above and below."""
    out = letterboxed(np.full((10, 20, 3), 255, np.uint8), (8, 8))
    assert out.shape == (8, 8, 3)
    assert (out[[0, 1, 6, 7]] == 114).all()
    assert (out[2:6] == 255).all()


class TestUnpaired:
    @pytest.fixture(scope="class")
    def folder(self, tmp_path_factory):
        root = tmp_path_factory.mktemp("good")
        (root / "day").mkdir()
        for index in range(3):
            cv2.imwrite(str(root / "day" / f"{index}.png"), np.full((16, 16, 3), (0, 0, 50 * index), np.uint8))
        (root / "notes.txt").write_text("no image")
        return root

    def test_batches(self, folder):
        """Red of the BGR files is the first channel; an epoch of 3 steps of 2 shows each of 3 images twice."""
        stream = UnpairedImages(folder, (0, 0, 0))
        images = torch.cat([stream.batch(2, (32, 32)) for _ in range(3)])
        assert images.shape == (6, 3, 32, 32)
        assert images.dtype == torch.uint8
        assert not images[:, 1:].any()
        assert sorted(images[:, 0, 0, 0].tolist()) == [0, 0, 50, 50, 100, 100]
        again = UnpairedImages(folder, (0, 0, 0))
        assert torch.equal(again.batch(2, (32, 32)), images[:2])

    def test_refusals(self, folder, tmp_path):
        with pytest.raises(ValueError, match="which is no folder"):
            UnpairedImages(tmp_path / "nothing", (0,))
        (tmp_path / "a.txt").write_text("")
        with pytest.raises(ValueError, match="which holds no image"):
            UnpairedImages(tmp_path, (0,))
        (tmp_path / "bad.png").write_bytes(b"no image")
        with pytest.raises(ValueError, match=r"bad\.png cannot be read as an image"):
            UnpairedImages(tmp_path, (0,)).batch(1, (8, 8))

    def test_a_stage_sees_them_beside_the_training_set(self, folder, rendered, tmp_path, monkeypatch):
        """A term that only the second stage computes gets as many unpaired images as there are training images."""
        seen = []

        def own_terms(setting):
            def compute(given, found, batch):
                seen.append((batch["unpaired"].shape, float(batch["unpaired"].max())))
                return given.logits.sum() * 0

            return (LossTerm("own_loss", compute, lambda: 1.0, needs=("unpaired",)),)

        monkeypatch.setattr("gjadet_yolo.losses.terms.TERMS", (*TERMS, own_terms))
        stages = [{"epochs": 1}, {"epochs": 1, "stream": str(folder), "freeze": 0}, {"terms": "box_loss"}]
        model = YOLO(small_yaml(tmp_path, schedule=stages))
        model.train(data=str(rendered), epochs=3, project=str(tmp_path), name="s", val=False, **TINY)
        steps = len(model.trainer.train_loader)
        size = TINY["imgsz"]
        assert seen == [((TINY["batch"], 3, size, size), pytest.approx(100 / 255))] * steps
