"""Markers held against those around them."""

import numpy as np
import pytest

from gjadet_yolo.measure.alongside import alongside
from gjadet_yolo.measure.tracks import Status, Tracks

FRAMES = 40


def strip(rows=5):
    """Two columns of squares of 16 px that move, turn and grow, (FRAMES, 2 * rows, 2)."""
    row, column = np.divmod(np.arange(2 * rows), 2)
    layout = 16.0 * (column + 1j * row)
    frame = np.arange(FRAMES)[:, None]
    place = 100 + 3 * frame + (1 + 0.001 * frame) * np.exp(0.004j * frame) * layout
    return np.stack((place.real, place.imag), -1)


def tracks(position, sigma=0.02):
    shape = position.shape[:2]
    status = np.where(np.isfinite(position).all(2), Status.MEASURED, Status.MISSING).astype(np.uint8)
    deviation = np.broadcast_to(np.asarray(sigma, float), shape)[..., None].repeat(2, 2).copy()
    size = np.full((shape[1], 2), 16.0)
    return Tracks(np.arange(FRAMES) / 1000, position, deviation, status, np.zeros(shape), size, ("square",) * shape[1])


def test_what_agrees_is_left_as_it_is():
    truth = strip() + np.random.default_rng(0).normal(0, 0.02, (FRAMES, 10, 2))
    given = tracks(truth, 0.02)
    found = alongside(given)
    assert (found.position_px == truth).all() and (found.sigma_px == given.sigma_px).all()


def test_an_unsure_marker_that_is_dragged_along_for_some_frames_is_brought_back():
    """1 px off for 10 of 40 frames, and 0.3 px unsure by its own word."""
    truth = strip()
    place, sigma = truth.copy(), np.full((FRAMES, 10), 0.02)
    place[10:20, 4, 0] += 1.0
    sigma[10:20, 4] = 0.3
    found = alongside(tracks(place, sigma))
    assert np.abs(found.position_px - truth).max() < 0.06
    assert (found.sigma_px[10:20, 4, 0] < 0.3).all() and (found.sigma_px[10:20, 4, 0] > 0.1).all()


def test_a_marker_that_is_sure_of_itself_is_believed():
    place = strip()
    place[10:20, 4, 0] += 1.0
    assert (alongside(tracks(place)).position_px == place).all()


def test_a_constant_difference_is_no_motion():
    place = strip()
    place[:, 4, 0] += 1.0
    assert (alongside(tracks(place, 0.3)).position_px == place).all()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_neighbours(count):
    given = tracks(strip()[:, :count])
    assert (alongside(given).position_px == given.position_px).all()


def test_the_last_marker_may_be_missing():
    """It stood for all the neighbours that a marker has less than most, and made them unknown."""
    truth = strip()
    truth[:, 9] = np.nan
    place, sigma = truth.copy(), np.full((FRAMES, 10), 0.02)
    place[10:20, 0, 0] += 1.0
    sigma[10:20, 0] = 0.3
    assert np.abs(alongside(tracks(place, sigma)).position_px - truth)[:, 0].max() < 0.1


def test_gaps_stay_gaps():
    place = strip()
    place[5:9, 3] = np.nan
    found = alongside(tracks(place))
    assert np.isnan(found.position_px[5:9, 3]).all() and np.isfinite(found.position_px[9:, 3]).all()
