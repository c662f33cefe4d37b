"""Places checked by the grid of their strip."""

import numpy as np
import pytest

from gjadet_yolo.measure.lattice import departures, widened


def strip(rows=6, columns=2, side=16.0, angle=0.3):
    """Middles of squares along a strip that is turned, (rows * columns, 2)."""
    row, column = np.divmod(np.arange(rows * columns), columns)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.stack((column, row), -1) * side @ turn + 100


def test_a_regular_strip_has_no_departures():
    """Rows between the first and the last have neighbours on both sides."""
    found = departures(strip(), np.full(12, 16.0))
    assert np.isnan(found[[0, 1, 10, 11]]).all()
    assert found[2:10] == pytest.approx(0, abs=1e-9)


def test_the_one_that_is_off_is_named():
    """3 px along x: its own departure is 3, those of the next ones along the strip 1.5, all others 0."""
    place = strip(angle=0.0)
    place[5] += (3.0, 0.0)
    found = departures(place, np.full(12, 16.0))
    assert found[5] == pytest.approx([3, 0])
    assert found[3] == pytest.approx([-1.5, 0]) and found[7] == pytest.approx([-1.5, 0])
    assert found[[2, 4, 6, 8, 9]] == pytest.approx(0, abs=1e-9)


def test_deviations_are_widened_and_never_narrowed():
    common = np.full((3, 2), 0.05)
    found = widened(common, np.array([[3.0, 0.0], [0.08, 0.0], [np.nan, np.nan]]))
    assert found[0] == pytest.approx([3 / np.sqrt(1.5), 0.05])
    assert (found[1:] == 0.05).all()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few(count):
    assert np.isnan(departures(np.zeros((count, 2)), np.full(count, 16.0))).all()
