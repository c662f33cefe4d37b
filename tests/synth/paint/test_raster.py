"""Coverage: areas and centroids of known shapes."""

from __future__ import annotations

import numpy as np
import pytest

from gjadet_yolo.synth.paint.raster import polygon_coverage

SIZE = (80, 70)


def square(x: float, y: float, side: float, angle: float = 0.0) -> np.ndarray:
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * side / 2
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return corners @ turn.T + (x, y)


def test_whole_pixels():
    cover = polygon_coverage(np.array([[2, 3], [5, 3], [5, 7], [2, 7]]), SIZE, sharp=True)
    assert (cover.x, cover.y, cover.alpha.shape) == (2, 3, (4, 3))
    assert (cover.alpha == 1).all()


def test_parts_of_pixels_are_exact_along_the_axes():
    """From 2.25 to 4.5: 0.75, 1 and 0.5 of a pixel."""
    cover = polygon_coverage(np.array([[2.25, 3], [4.5, 3], [4.5, 4], [2.25, 4]]), SIZE, sharp=True)
    np.testing.assert_allclose(cover.alpha, [[0.75, 1, 0.5]], atol=1e-6)


@pytest.mark.parametrize("angle", [0.0, 0.1, 0.4, np.pi / 4, 1.2])
@pytest.mark.parametrize("side", [3.0, 6.3, 17.0])
def test_centroid_and_area_of_squares(angle, side):
    """Over 50 sub-pixel positions: centroid to 0.003 px (0.02 px is what truth files promise), area to 1 %."""
    rng = np.random.default_rng(0)
    for x, y in rng.uniform(25, 45, (50, 2)):
        cover = polygon_coverage(square(x, y, side, angle), SIZE)
        assert np.hypot(cover.centroid[0] - x, cover.centroid[1] - y) < 0.003
        assert cover.area == pytest.approx(side**2, rel=0.01)


def test_sharp_centroid_has_the_known_limit():
    """Left edge in the middle of a pixel, right edge between two: off by 1 / (8 * width)."""
    cover = polygon_coverage(np.array([[2.5, 3], [8, 3], [8, 9], [2.5, 9]]), SIZE, sharp=True)
    assert cover.centroid[0] - 5.25 == pytest.approx(-1 / (8 * 5.5), abs=1e-6)


def test_direction_of_rotation_does_not_matter():
    corners = square(30.3, 31.7, 9.0, 0.3)
    one, other = (polygon_coverage(c, SIZE).alpha for c in (corners, corners[::-1]))
    np.testing.assert_allclose(one, other, atol=1e-7)


def test_perspective_quadrilateral():
    """Area by the shoelace formula."""
    corners = np.array([[10.2, 12.1], [40.7, 9.3], [44.9, 33.3], [8.8, 28.4]])
    x, y = corners.T
    area = abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2
    assert polygon_coverage(corners, SIZE).area == pytest.approx(area, rel=1e-3)


def test_cut_at_the_border_and_outside():
    for sharp in (True, False):
        assert polygon_coverage(square(-1, 35, 10), SIZE, sharp).area == pytest.approx(40, rel=0.005)
        assert polygon_coverage(square(80, 70, 10), SIZE, sharp).area == pytest.approx(25, rel=0.005)
    assert polygon_coverage(square(-30, 35, 10), SIZE).alpha.size == 0


def test_neighbours_share_their_edge():
    """Two squares side by side cover every pixel once."""
    cover = np.zeros((SIZE[1], SIZE[0], 1))
    for x in (20.37, 30.37):
        part = polygon_coverage(square(x, 30.0, 10.0), SIZE)
        cover[part.window][..., 0] += part.alpha
    np.testing.assert_allclose(cover[26:34, 16:34], 1, atol=1e-6)


def test_blend_by_hand():
    image = np.full((70, 80, 3), 100.0)
    polygon_coverage(np.array([[2.5, 3], [4, 3], [4, 4], [2.5, 4]]), SIZE, sharp=True).blend(
        image, np.array([0.0, 200.0, 100.0])
    )
    np.testing.assert_allclose(image[3, 2:4], [[50, 150, 100], [0, 200, 100]])
    assert (image[4] == 100).all()


@pytest.mark.parametrize("corners", [np.zeros((2, 2)), np.zeros((4, 3)), np.full((4, 2), np.nan)])
def test_refusals(corners):
    with pytest.raises(ValueError, match="expected three or more finite x, y pairs"):
        polygon_coverage(corners, SIZE)


def test_even_samples_are_refused():
    with pytest.raises(ValueError, match="samples is 4; expected an odd number"):
        polygon_coverage(square(9, 9, 3), SIZE, samples=4)


def test_corners_on_a_line_cover_nothing():
    assert polygon_coverage(np.array([[2.0, 2], [10, 10], [5, 5]]), SIZE).area == 0
