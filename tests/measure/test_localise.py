"""Localisation gives drawn places back, with standard deviations that hold and within a stated reach."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from gjadet_yolo.measure.localise import Templates, refine, solve
from gjadet_yolo.measure.localise.neighbours import expect
from gjadet_yolo.synth.paint.layer import Layer
from gjadet_yolo.synth.world.marker import marker
from gjadet_yolo.synth.world.strip import Strip
from gjadet_yolo.synth.world.target import Targets

SIZE = (160, 128)


def picture(targets: Targets, shift=(0.0, 0.0), turn=0.0, blur=0.7, noise=0.0, rng=None, ground=128.0, way=(0, 0)):
    """Grey image of targets in px, and the centroids of their outlines."""
    c, s = np.cos(turn), np.sin(turn)
    middle = np.array(SIZE) / 2

    def moved(points):
        return (points - middle) @ np.array([[c, s], [-s, c]]) + middle + shift

    layer = Layer.empty(np.zeros(2), np.array(SIZE, float), SIZE)
    layer.paint_patches([moved(patch) for patch in targets.patches_mm], targets.colours)
    if targets.tops_mm:
        layer.paint_patches([moved(patch) for patch in targets.tops_mm], targets.top_colours)
    layer.smear(np.array(way, float))
    image = np.full((SIZE[1], SIZE[0], 3), ground, np.float32)
    layer.paint_onto(image)
    grey = cv2.GaussianBlur(image[..., 0], (0, 0), blur)
    if noise:
        grey = grey + rng.normal(0, noise, grey.shape)
    outlines = moved(targets.outlines_mm)
    boxes = np.concatenate((outlines.min(1), outlines.max(1)), 1)
    return np.round(np.clip(grey, 0, 255)).astype(np.uint8), outlines.mean(1), boxes


def strip(side=16.0, angle=0.1, columns=2, rows=4, **more):
    return Targets.from_strip(
        Strip(rows=rows, square_mm=side, corner_mm=(60.3, 25.6), angle_rad=angle, columns=columns, **more)
    )


def rms(error):
    return float(np.sqrt(np.mean(np.square(error))))


@pytest.mark.parametrize("side", [10.0, 16.0, 22.0])
def test_squares_of_a_clean_strip_are_found_to_a_hundredth_of_a_pixel(side):
    image, truth, boxes = picture(strip(side, rows=3))
    boxes += np.random.default_rng(0).normal(0, 0.4, boxes.shape)
    found = refine(image, boxes)
    assert rms(found.position_px - truth) < 0.01
    assert (found.score > 0.99).all() and (found.sigma_px < 0.02).all()


def test_longish_and_turned_squares():
    image, truth, boxes = picture(strip(14.0, 0.45, rows=4, row_mm=(10.0, 14.0, 22.0, 9.0)))
    assert rms(refine(image, boxes).position_px - truth) < 0.02


@pytest.mark.parametrize(
    "target",
    [
        marker("quadrant", np.random.default_rng(0), (80.3, 60.7), 11.0, (230.0,) * 3, (20.0,) * 3, 0.3),
        marker("dot", np.random.default_rng(0), (80.3, 60.7), 11.0, (230.0,) * 3, (20.0,) * 3),
    ],
    ids=["quadrant", "dot"],
)
def test_kind_is_seen_from_the_patch_and_found(target, request):
    image, truth, boxes = picture(target)
    templates = Templates.learn(image, boxes + 0.4)
    assert templates.kind == (request.node.callspec.id,)
    assert rms(templates.model.middle_px - truth) < 0.015


def test_sigma_is_what_errors_are_under_noise():
    """Normalised errors of 150 squares have about unit spread, in one image and against the first one.

    In one image they are smaller: bars also hold what rims and glare do in real pictures, and these show none.
    """
    rng = np.random.default_rng(3)
    targets, one, many = strip(14.0, rows=3), [], []
    first, _place, boxes = picture(targets)
    templates = Templates.learn(first, boxes)
    for _ in range(25):
        shift = rng.uniform(-3, 3, 2)
        image, truth, boxes = picture(targets, shift, noise=8, rng=rng)
        single = refine(image, boxes)
        one.append((single.position_px - truth) / single.sigma_px)
        located = templates.locate(image, truth + rng.uniform(-1, 1, truth.shape))
        many.append((located.position_px - truth) / located.sigma_px)
    assert 0.6 < rms(one) < 1.2
    assert 0.7 < rms(many) < 1.1


def test_edge_without_contrast_widens_sigma_across_it_only():
    """Dark squares on dark ground have one visible side across the strip, and all others along it."""
    targets = strip(16.0, 0.0, columns=1, rows=5, dark=(128.0,) * 3)
    image, _, boxes = picture(targets, noise=3, rng=np.random.default_rng(1))
    sigma = refine(image, boxes).sigma_px[2]
    clear = refine(*picture(strip(16.0, 0.0, columns=1, rows=5), noise=3, rng=np.random.default_rng(1))[::2])
    assert sigma[0] > 1.5 * clear.sigma_px[2, 0]
    assert sigma[1] < 2 * clear.sigma_px[2, 1]


def test_displacement_within_two_pixels_of_the_guess_under_turn_blur_and_light():
    rng = np.random.default_rng(5)
    targets = strip(14.0)
    image, place, boxes = picture(targets)
    templates = Templates.learn(image, boxes)
    start = templates.locate(image, place).position_px - place
    for turn, blur, gain in ((0.02, 0.7, 1.0), (0.0, 0.8, 0.6), (-0.02, 0.75, 1.1)):
        image, truth, _ = picture(targets, rng.uniform(-5, 5, 2), turn, blur)
        found = templates.locate(np.float32(gain) * image, truth + rng.uniform(-1, 1, truth.shape) * 1.4)
        assert rms(found.position_px - truth - start) < 0.02
        assert (found.score > 0.98).all()
        assert (found.disagreement_px < 0.1).all()


def test_motion_blur_does_not_bias():
    """4 px of smear along the strip, 0.025 px of error."""
    targets = strip(14.0, 0.0)
    image, _place, boxes = picture(targets)
    templates = Templates.learn(image, boxes)
    image, truth, _ = picture(targets, (1.3, 2.4), way=(0.5, 4.0))
    found = templates.locate(image, truth + 0.5)
    inner = slice(2, 6)
    assert np.abs((found.position_px - truth)[inner]).max() < 0.025
    assert np.abs((found.absolute_px - truth)[inner]).max() < 0.05


def test_texture_is_followed_by_points():
    rng = np.random.default_rng(7)
    big = cv2.GaussianBlur(rng.uniform(0, 255, (SIZE[1] * 2, SIZE[0] * 2)).astype(np.float32), (0, 0), 2.5)
    big = (big - big.mean()) * 5 + 128
    points = np.array([(50.0, 60.0), (100.5, 70.25)])
    shift = np.array((2.35, -1.6))
    first, second = (
        cv2.warpAffine(big, np.float32([[1, 0, x - 40], [0, 1, y - 40]]), SIZE, flags=cv2.INTER_LANCZOS4)
        for x, y in ((0, 0), shift)
    )
    templates = Templates.of_points(first, points, np.array([21.0, 17.0]))
    found = templates.locate(second, points + shift + 0.8)
    assert templates.kind == ("patch", "patch")
    assert np.abs(found.position_px - points - shift).max() < 0.04
    assert np.isnan(found.absolute_px).all() and np.isnan(found.disagreement_px).all()


def test_occluded_guessless_and_outside_markers():
    image, truth, boxes = picture(strip())
    templates = Templates.learn(image, np.concatenate((boxes, [[np.nan] * 4, [-30, -30, -14, -14]])))
    guess = np.concatenate((truth, [[50, 50], [-22, -22]]))
    guess[1] = np.nan
    found = templates.locate(image, guess)
    assert np.isnan(found.position_px[[1, -2, -1]]).all()
    assert np.abs(found.position_px[2:8] - truth[2:]).max() < 0.03
    blank = templates.locate(np.full_like(image, 90), guess)
    assert not (blank.score > 0.5).any()


def test_settled_places_the_look_better_than_one_noisy_frame():
    rng = np.random.default_rng(11)
    targets = strip(14.0, rows=6)
    image, _place, boxes = picture(targets, noise=12, rng=rng)
    templates, errors = Templates.learn(image, boxes), []
    for _ in range(12):
        image, truth, _ = picture(targets, rng.uniform(-2, 2, 2), noise=12, rng=rng)
        errors.append(templates.locate(image, truth + 0.3).position_px - truth)
    constant = np.mean(errors, 0)
    shift, _ = templates.settled()
    assert rms(constant + shift) < 0.9 * rms(constant)


def test_refine_takes_results_by_their_looks():
    image, truth, boxes = picture(strip())
    tensor = SimpleNamespace(cpu=lambda: boxes)  # moves to the processor as a tensor does
    result = SimpleNamespace(orig_img=np.repeat(image[..., None], 3, 2), boxes=SimpleNamespace(xyxy=tensor))
    assert rms(refine(result).position_px - truth) < 0.01
    deep = refine((image.astype(np.uint16) * 257), boxes)
    assert rms(deep.position_px - refine(image, boxes).position_px) < 1e-3
    assert refine(image, np.zeros((0, 4))).position_px.shape == (0, 2)
    with pytest.raises(ValueError, match=r"boxes_xyxy has shape \(3,\)"):
        refine(image, np.zeros(3))
    with pytest.raises(ValueError, match="needs boxes_xyxy"):
        refine(image)


def test_edge_of_the_profile_under_a_strip_is_not_its_rim():
    """A profile that is 2 px wider than its strip on each side, before dark ground: its edges pulled places by 0.5 px.

    The strip is upright; squares of the first and last row count for their neighbours only.
    """
    targets = strip(17.0, 0.0)
    _, truth, boxes = picture(targets)
    (left, top), (right, bottom) = boxes[:, :2].min(0) - (2, 20), np.add(boxes[:, 2:].max(0), (2, 20))
    profile = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    image = np.full((SIZE[1], SIZE[0], 3), 10.0, np.float32)
    for patches, colours in (([profile], np.full((1, 3), 150.0)), (targets.patches_mm, targets.colours)):
        layer = Layer.empty(np.zeros(2), np.array(SIZE, float), SIZE)
        layer.paint_patches(patches, colours)
        layer.paint_onto(image)
    image = np.round(cv2.GaussianBlur(image[..., 0], (0, 0), 0.7)).astype(np.uint8)
    boxes = boxes + np.random.default_rng(4).normal(0, 0.4, boxes.shape)
    assert rms((refine(image, boxes).position_px - truth)[2:-2]) < 0.06


def test_neighbours_tell_where_a_square_is_that_took_debris_for_its_rim():
    """It lies 1 px off and is 1 px too wide by its own pixels; by the edges it shares it is not."""
    column, row = np.meshgrid(np.arange(2), np.arange(5))
    truth = np.stack((column, row), -1).reshape(-1, 2) * 14.0
    middle, frame = truth.copy(), np.tile(np.eye(2) * 7.0, (10, 1, 1))
    middle[5, 0] += 1
    frame[5, 0, 0] += 1
    told = expect(middle, frame, np.full((10, 6), 0.02), np.where((column + row).ravel() % 2, 200.0, 30.0))
    np.testing.assert_allclose(told.value[5], (*truth[5], 7, 0, 0, 7), atol=0.1)
    assert (np.sqrt(told.variance[5]) < 0.2).all()
    lonely = expect(middle[:1], frame[:1], np.full((1, 6), 0.02), np.array([30.0]))
    assert np.isinf(lonely.variance).all()


def test_size_of_light_and_dark_squares_is_told_apart_from_bloom():
    """Light halves of 7.3 and dark ones of 6.7 px are both 7.0 px plus or minus 0.3."""
    column, row = np.meshgrid(np.arange(2), np.arange(5))
    middle = np.stack((column, row), -1).reshape(-1, 2) * 14.0
    light = (column + row).ravel() % 2 == 1
    frame = np.eye(2) * np.where(light, 7.3, 6.7)[:, None, None]
    told = expect(middle, frame, np.full((10, 6), 0.02), np.where(light, 200.0, 30.0))
    wanted = np.where(light, 7.3, 6.7)
    np.testing.assert_allclose(told.value[:, 2], wanted, atol=0.02)
    np.testing.assert_allclose(told.value[:, 5], wanted, atol=0.02)
    np.testing.assert_allclose(told.value[:, :2], middle, atol=0.02)


def test_noise_of_a_picture_is_told_from_its_edges():
    image, _, _ = picture(strip(), noise=6, rng=np.random.default_rng(2))
    assert solve.grain(image[None].astype(np.float32))[0] == pytest.approx(6, rel=0.1)


def test_reach_of_the_search_is_three_pixels():
    rng = np.random.default_rng(17)
    image, truth, boxes = picture(strip(12.0), noise=4, rng=rng)
    templates, angle = Templates.learn(image, boxes), rng.uniform(0, 2 * np.pi, len(truth))
    found = templates.locate(image, truth + 3 * np.stack((np.cos(angle), np.sin(angle)), -1))
    assert np.abs(found.position_px - truth).max() < 0.1
