"""A camera from pictures of a chessboard: focal lengths, principal point and distortion with standard deviations.

The fit is OpenCV's ``calibrateCameraExtended`` (Zhang 2000), or, from ten pictures on, ``calibrateCameraROExtended``
(Strobl and Hirzinger 2011), which finds the board's shape too: printed boards bow by more than the noise of their
corners. OpenCV's standard deviations take the residuals for independent, which they are not: an error of the board or
of the lens model repeats from corner to corner. Those given here come from fits without a quarter of the pictures
(delete-d jackknife, Shao and Wu 1989), with the difference to the fit of a flat board, and are never below OpenCV's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from gjadet_yolo.measure.boards import find_board
from gjadet_yolo.measure.lens import Lens

NAMES = ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3")
LEAST_PICTURES, RELEASED_FROM = 5, 10
GROUPS, DRAWS = 4, 3  # fits without a quarter of the pictures, and how often the quarters are drawn
OUTLYING, LEAST_OUTLYING_PX = 3.0, 0.5  # times the median picture's residual, and in px
STOP = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 60, 1e-8)
ROUNDS = 3


@dataclass(frozen=True)
class Fit:
    """Result of one fit.

    Attributes:
        values: In the order of ``NAMES``, pixels counted as OpenCV does; ``sigma`` are OpenCV's standard deviations.
        board: Corners of the board, (N, 3), in squares.
        views: Rotation and shift of the board in each picture, (P, 2, 3).
        residual_px: Found minus projected corners, (P, N, 2).
    """

    values: np.ndarray
    sigma: np.ndarray
    board: np.ndarray
    views: np.ndarray
    residual_px: np.ndarray

    @property
    def rms_px(self) -> float:
        return float(np.sqrt((self.residual_px**2).sum(-1).mean()))

    @property
    def picture_rms_px(self) -> np.ndarray:
        """(P,)."""
        return np.sqrt((self.residual_px**2).sum(-1).mean(-1))


@dataclass(frozen=True)
class Calibration:
    """A calibrated camera.

    Attributes:
        sigma: Standard deviation by name of the lens's parameters.
        rms_px: Root mean square distance of found and projected corners.
        pictures: Residual of each picture used, by name.
        left_out: Residual of each picture that does not fit the others, by name.
        failed: Why, for pictures in which no board was found.
        corners_px: (P, N, 2); ``residual_px`` likewise, found minus projected.
        bend_mm: Largest distance of a corner from its place on a flat board; NaN where the board was taken for flat.
    """

    lens: Lens
    sigma: dict[str, float]
    rms_px: float
    pictures: dict[str, float]
    corners_px: np.ndarray
    residual_px: np.ndarray
    pattern: tuple[int, int]
    square_mm: float
    bend_mm: float
    left_out: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def calibrate(files: Sequence[Path], pattern: tuple[int, int], square_mm: float) -> Calibration:
    """Find the boards in pictures and fit a camera.

    Args:
        pattern: Inner corners along and down the board.

    Raises:
        ValueError: Fewer than five pictures show the whole board, or they differ in size, or tell too little.
    """
    names, corners, size, failed = found_boards(files, pattern)
    if len(names) < LEAST_PICTURES:
        raise ValueError(
            f"the board of {pattern[0]}x{pattern[1]} inner corners was found in {len(names)} of {len(files)} pictures, "
            f"allowed: {LEAST_PICTURES} or more. Is the pattern right (corners between squares, not squares), and the "
            f"whole board in each picture?"
        )
    points = np.stack(corners)
    fit, used = fitted(points, pattern, size)
    rms = residuals_of_all(fit, used, points)
    sigma = deviations(fit, used, size, pattern)
    values = fit.values + np.array([0, 0, 0.5, 0.5, 0, 0, 0, 0, 0])  # OpenCV has the middle of the first pixel at 0
    return Calibration(
        Lens(size, *map(float, values)),
        dict(zip(NAMES, map(float, sigma), strict=True)),
        fit.rms_px,
        {names[index]: float(rms[index]) for index in np.nonzero(used.kept)[0]},
        used.points + 0.5,
        fit.residual_px,
        pattern,
        square_mm,
        bend(fit.board, pattern) * square_mm if used.released else float("nan"),
        {names[index]: float(rms[index]) for index in np.nonzero(~used.kept)[0]},
        failed,
    )


def found_boards(
    files: Sequence[Path], pattern: tuple[int, int]
) -> tuple[list[str], list[np.ndarray], tuple[int, int], dict[str, str]]:
    """Names and corners, as OpenCV counts pixels, of the pictures with a board, their size, and why others failed.

    Raises:
        ValueError: The pictures differ in size.
    """
    names, corners, failed = [], [], {}
    size, first = (0, 0), ""
    for file in files:
        found, its_size = find_board(file, pattern)
        if its_size is None:
            failed[file.name] = "cannot be read"
            continue
        if found is None:
            failed[file.name] = "no whole board found"
            continue
        if not first:
            size, first = its_size, file.name
        if its_size != size:
            raise ValueError(
                f"{file} is {its_size[0]} x {its_size[1]} px, but {first} is {size[0]} x {size[1]} px; allowed is one "
                f"size, that of the camera. Remove one of them."
            )
        names.append(file.name)
        corners.append(found - 0.5)
    return names, corners, size, failed


@dataclass
class Used:
    """Pictures that a fit rests on: which (P,) bool of all, their corners, and whether the board's shape is fitted."""

    kept: np.ndarray
    points: np.ndarray
    released: bool


def fitted(points: np.ndarray, pattern: tuple[int, int], size: tuple[int, int]) -> tuple[Fit, Used]:
    """Fit to the pictures that agree with each other.

    Args:
        points: Corners (P, N, 2) of all pictures.

    Raises:
        ValueError: The pictures tell too little.
    """
    used = Used(np.ones(len(points), bool), points.copy(), False)
    fit = fit_camera(used.points, pattern, size)
    for _ in range(ROUNDS):
        rms = fit.picture_rms_px
        agree = rms <= max(OUTLYING * float(np.median(rms)), LEAST_OUTLYING_PX)
        if agree.all() or agree.sum() < LEAST_PICTURES:
            break
        used.kept[np.nonzero(used.kept)[0][~agree]] = False
        used.points = used.points[agree]
        fit = fit_camera(used.points, pattern, size)
    if len(used.points) < RELEASED_FROM:
        return fit, used
    for _ in range(ROUNDS):
        shaped = fit_camera(used.points, pattern, size, released=True)
        # pictures of a board that was turned by half a turn count its corners from the other end
        turned = other_way_round(shaped, used.points)
        if not turned.any():
            break
        used.points[turned] = used.points[turned, ::-1]
    # a board of too few views can be fitted to anything
    if shaped.rms_px < fit.rms_px and np.allclose(shaped.values[:2], fit.values[:2], rtol=0.1):
        used.released = True
        return shaped, used
    return fit_camera(used.points, pattern, size), used


def flat_board(pattern: tuple[int, int]) -> np.ndarray:
    """Corners (N, 3) of a flat board in squares, row by row."""
    across, down = np.meshgrid(np.arange(pattern[0]), np.arange(pattern[1]))
    return np.column_stack((across.ravel(), down.ravel(), np.zeros(across.size))).astype(np.float32)


def fit_camera(points: np.ndarray, pattern: tuple[int, int], size: tuple[int, int], released: bool = False) -> Fit:
    """One fit to corners (P, N, 2), with the board's shape if ``released``.

    Raises:
        ValueError: OpenCV finds no solution, e.g. because all pictures look straight at the board.
    """
    board = flat_board(pattern)
    boards, corners = [board] * len(points), [np.float32(one)[:, None] for one in points]
    try:
        if released:
            _, matrix, lens, turns, shifts, shape, sigma, *_ = cv2.calibrateCameraROExtended(
                boards, corners, size, pattern[0] - 1, None, None, criteria=STOP
            )
            board = shape.reshape(-1, 3)
        else:
            _, matrix, lens, turns, shifts, sigma, *_ = cv2.calibrateCameraExtended(
                boards, corners, size, None, None, criteria=STOP
            )
    except cv2.error as error:
        raise ValueError(f"no camera fits the {len(points)} pictures. {ADVICE}") from error
    values = np.array([matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2], *lens.ravel()[:5]])
    if not np.isfinite(values).all():
        raise ValueError(f"no camera fits the {len(points)} pictures. {ADVICE}")
    seen = [
        cv2.projectPoints(board, turn, shift, matrix, lens)[0][:, 0] for turn, shift in zip(turns, shifts, strict=True)
    ]
    views = np.stack((np.reshape(turns, (-1, 3)), np.reshape(shifts, (-1, 3))), 1)
    return Fit(values, sigma.ravel()[:9], board, views, points - np.stack(seen))


ADVICE = "Take pictures of the board from several sides, tilted by 20 to 45 degrees, that fill the whole frame."


def matrix_of(values: np.ndarray) -> np.ndarray:
    """Camera matrix (3, 3) of values in the order of ``NAMES``."""
    fx, fy, cx, cy = values[:4]
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])


def pose_residual(fit: Fit, points: np.ndarray) -> float:
    """Root mean square residual in px of a picture's corners (N, 2), where only the board's place is fitted."""
    matrix, lens = matrix_of(fit.values), fit.values[4:]
    found, turn, shift = cv2.solvePnP(fit.board.astype(float), points, matrix, lens)
    if not found:
        return float("inf")
    seen = cv2.projectPoints(fit.board.astype(float), turn, shift, matrix, lens)[0][:, 0]
    return float(np.sqrt(((points - seen) ** 2).sum(1).mean()))


def other_way_round(fit: Fit, points: np.ndarray) -> np.ndarray:
    """Which pictures (P,) fit a board better whose corners are counted from the other end."""
    reversed_px = np.array([pose_residual(fit, one[::-1]) for one in points])
    return reversed_px < 0.8 * fit.picture_rms_px


def residuals_of_all(fit: Fit, used: Used, points: np.ndarray) -> np.ndarray:
    """Residual in px of each picture, (P,), also of those left out."""
    rms = np.zeros(len(points))
    rms[used.kept] = fit.picture_rms_px
    rms[~used.kept] = [pose_residual(fit, one) for one in points[~used.kept]]
    return rms


def deviations(fit: Fit, used: Used, size: tuple[int, int], pattern: tuple[int, int]) -> np.ndarray:
    """Standard deviations of the values, (9,): what other pictures and another model of the board would change."""
    lacking, count = [], len(used.points)
    rng = np.random.default_rng(0)  # the same pictures give the same file
    for _ in range(DRAWS):
        group = rng.permutation(count) % GROUPS
        lacking += [fit_camera(used.points[group != one], pattern, size, used.released).values for one in range(GROUPS)]
    values = np.stack(lacking)
    variance = (GROUPS - 1) * values.var(0)
    if used.released:
        # where all pictures show the board the same way up, its shape and the lens cannot be told apart in full
        flat = fit_camera(used.points, pattern, size)
        variance += (fit.values - flat.values) ** 2
    return np.maximum(np.sqrt(variance), fit.sigma)


def bend(board: np.ndarray, pattern: tuple[int, int]) -> float:
    """Largest distance of a corner from its place on a flat board, in squares, both laid onto each other."""
    flat, own = flat_board(pattern).astype(float), board.astype(float)
    flat -= flat.mean(0)
    own = own - own.mean(0)
    left, _, right = np.linalg.svd(own.T @ flat)
    # the rotation that brings the corners closest (Kabsch 1976), without reflection
    left[:, -1] *= np.sign(np.linalg.det(left @ right))
    turned = own @ left @ right
    scale = (turned * flat).sum() / (turned**2).sum()
    return float(np.linalg.norm(turned * scale - flat, axis=1).max())
