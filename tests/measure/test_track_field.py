"""Fields of motion of groups, the vote on where a group has gone, and which neighbours belong together."""

from __future__ import annotations

import numpy as np

from gjadet_yolo.measure.track.field import fit_fields, medians
from gjadet_yolo.measure.track.groups import neighbour_groups
from gjadet_yolo.measure.track.search import vote


def grid(rows: int, columns: int, corner: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    return np.stack(np.divmod(np.arange(rows * columns), columns), -1)[:, ::-1] * 12.0 + np.array(corner)


def test_fields_of_two_groups_at_once():
    """One shifted, one turned by 0.05 rad with a marker that goes astray; the ridge costs a hundredth of a turn."""
    first, second = grid(8, 2), grid(10, 2, (100, 40))
    cosine, sine = np.cos(0.05), np.sin(0.05)
    turned = (second - second.mean(0)) @ np.array([[cosine, sine], [-sine, cosine]]) + second.mean(0) + (3, 1)
    astray = turned.copy()
    astray[4] += 8
    before, after = np.concatenate((first, second)), np.concatenate((first + np.array([5, -2]), astray))
    label = np.repeat([0, 2], [16, 20])
    fields = fit_fields(before, after, label, 3, np.full(36, 12.0))
    step = fields.step(before, label)
    np.testing.assert_allclose(step[:16], np.tile([5.0, -2.0], (16, 1)), atol=1e-9)
    np.testing.assert_allclose(step[16:], turned - second, atol=0.15)
    assert np.isnan(fields.shift[1]).all()


def test_one_marker_tells_a_shift():
    fields = fit_fields(np.array([[5.0, 5.0]]), np.array([[6.0, 7.0]]), np.zeros(1, int), 1, np.array([10.0]))
    np.testing.assert_allclose(fields.step(np.array([[50.0, 5.0]]), np.zeros(1, int)), [[1, 2]], atol=1e-9)


def test_medians_of_groups():
    values, group = np.array([3.0, 1.0, 2.0, 9.0]), np.array([0, 0, 0, 2])
    np.testing.assert_allclose(medians(values, group, np.array([3, 0, 1])), [2, 0, 9])
    np.testing.assert_allclose(medians(np.zeros(0), np.zeros(0, int), np.zeros(2, int)), [0, 0])


def test_the_ends_of_a_strip_decide_the_vote():
    """Eight of ten match a shift by two squares as well; the two at the end do not."""
    surface = np.zeros((10, 31, 31), np.float32)
    surface[:, 15, 20] = 0.9
    surface[:8, 15, 8] = 0.92
    moved, rounds = vote(surface, 0.6)
    np.testing.assert_allclose(moved, np.tile([5.0, 0.0], (10, 1)), atol=1e-6)
    assert rounds.tolist() == [0] * 10


def test_two_bodies_in_one_group_vote_apart_and_noise_does_not_vote():
    surface = np.zeros((9, 31, 31), np.float32)
    surface[:5, 15, 20], surface[5:8, 10, 15], surface[8] = 0.9, 0.9, 0.3
    moved, rounds = vote(surface, 0.6)
    assert rounds.tolist() == [0] * 5 + [1] * 3 + [-1]
    np.testing.assert_allclose(moved[5:8], np.tile([0.0, -5.0], (3, 1)), atol=1e-6)
    assert np.isnan(moved[8]).all()
    assert (vote(surface, 0.6, quorum=0.8)[1] == -1).all()


def test_neighbours_that_move_alike_are_a_group():
    position = np.concatenate((grid(5, 2), grid(5, 2, (24, 0)), grid(5, 2, (200, 0))))
    moved = np.repeat([[0.0, 0.0], [6.0, 0.0], [0.0, 0.0]], 10, 0)
    assert neighbour_groups(position, np.full(30, 12.0), moved).tolist() == [0] * 10 + [1] * 10 + [2] * 10
    unknown = np.full((30, 2), np.nan)
    assert neighbour_groups(position, np.full(30, 12.0), unknown).tolist() == [0] * 20 + [1] * 10
    assert neighbour_groups(position[:1], np.full(1, 12.0), moved[:1]).tolist() == [0]
