"""Repeated images in the host's data set: lengths, indices, mosaic, caching, a training."""

from __future__ import annotations

import pickle
import random
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from conftest import TINY
from ultralytics import YOLO
from ultralytics.cfg import get_cfg
from ultralytics.data.build import build_yolo_dataset
from ultralytics.data.utils import check_det_dataset
from ultralytics.utils import DEFAULT_CFG

from gjadet_yolo import locate
from gjadet_yolo.data import degrade, tile_mosaic
from gjadet_yolo.data.recipe import AugmentConfig
from gjadet_yolo.engine import dataset as dataset_module
from gjadet_yolo.engine.dataset import RecipeDataset
from gjadet_yolo.engine.trainer import no_mosaic


@pytest.fixture
def repeated(rendered):
    """Training images of the rendered set, with repetitions, and the host's data set."""

    def build(**settings):
        cfg = get_cfg(DEFAULT_CFG, {"imgsz": 128, "workers": 0, **settings})
        data = check_det_dataset(str(rendered))
        return build_yolo_dataset(cfg, data["train"], 4, data)

    def make(threshold: float = 1.0, pasted: float = 0.0, tiles: float = 0.0, **settings):
        recipe = AugmentConfig(threshold, pasted, tiles)
        return RecipeDataset.apply(build(**settings), recipe, 0), build(**settings)

    return make


def test_repetitions_show_the_same_image(repeated):
    dataset, stock = repeated(mosaic=0.0)
    assert len(stock) == 8
    assert len(dataset) == 8 + len(dataset.extra) > 8
    for position, index in enumerate(dataset.extra):
        again, once = dataset.get_image_and_label(8 + position), stock.get_image_and_label(int(index))
        assert again["im_file"] == once["im_file"]
        assert (again["img"] == once["img"]).all()
    for index in range(8):
        assert dataset.get_image_and_label(index)["im_file"] == stock.get_image_and_label(index)["im_file"]


def test_images_with_rare_classes_are_repeated(repeated):
    """Every repeated image holds a class that not all images hold."""
    dataset, _ = repeated()
    sets = [set(label["cls"].ravel().tolist()) for label in dataset.labels]
    everywhere = set.intersection(*sets)
    assert all(sets[index] - everywhere for index in dataset.extra)


@pytest.mark.parametrize("cache", [False, "ram"])
def test_with_mosaic_and_cache(repeated, cache):
    dataset, _ = repeated(pasted=0.5, mosaic=1.0, mixup=0.5, cache=cache)
    before = [dataset.load_image(index)[0].copy() for index in range(8)]
    for index in range(len(dataset)):
        assert dataset[index]["img"].shape == (3, 128, 128)
    for index, image in enumerate(before):  # cached pixels stay
        assert (dataset.load_image(index)[0] == image).all()


def test_pasted_objects_are_of_rare_classes(repeated):
    """Every image gets something where there is room; the rarer a class, the more often."""
    dataset, stock = repeated(0.0, 1.0, mosaic=0.0)
    added = np.zeros(5, int)
    for _ in range(12):
        for index in range(8):
            ours, theirs = dataset.get_image_and_label(index), stock.get_image_and_label(index)
            count = len(theirs["cls"])
            assert (ours["cls"][:count] == theirs["cls"]).all()
            np.testing.assert_allclose(ours["instances"].bboxes[:count], theirs["instances"].bboxes, atol=1e-6)
            assert len(ours["cls"]) == len(ours["instances"].bboxes)
            assert (ours["img"] == theirs["img"]).all() == (len(ours["cls"]) == count)
            if len(ours["cls"]) > count:
                added[int(ours["cls"][count:].max())] += 1
    assert added.sum() > 12
    assert added[1:].sum() > added[0]


def test_pasting_repeats_with_the_seed(repeated):
    dataset, _ = repeated(0.0, 1.0, mosaic=0.0)
    images = []
    for _ in range(2):
        random.seed(5)
        images.append(dataset.get_image_and_label(1)["img"])
    assert (images[0] == images[1]).all()


def test_workers_get_a_copy(repeated):
    dataset, _ = repeated(mosaic=0.0)
    copy = pickle.loads(pickle.dumps(dataset))
    assert len(copy) == len(dataset)
    np.testing.assert_array_equal(copy.extra, dataset.extra)


def test_training_by_the_yaml(rendered, tmp_path):
    content = yaml.safe_load((locate.folder("cfg") / "gjadet-paper.yaml").read_text(encoding="utf-8"))
    file = tmp_path / "yolov8n-repeat.yaml"
    file.write_text(yaml.safe_dump(content | {"augment": {"repeat": 1.0, "paste": 0.5}}))
    model = YOLO(file)
    lengths = []
    model.add_callback("on_train_start", lambda trainer: lengths.append(len(trainer.train_loader.dataset)))
    model.train(data=str(rendered), epochs=1, project=str(tmp_path), name="r", **TINY)
    assert lengths[0] > 8
    assert type(model.trainer.test_loader.dataset).__name__ == "YOLODataset"


def test_tiles_of_a_mosaic_are_changed_one_by_one(repeated, monkeypatch):
    """Each tile differs with probability p; without a mosaic, and after it is closed, none does."""
    pytest.importorskip("albumentations")
    calls = []
    monkeypatch.setattr(dataset_module, "augment_tile", lambda image, rng: calls.append(image.shape) or 255 - image)
    dataset, stock = repeated(0.0, 0.0, tiles=1.0, mosaic=1.0)
    random.seed(0)
    dataset[0]
    assert len(calls) == 4
    calls.clear()
    part, _ = repeated(0.0, 0.0, tiles=0.25, mosaic=1.0)
    for _ in range(25):
        part[0]
    assert 10 <= len(calls) <= 42  # 25 of 100, within 3.5 standard deviations
    calls.clear()
    dataset.close_mosaic(get_cfg(DEFAULT_CFG, {"imgsz": 128, "mosaic": 0.0}))
    dataset[0]
    assert not calls
    assert stock.transforms is not dataset.transforms


def test_changed_tiles_follow_the_seed(repeated):
    """The same random state gives the same picture, and what is cached stays."""
    pytest.importorskip("albumentations")
    dataset, _ = repeated(0.0, 0.0, tiles=1.0, mosaic=1.0, cache="ram")
    before = [dataset.load_image(index)[0].copy() for index in range(8)]
    images = []
    for _ in range(2):
        random.seed(3)
        images.append(dataset.transforms.transforms[0].transforms[0](dataset.get_image_and_label(1))["img"])
    assert (images[0] == images[1]).all()
    for index, image in enumerate(before):  # cached pixels stay
        assert (dataset.load_image(index)[0] == image).all()
    assert len(pickle.dumps(dataset.transforms)) > 0


def test_tiles_need_albumentations(repeated, monkeypatch):
    monkeypatch.setitem(sys.modules, "albumentations", None)
    for cached in (degrade.albumentations, tile_mosaic.operations):
        cached.cache_clear()
    with pytest.raises(ModuleNotFoundError, match=r"tiles of a mosaic need Albumentations.*gjadet-yolo\[degrade\]"):
        repeated(0.0, 0.0, tiles=0.5)
    for cached in (degrade.albumentations, tile_mosaic.operations):
        cached.cache_clear()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"mosaic": 1.0, "close_mosaic": 10, "epochs": 10}, "last close_mosaic=10 epochs and this training has 10"),
        ({"mosaic": 0.0, "close_mosaic": 0, "epochs": 10}, "mosaic=0: say mosaic=1"),
        ({"mosaic": 1.0, "close_mosaic": 10, "epochs": 11}, ""),
    ],
)
def test_tiles_without_any_mosaic_are_noticed(settings, reason):
    found = no_mosaic(SimpleNamespace(**settings))
    assert reason in found
    assert bool(found) is bool(reason)
