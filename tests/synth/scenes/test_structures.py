"""Wheels, bogies, absorbers, walls: their boxes are the extent of their pixels, also where something hides a part."""

from __future__ import annotations

import numpy as np
import pytest

from gjadet_yolo.geometry.camera import Camera
from gjadet_yolo.synth.paint.render import Renderer
from gjadet_yolo.synth.scenes.absorber import absorber
from gjadet_yolo.synth.scenes.bogie import bogie
from gjadet_yolo.synth.scenes.builder import STEADY, SceneBuilder, Wanted
from gjadet_yolo.synth.scenes.coach import coach_parts, frame_parts, wagon_parts
from gjadet_yolo.synth.scenes.wall import wall
from gjadet_yolo.synth.scenes.wheel import wheel_parts, wheel_thing
from gjadet_yolo.synth.world.coat import coated
from gjadet_yolo.synth.world.scene import NAMES, Body, Part, Scene, Thing
from gjadet_yolo.synth.world.shape import polygon, rectangle

SIZE = (360, 240)
SEEDS = range(12)


def empty(seed: int) -> SceneBuilder:
    """An empty scene seen squarely, a mm being a pixel, the origin in the middle of the picture."""
    camera = Camera.facing(SIZE, 1.0, (0.0, 0.0))
    return SceneBuilder(np.random.default_rng(seed), camera, (180.0, 120.0), 10.0, Wanted(point=0))


def rendered(builder: SceneBuilder, bodies: list[Body]) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    """Boxes of each class (N, 4), and the opacity of each body (H, W)."""
    renderer = Renderer(Scene(builder.camera, tuple(bodies), "dark", 0), (0.0, 0.0))
    frame, masks = renderer.frame(0.0), []
    for body, sprite in zip(bodies, renderer.sprites, strict=True):
        layer, mask = renderer.draw(body, sprite, 0.0), np.zeros(SIZE[::-1], np.float32)
        mask[layer.window] = layer.alpha
        masks.append(mask)
    return {name: frame.labels[frame.labels[:, 0] == k, 1:] for k, name in enumerate(NAMES)}, masks


def extent(mask: np.ndarray) -> np.ndarray:
    """Box, xyxy, of the pixels that are covered by half and more."""
    rows, columns = np.nonzero((mask >= 0.5).any(1))[0], np.nonzero((mask >= 0.5).any(0))[0]
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])


@pytest.mark.parametrize("seed", SEEDS)
def test_box_of_a_wheel_is_its_extent(seed):
    builder = empty(seed)
    body = Body(STEADY, tuple(wheel_parts(builder, (10.0, -5.0), 80.0)), things=(wheel_thing((10.0, -5.0), 80.0),))
    boxes, masks = rendered(builder, [body])
    np.testing.assert_allclose(boxes["wheel"], [[110, 35, 270, 195]], atol=0.3)  # a polygon of 40 corners
    assert np.abs(boxes["wheel"][0] - extent(masks[0])).max() <= 1


@pytest.mark.parametrize("wheels", [0, 1, 2])
@pytest.mark.parametrize("seed", SEEDS)
def test_box_of_a_bogie_is_its_extent(seed, wheels):
    """Frame and wheels together; the frame hides the middle of a wheel, not its rim below."""
    builder = empty(seed)
    bodies = bogie(builder, STEADY, (0.0, 20.0), 85.0, 50.0, wheels)
    boxes, masks = rendered(builder, bodies)
    assert len(boxes["bogie"]) == 1
    # without wheels in sight the dark between them may look out behind the frame, but not beyond it
    assert np.abs(boxes["bogie"][0] - extent(np.maximum(*masks))).max() <= 1.5
    assert len(boxes["wheel"]) <= wheels
    for box in boxes["wheel"]:
        assert box[3] == pytest.approx(120 + 20 + 50, abs=0.3)
        assert 40 < box[2] - box[0] <= 100.5


def test_wheel_behind_an_apron_loses_what_the_apron_hides():
    builder = empty(0)
    wheel = Body(STEADY, tuple(wheel_parts(builder, (0.0, 0.0), 60.0)), things=(wheel_thing((0.0, 0.0), 60.0),))
    apron = Body(STEADY, (Part(rectangle(-100, -100, 200, 80), "paint"),))  # down to y = -20
    boxes, _ = rendered(builder, [wheel, apron])
    np.testing.assert_allclose(boxes["wheel"], [[120, 100, 240, 180]], atol=1)


@pytest.mark.parametrize("seed", range(24))
def test_box_of_an_absorber_is_its_extent_without_its_rails(seed):
    builder = empty(seed)
    rails, parts, outline = absorber(builder, 200.0, 90.0)
    assert len(rails) in (0, 2)
    tube = tuple(Part(polygon(part.outline_mm, (100, 0)), part.material) for part in parts)
    boxes, masks = rendered(builder, [Body(STEADY, tube, things=(Thing(3, polygon(outline, (100, 0))),))])
    assert np.abs(boxes["absorber"][0] - extent(masks[0])).max() <= 1.5  # upright parts fill whole pixels
    assert outline[:, 0].min() == pytest.approx(-200, abs=0.05 * 200)
    assert outline[:, 0].max() <= 0.25 * 200


@pytest.mark.parametrize("seed", SEEDS)
def test_box_of_a_wall_is_its_extent(seed):
    builder = empty(seed)
    boxes, masks = rendered(builder, [wall(builder, 20.0, 300.0, -80.0, 250.0)])
    np.testing.assert_allclose(boxes["rw"], [[200, 40, 360, 240]], atol=1e-3)
    assert np.abs(boxes["rw"][0] - extent(masks[0])).max() <= 1


@pytest.mark.parametrize("side_of", [coach_parts, frame_parts, wagon_parts])
def test_car_sides_stay_in_their_area_and_have_no_box(side_of):
    for seed in SEEDS:
        builder = empty(seed)
        parts = side_of(builder, (-400.0, -80.0, 500.0, 120.0))
        corners = np.concatenate([part.outline_mm for part in parts])
        assert corners[:, 1].min() >= -85  # the ends of a diagonal are cut square
        assert corners[:, 1].max() <= 44  # a step below the door
        assert corners[:, 0].max() <= 101
        boxes, _ = rendered(builder, [Body(STEADY, tuple(parts))])
        assert not any(len(found) for found in boxes.values())


def test_wheels_of_a_scene_look_alike():
    """Two wheels at different places in one coat: the same parts, moved."""
    builder = empty(3)
    first, second = (wheel_parts(builder, (x, 0.0), 30.0) for x in (0.0, 50.0))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(polygon(one.outline_mm, (50, 0)), other.outline_mm)
        assert (one.material, one.shade, one.gain, one.coat) == (other.material, other.shade, other.gain, other.coat)


def test_polygon_scales_then_moves():
    np.testing.assert_array_equal(polygon([(1, 2), (-1, 0)], (10, 20), (2, 3)), [(12, 26), (8, 20)])


def test_coat_goes_to_one_material_and_leaves_others():
    square = rectangle(0, 0, 1, 1)
    parts = [Part(square, "steel"), Part(square, "rust"), Part(square, "steel", coat=2)]
    assert [part.coat for part in coated(parts, "steel", 5)] == [5, 0, 2]
