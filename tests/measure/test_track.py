"""Tracking: identities hold in motion of more than a pitch per frame, through occlusion, and no ghost is followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from gjadet_yolo.measure.track import TrackSettings, follow
from gjadet_yolo.measure.tracks import Located, Status, Tracks

SIDE = 14


@dataclass(frozen=True)
class Correlation:
    """Stand-in for the localiser: correlation with the look when learned, and a parabola; knows no turning."""

    patches: tuple[np.ndarray, ...]
    offsets: np.ndarray
    reach: int = 5

    @classmethod
    def learn(cls, grey: np.ndarray, boxes_xyxy: np.ndarray) -> Correlation:
        centre = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2
        whole = np.floor(centre)
        sides = 2 * np.round(0.6 * (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).max(1)).astype(int) + 1
        return cls(tuple(cut(grey, at, side) for at, side in zip(whole, sides, strict=True)), centre - whole - 0.5)

    def locate(self, grey: np.ndarray, guess_px: np.ndarray, shape: np.ndarray | None) -> Located:
        position, score = np.full((len(guess_px), 2), np.nan), np.full(len(guess_px), np.nan)
        for index in np.nonzero(np.isfinite(guess_px).all(1))[0]:
            patch, whole = self.patches[index], np.floor(guess_px[index] - self.offsets[index])
            area = cut(grey, whole, len(patch) + 2 * self.reach)
            surface = np.nan_to_num(cv2.matchTemplate(area, patch, cv2.TM_CCOEFF_NORMED))
            inner = surface[1:-1, 1:-1]
            y, x = np.unravel_index(int(inner.argmax()), inner.shape)
            score[index] = inner[y, x]
            near = surface[y : y + 3, x : x + 3].astype(float)
            down, right = (parabola(line) for line in (near[:, 1], near[1]))
            position[index] = whole + 0.5 + self.offsets[index] + (x + 1 + right, y + 1 + down) - np.array(self.reach)
        sigma = np.where(np.isnan(position), np.nan, 0.05)
        return Located(position, sigma, np.full(len(guess_px), np.nan), score)


def cut(grey: np.ndarray, pixel: np.ndarray, side: int) -> np.ndarray:
    return cv2.getRectSubPix(grey, (side, side), (float(pixel[0]), float(pixel[1])))


def parabola(values: np.ndarray) -> float:
    curvature = values[0] - 2 * values[1] + values[2]
    return float(np.clip(0.5 * (values[0] - values[2]) / curvature, -0.5, 0.5)) if curvature < 0 else 0.0


@dataclass(frozen=True)
class Film:
    """Two strips of 2 x 10 squares: one stands, one moves right by ``step_px`` per frame before textured plates."""

    step_px: float
    start_px: float = 0.0
    frames: int = 12
    size: int = 360

    def truth(self, frame: int) -> np.ndarray:
        """Centres, (40, 2): the standing strip's first."""
        row, column = np.divmod(np.arange(20), 10)
        strip = np.stack((column, row), -1) * SIDE + SIDE / 2
        corners = np.array([[60.3, 40.4], [20.3 + self.x_px(frame), 200.7]])
        return (corners[:, None] + strip).reshape(-1, 2)

    def x_px(self, frame: int) -> float:
        return self.start_px + self.step_px * frame

    def boxes(self, frame: int) -> np.ndarray:
        centres = self.truth(frame)
        return np.concatenate((centres - SIDE / 2, centres + SIDE / 2), 1)

    def image(self, frame: int, rng: np.random.Generator) -> np.ndarray:
        scene = np.random.default_rng(7)
        picture = scene.normal(110, 12, (self.size, self.size)).astype(np.float32)
        plate = np.full((50, 180), 130, np.float32) + cv2.GaussianBlur(scene.normal(0, 60, (50, 180)), (0, 0), 3)
        colours = 128 + 90 * np.where(np.add(*np.divmod(np.arange(20), 10)) % 2, 1, -1) * scene.uniform(0.95, 1, 20)
        for corner in ((50.3, 30.4), (10.3 + self.x_px(frame), 190.7)):
            paint(picture, plate.astype(np.float32), corner)
            strip = np.kron(colours.reshape(2, 10), np.ones((SIDE, SIDE))).astype(np.float32)
            paint(picture, strip, (corner[0] + 10, corner[1] + 10))
        return np.clip(picture + rng.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)

    def play(self, detector: Simulated, hide: Callable[[int, np.ndarray], None] | None = None) -> Iterator[np.ndarray]:
        rng = np.random.default_rng(3)
        for frame in range(self.frames):
            picture = self.image(frame, rng)
            if hide:
                hide(frame, picture)
            detector.boxes = self.boxes(frame)
            yield picture


def paint(picture: np.ndarray, patch: np.ndarray, corner: tuple[float, float]) -> None:
    """Put a patch into a picture, its top left corner at a point to a fraction of a px."""
    height, width = picture.shape
    matrix = np.array([[1, 0, corner[0]], [0, 1, corner[1]]], np.float32)
    placed = cv2.warpAffine(patch, matrix, (width, height), flags=cv2.INTER_LINEAR)
    cover = cv2.warpAffine(np.ones_like(patch), matrix, (width, height), flags=cv2.INTER_LINEAR)
    picture *= 1 - cover
    picture += placed


@dataclass
class Simulated:
    """Detector that knows the truth: with noise of 0.3 px, misses, a double and ghosts."""

    rng: np.random.Generator
    boxes: np.ndarray | None = None
    miss: float = 0.03
    ghosts: int = 2
    calls: int = 0

    def __call__(self, image: np.ndarray) -> np.ndarray:
        self.calls += 1
        boxes = self.boxes[self.rng.random(len(self.boxes)) > self.miss]
        boxes = boxes + self.rng.normal(0, 0.3, boxes.shape)
        boxes = np.clip(boxes, 0, image.shape[0])
        boxes = boxes[(boxes[:, 2:] - boxes[:, :2]).min(1) > SIDE / 3]
        corner = self.rng.uniform(20, 300, (self.ghosts, 2))
        boxes = np.concatenate((boxes, boxes[:1] + 1, np.concatenate((corner, corner + SIDE), 1)))
        return np.concatenate((boxes, np.full((len(boxes), 1), 0.8), np.zeros((len(boxes), 1))), 1)


def run(film: Film, every: int = 5, **choices: object) -> tuple[Tracks, np.ndarray]:
    """Tracks, and the distance of every sample from the marker that it showed first, (T, N)."""
    hide = choices.pop("hide", None)
    detector = Simulated(np.random.default_rng(1), **choices)
    tracks = follow(film.play(detector, hide), detector, Correlation, TrackSettings(every=every))
    truth = np.stack([film.truth(frame) for frame in range(film.frames)])
    first = tracks.measured.argmax(0)
    start = tracks.position_px[first, np.arange(len(first))]
    own = np.linalg.norm(truth[first] - start[:, None], axis=2).argmin(1)
    assert len(set(own.tolist())) == len(own), "two tracks begin on one marker"
    return tracks, np.linalg.norm(tracks.position_px - truth[:, own], axis=2)


@pytest.mark.parametrize("pitches", [0.0, 0.45, 0.7, 1.0, 1.2, -1.2])
def test_identities_hold_in_fast_motion(pitches):
    """Also at half a pitch and more per frame, where the nearest square is the wrong one: strips are matched whole."""
    tracks, error = run(Film(pitches * SIDE, start_px=160.0 if pitches < 0 else 0.0, frames=9))
    assert tracks.status.shape[1] == 40  # every marker once, and no ghost
    assert tracks.measured[1:].mean() > 0.99
    assert error[tracks.measured].max() < 1.5  # a square is 14 px


def test_hidden_markers_keep_their_id_and_are_never_called_measured():
    """A plate covers six squares for five frames; the rest of the strip carries them to within a pixel."""
    film = Film(3.0, frames=14)

    def hide(frame: int, picture: np.ndarray) -> None:
        if 4 <= frame <= 8:
            x = round(20.3 + film.x_px(frame))
            picture[195:235, x : x + 3 * SIDE] = 60

    tracks, error = run(film, every=4, hide=hide)
    assert tracks.status.shape[1] == 40
    hidden = tracks.position_px[3, :, 0] < 20.3 + film.x_px(3) + 3 * SIDE
    hidden &= tracks.position_px[3, :, 1] > 190
    assert hidden.sum() == 6
    assert (tracks.status[4:9, hidden] == Status.PREDICTED).all()
    assert tracks.measured[9:, hidden].all()
    assert tracks.measured[:, ~hidden].mean() > 0.99
    assert error[tracks.status > 0].max() < 1.5
    assert (tracks.sigma_px[4:9, hidden] > 0.3).all()


def test_a_strip_that_vanishes_is_missing_and_comes_back_under_its_ids():
    def hide(frame: int, picture: np.ndarray) -> None:
        if 3 <= frame <= 9:
            picture[180:250] = 90

    tracks, error = run(Film(2.0, frames=14), every=3, hide=hide)
    strip = tracks.position_px[1, :, 1] > 150
    assert tracks.status.shape[1] == 40
    assert not tracks.measured[3:10, strip].any()
    assert (tracks.status[8:10, strip] == Status.MISSING).all()
    assert np.isnan(tracks.position_px[9, strip]).all()
    assert tracks.measured[11:, strip].mean() > 0.95
    assert error[tracks.measured].max() < 1.5


def test_newcomers_are_measured_from_where_they_enter_although_detection_is_rare():
    tracks, error = run(Film(6.0, start_px=-80.0, frames=24), every=8)
    assert tracks.status.shape[1] == 40
    truth = np.stack([Film(6.0, start_px=-80.0).truth(frame) for frame in range(24)])
    whole = (truth > SIDE / 2 + 2).all(2)
    # a track stands for each marker, in the order in which they were found
    assert tracks.measured.sum() >= 0.985 * whole.sum()
    assert error[tracks.measured].max() < 1.5


def test_detection_is_rare_where_all_is_well():
    detector = Simulated(np.random.default_rng(1), miss=0.0, ghosts=0)
    film = Film(1.0, frames=20)
    follow(film.play(detector), detector, Correlation, TrackSettings(every=9))
    assert detector.calls == 4  # frames 0, 1 (are they markers?), 10 and 19


def test_ghosts_leave_no_tracks():
    detector = Simulated(np.random.default_rng(2), miss=0.0, ghosts=8)
    film = Film(1.0, frames=8)
    assert follow(film.play(detector), detector, Correlation, TrackSettings(every=2)).status.shape == (8, 40)


def test_nothing_to_follow():
    def nothing(image: np.ndarray) -> np.ndarray:
        return np.zeros((0, 6))

    frames = [np.zeros((50, 60, 3), np.uint8)] * 3
    assert follow(frames, nothing, Correlation).status.shape == (3, 0)
    assert follow([], nothing, Correlation).status.shape == (0, 0)


def test_times_and_other_classes():
    """Wheels are no markers; times are those of the capture rate; a single frame is taken as it is."""
    film = Film(0.0)

    def wheels(image: np.ndarray) -> np.ndarray:
        boxes = film.boxes(0)
        return np.concatenate((boxes, np.ones((40, 1)), np.repeat([0, 2], 20)[:, None]), 1)

    picture = film.image(0, np.random.default_rng(0))
    assert follow([picture], wheels, Correlation).status.shape == (1, 20)
    tracks = follow([picture] * 3, wheels, Correlation, TrackSettings(marker_class=2), fps=500)
    np.testing.assert_allclose(tracks.time_s, [0, 0.002, 0.004])
    assert tracks.position_px[0, :, 1].min() > 150


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"every": 0}, "every is 0"), ({"confidence": 1.5}, "confidence is 1.5"), ({"score": -1}, "score is -1")],
)
def test_settings_out_of_range_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        TrackSettings(**settings)


def test_a_detector_of_another_form_is_refused():
    with pytest.raises(ValueError, match="expected \\(K, 6\\)"):
        follow([np.zeros((20, 20), np.uint8)], lambda image: np.zeros((2, 4)), Correlation)


@dataclass(frozen=True)
class Passing(Film):
    """A strip of 2 x 60 squares that reaches beyond both borders: only its plate's texture tells its motion."""

    def truth(self, frame: int) -> np.ndarray:
        row, column = np.divmod(np.arange(120), 60)
        return np.stack((column, row), -1) * SIDE + SIDE / 2 + np.array([self.x_px(frame) - 300.3, 150.7])

    def image(self, frame: int, rng: np.random.Generator) -> np.ndarray:
        scene = np.random.default_rng(7)
        picture = np.full((self.size, self.size), 110, np.float32)
        plate = 130 + cv2.GaussianBlur(scene.normal(0, 60, (100, 900)), (0, 0), 3)
        colours = 128 + 90 * np.where(np.add(*np.divmod(np.arange(120), 60)) % 2, 1.0, -1.0)
        paint(picture, plate.astype(np.float32), (self.x_px(frame) - 310.3, 110.7))
        strip = np.kron(colours.reshape(2, 60), np.ones((SIDE, SIDE))).astype(np.float32)
        paint(picture, strip, (self.x_px(frame) - 300.3, 150.7))
        return np.clip(picture + rng.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("pitches", [0.45, 1.2, -1.2])
def test_a_strip_without_ends_is_told_by_what_lies_around_it(pitches):
    tracks, error = run(Passing(pitches * SIDE, frames=6))
    assert error[tracks.measured].max() < 3  # the wrong motion is two squares off
    assert tracks.measured[1:-1].sum(1).min() > 44  # of 50 in the image; those at the border come and go
