"""The renderer: centroids, occlusion, labels against pixels, kinematics of what is crushed."""

from __future__ import annotations

import numpy as np
import pytest

from gjadet_yolo.geometry.camera import Camera
from gjadet_yolo.synth.paint.layer import Layer, line_kernel
from gjadet_yolo.synth.paint.material import MATERIALS
from gjadet_yolo.synth.paint.render import Frame, Renderer
from gjadet_yolo.synth.paint.visible import area_of, cut_to_image
from gjadet_yolo.synth.scenes.builder import Wanted
from gjadet_yolo.synth.scenes.compose import SCENES, begin_scene
from gjadet_yolo.synth.truth import centroids
from gjadet_yolo.synth.world.marker import marker
from gjadet_yolo.synth.world.motion import BodyMotion, StepResponse
from gjadet_yolo.synth.world.pulse import Haversine
from gjadet_yolo.synth.world.scene import Body, Crush, Part, Scene, Thing
from gjadet_yolo.synth.world.shape import rectangle
from gjadet_yolo.synth.world.strip import Strip
from gjadet_yolo.synth.world.target import Targets

SIZE = (320, 240)
BRAKED = BodyMotion((100.0, 20.0), (8.0, 0.0), Haversine(300.0, 0.05), pitch=StepResponse(0.1, 5.0, 8.0))
STANDING = BodyMotion((0.0, 0.0))
EVEN = "even"


@pytest.fixture
def black(monkeypatch) -> str:
    """A material that is black everywhere."""
    monkeypatch.setitem(MATERIALS, EVEN, lambda rng, size: np.zeros((size[1], size[0], 3), np.float32))
    return EVEN


def alone(strip: Strip, which: int) -> Targets:
    """One square of a strip, white."""
    present = np.arange(len(strip.squares_mm)) == which
    return Targets.from_strip(strip, present, np.full((len(present), 3), 200.0))


@pytest.mark.parametrize("exposure_s", [0.0, 0.0008])
@pytest.mark.parametrize("view", [{}, {"roll_rad": 0.15, "k1": -0.1}, {"pan_rad": 0.35, "tilt_rad": 0.1}], ids=str)
def test_rendered_centroids_are_the_truth(black, view, exposure_s):
    """A square on a plate of a braked, pitching body, smeared by its motion, against the truth: 0.02 px."""
    camera = Camera.facing(SIZE, 3.0, (200.0, 0.0), **view)
    plate = (Part(rectangle(-100, -60, 260, 160), black),)
    strip = Strip(2, 30.0, (10.0, -10.0), columns=1)
    scene = Scene(camera, (Body(BRAKED, plate, alone(strip, 1)),), black, 0)
    renderer = Renderer(scene, (0.0, 0.05), exposure_s)
    for time_s in np.linspace(0.002, 0.05, 7):
        frame = renderer.frame(time_s)
        corners = camera.project(BRAKED.markers(np.array([time_s]), strip.squares_mm[1]).position_mm[0])
        written = centroids(scene, np.array([time_s]))[0, 0]
        assert np.hypot(*(centroid(frame.image[..., 0]) - written)) < 0.02
        np.testing.assert_allclose(written, polygon_centroid(corners), atol=1e-6)
        np.testing.assert_allclose(frame.targets.boxes[0], [*corners.min(0), *corners.max(0)])


def centroid(weight: np.ndarray) -> np.ndarray:
    """Centroid (x, y) of an image."""
    rows, columns = np.indices(weight.shape) + 0.5
    return np.array(((weight * columns).sum(), (weight * rows).sum())) / weight.sum(dtype=float)


def polygon_centroid(corners: np.ndarray) -> np.ndarray:
    """Centroid of a polygon by the shoelace formula."""
    following = np.roll(corners, -1, axis=0)
    cross = corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]
    return ((corners + following) * cross[:, None]).sum(0) / (3 * cross.sum())


def test_motion_blur_is_as_long_as_the_way(black):
    """8 m/s, 1 ms and 2 mm per px are 4 px: the second moment of a square grows by 4² / 12, and by 1/6 for the linear
    interpolation between pixels.
    """
    body = Body(BodyMotion((-100.0, 0.0), (8.0, 0.0)), targets=alone(Strip(1, 20.0, columns=1), 0))
    scene = Scene(Camera.facing(SIZE, 2.0), (body,), black, 0)
    spread = []
    for exposure_s in (0.0, 0.001):
        profile = Renderer(scene, (0.0, 0.01), exposure_s).frame(0.005).image[..., 0].sum(0).astype(float)
        x = np.arange(SIZE[0])
        mean = profile @ x / profile.sum()
        spread.append(profile @ (x - mean) ** 2 / profile.sum())
    assert spread[1] - spread[0] == pytest.approx(4**2 / 12 + 1 / 6, rel=0.03)


@pytest.mark.parametrize("way", [(0.4, 0.0), (3.0, -7.5), (0.0, 12.0)])
def test_kernel_keeps_light_and_centroid(way):
    kernel = line_kernel(np.array(way)).astype(float)
    offsets = np.arange(len(kernel)) - len(kernel) // 2
    assert kernel.sum() == pytest.approx(1, abs=1e-6)
    assert abs(kernel.sum(0) @ offsets) + abs(kernel.sum(1) @ offsets) < 1e-6


def test_layer_outside_the_image_is_empty():
    layer = Layer.empty(np.array((400.0, 10.0)), np.array((500.0, 50.0)), SIZE)
    image = np.ones((SIZE[1], SIZE[0], 3), np.float32)
    layer.paint_onto(image)
    assert layer.pixels.size == 0
    assert image.min() == 1


def test_occlusion_by_hand(black):
    """A square of 20 px with a plate over its right 5 px: three quarters visible, the box ends at the plate."""
    behind = Body(STANDING, targets=Targets.from_strip(Strip(1, 40.0, columns=1)))
    front = Body(STANDING, (Part(rectangle(30, -100, 200, 300), black),))
    frame = Renderer(Scene(Camera.facing(SIZE, 2.0), (behind, front), black, 0), (0.0, 0.0)).frame(0.0)
    assert frame.targets.visible[0] == pytest.approx(0.75, abs=0.03)
    np.testing.assert_allclose(frame.targets.boxes[0], [160, 120, 175, 140], atol=0.51)
    assert len(frame.labels) == 1


def test_hidden_and_tiny_targets_get_no_box(black):
    strips = [Strip(1, 40.0, (-200.0, 0.0), columns=1), Strip(1, 5.0, (100.0, 0.0), columns=1)]
    bodies = [Body(STANDING, targets=Targets.from_strip(strip)) for strip in strips]
    front = Body(STANDING, (Part(rectangle(-200, -10, 28, 100), black),))  # 70 % of the first
    frame = Renderer(Scene(Camera.facing(SIZE, 2.0), (*bodies, front), black, 0), (0.0, 0.0)).frame(0.0)
    assert frame.targets.visible == pytest.approx([0.3, 1.0], abs=0.03)
    assert len(frame.labels) == 0


def test_objects_by_hand(black):
    """An absorber of 100 x 50 mm, and one that is mostly behind a plate."""
    tubes = [rectangle(0, 0, 100, 50), rectangle(-200, 0, 100, 50)]
    bodies = [Body(STANDING, (Part(tube, black),), things=(Thing(3, tube),)) for tube in tubes]
    front = Body(STANDING, (Part(rectangle(-180, -10, 100, 100), black),))
    frame = Renderer(Scene(Camera.facing(SIZE, 2.0), (*bodies, front), black, 0), (0.0, 0.0)).frame(0.0)
    np.testing.assert_allclose(frame.labels, [[3, 160, 120, 210, 145]])


@pytest.mark.parametrize("roll_rad", [0.0, 0.6])
def test_round_targets_are_one_box_each(black, roll_rad):
    """However the camera is turned, a disc of 30 px is a box of 30 px."""
    rng, light, dark = np.random.default_rng(0), (240.0,) * 3, (10.0,) * 3
    targets = marker("quadrant", rng, (0.0, 0.0), 30.0, light, dark, 0.3)
    targets += marker("dot", rng, (100.0, 0.0), 20.0, light, dark)
    targets += Targets.from_strip(Strip(1, 20.0, (-100.0, 0.0), columns=1))
    camera = Camera.facing(SIZE, 2.0, roll_rad=roll_rad)
    frame = Renderer(Scene(camera, (Body(STANDING, targets=targets),), black, 0), (0.0, 0.0)).frame(0.0)
    assert len(frame.labels) == 3
    np.testing.assert_allclose(frame.labels[0, 1:], [145, 105, 175, 135], atol=0.2)
    middle = camera.project(np.array((100.0, 0.0)))
    np.testing.assert_allclose(frame.labels[1, 1:], [*(middle - 10), *(middle + 10)], atol=0.2)
    bright = (frame.image[105:135, 145:175, 0] > 125).sum()
    assert bright == pytest.approx(np.pi * 15**2 / 2, rel=0.1)  # half of the disc


def test_turned_square_cut_by_the_border(black):
    """A diamond whose middle lies on the border: half of it is seen, and its box is that of the half."""
    camera = Camera.facing(SIZE, 1.0, roll_rad=np.pi / 4)
    corner = camera.locate(np.array((0.0, 120.0))) - 20
    targets = Targets.from_strip(Strip(1, 40.0, tuple(corner), columns=1))
    frame = Renderer(Scene(camera, (Body(STANDING, targets=targets),), black, 0), (0.0, 0.0)).frame(0.0)
    half = 20 * np.sqrt(2)
    assert frame.targets.visible[0] == pytest.approx(0.5)
    np.testing.assert_allclose(frame.targets.boxes[0], [0, 120 - half, half, 120 + half])


def test_cut_by_hand():
    """A triangle whose left third lies outside: its sides cross the border at a quarter and three quarters of 40."""
    inside = cut_to_image(np.array([(-10.0, 20.0), (10.0, 0.0), (10.0, 40.0)]), np.array((50.0, 50.0)))
    assert area_of(inside) == pytest.approx(400 - 100)
    assert sorted(inside[inside[:, 0] == 0][:, 1].tolist()) == [10.0, 30.0]


@pytest.mark.parametrize("k1", [-0.25, 0.1])
def test_distorted_surfaces_reach_the_corners(black, k1):
    body = Body(STANDING, (Part(rectangle(-2000, -2000, 4000, 4000), black),))
    scene = Scene(Camera.facing(SIZE, 2.0, focal_px=544.0, k1=k1), (body,), "hall", 0)
    renderer = Renderer(scene, (0.0, 0.0))
    alpha = renderer.draw(body, renderer.sprites[0], 0.0).alpha
    assert alpha.shape == (240, 320)
    assert alpha.min() > 0.999


@pytest.mark.parametrize("kind", SCENES)
def test_targets_of_a_body_do_not_overlap(kind):
    """Colours of patches are added up, so that overlap would show as more than full coverage."""
    for seed in range(25):
        rng = np.random.default_rng([2, seed])
        builder = begin_scene(rng, SIZE, 9.0, Wanted(point=60, bogie=1, wheel=3, absorber=1, rw=0))
        SCENES[kind](builder)
        renderer = Renderer(Scene(builder.camera, tuple(builder.bodies), "dark", 0), (0.0, 0.0))
        for body, sprite in zip(builder.bodies, renderer.sprites, strict=True):
            pixels = renderer.draw(body, sprite, 0.0).pixels
            assert pixels.size == 0 or (pixels[..., 3].max() < 1.02 and pixels.min() > -1)


def test_crushed_tube_moves_in_proportion():
    """Before contact it rests; afterwards its middle has half the speed and deceleration of the body that pushes it."""
    moving = BodyMotion((-80.0, 0.0), (8.0, 0.0), Haversine(320.0, 0.05), impact_s=0.01)
    tube = Crush(STANDING, moving, (300.0, 10.0), (100.0, 10.0), contact_s=0.01)
    points = np.array([(0.0, 0.0), (-100.0, 5.0), (-200.0, 0.0)])
    time_s = np.array([0.0, 0.005, 0.03])
    motion, pushed = tube.markers(time_s, points), moving.markers(time_s, np.array([(100.0, 10.0)]))
    np.testing.assert_allclose(motion.position_mm[0], [(300, 10), (200, 15), (100, 10)])
    np.testing.assert_allclose(motion.velocity_mps[:2], 0)
    np.testing.assert_allclose(motion.position_mm[2, 2], pushed.position_mm[2, 0])
    np.testing.assert_allclose(motion.velocity_mps[2, 1], pushed.velocity_mps[2, 0] / 2)
    np.testing.assert_allclose(motion.acceleration_mps2[2, 1], pushed.acceleration_mps2[2, 0] / 2)


def own_colour(index: int) -> np.ndarray:
    """Colour (3,) that no mixture of others has by chance."""
    return np.random.default_rng(index).uniform(20, 250, 3)


def recount(frame: Frame, scene: Scene) -> np.ndarray:
    """Targets found in a picture in which each has a colour of its own: index and extent of its pure pixels."""
    rows = []
    for index in range(sum(len(body.targets.outlines_mm) for body in scene.bodies)):
        y, x = np.nonzero((np.abs(frame.image - own_colour(index)) < 0.01).all(-1))
        if len(x):
            rows.append((index, x.min(), y.min(), x.max() + 1, y.max() + 1))
    return np.array(rows)


def test_labels_match_pixels(black):
    """Strips, plates and a bar before them: the labels are the extents that a mask of each target shows."""
    strips = [Strip(4, 36.0, (-200.0, -120.0)), Strip(2, 40.0, (60.0, -60.0), 0.4), Strip(2, 30.0, (150.0, 80.0))]
    plates = [rectangle(-230, -140, 140, 200), rectangle(20, -80, 150, 140), rectangle(140, 60, 80, 100)]
    bodies, first = [], 0
    for strip, plate in zip(strips, plates, strict=True):
        colours = np.array([own_colour(first + index) for index in range(len(strip.squares_mm))])
        bodies.append(Body(STANDING, (Part(plate, black),), Targets.from_strip(strip, colours=colours)))
        first += len(colours)
    bar = Body(STANDING, (Part(rectangle(-180, -200, 30, 400), black),))
    scene = Scene(Camera.facing(SIZE, 2.0), (*bodies, bar), black, 0)
    frame = Renderer(scene, (0.0, 0.0)).frame(0.0)
    counted = recount(frame, scene)
    labelled = np.flatnonzero(frame.targets.is_labelled)
    assert counted[:, 0].tolist() == labelled.tolist() == list(range(16))
    straight = np.r_[0:8, 12:16]  # pure pixels of turned squares do not reach their corners
    assert np.abs(counted[straight, 1:] - frame.targets.boxes[straight]).max() <= 1.6


def test_same_scene_same_picture():
    scene = Scene(Camera.facing(SIZE, 2.0), (Body(STANDING, (Part(rectangle(-50, -50, 90, 90), "rust"),)),), "hall", 3)
    first, second = (Renderer(scene, (0.0, 0.0)).frame(0.0).image for _ in range(2))
    assert (first == second).all()


@pytest.mark.parametrize("name", MATERIALS)
@pytest.mark.parametrize("size", [(1, 1), (3, 90), (200, 50)])
def test_materials(name, size):
    surface = MATERIALS[name](np.random.default_rng(0), size)
    assert surface.shape == (size[1], size[0], 3)
    assert np.isfinite(surface).all()
