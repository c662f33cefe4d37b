"""Truth files: the same numbers three times, and numbers that fit each other."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from gjadet_yolo.geometry.camera import Camera
from gjadet_yolo.synth.paint.render import Renderer
from gjadet_yolo.synth.truth import COLUMNS, VideoTruth, follow
from gjadet_yolo.synth.world.motion import BodyMotion
from gjadet_yolo.synth.world.pulse import PiecewiseLinear
from gjadet_yolo.synth.world.scene import Body, Part, Scene, Thing
from gjadet_yolo.synth.world.shape import rectangle
from gjadet_yolo.synth.world.strip import Strip
from gjadet_yolo.synth.world.target import Targets
from gjadet_yolo.synth.write.videos import write_truth

SIZE = (320, 240)
TUBE = rectangle(0, 0, 100, 50)


@pytest.fixture
def truth() -> VideoTruth:
    """A strip on a body that is braked from 10 m/s with 100 m/s² after 20 ms, and one that stands; 5 mm per px."""
    moving = BodyMotion((-300.0, -50.0), (10.0, 0.0), PiecewiseLinear((0.0, 0.1), (100.0, 100.0)), impact_s=0.02)
    bodies = (
        Body(moving, targets=Targets.from_strip(Strip(3, 40.0))),
        Body(BodyMotion((790.0, 0.0)), targets=Targets.from_strip(Strip(1, 40.0))),
        Body(BodyMotion((0.0, 300.0)), (Part(TUBE, "steel"),), things=(Thing(3, TUBE),)),
    )
    scene = Scene(Camera.facing(SIZE, 5.0), bodies, "dark", 0)
    time_s = np.arange(50) / 1000.0
    renderer = Renderer(scene, (0.0, 0.05))
    frames = [renderer.frame(float(t)) for t in time_s]
    return follow(scene, time_s, 1000.0, 0.0005, [f.targets for f in frames], [f.things for f in frames])


def test_by_hand(truth):
    """First square: centre 20 mm into the strip; 5 mm are a pixel."""
    assert truth.position_px.shape == (50, 8, 2)
    np.testing.assert_allclose(truth.position_mm[0, 0], [-280, -30])
    np.testing.assert_allclose(truth.position_px[0, 0], [160 - 56, 120 - 6])
    np.testing.assert_allclose(truth.boxes_px[0, 0], [100, 110, 108, 118])
    np.testing.assert_allclose(truth.position_px[10, 0], [160 - 56 + 20, 114])
    np.testing.assert_allclose(truth.velocity_mps[[10, 40], 0, 0], [10, 8])
    np.testing.assert_allclose(truth.acceleration_mps2[[10, 40], 0, 0], [0, -100])


def test_visible_part(truth):
    """The standing strip begins 2 px before the right border: a quarter of a square is inside, none of the next."""
    np.testing.assert_allclose(truth.visible[0, 6:], [0.25, 0], atol=1e-12)
    np.testing.assert_allclose(truth.visible[:, :6], 1)


def test_files_agree(truth, tmp_path):
    write_truth(truth, tmp_path)
    table = list(csv.reader((tmp_path / "truth.csv").open(encoding="utf-8")))
    content = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert (tmp_path / "truth.json").read_text(encoding="utf-8") == json.dumps(content)  # though written row by row
    assert tuple(table[0]) == tuple(content["columns"]) == COLUMNS
    assert [list(map(float, row)) for row in table[1:]] == content["rows"]
    assert len(content["rows"]) == 50 * 8
    assert content["camera"]["mm_per_px"] == pytest.approx(5.0)
    assert (content["camera"]["fps"], content["camera"]["exposure_s"]) == (1000.0, 0.0005)
    lines = [line.split(",") for line in (tmp_path / "mot.txt").read_text().splitlines()]
    assert len(lines) == 50 * 6  # a quarter of a square is too little for a box
    assert content["objects"][0] == [0, "absorber", 160, 180, 180, 190]
    assert lines[0] == ["1", "1", "100.0000", "110.0000", "8.0000", "8.0000", "1", "1", "1.0000"]


def test_velocity_is_the_derivative_in_the_file(truth):
    """Central differences of the positions where the pulse is smooth."""
    x = truth.position_mm[:, 0, 0]
    speed = (x[2:] - x[:-2]) / 2 * 1000 * 1e-3  # mm per frame to m/s
    smooth = np.abs(truth.time_s[1:-1] - 0.02) > 0.0015
    np.testing.assert_allclose(speed[smooth], truth.velocity_mps[1:-1, 0, 0][smooth], rtol=1e-6)
