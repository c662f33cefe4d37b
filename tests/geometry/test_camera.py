"""Camera: positions by hand, inverses, scale, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gjadet_yolo.geometry.camera import Camera

SIZE = (640, 480)


def grid(camera: Camera) -> np.ndarray:
    """Points of the plane behind a grid of image points."""
    return camera.locate(np.stack(np.meshgrid(np.linspace(0, 640, 9), np.linspace(0, 480, 7)), -1))


def test_straight_view_by_hand():
    """5 mm per px, looking at (1000, 200): 50 mm to the right are 10 px."""
    camera = Camera.facing(SIZE, 5.0, (1000.0, 200.0))
    np.testing.assert_allclose(
        camera.project(np.array([[1000, 200], [1050, 200], [1000, 100.0]])), [[320, 240], [330, 240], [320, 220]]
    )
    assert camera.mm_per_px(np.array([1200.0, 0.0])) == pytest.approx(5.0)


def test_roll_by_hand():
    """A quarter turn takes x to y."""
    camera = Camera.facing(SIZE, 2.0, roll_rad=math.pi / 2)
    np.testing.assert_allclose(camera.project(np.array([20.0, 0.0])), [320, 250], atol=1e-9)


def test_pan_by_hand():
    """Distance 1000 mm, pan 0.3: a point 100 mm off lies nearer by 100 sin 0.3."""
    camera = Camera.facing(SIZE, 1.0, pan_rad=0.3, focal_px=1000.0)
    expected = 320 + 1000 * 100 * math.cos(0.3) / (1000 - 100 * math.sin(0.3))
    np.testing.assert_allclose(camera.project(np.array([100.0, 0.0])), [expected, 240])


@pytest.mark.parametrize(
    "view",
    [
        {},
        {"roll_rad": 0.2},
        {"pan_rad": 0.4, "tilt_rad": -0.2},
        {"k1": -0.15, "k2": 0.02},
        {"tilt_rad": 0.3, "k1": 0.1},
    ],
    ids=str,
)
def test_locate_inverts_project(view):
    camera = Camera.facing(SIZE, 3.0, (50.0, -20.0), **view)
    points = grid(camera)
    pixels = camera.project(points)
    np.testing.assert_allclose(pixels[0, 0], [0, 0], atol=1e-7)
    np.testing.assert_allclose(camera.locate(pixels), points, atol=1e-6)


def test_view_far_from_the_origin_of_the_plane():
    """The origin lies behind the camera, what is in the image does not."""
    camera = Camera.facing(SIZE, 1.0, (-3000.0, 0.0), pan_rad=0.5, focal_px=1000.0)
    np.testing.assert_allclose(camera.project(np.array([-3000.0, 0.0])), [320, 240])
    np.testing.assert_allclose(camera.locate(np.array([320.0, 240.0])), [-3000, 0], atol=1e-6)


def test_distortion_by_hand():
    """At half a focal length, k1 = -0.1: 2.5 % towards the centre; the centre stays."""
    camera = Camera.facing(SIZE, 1.0, focal_px=600.0, k1=-0.1)
    np.testing.assert_allclose(
        camera.distort(np.array([[620.0, 240.0], [320, 240]])), [[320 + 300 * 0.975, 240], [320, 240]]
    )


def test_local_scale_grows_with_distance():
    camera = Camera.facing(SIZE, 4.0, pan_rad=0.3)
    scale = camera.mm_per_px(np.array([[-500.0, 0.0], [0.0, 0.0], [500.0, 0.0]]))
    assert scale[0] > scale[1] > scale[2]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"mm_per_px": 0.0}, "mm_per_px is 0.0"),
        ({"mm_per_px": 1.0, "pan_rad": 1.5}, "the horizon of the plane is in the image"),
        ({"mm_per_px": 1.0, "k1": -6.0}, "distortion k1=-6.0, k2=0.0 folds the image"),
        ({"mm_per_px": 1.0, "focal_px": -5.0}, "focal_px -5.0"),
    ],
)
def test_refusals(settings, words):
    with pytest.raises(ValueError, match=words):
        Camera.facing(SIZE, **settings)


def test_size_is_checked():
    with pytest.raises(ValueError, match=r"size_px is \(0, 480\)"):
        Camera((0, 480), ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0)), 500.0)


def test_far_points_stay_outside_the_image():
    """A barrel's polynomial folds back beyond the corner; points out there may not come back into view."""
    camera = Camera.facing((640, 640), 2.0, focal_px=1088.0, k1=-0.25)
    x = camera.project(np.stack((np.linspace(0, 1e5, 200), np.zeros(200)), -1))[:, 0]
    assert (np.diff(x) > 0).all()
    assert x[-1] > 640
