"""Operations on the tiles of a mosaic: sizes, geometry, seeds."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("albumentations")

from gjadet_yolo.data.tile_mosaic import augment_tile, blend_edges, operations

OPERATIONS = [(name, number) for name, choices in operations().items() for number in range(len(choices))]


@pytest.fixture
def image():
    """A dark picture with one bright square of 12 px, middle at (20, 30)."""
    picture = np.full((48, 64, 3), (60, 50, 70), np.uint8)
    picture[24:36, 14:26] = (200, 210, 190)
    return picture


@pytest.mark.parametrize(("name", "number"), OPERATIONS)
def test_operation_keeps_size_and_place(image, name, number):
    """The square stays where it is: the middle of what differs from the ground moves by less than half a px."""
    before = image.copy()
    out = operations()[name][number](image, np.random.default_rng(2))
    assert out.shape == image.shape
    assert out.dtype == np.uint8
    assert (image == before).all()
    if name not in ("dropout", "noise", "edges", "emboss"):
        away = np.abs(out.astype(float) - np.median(out, axis=(0, 1))).sum(2)
        away[away < 0.5 * away.max()] = 0
        y, x = np.indices(away.shape)
        assert (x * away).sum() / away.sum() == pytest.approx(19.5, abs=0.5)
        assert (y * away).sum() / away.sum() == pytest.approx(29.5, abs=0.5)


def test_tile_follows_the_seed(image):
    first, again, other = (augment_tile(image, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_number_of_operations_is_0_to_5(image, monkeypatch):
    counts = []
    known = {str(index): (lambda picture, rng: counts.append(1) or picture,) for index in range(12)}
    monkeypatch.setattr("gjadet_yolo.data.tile_mosaic.operations", lambda: known)
    seen = set()
    for seed in range(80):
        counts.clear()
        augment_tile(image, np.random.default_rng(seed))
        seen.add(len(counts))
    assert seen == {0, 1, 2, 3, 4, 5}


def test_edges_of_a_flat_picture_are_nothing():
    """No edges: the picture is only darkened by the share, which is at most 0.4."""
    flat = np.full((8, 8, 3), 100, np.uint8)
    out = blend_edges(flat, np.random.default_rng(0))
    assert len(np.unique(out)) == 1
    assert 60 <= out[0, 0, 0] <= 90


def test_grey_pictures_stay_grey(image):
    """One channel: 60 tiles with all the operations that come up."""
    grey = image[..., :1].copy()
    changed = 0
    for seed in range(60):
        out = augment_tile(grey, np.random.default_rng(seed))
        assert out.shape == grey.shape
        assert out.dtype == np.uint8
        changed += (out != grey).any()
    assert changed > 30
