"""Sources of frames: videos, folders, rates, hashes, damage, cuts."""

from __future__ import annotations

import hashlib
import sys
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from gjadet_yolo.data.media import VideoFile
from gjadet_yolo.measure.cuts import UntilCut
from gjadet_yolo.measure.frames import grey, open_frames, picture

SIZE = (64, 48)


def drawn(index: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A picture whose mean tells its number."""
    return np.full((size[1], size[0], 3), 40 + 4 * index, np.uint8)


def video(file: Path, frames: int = 10) -> Path:
    with VideoFile(file, SIZE) as writer:
        for index in range(frames):
            writer.write(drawn(index))
    return file


def numbers(frames: object) -> list[int]:
    return [round((float(image.mean()) - 40) / 4) for image in frames]


@pytest.mark.parametrize("name", ["a.avi", "crash test 1.avi", "Versuch Ä 東.avi", "a%02d.avi"])
def test_videos_of_any_name(tmp_path, name):
    frames = open_frames(video(tmp_path / name), fps=1000)
    assert (frames.size_px, frames.count, frames.fps, frames.white) == (SIZE, 10, 1000.0, 255.0)
    assert numbers(frames) == list(range(10)) == numbers(frames)  # as often as wanted
    assert frames.ended == ""
    assert frames.notes == []
    assert frames.sha256 == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()


def test_playback_rate_is_refused(tmp_path):
    file = video(tmp_path / "a.avi")
    with pytest.raises(ValueError, match=r"a\.avi: the capture rate is not known\. The 25 frames/s .* e\.g\. fps=1000"):
        open_frames(file)
    (tmp_path / "f").mkdir()
    cv2.imwrite(str(tmp_path / "f" / "1.png"), drawn(0))
    with pytest.raises(ValueError, match=r"f: the capture rate is not known\. Images do not state one"):
        open_frames(tmp_path / "f")


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf"), "1000"])
def test_impossible_rates(tmp_path, fps):
    with pytest.raises(ValueError, match=r"fps is .*, allowed: a number above 0"):
        open_frames(video(tmp_path / "a.avi", 1), fps=fps)


@pytest.mark.parametrize("share", [0.4, 0.8])
def test_truncated_video_gives_what_there_is(tmp_path, share):
    data = video(tmp_path / "whole.avi").read_bytes()
    start, end = data.index(b"movi"), data.index(b"idx1")
    (tmp_path / "cut.avi").write_bytes(data[: start + int(share * (end - start))])
    frames = open_frames(tmp_path / "cut.avi", fps=1000)
    found = numbers(frames)
    assert 0 < len(found) < 10
    assert found == list(range(len(found)))
    assert f"cut.avi ends after {len(found)} of the 10 frames" in frames.ended


def test_what_cannot_be_read(tmp_path):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("no image")
    for name, message in {
        "empty.mp4": r"empty\.mp4 is empty \(0 bytes\)",
        "text.mp4": r"text\.mp4 cannot be read as a video",
        "folder": r"folder holds no images \(found: notes\.txt\)\. Allowed are avif",
    }.items():
        with pytest.raises(ValueError, match=message):
            open_frames(tmp_path / name, fps=1000)
    with pytest.raises(FileNotFoundError, match=r"gone\.avi does not exist"):
        open_frames(tmp_path / "gone.avi", fps=1000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images 1 to 12, a file of a desktop's and a text."""
    (tmp_path / "frames").mkdir()
    for index in range(1, 13):
        cv2.imwrite(str(tmp_path / "frames" / f"frame{index}.png"), drawn(index))
    (tmp_path / "frames" / ".DS_Store").touch()
    (tmp_path / "frames" / "readme.txt").touch()
    return tmp_path / "frames"


def test_folder_in_natural_order(folder):
    frames = open_frames(folder, fps=500)
    assert numbers(frames) == list(range(1, 13))
    assert frames.count == 12
    assert len(frames.notes) == 1
    assert "2 files that are no images were passed over: .DS_Store, readme.txt" in frames.notes[0]


def test_hash_of_a_folder_is_of_names_and_contents(folder):
    hashes = [open_frames(folder, fps=500).sha256]
    (folder / "readme.txt").write_text("changed")
    assert open_frames(folder, fps=500).sha256 == hashes[0]
    (folder / "frame12.png").rename(folder / "frame13.png")
    hashes.append(open_frames(folder, fps=500).sha256)
    cv2.imwrite(str(folder / "frame13.png"), drawn(0))
    hashes.append(open_frames(folder, fps=500).sha256)
    assert len(set(hashes)) == 3


def test_uneven_numbers_are_noted(folder):
    (folder / "frame5.png").unlink()
    notes = open_frames(folder, fps=500).notes
    assert "frame4.png is followed by frame6.png" in notes[1]


def test_folder_with_an_unreadable_image_ends_there(folder):
    data = (folder / "frame7.png").read_bytes()
    (folder / "frame7.png").write_bytes(data[:20])
    frames = open_frames(folder, fps=500)
    assert numbers(frames) == list(range(1, 7))
    assert "frame7.png cannot be read: reading ended after 6 of 12 images" in frames.ended


def test_changing_size_is_refused(folder):
    cv2.imwrite(str(folder / "frame3.png"), drawn(3, (32, 48)))
    with pytest.raises(ValueError, match=r"frame3\.png is 32 x 48 px, but the first frame is 64 x 48 px"):
        list(open_frames(folder, fps=500))


@pytest.mark.parametrize(("bits", "suffix"), [(10, ".png"), (12, ".tif"), (16, ".png")])
def test_sixteen_bits_keep_their_values(tmp_path, bits, suffix):
    white = 2**bits - 1
    image = np.linspace(0, 0.9 * white, 64 * 48).reshape(48, 64).astype(np.uint16)
    cv2.imwrite(str(tmp_path / f"1{suffix}"), image)
    frames = open_frames(tmp_path, fps=500)
    (read,) = frames
    assert np.array_equal(read, image)
    assert frames.white == white
    assert np.abs(grey(read, frames.white) - image * (255 / white)).max() < 1e-3
    assert abs(int(picture(read, frames.white)[-1, -1, 0]) - 0.9 * 255) <= 1


def test_grey_of_colour_and_of_grey():
    assert grey(drawn(5)).dtype == np.float32
    assert np.array_equal(grey(drawn(5)), np.full((48, 64), 60, np.float32))
    assert np.array_equal(picture(drawn(5)[..., 0]), drawn(5))


def test_memory_does_not_grow_with_the_length(folder):
    """400 frames of 9 kB are 3.7 MB; a few of them are held at a time."""
    for index in range(13, 400):
        (folder / f"frame{index}.png").hardlink_to(folder / "frame12.png")
    frames = open_frames(folder, fps=500)
    tracemalloc.start()
    assert sum(1 for _ in frames) == 399
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.3e6


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A stand-in for cinereader: three frames of 12 bits, the first one 5 before the trigger."""
    head = SimpleNamespace(
        Type="CI", ImageCount=3, FirstImageNo=-5, FrameRate=2000.0, fDecimation=2.0, RealBPP=12, biCompression=0
    )
    head.OffImageOffsets, head.biSizeImage = 0, 16
    images = {-5 + index: np.full((2, 4), 100 * index, np.uint16) for index in range(3)}
    module = SimpleNamespace(read_metadata=lambda path: head, read_image=lambda head, path, number: images[number])
    module.head = head
    monkeypatch.setitem(sys.modules, "cinereader", SimpleNamespace(cinereader=module))
    return module


def cine(file: Path) -> Path:
    """Offsets of three frames of 16 bytes behind a head of 24, and the frames."""
    file.write_bytes(np.array([24, 40, 56], "<i8").tobytes() + bytes(48))
    return file


def test_cine_knows_its_rate(tmp_path, library):
    frames = open_frames(cine(tmp_path / "a.CINE"))
    assert (frames.fps, frames.size_px, frames.count, frames.white) == (1000.0, (4, 2), 3, 4095.0)
    assert [int(image[0, 0]) for image in frames] == [0, 100, 200]
    assert open_frames(tmp_path / "a.CINE", fps=1000.4).fps == 1000.4
    with pytest.raises(ValueError, match=r"fps is 500, but the camera wrote 1000 frames/s"):
        open_frames(tmp_path / "a.CINE", fps=500)


def test_truncated_cine(tmp_path, library):
    file = cine(tmp_path / "a.cine")
    file.write_bytes(file.read_bytes()[:-1])
    frames = open_frames(file)
    assert len(list(frames)) == 2
    assert "a.cine ends after 2 of the 3 frames" in frames.ended
    library.head.Type = "\0\0"
    with pytest.raises(ValueError, match=r"a\.cine cannot be read as a \.cine file \(it does not begin as such a file"):
        open_frames(file)


def test_cine_without_the_library(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cinereader", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'gjadet-yolo\[cine\]'"):
        open_frames(cine(tmp_path / "a.cine"))


def shot(seed: int, frames: int, step_px: float) -> list[np.ndarray]:
    """A view of a blurred random plane that moves by ``step_px`` from frame to frame."""
    scene = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(200, 900)), (0, 0), 6)
    scene = cv2.normalize(scene, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    return [scene[:, int(index * step_px) :][:, :200] for index in range(frames)]


@pytest.mark.parametrize("step_px", [0, 1, 4])
def test_a_cut_is_found(step_px):
    clip = UntilCut(shot(0, 20, step_px) + shot(1, 20, step_px))
    assert len(list(clip)) == 20
    assert clip.cut == 20


@pytest.mark.parametrize("step_px", [0, 4, 12])
def test_motion_and_flashes_are_no_cuts(step_px):
    """Also with one frame white, one black, and one of noise."""
    frames = shot(0, 40, step_px)
    frames[9], frames[19] = np.full_like(frames[0], 255), np.zeros_like(frames[0])
    frames[29] = np.random.default_rng(2).integers(0, 255, frames[0].shape, np.uint8)
    clip = UntilCut(frames)
    assert len(list(clip)) == 40
    assert clip.cut is None
