"""Detections: each marker once, whole ones only, and to the right track."""

from __future__ import annotations

import numpy as np

from gjadet_yolo.measure.track.boxes import clean, match, whole


def boxes(centres: list[tuple[float, float]], side: float = 10.0) -> np.ndarray:
    """Detections (K, 6) of score 0.5 at centres."""
    at = np.array(centres, float)
    return np.concatenate((at - side / 2, at + side / 2, np.full((len(at), 1), 0.5), np.zeros((len(at), 1))), 1)


def test_the_better_of_two_boxes_of_one_marker_stays():
    rows = boxes([(50, 50), (53, 50), (60, 50)])
    rows[1, 4] = 0.9
    rows = np.concatenate((rows, [[np.nan, 0, 1, 1, 1, 0], [5, 5, 5, 9, 1, 0]]))  # not a box, and an empty one
    found = clean(rows, 0)
    np.testing.assert_allclose(found.centre, [[53, 50], [60, 50]])
    np.testing.assert_allclose(found.scores, [0.9, 0.5])
    assert len(clean(rows, 3).boxes) == 0


def test_a_box_at_the_border_is_whole_if_it_is_as_large_as_its_neighbour():
    rows = boxes([(50, 50), (50, 95), (50, 84), (96, 20)])
    rows[1, 3] = 99.5
    cut = rows.copy()
    cut[1, 3], cut[1, 1] = 99.8, 93.0
    assert whole(clean(rows, 0), (100, 100)).tolist() == [True, True, True, False]  # the last has no neighbour
    assert whole(clean(cut, 0), (100, 100)).tolist() == [True, False, True, False]


def test_tracks_take_the_nearest_box_and_no_far_one():
    found = clean(boxes([(10, 10), (22, 10), (60, 60)]), 0)
    tracks = np.array([[21.0, 10.0], [11.0, 10.0], [90.0, 90.0], [np.nan, np.nan]])
    matched, far = match(tracks, np.full(4, 10.0), found)
    assert matched.tolist() == [1, 0, -1, -1]
    assert far.tolist() == [False, False, True]
    assert match(np.zeros((0, 2)), np.zeros(0), found)[1].all()
