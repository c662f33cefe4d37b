"""Legends: where they go, what they hold, and when they stay away."""

from __future__ import annotations

import numpy as np
import pytest

from gjadet_yolo.evaluate.legend import Entry, draw_legend, freest_corner, panel, shortened

ENTRIES = [Entry("point", 1284, (255, 42, 4)), Entry("wheel", 2, (20, 200, 20))]


@pytest.mark.parametrize(
    ("taken", "corner"), [([], 0), ([0], 1), ([0, 1], 2), ([0, 1, 2], 3), ([0, 1, 2, 3], 0), ([1, 2, 3], 0)]
)
def test_the_freest_corner(taken, corner):
    """A box of 20 px in each taken corner of 400 x 600 px: upper left, upper right, lower right, lower left."""
    places = [(0, 0), (580, 0), (580, 380), (0, 380)]
    boxes = np.array([(*places[i], places[i][0] + 20, places[i][1] + 20) for i in taken], float).reshape(-1, 4)
    assert freest_corner(boxes, (50, 100), (400, 600)) == corner


def test_a_swatch_has_its_colour_and_the_panel_is_dark():
    image = panel(ENTRIES, 20)
    for _, colour in ((e.name, e.colour) for e in ENTRIES):
        assert (image == colour).all(2).sum() > 100  # of 16 x 16 px less the rim
    assert (image.max(2) < 40).mean() > 0.5


def test_it_is_drawn_in_its_corner_only():
    picture = np.full((400, 600, 3), 128, np.uint8)
    assert draw_legend(picture, ENTRIES, np.zeros((0, 4))) == 0
    changed = np.argwhere((picture != 128).any(2))
    assert changed.min() < 10
    assert (changed.max(0) < (80, 160)).all()
    assert draw_legend(picture, ENTRIES, np.zeros((0, 4)), corner=2) == 2


@pytest.mark.parametrize("shape", [(40, 60, 3), (400, 600, 1)])
def test_it_stays_away_from_pictures_that_it_would_hide(shape):
    picture = np.zeros(shape, np.uint8)
    assert draw_legend(picture, ENTRIES, np.zeros((0, 4))) is None
    assert not picture.any()


def test_many_classes_are_put_together():
    rows = shortened([Entry(str(i), i, (0, 0, 0)) for i in range(15)])
    assert [row.name for row in rows] == ["14", "13", "12", "11", "10", "9", "8", "7", "6", "6 other classes"]
    assert rows[-1].count == 15  # 0 + 1 + ... + 5
    assert shortened(ENTRIES[::-1]) == ENTRIES[::-1]
