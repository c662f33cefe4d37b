"""Repeated images in the host's data set: lengths, indices, mosaic, caching, a training."""

from __future__ import annotations

import math
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
from ultralytics.data.build import build_dataloader, build_yolo_dataset
from ultralytics.data.utils import check_det_dataset
from ultralytics.utils import DEFAULT_CFG

from gjadet_yolo import locate
from gjadet_yolo.data import degrade
from gjadet_yolo.data.augment import tile_mosaic
from gjadet_yolo.data.formats.yolo import write_yolo_set
from gjadet_yolo.engine.trainer import no_mosaic
from gjadet_yolo.host import dataset as dataset_module
from gjadet_yolo.host.dataset import RecipeDataset
from gjadet_yolo.recipe.augment import AugmentConfig


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


def test_each_epoch_draws_anew(repeated):
    """As many repetitions, of other images; the same epoch draws the same again, as where a training is resumed."""
    dataset, _ = repeated(mosaic=0.0)
    dataset.factors = np.full(8, 1.5)
    draws = []
    for epoch in (1, 2, 3, 4, 1):
        dataset.epoch.fill_(epoch)
        dataset.get_image_and_label(0)
        draws.append(dataset.extra.tolist())
    assert [len(draw) for draw in draws] == [4] * 5
    assert len({tuple(draw) for draw in draws}) > 1
    assert draws[0] == draws[4]


def test_loading_processes_follow_the_epoch(repeated):
    dataset, _ = repeated(mosaic=0.0)
    dataset.factors = np.full(8, 1.5)
    dataset.set_order(0)
    loader = build_dataloader(dataset, batch=4, workers=1, shuffle=False)
    seen = []
    for epoch in range(4):
        dataset.epoch.fill_(epoch)
        loader.reset()
        seen.append(tuple(name for batch in loader for name in batch["im_file"][-4:]))
    assert len(set(seen)) > 1


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
        ({"mosaic": 1.0, "close_mosaic": 0, "epochs": 11, "rect": True}, "rect=True makes none: say rect=False"),
    ],
)
def test_tiles_without_any_mosaic_are_noticed(settings, reason):
    found = no_mosaic(SimpleNamespace(**{"rect": False} | settings))
    assert reason in found
    assert bool(found) is bool(reason)


SHAPES = [(64, 128), (80, 128), (96, 128), (128, 128), (128, 96), (128, 64)]
RARE = np.array([(1, 10, 10, 26, 26)], float)
COMMON = np.array([(0, 20, 20, 34, 34)], float)
NONE = np.zeros((0, 5))


@pytest.fixture
def written(tmp_path):
    """Writer of a set: labels (N, 5) of each picture, sizes, lines for the data YAML; gives the data YAML."""

    def write(labels, shapes=((64, 64),), **data):
        rng = np.random.default_rng(0)
        sizes = [(*shapes[number % len(shapes)], 3) for number in range(len(labels))]
        scenes = [
            (f"{n:02}", rng.integers(0, 255, size, np.uint8), boxes)
            for n, (size, boxes) in enumerate(zip(sizes, labels, strict=True))
        ]
        file = write_yolo_set(tmp_path / "set", {"train": scenes, "val": scenes[:1]}, ["common", "rare"])
        file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | data))
        return file

    return write


def built(file, recipe, batch=4, **settings):
    """Training images of a data YAML with a recipe."""
    data = check_det_dataset(str(file))
    cfg = get_cfg(DEFAULT_CFG, {"imgsz": 64, "workers": 0, **settings})
    return RecipeDataset.apply(build_yolo_dataset(cfg, data["train"], batch, data), recipe, 0)


def turn_into_polygons(data_yaml):
    """Write every box of a set as a rhombus."""
    for file in data_yaml.parent.rglob("labels/*/*.txt"):
        lines = []
        for line in file.read_text().splitlines():
            cls, x, y, w, h = map(float, line.split())
            lines.append(f"{cls:g} {x} {y - h / 2} {x + w / 2} {y} {x} {y + h / 2} {x - w / 2} {y}\n")
        file.write_text("".join(lines))


def test_repetitions_under_rect(written):
    """18 pictures of six shapes, one of each rare: each batch has one shape, which is that of its pictures."""
    dataset = built(written([RARE] * 6 + [COMMON] * 12, SHAPES), AugmentConfig(repeat=1.0), 2, imgsz=128, rect=True)
    assert len(dataset) >= 18 + 4  # a factor of sqrt(18 / 6) = 1.7 for six pictures, of sqrt(18 / 12) = 1.2 for twelve
    shapes = set()
    loader = build_dataloader(dataset, batch=2, workers=0, shuffle=False)
    for number, batch in zip(range(len(loader)), loader, strict=False):  # stacking fails where shapes differ
        positions = range(2 * number, min(2 * number + 2, len(dataset)))
        wanted = {tuple(dataset.get_image_and_label(index)["rect_shape"]) for index in positions}
        assert wanted == {tuple(batch["img"].shape[2:])}
        shapes |= wanted
    assert shapes >= {(64, 128), (128, 64)}  # narrow pictures are not padded to squares
    shown = [dataset.get_image_and_label(index)["im_file"] for index in range(len(dataset))]
    assert len(set(shown)) == 18
    assert sorted(map(shown.count, set(shown)))[-len(dataset.extra) :] == [2] * len(dataset.extra)


@pytest.mark.parametrize("cache", [False, "disk", "ram"])
def test_partners_of_a_mosaic(written, cache):
    """The rare picture, shown 3 or 4 times, is as often in mosaics as in batches, whatever is cached or pasted."""
    dataset = built(written([RARE] + [COMMON] * 11), AugmentConfig(1.0, 0.8), batch=1, cache=cache, mosaic=1.0)
    copies = 1 + (dataset.extra == 0).sum()
    assert copies >= 3
    mosaic = dataset.transforms.transforms[0].transforms[0]
    partners = []
    for epoch in range(25):
        random.seed(epoch)
        for index in random.sample(range(len(dataset)), len(dataset)):
            dataset[index]
            partners += [dataset.get_image_and_label(number)["im_file"] for number in mosaic.get_indexes()]
    rare = sum(name.endswith("00.png") for name in partners) / len(partners)
    assert rare == pytest.approx(copies / len(dataset), abs=0.04)  # about 0.25, 1/12 without; 1,100 draws
    assert len(set(partners)) == 12


def test_donors_leave_the_buffer_alone(written):
    """What the host keeps in memory for mosaics are images that were shown."""
    dataset = built(written([RARE] + [COMMON] * 11), AugmentConfig(paste=1.0), mosaic=0.0)
    pasted = sum(len(dataset.get_image_and_label(index)["cls"]) for index in range(1, 6)) - 5
    assert pasted >= 3
    assert dataset.buffer == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("polygons", [False, True])
def test_polygons_are_pasted_by_their_boxes(written, polygons):
    """Labels, boxes and polygons stay as many as each other, also in a picture that had none and in mosaics."""
    file = written([RARE, COMMON, NONE, COMMON])
    if polygons:
        turn_into_polygons(file)
    dataset, added = built(file, AugmentConfig(paste=1.0), mosaic=0.0), 0
    for index in [0, 1, 2, 3] * 5:
        label = dataset.get_image_and_label(index)
        own, boxes, segments = len(dataset.labels[index]["cls"]), label["instances"].bboxes, label["instances"].segments
        assert len(label["cls"]) == len(boxes)
        added += len(boxes) - own
        assert len(segments) == (len(boxes) if polygons else 0)
        for points, (x, y, w, h) in zip(segments[own:], boxes[own:], strict=polygons):
            ends = np.concatenate((points.min(0), points.max(0)))
            np.testing.assert_allclose(ends, (x - w / 2, y - h / 2, x + w / 2, y + h / 2), atol=1e-5)
    assert added >= 10
    mixed = built(file, AugmentConfig(paste=1.0), mosaic=1.0, degrees=20.0, mixup=0.5)
    for sample in map(mixed.__getitem__, range(4)):
        assert len(sample["cls"]) == len(sample["bboxes"]) == len(sample["batch_idx"])


def test_what_is_in_force(written):
    """9 common objects, 1 rare one, 10 pictures, paste 0.8: 2 copies of common, 6 of rare, n^-1/2 being 1/3 and 1."""
    file = written([RARE] + [COMMON] * 9)
    dataset = built(file, AugmentConfig(paste=0.8))
    assert dataset.in_force() == "an object is pasted into 80% of the images (rare 75%, common 25%)"
    assert dataset.effective_counts.tolist() == pytest.approx([9 + 2, 1 + 6])
    repeated = built(file, AugmentConfig(repeat=1.0, paste=0.8))
    assert repeated.in_force().startswith(f"{len(repeated.extra)} repetitions of 10 images; an object is pasted into ")
    assert repeated.effective_counts.sum() == pytest.approx(repeated.factors.sum() * 1.8)


def test_what_is_bounded_is_said(written):
    dataset = built(written([RARE] + [NONE] * 39), AugmentConfig(paste=0.8))
    text = "an object is pasted into 25% of the images (rare 100%), not 80%: no object more than 10 times per epoch"
    assert dataset.in_force() == text


def test_tiles_of_other_channels_are_refused(written, monkeypatch):
    dataset = built(written([RARE, COMMON]), AugmentConfig(paste=0.8))
    dataset.channels = 10
    with pytest.raises(ValueError, match=r"tiles is 0\.5, .* 1 or 3 channels, and the data YAML says channels: 10"):
        RecipeDataset.apply(dataset, AugmentConfig(tiles=0.5), 0)


@pytest.mark.parametrize(
    ("labels", "data", "settings", "says"),
    [
        ([RARE] + [COMMON] * 5, {"channels": 1}, {}, "pasted into 70%"),
        ([NONE] * 6, {}, {}, "nothing is pasted, because no image holds an object"),
        ([RARE] * 2 + [COMMON] * 8, {}, {"rect": True, "imgsz": 128}, "repetitions of 10 images; an object"),
    ],
    ids=["grey", "empty", "rect"],
)
def test_the_recipe_trains_on(written, tmp_path, caplog, labels, data, settings, says):
    file = written(labels, SHAPES if settings else ((64, 64),), **data)
    settings = TINY | {"imgsz": 64, "val": False, "close_mosaic": 0} | settings
    with caplog.at_level("INFO", "ultralytics"):
        model = YOLO("gjadetn-plain.yaml")
        model.train(data=str(file), epochs=1, project=str(tmp_path), name="r", **settings)
    assert math.isfinite(model.trainer.loss.item())
    assert says in caplog.text
