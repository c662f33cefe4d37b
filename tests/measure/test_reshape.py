"""How tracks are turned and squeezed since they were learned, told by their groups."""

import numpy as np

from gjadet_yolo.measure.track.flock import Flock
from gjadet_yolo.measure.track.motion import reshape
from gjadet_yolo.measure.track.record import Record, Row
from gjadet_yolo.measure.tracks import Status


def flock_of(first, now):
    """Tracks of one group that were learned in frame 0, (n, 2), and are elsewhere in frame 1, with their record."""
    count = len(first)
    ids, size = np.arange(count), np.full((count, 2), 16.0)
    flock = Flock.beginning(ids, now.copy(), size, np.zeros(count, int), 0, [None] * count)
    record, measured = Record(), np.full(count, Status.MEASURED, np.uint8)
    for place in (first, now):
        record.rows.append(Row(ids, place, np.full((count, 2), 0.02), measured, np.zeros(count), flock.shape))
    return flock, record


def strip(left):
    row, column = np.divmod(np.arange(12), 2)
    return np.stack((left + 16.0 * column, 16.0 * row), -1)


def test_a_body_that_turns_and_shrinks_turns_its_markers():
    first = strip(100.0)
    strain = np.array([[0.95, -0.05], [0.05, 0.95]])
    flock, record = flock_of(first, (first - first.mean(0)) @ strain.T + first.mean(0) + 40)
    reshape(flock, record, np.ones(12, bool))
    np.testing.assert_allclose(flock.shape, np.broadcast_to(strain, (12, 2, 2)), atol=0.02)


def test_bodies_that_came_to_rest_side_by_side_do_not_squeeze_each_other():
    """One has come 126 px, the other one stood: as one group they would be squeezed to a half."""
    first = np.concatenate((strip(100.0), strip(300.0)))
    now = first + np.repeat(((126.0, 0.0), (0.0, 0.0)), 12, axis=0)
    flock, record = flock_of(first, now)
    reshape(flock, record, np.ones(24, bool))
    np.testing.assert_allclose(flock.shape, np.broadcast_to(np.eye(2), (24, 2, 2)), atol=0.02)
