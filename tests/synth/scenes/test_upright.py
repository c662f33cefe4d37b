"""Drop towers: a scene turned by a quarter."""

from __future__ import annotations

import numpy as np

from gjadet_yolo.synth.scenes.builder import Wanted
from gjadet_yolo.synth.scenes.compose import begin_scene


def test_what_moves_to_the_right_falls():
    """The view is as wide as the picture is high, and x points down within the camera's own tilt."""
    for seed in range(20):
        lying, upright = (
            begin_scene(np.random.default_rng(seed), (300, 200), 10.0, Wanted(), upright=turned)
            for turned in (False, True)
        )
        assert upright.half_mm == lying.half_mm[::-1]
        start, end = upright.camera.project(np.array([(0.0, 0.0), (1.0, 0.0)]))
        before, after = lying.camera.project(np.array([(0.0, 0.0), (1.0, 0.0)]))
        along, usual = end - start, after - before
        angle = np.arctan2(along[1], along[0]) - np.arctan2(usual[1], usual[0])
        assert abs(angle - np.pi / 2) < 0.15  # perspective bends a right angle a little
