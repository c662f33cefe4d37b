"""Materials cut from stored textures, shades, and squares that are covered together."""

from __future__ import annotations

import numpy as np
import pytest

from gjadet_yolo.geometry.camera import Camera
from gjadet_yolo.synth.paint.material import MATERIALS, SIDE, surface, texture
from gjadet_yolo.synth.paint.raster import Coverage, polygon_coverage, quad_coverages
from gjadet_yolo.synth.paint.render import Lens
from gjadet_yolo.synth.paint.shade import shading
from gjadet_yolo.synth.world.strip import Strip


@pytest.mark.parametrize("material", MATERIALS)
def test_textures_are_fixed_and_opaque(material):
    """The same in every process: a set does not depend on how many render it."""
    first = texture(material, 0)
    assert first.shape == (SIDE, SIDE, 4)
    assert (first[..., 3] == 255).all()
    assert not first.flags.writeable
    np.testing.assert_array_equal(texture.__wrapped__(material, 0), first)


def test_cuts_of_one_coat_look_alike():
    """Mean colours of 40 cuts: equal within the texture's own variation in a coat, far apart without one."""
    rng, coat = np.random.default_rng(0), (0.43, 0.2, 0.5, 0.9)
    alike = np.array([surface("paint", rng, (60, 50), 1.0, coat).mean((0, 1)) for _ in range(40)])
    own = np.array([surface("paint", rng, (60, 50)).mean((0, 1)) for _ in range(40)])
    assert alike.shape == (40, 4)
    np.testing.assert_allclose(alike[:, 3], 1, atol=1e-6)
    assert alike[:, :3].std(0).max() < 0.4 * own[:, :3].std(0).min()


def test_gain_scales_colours_and_not_the_opacity():
    once, twice = (surface("steel", np.random.default_rng(1), (30, 20), gain) for gain in (1.0, 2.0))
    np.testing.assert_allclose(twice[..., :3], 2 * once[..., :3], rtol=1e-5)
    np.testing.assert_allclose(twice[..., 3], 1, atol=1e-6)


def test_surfaces_larger_than_a_texture():
    assert surface("rust", np.random.default_rng(0), (1000, 700)).shape == (700, 1000, 4)


def test_shades():
    """A cylinder is full in its middle and a quarter at its edge; a cone is lit from above, a dish from below."""
    size, extent = (101, 81), np.array((101.0, 81.0))
    round_x = shading("round_x", np.zeros(2), extent, size)
    assert round_x[40, 50, 0] == pytest.approx(1, abs=1e-3)
    assert round_x[40, 0, 0] == pytest.approx(0.25 + 0.75 * np.sqrt(1 - (100 / 101) ** 2), abs=0.05)
    np.testing.assert_allclose(round_x[0], round_x[-1], atol=1e-5)
    assert (round_x[..., 3] == 1).all()
    cone, dish = (shading(name, np.zeros(2), extent, size)[..., 0] for name in ("cone", "dish"))
    assert cone[10, 50] > 1.1 > 0.9 > cone[70, 50]
    assert dish[10, 50] < 0.7 < 1 < dish[70, 50]


def test_window_of_a_shade_is_that_of_the_whole():
    whole = shading("dish", np.zeros(2), np.array((80.0, 60.0)), (80, 60))
    part = shading("dish", np.array((30.0, 20.0)), np.array((80.0, 60.0)), (25, 15))
    np.testing.assert_allclose(part, whole[20:35, 30:55], atol=0.02)  # OpenCV interpolates in steps of 1/32 px


def test_upright_quads_are_exact():
    """A rectangle of 3.5 x 2.25 px: its area, and its centroid at (12.0, 21.375)."""
    corners = np.array([[(10.25, 20.25), (13.75, 20.25), (13.75, 22.5), (10.25, 22.5)]])
    low, cover = quad_coverages(corners)
    found = Coverage(*low[0], cover[0])
    assert found.area == pytest.approx(3.5 * 2.25, abs=1e-4)
    np.testing.assert_allclose(found.centroid, (12.0, 21.375), atol=1e-4)


def test_quads_agree_with_finely_sampled_polygons():
    """Turned, uneven, of either direction, 2 to 40 px: 0.05 in every pixel, 0.015 px in the centroid."""
    rng = np.random.default_rng(0)
    unit = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
    for index in range(60):
        side, angle = rng.uniform(2, 40), rng.uniform(0, 6.3)
        turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
        corners = (unit * side * (1, rng.uniform(0.5, 1.3)) + rng.normal(0, 0.03 * side, (4, 2))) @ turn.T + 50
        corners = corners[::-1] if index % 2 else corners
        wanted, (low, cover) = polygon_coverage(corners, (100, 100), samples=15), quad_coverages(corners[None])
        found, images = Coverage(*low[0], cover[0]), np.zeros((2, 100, 100))
        images[0][wanted.window], images[1][found.window] = wanted.alpha, found.alpha
        assert np.abs(images[0] - images[1]).max() < 0.05
        assert np.hypot(*np.subtract(found.centroid, wanted.centroid)) < 0.015


def test_neighbours_add_up_to_full_coverage():
    """Squares of a turned strip: no seam between them."""
    strip = Strip(4, 9.0, (30.0, 20.0), 0.35, columns=3)
    total = np.zeros((90, 90))
    lows, covers = quad_coverages(strip.squares_mm)
    for (x, y), cover in zip(lows, covers, strict=True):
        total[y : y + cover.shape[0], x : x + cover.shape[1]] += cover
    rows, columns = np.round(strip.squares_mm[4:8].mean(1)[:, ::-1]).astype(int).T
    assert total.max() < 1.001
    np.testing.assert_allclose(total[rows, columns], 1, atol=1e-3)
    assert total.sum() == pytest.approx(12 * 81, rel=2e-3)


@pytest.mark.parametrize("k1", [-0.25, 0.1])
def test_part_of_a_lens_bends_like_the_whole(k1):
    """A window of the image is made from as much of the ideal one as it shows, with the same pixels."""
    lens = Lens.of(Camera.facing((160, 120), 1.0, (0.0, 0.0), k1=k1, focal_px=200.0))
    ideal = np.random.default_rng(0).random((lens.size[1], lens.size[0]), dtype=np.float32)
    window = slice(30, 90), slice(100, 160)
    part = lens.part(window)
    left, top = np.subtract(part.low, lens.low)
    piece = ideal[top : top + part.size[1], left : left + part.size[0]]
    np.testing.assert_allclose(part.bend(piece), lens.bend(ideal)[window], atol=1e-4)
