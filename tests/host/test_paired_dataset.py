"""Pairs in the host's data set: both members agree to the pixel, whatever happens to geometry and colours."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from ultralytics.cfg import get_cfg
from ultralytics.data.build import build_dataloader, build_yolo_dataset
from ultralytics.data.utils import check_det_dataset
from ultralytics.utils import DEFAULT_CFG

from gjadet_yolo.host.pairs import DegradedCopies, PairedDataset, check_colour
from gjadet_yolo.recipe.augment import AugmentConfig
from gjadet_yolo.recipe.restore import RestoreConfig

EVERYTHING = {
    "mosaic": {"mosaic": 1.0, "mixup": 0.5, "cutmix": 0.3, "degrees": 10.0, "scale": 0.5, "hsv_h": 0.5, "hsv_s": 0.5},
    "flip": {"mosaic": 0.0, "fliplr": 0.5, "flipud": 0.5, "bgr": 0.5, "perspective": 0.0005, "translate": 0.3},
    "rect": {"mosaic": 0.0, "rect": True},
    "cache": {"mosaic": 1.0, "cache": "ram"},
}


@pytest.fixture
def paired_set(rendered):
    """Paired training images of the rendered set."""

    def make(restore: RestoreConfig, clean: Path | None = None, data: Path = rendered, augment=None, **settings):
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002
        torch.manual_seed(0)
        cfg = get_cfg(DEFAULT_CFG, {"imgsz": 128, "workers": 0, **settings})
        content = check_det_dataset(str(data))
        dataset = build_yolo_dataset(cfg, content["train"], 4, content, rect=settings.get("rect", False))
        return PairedDataset.pair(dataset, augment or AugmentConfig(), restore, 0, clean)

    return make


def darker(image: np.ndarray) -> np.ndarray:
    """A degradation that can be undone at every pixel: one bit less."""
    return image // 2


@pytest.mark.parametrize("name", EVERYTHING)
@pytest.mark.parametrize("paste", [0.0, 1.0])
def test_degraded_copies_agree_to_the_pixel(paired_set, name, paste):
    dataset = paired_set(RestoreConfig(clean=0.0), augment=AugmentConfig(0.5, paste), **EVERYTHING[name])
    dataset.degrade = lambda image, rng: darker(image)
    for index in range(len(dataset)):
        item = dataset[index]
        assert item["clean"].dtype == torch.uint8
        assert torch.equal(item["img"], item["clean"] // 2)
        assert item["clean"].float().std() > 1


def test_the_seed_the_epoch_and_the_position_decide(paired_set):
    def images(epoch: int) -> torch.Tensor:
        dataset = paired_set(RestoreConfig(clean=0.0), mosaic=0.0, fliplr=0.0, scale=0.0, translate=0.0, hsv_v=0.0)
        dataset.epoch.fill_(epoch)
        return torch.stack([dataset[index]["img"] for index in (3, 1)])

    first = images(2)
    assert torch.equal(first, images(2))
    assert not torch.equal(first, images(3))


def test_loading_processes_draw_the_same(paired_set):
    still = {"mosaic": 0.0, "fliplr": 0.0, "scale": 0.0, "translate": 0.0, "hsv_h": 0.0, "hsv_s": 0.0, "hsv_v": 0.0}
    batches = []
    for workers in (0, 1):
        loader = build_dataloader(paired_set(RestoreConfig(), **still), batch=4, workers=workers, shuffle=False)
        batches.append([(batch["img"], batch["clean"]) for batch in loader])
    assert len(batches[0]) == 2
    for (ours, clean), (theirs, same) in zip(*batches, strict=True):
        assert torch.equal(ours, theirs)
        assert torch.equal(clean, same)
        assert clean.shape == (4, 3, 128, 128)


def test_a_share_stays_clean(paired_set):
    dataset = paired_set(RestoreConfig(clean=0.5, degrade=(("low_light", 0.8, 0.8),)), mosaic=0.0)
    same = []
    for epoch in range(10):
        dataset.epoch.fill_(epoch)
        same += [torch.equal(item["img"], item["clean"]) for item in map(dataset.__getitem__, range(8))]
    assert 0.3 < np.mean(same) < 0.7


def test_rain_falls_on_one_member_only(paired_set):
    pytest.importorskip("albumentations")
    dataset = paired_set(RestoreConfig(clean=0.0, degrade=(("rain", 0.5, 0.5), ("fog", 0.5, 0.5))), mosaic=0.0)
    item = dataset[0]
    assert (item["img"].float() - item["clean"].float()).abs().mean() > 1


def test_validation_images_stay_and_have_copies(rendered):
    cfg = get_cfg(DEFAULT_CFG, {"imgsz": 128, "workers": 0})
    content = check_det_dataset(str(rendered))
    stock, own = (build_yolo_dataset(cfg, content["val"], 4, content, mode="val", rect=True) for _ in range(2))
    own = DegradedCopies.apply(own, RestoreConfig(degrade=(("low_light", 0.8, 0.8),)), 0)
    for index in range(len(stock)):
        assert torch.equal(own[index]["img"], stock[index]["img"])
        assert torch.equal(own[index]["degraded"], own[index]["degraded"])
        assert own[index]["degraded"].float().mean() < own[index]["img"].float().mean() / 2
    batch = own.collate_fn([own[0], own[1]])
    assert batch["degraded"].shape == batch["img"].shape


class TestPhotographs:
    @pytest.fixture(scope="class")
    def twins(self, rendered, tmp_path_factory):
        """The rendered set; the clean folder holds the same training images under another suffix."""
        root = tmp_path_factory.mktemp("twins") / "set"
        shutil.copytree(rendered.parent, root)
        (root / "clear").mkdir()
        for file in sorted((root / "images" / "train").iterdir()):
            cv2.imwrite(str(root / "clear" / f"{file.stem}.bmp"), cv2.imread(str(file)))
        content = yaml.safe_load(rendered.read_text(encoding="utf-8"))
        data = root / "data.yaml"
        data.write_text(yaml.safe_dump(content | {"path": str(root), "clean": "clear"}), encoding="utf-8")
        for cache in root.rglob("*.cache"):
            cache.unlink()
        return data

    @pytest.mark.parametrize("name", EVERYTHING)
    @pytest.mark.parametrize("paste", [0.0, 1.0])
    def test_both_members_go_through_the_same(self, paired_set, twins, name, paste):
        """Two copies of one photograph are still one after all of the host's geometry, colours and blurs."""
        augment = AugmentConfig(0.5, paste)
        dataset = paired_set(RestoreConfig(clean=0.0), twins.parent / "clear", twins, augment, **EVERYTHING[name])
        for index in range(len(dataset)):
            item = dataset[index]
            assert torch.equal(item["img"], item["clean"])
            assert item["img"].float().std() > 1

    def test_changed_tiles_and_blurs_of_the_library(self, paired_set, twins):
        """Albumentations draws from generators of its own."""
        A = pytest.importorskip("albumentations")
        dataset = paired_set(
            RestoreConfig(clean=0.0),
            twins.parent / "clear",
            twins,
            AugmentConfig(tiles=1.0),
            mosaic=1.0,
            augmentations=[A.RandomBrightnessContrast(p=0.5), A.GaussNoise(p=0.5)],
        )
        for index in range(8):
            item = dataset[index]
            assert torch.equal(item["img"], item["clean"])

    def test_the_partner_is_the_other_photograph(self, paired_set, twins, monkeypatch):
        still = {"hsv_h": 0.0, "hsv_s": 0.0, "hsv_v": 0.0}
        dataset = paired_set(RestoreConfig(clean=0.0), twins.parent / "clear", twins, mosaic=1.0, **still)
        monkeypatch.setattr("gjadet_yolo.host.pairs.decoded", lambda file: np.full((128, 128, 3), 7, np.uint8))
        item = dataset[0]
        assert set(item["clean"].unique().tolist()) <= set(range(7, 115))  # 114 around it, and between
        assert item["img"].float().std() > 5

    def test_generators_go_on_as_with_one_pass(self, paired_set, twins):
        dataset = paired_set(RestoreConfig(clean=0.0), twins.parent / "clear", twins, mosaic=1.0)
        alone = paired_set(RestoreConfig(clean=0.0), None, twins, mosaic=1.0)
        alone.degrade = lambda image, rng: image
        for index in (0, 1):
            random.seed(index)
            np.random.seed(index)  # noqa: NPY002
            dataset[index]
            after = random.random(), np.random.rand()  # noqa: NPY002
            random.seed(index)
            np.random.seed(index)  # noqa: NPY002
            alone[index]
            assert after == (random.random(), np.random.rand())  # noqa: NPY002

    def test_a_share_sees_the_clean_photograph(self, paired_set, twins):
        dataset = paired_set(RestoreConfig(clean=1.0), twins.parent / "clear", twins, mosaic=0.0)
        item = dataset[0]
        assert torch.equal(item["img"], item["clean"])
        assert "8 pairs from two folders" in dataset.in_force()


def test_images_without_colours_are_refused():
    with pytest.raises(ValueError, match="restore: needs colour images, and the data YAML says channels: 1"):
        check_colour(1)
