"""Degradations of a picture that leave its geometry alone: rain, fog, dust, water, low light, blur, noise, compression.

Each is ``f(image, level, rng) -> image`` on (H, W, 3) uint8 BGR; level 0 changes nothing, 1 is as bad as films get. No
pixel moves, so boxes stay, and a clean picture with its degraded twin is a training pair. Rain and fog are those of
Albumentations (``pip install 'gjadet-yolo[degrade]'``).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from statistics import NormalDist
from types import ModuleType

import cv2
import numpy as np

from gjadet_yolo.messages import shown, suggestion

# Only rain and fog need the extra. The rest is OpenCV and NumPy, because the renderer uses it and has to give the same
# bytes whatever else is installed.
Degradation = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
READ_SHARE = 0.25  # of the noise variance at mid grey that does not depend on the light
SEED_BITS = 31
LEAST_SIDE = 8  # px; Albumentations draws drops in a range that is empty in smaller pictures


@functools.cache
def albumentations(what: str = "degradations rain and fog") -> ModuleType:
    """The library, imported when it is first needed; a ModuleNotFoundError says ``what`` needs it and what to run."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it asks the network for a newer version otherwise
    try:
        import albumentations
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{what} need Albumentations. Run: pip install 'gjadet-yolo[degrade]'") from error
    return albumentations


def by_library(transform: object, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Apply a transform of Albumentations to a BGR picture; small ones are continued by their last row and column."""
    transform.set_random_seed(int(rng.integers(1 << SEED_BITS)))
    height, width = image.shape[:2]
    below, beside = max(LEAST_SIDE - height, 0), max(LEAST_SIDE - width, 0)
    if below or beside:
        image = cv2.copyMakeBorder(image, 0, below, 0, beside, cv2.BORDER_REPLICATE)
    result = cv2.cvtColor(transform(image=cv2.cvtColor(image, cv2.COLOR_BGR2RGB))["image"], cv2.COLOR_RGB2BGR)
    return np.ascontiguousarray(result[:height, :width])


def check_picture(image: np.ndarray) -> None:
    """Refuse what is not a colour picture of 8 bits.

    Raises:
        TypeError: No array at all.
        ValueError: Names shape and type, and what makes a colour picture of a grey one.
    """
    if not isinstance(image, np.ndarray):
        hint = " cv2.imread gives None for a file that it cannot read." if image is None else ""
        raise TypeError(f"image is {shown(image)}, expected a uint8 array (H, W, 3).{hint}")
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        grey = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 1)
        hint = " Grey pictures: cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) makes three channels of one." if grey else ""
        raise ValueError(f"image has shape {image.shape} and type {image.dtype}, expected (H, W, 3) and uint8.{hint}")


def check_levels(levels: Mapping[str, float]) -> None:
    """Refuse unknown degradations and impossible levels; errors as for :func:`degrade`."""
    if not isinstance(levels, Mapping):
        raise TypeError(f"levels are {shown(levels)}, expected a level by name such as {{'rain': 0.5}}.")
    for name, level in levels.items():
        if name not in DEGRADATIONS:
            raise ValueError(f"there is no degradation {shown(name)}.{suggestion(name, list(DEGRADATIONS))}")
        try:
            inside = bool(0 <= level <= 1)
        except (TypeError, ValueError):  # an array of several numbers has no one answer
            raise TypeError(f"level of {name} is {shown(level)}, expected a number from 0 to 1.") from None
        if not inside:
            raise ValueError(f"level of {name} is {shown(level)}, allowed: 0 (unchanged) to 1.")


def degradation(apply: Degradation) -> Degradation:
    """Let a function refuse what is not a colour picture, and return an unchanged copy at level 0."""

    @functools.wraps(apply)
    def wrapper(image: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
        check_picture(image)
        return apply(image, level, rng) if level > 0 else image.copy()

    return wrapper


@degradation
def rain(image: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Falling streaks; from a drizzle to a downpour that also takes light."""
    kind = "drizzle" if level < 0.35 else "heavy" if level < 0.7 else "torrential"
    settings = {"brightness_coefficient": 1 - 0.35 * level, "drop_width": 1, "blur_value": 3, "rain_type": kind}
    return by_library(albumentations().RandomRain(slant_range=(-15, 15), p=1, **settings), image, rng)


@degradation
def fog(image: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Patches of mist; at level 1 contrast is nearly gone."""
    strength = 0.9 * level
    return by_library(albumentations().RandomFog(fog_coef_range=(strength, strength), alpha_coef=0.1, p=1), image, rng)


@degradation
def dust(image: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """A grey-brown cloud, denser in some places, and specks flying in it."""
    height, width = image.shape[:2]
    coarse = rng.random((6, 6), dtype=np.float32)
    cloud = np.clip(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1) * np.float32(level)
    colour = np.float32((130, 150, 165)) * np.float32(rng.uniform(0.7, 1.2))
    picture = image + 0.85 * cloud[..., None] * (colour - image)
    specks = np.zeros((height, width), np.uint8)
    for _ in range(round(height * width / 4e3 * level)):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        cv2.circle(specks, (x, y), int(rng.integers(0, 2)), int(rng.integers(60, 220)), -1, cv2.LINE_AA)
    return rounded(picture + (specks / np.float32(255))[..., None] * (colour - picture))


@degradation
def underwater(image: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Colours through up to 8 m of sea water: I = J t + B (1 - t) with t = exp(-beta z) for each colour.

    The simplified Jaffe-McGlamery model as in Akkaynak and Treibitz, "A Revised Underwater Image Formation Model",
    CVPR 2018, equation 1: attenuation beta in 1/m, distance z in m and veiling light B. Distances, attenuations near
    those of clear coastal water and veiling light are ours.
    """
    height, width = image.shape[:2]
    beta = np.float32((0.07, 0.1, 0.4)) * np.float32(rng.uniform(0.8, 1.2))  # blue, green, red
    veil = np.float32((rng.uniform(110, 170), rng.uniform(110, 170), rng.uniform(10, 40)))
    # What is higher in the picture is mostly further away, and a slope of its own tells scenes apart.
    coarse = np.linspace(1.2, 0.8, 6, dtype=np.float32)[:, None] * rng.uniform(0.85, 1.15, (6, 6)).astype(np.float32)
    distance = 8 * np.float32(level) * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    clear = np.exp(-distance.reshape(height, width, 1) * beta)
    return rounded(veil + clear * (image - veil))


@degradation
def low_light(image: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Down to a twentieth of the light, with the noise that a sensor then shows."""
    gain = np.float32(0.05**level)
    return sensor_noise(image * gain, 5 * level, rng)


@degradation
def blur(image: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Lens out of focus: Gaussian, up to a deviation of 1/150 of the longer side."""
    sigma = level * max(image.shape[:2]) / 150
    return cv2.GaussianBlur(image, (0, 0), max(sigma, 0.1))


@degradation
def noise(image: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Sensor noise, up to a deviation of 40 grey levels at mid grey."""
    return sensor_noise(image.astype(np.float32), 40 * level, rng)


@degradation
def compression(image: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """JPEG, from quality 95 down to 10."""
    return jpeg(image, round(95 - 85 * level))


# By name, in the order in which light meets them on its way to the file.
DEGRADATIONS: dict[str, Degradation] = {
    "rain": rain,
    "fog": fog,
    "dust": dust,
    "underwater": underwater,
    "low_light": low_light,
    "blur": blur,
    "noise": noise,
    "compression": compression,
}


def degrade(image: np.ndarray, levels: Mapping[str, float], rng: np.random.Generator) -> np.ndarray:
    """Degrade a picture in one or several ways.

    Args:
        image: (H, W, 3) uint8 BGR; not changed, and never what is returned.
        levels: Level from 0 to 1 by name; the order of application is that of ``DEGRADATIONS``.

    Raises:
        TypeError: The image is no array, the levels are no mapping, or a level is no number.
        ValueError: Unknown name, a level outside 0 to 1, or not a colour picture of 8 bits.
    """
    check_picture(image)
    check_levels(levels)
    result = image
    for name, apply in DEGRADATIONS.items():
        if levels.get(name, 0) > 0:
            result = apply(result, levels[name], rng)
    return image.copy() if result is image else result


@functools.cache
def normal_quantiles() -> np.ndarray:
    return np.array([NormalDist().inv_cdf((index + 0.5) / 256) for index in range(256)], np.float32)


def sensor_noise(image: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Shot and read noise, uint8, on a picture (H, W, 3) float32 of 0 to 255.

    Args:
        deviation: Of the noise at mid grey, in grey levels.
    """
    # Random bytes through a table of quantiles cost a tenth of normal numbers; the tails end at 2.9 deviations.
    white = cv2.LUT(np.frombuffer(rng.bytes(image.size), np.uint8).reshape(image.shape), normal_quantiles())
    # Shot noise: the variance grows with the light.
    variance = READ_SHARE + (1 - READ_SHARE) / 128 * np.arange(256)  # by grey level, relative to mid grey
    white *= cv2.LUT(cv2.convertScaleAbs(image), (deviation * np.sqrt(variance)).astype(np.float32))
    white += image
    return rounded(white)


def bayer(image: np.ndarray) -> np.ndarray:
    """What a sensor with a colour filter array (RGGB) and bilinear interpolation makes of a picture."""
    raw = np.empty(image.shape[:2], np.uint8)
    raw[0::2, 0::2], raw[0::2, 1::2] = image[0::2, 0::2, 2], image[0::2, 1::2, 1]
    raw[1::2, 0::2], raw[1::2, 1::2] = image[1::2, 0::2, 1], image[1::2, 1::2, 0]
    return cv2.cvtColor(raw, cv2.COLOR_BAYER_RGGB2BGR)


def shrink(image: np.ndarray, factor: float) -> np.ndarray:
    """Reduce by a factor below 1 and enlarge again: resolution lost in an export."""
    height, width = image.shape[:2]
    size = max(round(width * factor), 1), max(round(height * factor), 1)  # not fx and fy, which would stretch
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def rounded(image: np.ndarray) -> np.ndarray:
    positive = cv2.threshold(image, 0, 0, cv2.THRESH_TOZERO)[1]  # cv2.max takes a picture of one pixel for a scalar
    return cv2.convertScaleAbs(positive)
