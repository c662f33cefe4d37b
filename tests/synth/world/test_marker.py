"""Markers of laboratories: proportions by hand, symmetry, and a drawn centre where the truth says it is."""

from __future__ import annotations

import numpy as np
import pytest

from gjadet_yolo.synth.paint.layer import Layer
from gjadet_yolo.synth.paint.visible import area_of
from gjadet_yolo.synth.still import SceneMix, draw_still
from gjadet_yolo.synth.world.marker import MARKERS, marker
from gjadet_yolo.synth.world.strip import Strip
from gjadet_yolo.synth.world.target import Targets

WHITE, BLACK = (255.0, 255.0, 255.0), (0.0, 0.0, 0.0)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(("kind", "count", "step"), [("spots5", 4, 90), ("spots6", 5, 72)])
def test_spots_by_the_makers_proportions(kind, count, step):
    """Diameter 160 mm: the outer spots lie on a circle of 100 mm and measure 25 mm each."""
    tops = marker(kind, rng(), (10.0, 20.0), 80.0, WHITE, BLACK).tops_mm
    middles = np.array([top.mean(0) for top in tops]) - (10.0, 20.0)
    assert len(tops) == count + 1
    np.testing.assert_allclose(middles[0], 0, atol=1e-9)
    np.testing.assert_allclose(np.hypot(*middles[1:].T), 50.0)
    angles = np.degrees(np.unwrap(np.arctan2(middles[1:, 1], middles[1:, 0])))
    np.testing.assert_allclose(np.diff(angles), step)
    np.testing.assert_allclose(np.ptp(tops[1][:, 0]), 25.0)


@pytest.mark.parametrize("kind", list(MARKERS))
def test_outline_has_its_middle_at_the_centre(kind):
    """Turned and narrowed too; narrowed to a half it covers half."""
    made = marker(kind, rng(), (3.0, -4.0), 50.0, WHITE, BLACK, 0.7, (0.5, 0.4))
    assert made.kinds == (kind,) and made.outlines_mm.shape[0] == 1
    np.testing.assert_allclose(made.outlines_mm[0].mean(0), (3.0, -4.0), atol=1e-9)
    flat = marker(kind, rng(), (3.0, -4.0), 50.0, WHITE, BLACK)
    assert area_of(made.outlines_mm[0]) == pytest.approx(area_of(flat.outlines_mm[0]) / 2)
    assert all(area_of(top) > 0 for top in made.tops_mm)


@pytest.mark.parametrize("kind", [kind for kind in MARKERS if kind != "ring"])
@pytest.mark.parametrize("centre", [(40.0, 40.0), (40.37, 39.81)])
def test_centroid_of_what_is_drawn(kind, centre):
    """What is printed is symmetric, so that the centroid of its light is the centre: to 0.02 px at 30 px."""
    made = marker(kind, rng(), centre, 15.0, WHITE, BLACK, 0.3)
    layer = Layer.empty(np.zeros(2), np.array((80, 80)), (80, 80))
    layer.paint_patches(list(made.patches_mm), made.colours)
    layer.paint_patches(list(made.tops_mm), made.top_colours)
    light = layer.pixels[..., 0].astype(float)
    x, y = np.arange(80) + 0.5, np.arange(80) + 0.5
    found = np.array([(light.sum(0) * x).sum(), (light.sum(1) * y).sum()]) / light.sum()
    if kind == "spots6":  # five spots around have no half turn, but their mean is the centre all the same
        assert len(made.tops_mm) == 6
    np.testing.assert_allclose(found, centre, atol=0.02)


def test_kinds_go_with_their_outlines():
    both = Targets.from_strip(Strip(2, 20.0)) + marker("cross", rng(), (0.0, 0.0), 9.0, WHITE, BLACK)
    assert both.kinds == ("square",) * 4 + ("cross",) and len(both.outlines_mm) == 5


def test_pictures_hold_them_by_their_share():
    """A picture has one or two kinds beside squares, none at share 0; each point has a kind and a centre in its box."""
    with_markers = [draw_still(np.random.default_rng([5, n]), (256, 256), SceneMix(markers=1.0)) for n in range(12)]
    assert sum(len(set(still.kinds) - {"square"}) > 0 for still in with_markers) >= 6
    for still in with_markers:
        points = still.labels[still.labels[:, 0] == 0]
        assert len(points) == len(still.kinds) == len(still.centres)
    plain = [
        draw_still(
            np.random.default_rng([5, n]),
            (256, 256),
            SceneMix(scenes={"rig": 1.0}, per_image={"point": 20}, markers=0.0),
        )
        for n in range(4)
    ]
    assert {kind for still in plain for kind in still.kinds} == {"square"}


def test_share_is_checked():
    with pytest.raises(ValueError, match=r"markers is 2, allowed: 0 to 1"):
        SceneMix(markers=2).check((256, 256))
