"""Videos: kinematics of every marker, pulses by name and by table, files."""

from __future__ import annotations

import csv
import json

import cv2
import numpy as np
import pytest

from gjadet_yolo.synth.scenes.compose import IMPACTS
from gjadet_yolo.synth.video import VideoPlan, draw_video
from gjadet_yolo.synth.world.pulse import STOPS
from gjadet_yolo.synth.write.videos import write_truth, write_video

SIZE = (160, 160)


@pytest.mark.parametrize("name", STOPS)
def test_pulses_stop_within_their_distance(name):
    """8 m/s within 0.2 m: velocity loss 8 m/s, and the way to the stop is 0.2 m."""
    pulse = STOPS[name](8.0, 0.2)
    end = np.array([pulse.duration_s])
    assert pulse.velocity_loss(end)[0] == pytest.approx(8.0)
    assert 8.0 * pulse.duration_s - pulse.shortfall(end)[0] == pytest.approx(0.2)


@pytest.mark.parametrize("scene", IMPACTS)
def test_velocity_is_the_derivative_of_position(scene):
    """Of every marker of a scene, by central differences of 1 us; 1e-6 relative to the largest speed."""
    video = draw_video(np.random.default_rng(4), VideoPlan(SIZE, 1000.0, 40, scene, "haversine"))
    step = 1e-6
    for body in video.scene.bodies:
        points = body.targets.outlines_mm.mean(1)
        for time_s in np.linspace(0.0073, 0.035, 5):  # contact is at 6 ms
            around = body.motion.markers(np.array([time_s - step, time_s, time_s + step]), points)
            slope = (around.position_mm[2] - around.position_mm[0]) / (2 * step) * 1e-3
            speed = np.abs(around.velocity_mps).max(initial=1.0)
            assert np.abs(slope - around.velocity_mps[1]).max(initial=0) < 1e-6 * speed
            bend = (around.velocity_mps[2] - around.velocity_mps[0]) / (2 * step)
            scale = np.abs(around.acceleration_mps2).max(initial=100.0)
            assert np.abs(bend - around.acceleration_mps2[1]).max(initial=0) < 1e-5 * scale


def test_the_impactor_stops():
    """The fastest marker of a rig loses its speed along x, but for pitch and vibration."""
    video = draw_video(np.random.default_rng(1), VideoPlan(SIZE, 1000.0, 150, "rig", "half_sine"))
    moving = next(body for body in video.scene.bodies if getattr(body.motion, "pulse", None))
    speed = moving.motion.reference(np.array([0.0, 0.149]))[1][:, 0] * 1e-3
    shake = 2 * np.pi * moving.motion.vibration[0].frequency_hz * moving.motion.vibration[0].amplitude_mm * 1e-3
    assert speed[0] > 5 * shake
    assert abs(speed[1]) <= shake * 1.01


def test_table_pulse_is_taken_as_it_is(tmp_path):
    """100 m/s² for 50 ms: the body comes at 5 m/s, and the crush of 125 mm fits into the picture."""
    file = tmp_path / "pulse.csv"
    file.write_text("time_s,deceleration_mps2\n0,100\n0.05,100\n")
    video = draw_video(np.random.default_rng(2), VideoPlan(SIZE, 1000.0, 100, "rig", str(file)))
    moving = next(body.motion for body in video.scene.bodies if getattr(body.motion, "pulse", None))
    assert moving.velocity_mps == pytest.approx((5.0, 0.0))
    width_mm = SIZE[0] * float(video.scene.camera.mm_per_px(np.zeros(2)))
    assert 0.3 * width_mm > 125


def test_files(tmp_path):
    plan = VideoPlan(SIZE, 500.0, 6, "train")
    truth = write_video(draw_video(np.random.default_rng(0), plan), tmp_path / "v.avi")
    capture = cv2.VideoCapture(str(tmp_path / "v.avi"))
    frames = [capture.read()[1] for _ in range(6)]
    assert not capture.read()[0]
    assert frames[0].shape == (160, 160, 3)
    assert truth.time_s[-1] == pytest.approx(5 / 500)
    assert 0 < truth.exposure_s < 1 / 500
    assert truth.visible.shape == truth.position_px.shape[:2]
    assert len(truth.objects) == 6


def test_videos_repeat():
    plan = VideoPlan(SIZE, 1000.0, 3, "rig")
    first, second = (list(draw_video(np.random.default_rng(5), plan).frames()) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scene": "trian"}, "no scene 'trian'. Did you mean 'train'?"),
        ({"fps": 0.0}, "fps is 0.0"),
        ({"frames": 0}, "frames 0; allowed"),
        ({"frames": 10**6}, "a video has 1000000 frames, allowed: 100000"),
        ({"pulse": "havesine"}, "no pulse 'havesine'. Did you mean 'haversine'?"),
    ],
)
def test_refusals(settings, message):
    with pytest.raises(ValueError) as error:
        VideoPlan(**settings)
    assert message in str(error.value)


@pytest.mark.parametrize("scene", IMPACTS)
def test_every_scene_has_its_impact(scene):
    """Also close-ups; vibration stays within 5 % of the pulse, and walls stand still."""
    for seed in range(8):
        video = draw_video(np.random.default_rng(seed), VideoPlan(SIZE, 1000.0, 100, scene, "trapezoid"))
        assert video.event.contact_s == pytest.approx(0.015)
        assert video.event.duration_s <= 0.07 + 1e-9
        for body in video.scene.bodies:
            if any(thing.label == 4 for thing in body.things):
                assert np.ptp(body.motion.markers(video.time_s, np.zeros((1, 2))).position_mm, axis=0).max() == 0
            for shake in getattr(body.motion, "vibration", ()):
                if shake is not None:
                    most = shake.amplitude_mm * 1e-3 * (2 * np.pi * shake.frequency_hz) ** 2
                    assert most <= max(0.05 * video.event.peak_mps2, 5.0) * 1.001


def test_small_videos_have_markers_to_find():
    video = draw_video(np.random.default_rng(0), VideoPlan((96, 96), frames=2))
    list(video.frames())
    assert video.rendered[0].targets.is_labelled.sum() > 5


@pytest.mark.parametrize(("row", "speed"), [("0.05,0", "0 m/s"), ("50,100", "2.5e+03 m/s")])
def test_table_that_is_no_crash(tmp_path, row, speed):
    file = tmp_path / "pulse.csv"
    file.write_text(f"0,0\n{row}\n")
    with pytest.raises(ValueError) as error:
        draw_video(np.random.default_rng(0), VideoPlan(SIZE, pulse=str(file)))
    assert f"pulse.csv: the pulse takes away {speed}, allowed: 0.5 to 100. Times are in s" in str(error.value)


def test_table_of_a_spreadsheet(tmp_path):
    """With a byte order mark, without a heading, with an empty last row, and a suffix in capitals."""
    file = tmp_path / "PULSE.CSV"
    file.write_bytes(b"\xef\xbb\xbf0,100\r\n0.05,100\r\n,\r\n")
    video = draw_video(np.random.default_rng(2), VideoPlan(SIZE, pulse=str(file)))
    assert video.event.speed_mps == pytest.approx(5.0)


def test_truth_names_the_impact(tmp_path):
    video = draw_video(np.random.default_rng(0), VideoPlan(SIZE, frames=4))
    write_truth(write_video(video, tmp_path / "v.avi"), tmp_path)
    impact = json.loads((tmp_path / "truth.json").read_text())["impact"]
    assert (impact["scene"], impact["pulse"]) == ("rig", "haversine")
    assert impact["peak_mps2"] == pytest.approx(2 * impact["speed_mps"] / impact["duration_s"], rel=1e-3)


def test_pulse_table_that_does_not_increase(tmp_path):
    file = tmp_path / "pulse.csv"
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([(0, 0), (0.02, 50), (0.01, 50)])
    with pytest.raises(ValueError, match=r"pulse\.csv.*time 0\.01 s in row 3 does not come after 0\.02 s"):
        draw_video(np.random.default_rng(0), VideoPlan(SIZE, pulse=str(file)))
