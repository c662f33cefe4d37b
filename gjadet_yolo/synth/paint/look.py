"""Light, lens and sensor: what lies between a scene and its file.

A look is drawn once per scene and applied to each of its frames: light field, shadows, exposure, colour temperature,
vignette, dust, lens blur, tone, noise, Bayer pattern, sharpening and compression. All blurs are symmetric, so that
centroids stay; motion blur belongs to the bodies (``layer.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from gjadet_yolo.data import degrade
from gjadet_yolo.synth.paint.plain import Size, noise


@dataclass(frozen=True)
class Look:
    """Appearance of a scene.

    Attributes:
        light: Factor per pixel, (H, W) float32: illumination, shadows, vignette.
        balance: Factor per channel: exposure and white balance.
        haze: Dust in the air, opacity (H, W) float32, or None; ``haze_colour`` is its grey level.
        blur_px: Deviation of the lens blur.
        gamma: Exponent of the tone curve.
        noise: Sensor noise at mid grey, in grey levels.
        flicker: Relative change of the light from frame to frame.
        grey: Monochrome sensor; otherwise ``bayer`` tells whether it has a colour filter array.
        sharpen: Strength of the camera's sharpening.
        quality: JPEG quality of the camera's file, or 0 for none.
        shrink: Factor by which the picture was reduced and enlarged again, 1 for none.
    """

    light: np.ndarray
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    haze: np.ndarray | None = None
    haze_colour: float = 180.0
    blur_px: float = 0.0
    gamma: float = 1.0
    noise: float = 2.0
    flicker: float = 0.0
    grey: bool = False
    bayer: bool = False
    sharpen: float = 0.0
    quality: int = 0
    shrink: float = 1.0

    @classmethod
    def plain(cls, size: Size) -> Look:
        """Even light, a sharp lens and little noise."""
        return cls(np.ones((size[1], size[0]), np.float32))

    @classmethod
    def draw(cls, rng: np.random.Generator, size: Size, square_px: float) -> Look:
        """A random look in which squares of ``square_px`` px can still be told apart."""

        def chance(probability: float) -> bool:
            return bool(rng.random() < probability)

        haze = None
        if chance(0.2):
            cloud = noise(rng, size, max(size) * rng.uniform(0.1, 0.6)) * 0.3 + rng.uniform(-0.1, 0.4)
            haze = np.clip(cloud, 0, 0.75).astype(np.float32)
        return cls(
            light=light_field(rng, size),
            balance=white_balance(rng),
            haze=haze,
            haze_colour=float(rng.uniform(60, 220)),
            # a tenth of a square at most: more would melt neighbours into grey
            blur_px=float(rng.uniform(0.2, max(0.1 * square_px, 0.4))) if chance(0.6) else 0.0,
            gamma=float(np.exp(rng.uniform(-0.45, 0.45))),
            noise=float(np.exp(rng.uniform(-0.5, 2.6))),
            flicker=float(rng.uniform(0, 0.04)),
            grey=chance(0.12),
            bayer=chance(0.3),
            sharpen=float(rng.uniform(0.2, 1.2)) if chance(0.25) else 0.0,
            quality=int(rng.integers(25, 96)) if chance(0.6) else 0,
            shrink=float(rng.uniform(0.6, 0.95)) if square_px > 8 and chance(0.15) else 1.0,
        )

    def apply(self, radiance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Picture (H, W, 3) uint8 of a radiance (H, W, 3) float32 BGR, 0 to 255, which is changed in place."""
        # in the order in which light takes its way: hall, air, lens, sensor, camera, file
        image = radiance
        factor = 1 + self.flicker * float(rng.standard_normal())
        light = cv2.cvtColor(self.light, cv2.COLOR_GRAY2BGR)
        cv2.multiply(light, (*(factor * gain for gain in self.balance), 0.0), dst=light)
        cv2.multiply(image, light, dst=image)
        if self.haze is not None:
            image += self.haze[..., None] * (np.float32(self.haze_colour) - image)
        if self.blur_px > 0.15:  # less changes no grey level
            image = cv2.GaussianBlur(image, (0, 0), self.blur_px)
        np.clip(image, 0, 255, out=image)  # a sensor burns out before its tone curve
        if self.gamma != 1:
            image = cv2.pow(image * np.float32(1 / 255), self.gamma) * np.float32(255)
        picture = degrade.sensor_noise(image, self.noise, rng)
        if self.grey:
            picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        elif self.bayer:
            picture = degrade.bayer(picture)
        if self.shrink < 1:
            picture = degrade.shrink(picture, self.shrink)
        if self.sharpen:
            picture = cv2.addWeighted(
                picture, 1 + self.sharpen, cv2.GaussianBlur(picture, (0, 0), 1.0), -self.sharpen, 0
            )
        return degrade.jpeg(picture, self.quality) if self.quality else picture


def light_field(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Illumination, shadows and vignette, (H, W) float32."""
    full, size = size, (max(size[0] // 2, 1), max(size[1] // 2, 1))  # light is smooth, and this takes a quarter as long
    field = np.exp(noise(rng, size, max(size) / rng.uniform(1, 3)) * np.float32(rng.uniform(0, 0.4)))
    for _ in range(int(rng.choice(4, p=(0.6, 0.2, 0.1, 0.1)))):  # lamps that burn out what they hit
        reach = max(size) * rng.uniform(0.06, 0.4)
        x, y = (np.exp(-(((np.arange(side) - rng.uniform(0, side)) / reach) ** 2)) for side in size)
        field *= 1 + np.float32(rng.uniform(0.5, 3)) * np.outer(y, x).astype(np.float32)
    if rng.random() < 0.35:
        field *= shadow(rng, size)
    if rng.random() < 0.4:
        x, y = (np.linspace(-1, 1, side, dtype=np.float32) ** 2 for side in size)
        field *= 1 - np.float32(rng.uniform(0.1, 0.35)) * (x[None, :] + y[:, None])
    return cv2.resize(field.astype(np.float32), full, interpolation=cv2.INTER_LINEAR)


def white_balance(rng: np.random.Generator) -> tuple[float, float, float]:
    """Exposure times the gains of blue, green and red."""
    exposure, warmth, green = np.exp(rng.uniform(-1.0, 0.6)), rng.normal(0, 0.1), rng.normal(0, 0.04)
    return float(exposure * (1 - warmth)), float(exposure * (1 + green)), float(exposure * (1 + warmth))


def shadow(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Factor of one cast shadow with a soft edge, (H, W) float32."""
    mask = np.ones((size[1], size[0]), np.float32)
    centre = rng.uniform(0, 1, 2) * size
    corners = (centre + rng.uniform(-0.7, 0.7, (4, 2)) * size).astype(np.int32)
    cv2.fillConvexPoly(mask, cv2.convexHull(corners), float(rng.uniform(0.15, 0.7)))
    sigma = float(np.exp(rng.uniform(-0.5, 3)))
    return cv2.blur(mask, (int(2 * sigma) | 1,) * 2)  # odd, so that the edge stays where it is
