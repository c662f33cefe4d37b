"""Scores of benchmarks/measure.py: planted errors are counted, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from measuring.scores import covered, identity, positions
from measuring.videos import Truth, step_for

FRAMES, COUNT, SIDE = 20, 6, 16.0


@pytest.fixture
def truth() -> Truth:
    """Six squares of 16 px, side by side, that move by a quarter of a side each frame."""
    x = 20 + SIDE * np.arange(COUNT) + 4.0 * np.arange(FRAMES)[:, None]
    place = np.stack((x, np.full_like(x, 50)), -1)
    boxes = np.concatenate((place - SIDE / 2, place + SIDE / 2), -1)
    one = np.ones(COUNT)
    return Truth(1000.0, np.ones(x.shape), place, boxes, place, 0 * one, one > 0, 16.0, one, SIDE * one, {})


def test_the_truth_itself_has_no_fault(truth):
    found = identity(truth.position_px, truth)
    assert found == {
        **{"tracks": 6, "switches": 0, "fragments": 0, "ghosts": 0},
        **{"wanted": FRAMES * COUNT, "wanted_found": FRAMES * COUNT},
    }
    scores = positions(truth.position_px, None, truth)
    assert scores["place_16_n"] == 2 * FRAMES * COUNT and scores["place_16_ss"] == 0


def test_switches_fragments_ghosts_and_gaps_are_counted(truth):
    place = np.concatenate((truth.position_px, np.full((FRAMES, 2, 2), 400.0)), 1)
    place[:, 7] = np.nan
    place[10:, 7] = truth.position_px[10:, 5]  # marker 5 goes on under another name
    place[10:, 5] = np.nan
    place[12:, [0, 1]] = place[12:, [1, 0]]  # two names change places
    place[3:5, 2] = np.nan
    found = identity(place, truth)
    assert (found["switches"], found["fragments"], found["ghosts"]) == (2, 1, 1)
    assert found["wanted"] - found["wanted_found"] == 2


def test_place_and_motion_are_told_apart(truth):
    """All of 0.3 px off along x: an error of place, none of motion."""
    scores = positions(truth.position_px + np.array((0.3, 0.0)), np.full(truth.position_px.shape, 0.1), truth)
    assert np.sqrt(scores["place_16_ss"] / scores["place_16_n"]) == pytest.approx(0.3 / np.sqrt(2))
    assert scores["motion_16_ss"] == pytest.approx(0, abs=1e-18)
    assert scores["bar_position_in"] == scores["bar_position_n"] / 2


def test_bars_and_steps():
    assert covered("bar", np.array([0.0, 1.9, 2.0, np.nan]), np.ones(4)) == {"bar_n": 3, "bar_in": 2}


def test_frames_are_left_out_up_to_a_share_of_a_side(truth):
    assert step_for(truth, 1.2) == 4  # of 4 px each, in sides of 16 px: 4 frames are 1.0, 5 would be 1.25
    assert truth.every(4).fps == 250 and len(truth.every(4).visible) == 5
