"""Copy-paste of boxes: labels against pixels, nothing covered, nothing changed without room."""

from __future__ import annotations

import numpy as np
import pytest

from gjadet_yolo.data.paste import MOST_COPIES, SCALES, Cut, cut_out, draw_probabilities, fade, paste, resized

DONOR_LABELS = np.array([(1, 40, 40, 80, 60), (0, 45, 45, 50, 50), (0, 70, 50, 90, 58), (0, 0, 0, 5, 5)], float)


@pytest.fixture
def donor() -> np.ndarray:
    """A white bogie of 40 x 20 px on grey, 120 x 100."""
    image = np.full((100, 120, 3), 90, np.uint8)
    image[40:60, 40:80] = 255
    return image


def test_cut_by_hand(donor):
    """Margin 0.2: 8 px left and right, 4 px above and below. The point inside comes along, half a point does not."""
    cut = cut_out(donor, DONOR_LABELS, 0)
    assert cut.image.shape == (28, 56, 3)
    assert cut.core.tolist() == [8, 4, 48, 24]
    assert cut.labels.tolist() == [[1, 8, 4, 48, 24], [0, 13, 9, 18, 14]]


def test_cut_at_the_border():
    cut = cut_out(np.zeros((50, 50, 3), np.uint8), np.array([(2, 0, 30, 20, 50)], float), 0)
    assert cut.image.shape == (24, 24, 3)
    assert cut.core.tolist() == [0, 4, 20, 24]
    assert fade(cut)[20, 0] == 1  # nothing to fade where the image ended


def test_fade_by_hand(donor):
    alpha = fade(cut_out(donor, DONOR_LABELS, 0))
    assert alpha.shape == (28, 56)
    assert (alpha[4:24, 8:48] == 1).all()
    assert alpha[14, 0] == pytest.approx(0.5 / 8)
    assert alpha[14, 55] == pytest.approx(0.5 / 8)


def test_labels_match_pixels(donor):
    """White pixels of the pasted object against its box, over 30 draws."""
    cut = cut_out(donor, DONOR_LABELS, 0)
    image, labels = np.full((200, 200, 3), 90, np.uint8), np.array([(0, 10, 10, 30, 30)], float)
    for seed in range(30):
        picture, found = paste(image, labels, cut, np.random.default_rng(seed))
        assert found[:1].tolist() == labels.tolist()
        assert found[:, 0].tolist() == [0, 1, 0]
        rows, columns = np.nonzero(picture[..., 0] > 172)
        extent = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        assert np.abs(np.array(extent) - found[1, 1:]).max() <= 1.01
        assert SCALES[0] - 0.05 < (found[1, 3] - found[1, 1]) / 40 < SCALES[1] + 0.05
        assert (image == 90).all()


def test_nothing_labelled_is_covered(donor):
    cut = cut_out(donor, DONOR_LABELS, 0)
    rng = np.random.default_rng(0)
    image, labels = np.full((150, 150, 3), 90, np.uint8), np.array([(3, 40, 40, 110, 110)], float)
    image[40:110, 40:110] = 10
    for _ in range(40):
        picture, _ = paste(image, labels, cut, rng)
        assert (picture[40:110, 40:110] == 10).all()


def test_no_room_changes_nothing(donor):
    cut = cut_out(donor, DONOR_LABELS, 0)
    image, labels = np.zeros((60, 60, 3), np.uint8), np.array([(3, 2, 2, 58, 58)], float)
    picture, found = paste(image, labels, cut, np.random.default_rng(0))
    assert found is labels
    assert not picture.any()


def test_large_objects_are_reduced(donor):
    cut = Cut(
        np.full((400, 400, 3), 200, np.uint8), np.array([(1, 0, 0, 400, 400)], float), np.array((0, 0, 400, 400.0))
    )
    _, found = paste(np.zeros((100, 100, 3), np.uint8), np.zeros((0, 5)), cut, np.random.default_rng(0))
    assert (found[0, 3:] - found[0, 1:3]).max() <= 60


def test_resized_keeps_proportions(donor):
    half = resized(cut_out(donor, DONOR_LABELS, 0), 0.5)
    assert half.image.shape == (14, 28, 3)
    assert half.labels[0].tolist() == [1, 4, 2, 24, 12]


@pytest.mark.parametrize("channels", [1, 3, 10])
def test_any_number_of_channels(channels):
    """What is cut out keeps its channels at every scale, and so does the picture it goes to."""
    donor = np.full((100, 120, channels), 200, np.uint8)
    picture, found = paste(
        np.zeros((200, 200, channels), np.uint8),
        np.zeros((0, 5)),
        cut_out(donor, DONOR_LABELS, 0),
        np.random.default_rng(0),
    )
    assert picture.shape == (200, 200, channels)
    x, y = found[0, 1:].reshape(2, 2).mean(0).astype(int)
    assert (picture[y, x] == 200).all()


def test_rarity_is_dampened():
    """A class with a quarter of the objects is drawn twice as often, not four times; nothing is bounded here."""
    drawn = draw_probabilities([400, 100], 600, 0.6)
    assert drawn == pytest.approx([0.2, 0.4])


@pytest.mark.parametrize(
    ("counts", "copies"),
    [
        # 420 copies per epoch of 600 images; the single object gets 10, the rest goes by n^-1/2
        ((5000, 300, 200, 100, 1), (23.9, 97.6, 119.5, 169.0, 10)),  # it was 412 of 420 with 1/n
        ((2531, 70, 60, 2), (29.6, 178.0, 192.3, 20)),  # it was 394 of 420
        ((50, 50, 50), (140, 140, 140)),
        ((0, 0), (0, 0)),
        ((0, 900), (0, 420)),
        ((3, 0, 5), (30, 0, 50)),  # all bounded: 80 pasted, and nothing into the other images
    ],
)
def test_copies_of_an_epoch(counts, copies):
    assert 600 * draw_probabilities(counts, 600, 0.7) == pytest.approx(copies, abs=0.1)


def test_no_class_steers():
    """Over any counts: never above ten copies per object, never above the probability asked for."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        counts, images = rng.integers(0, 4, 8) * 10 ** rng.integers(0, 5, 8), int(rng.integers(1, 3000))
        drawn = draw_probabilities(counts, images, 0.7)
        assert (images * drawn <= MOST_COPIES * counts + 1e-9).all()
        assert drawn.sum() == pytest.approx(min(0.7, MOST_COPIES * counts.sum() / images))


def test_no_images_no_draw():
    assert draw_probabilities([0, 0], 0, 0.7).tolist() == [0, 0]
