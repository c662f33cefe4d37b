"""Search of markers in a frame by what they look like: Gauss-Newton steps of many markers at once.

Unknown are the place, an affine map, gain and offset of the light, and how much more blurred than its look the marker
is (three numbers: across, down and aslant, as motion blurs). The last ones keep edges of unlike contrast, of which blur
moves the apparent place, from moving the marker. They enter by the first term of the heat equation: blur of variance S
adds S/2 times the second derivative. First steps run on smoothed pictures, every second pixel, for the place alone.
"""

from __future__ import annotations

import cv2
import numpy as np

from gjadet_yolo.measure.localise import solve
from gjadet_yolo.measure.localise.atlas import Atlas
from gjadet_yolo.measure.localise.windows import cut, places

STRIDE = 2  # px, of the coarse steps
PARAMETERS = 11  # place 2, affine map 4, gain, offset, blur 3
AFFINE_SPREAD = 0.005  # how far a map may be from the guess: turn or stretch between frames; more counts less and less
GAIN_SPREAD, OFFSET_SPREAD, BLUR_SPREAD = 0.5, 60.0, 0.1  # the last in px²
SPREADS = np.array((np.inf, np.inf, *(AFFINE_SPREAD,) * 4, GAIN_SPREAD, OFFSET_SPREAD, *(BLUR_SPREAD,) * 3))
WANDER = np.array((1, 1, *(3,) * 4, *(1,) * 5))  # spread of a map that follows from many frames, against one step
CAUCHY_LOSS = 1.2  # what Cauchy's weights take off the variance of Gaussian noise, made up for
CONTRAST_SHARE = 0.08  # of a look's deviation: what a look does not explain even where nothing is wrong


class Search:
    """State of the search for R markers.

    Attributes:
        rows: Which looks of the atlases, (R,).
        extent: How far the looks reach, x and y in px, (R, 2).
        side: Of the windows.
        place: (R, 2) px.
        maps: Look to image, (R, 2, 2).
        light: Gain and offset, (R, 2).
        blur: Variance xx, yy and xy, px² of the look, (R, 3).
    """

    def __init__(self, rows: np.ndarray, extent: np.ndarray, side: int, place: np.ndarray, maps: np.ndarray) -> None:
        self.rows, self.extent, self.side = rows, extent.astype(np.float32), side
        self.place, self.maps, self.guess = place.astype(float), maps.astype(float), maps.astype(float)
        self.light, self.blur = np.tile((1.0, 0.0), (len(rows), 1)), np.zeros((len(rows), 3))

    def window(self, grey: np.ndarray, stride: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pixels (R, n), which of them count, and their places in the look, (R, n, 2) as two arrays."""
        pixels, low = cut(grey, self.place, self.side, stride)
        x, y = places(low, self.side, self.place, stride)
        inverse = np.linalg.inv(self.maps).astype(np.float32)[:, :, :, None, None]
        right = (inverse[:, 0, 0] * x + inverse[:, 0, 1] * y).reshape(len(pixels), -1)
        down = (inverse[:, 1, 0] * x + inverse[:, 1, 1] * y).reshape(len(pixels), -1)
        return pixels.reshape(len(pixels), -1), right, down

    def counted(self, pixels: np.ndarray, right: np.ndarray, down: np.ndarray) -> np.ndarray:
        """Pixels that lie in image and look, (R, n) float32."""
        near = (np.abs(right) < self.extent[:, :1]) & (np.abs(down) < self.extent[:, 1:])
        return (near & np.isfinite(pixels)).astype(np.float32)

    def coarse(self, atlas: Atlas, smooth: np.ndarray) -> None:
        """A step of the place, with gain and offset fitted anew."""
        pixels, right, down = self.window(smooth, STRIDE)
        inside = self.counted(pixels, right, down)
        pixels = np.where(inside > 0, pixels, 0)
        look = sampled(atlas.texture, atlas.spots(self.rows, right, down))
        inverse = np.linalg.inv(self.maps).astype(np.float32)
        columns = (*by_place(look, inverse, self.light[:, :1]), look[..., 0], np.ones_like(pixels))
        residual = self.residual(pixels, look[..., 0])
        weight = inside * solve.cauchy(residual, self.scale(residual, look[..., 0], inside)).astype(np.float32)
        matrix, right_side = solve.normal_equations(np.stack(columns, 1), residual, weight)
        spreads = SPREADS[[0, 1, 6, 7]]
        prior = solve.noise_variance(residual, weight, 4)[:, None] / spreads**2
        right_side = right_side + prior * np.pad((1.0, 0.0) - self.light, ((0, 0), (2, 0)))
        move = solve.solve(matrix, right_side, np.zeros(len(matrix)), prior)
        self.place += np.clip(move[:, :2], -1.5, 1.5)
        self.light += move[:, 2:]
        self.light[:, 0] = np.clip(self.light[:, 0], 0.05, 20)

    def full(self, atlas: Atlas, grey: np.ndarray) -> None:
        """A step of everything; keeps its equations for :meth:`again`."""
        self.pixels, right, down = self.window(grey)
        self.inside = self.counted(self.pixels, right, down)
        self.pixels = np.where(self.inside > 0, self.pixels, 0)
        spots = atlas.spots(self.rows, right, down)
        look, bend = sampled(atlas.texture, spots), sampled(atlas.bend, spots)
        self.jacobian = jacobian = np.empty((len(right), PARAMETERS, right.shape[1]), np.float32)
        inverse, gain = np.linalg.inv(self.maps).astype(np.float32), self.light[:, :1].astype(np.float32)
        jacobian[:, 0], jacobian[:, 1] = by_place(look, inverse, gain)
        for axis in (0, 1):
            np.multiply(jacobian[:, axis], right, out=jacobian[:, 2 + 2 * axis])
            np.multiply(jacobian[:, axis], down, out=jacobian[:, 3 + 2 * axis])
        jacobian[:, 6], jacobian[:, 7] = look[..., 0], 1
        jacobian[:, 8:] = bend.transpose(0, 2, 1) * gain[:, :, None]
        self.drawn = look[..., 0].copy()
        blur = (self.blur.astype(np.float32)[:, None, :] @ jacobian[:, 8:])[:, 0]
        self.weigh((self.residual(self.pixels, self.drawn) - blur) * self.inside)
        self.advance()

    def again(self, atlas: Atlas, grey: np.ndarray) -> None:
        """A step with the slopes and weights of the last full one, which costs a third."""
        pixels, right, down = self.window(grey)
        pixels = np.where(self.counted(pixels, right, down) > 0, pixels, 0)
        self.drawn = sampled(atlas.grey, atlas.spots(self.rows, right, down))
        blur = self.blur.astype(np.float32)[:, None, :] @ self.jacobian[:, 8:]
        self.last = (self.residual(pixels, self.drawn) - blur[:, 0]) * self.inside
        self.pixels = pixels
        self.advance()

    def weigh(self, residual: np.ndarray) -> None:
        """Set weights and normal equations by residuals (R, n)."""
        self.last = residual
        self.weight = self.inside * solve.cauchy(residual, self.scale(residual, self.drawn, self.inside))
        self.weight = self.weight.astype(np.float32)
        self.weighted = self.jacobian * self.weight[:, None]
        self.matrix = self.weighted @ self.jacobian.transpose(0, 2, 1)
        self.variance = solve.noise_variance(residual, self.weight, PARAMETERS)
        self.prior = self.variance[:, None] / SPREADS**2
        # what is crushed stretches by more than most, and its pixels say so
        surprise = ((self.guess - self.maps) / (2 * AFFINE_SPREAD)) ** 2
        self.prior[:, 2:6] /= 1 + surprise.max((1, 2))[:, None]
        self.inverse = solve.covariance(self.matrix, np.ones(len(self.matrix)), self.prior)

    def advance(self) -> None:
        right = (self.weighted @ self.last[..., None])[..., 0].astype(float)
        right[:, 2:6] += self.prior[:, 2:6] * (self.guess - self.maps).reshape(-1, 4)
        right[:, 6:8] += self.prior[:, 6:8] * ((1.0, 0.0) - self.light)
        right[:, 8:] -= self.prior[:, 8:] * self.blur
        move = (self.inverse @ right[..., None])[..., 0]
        self.place = self.place + np.clip(move[:, :2], -1, 1)
        self.maps = self.maps + np.clip(move[:, 2:6], -0.1, 0.1).reshape(-1, 2, 2)
        self.light = self.light + move[:, 6:8]
        self.light[:, 0] = np.clip(self.light[:, 0], 0.05, 20)
        self.blur = self.blur + np.clip(move[:, 8:], -2, 2)

    def residual(self, pixels: np.ndarray, look: np.ndarray) -> np.ndarray:
        light = self.light.astype(np.float32)
        return pixels - light[:, :1] * look - light[:, 1:]

    def scale(self, residual: np.ndarray, look: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Size of residuals that are nothing out of the ordinary, (R,)."""
        count = np.maximum(inside.sum(1), 1)
        mean = (look * inside).sum(1) / count
        contrast = self.light[:, 0] * np.sqrt(np.maximum((look**2 * inside).sum(1) / count - mean**2, 0))
        return np.hypot(solve.spread(residual, inside), CONTRAST_SHARE * contrast).astype(np.float32)

    def sigma(self, noise: np.ndarray) -> np.ndarray:
        """Standard deviations of the place, (R, 2), where the look itself has noise (R,) in grey levels."""
        shape = (len(self.rows), self.side, self.side)
        factor = solve.correlation_factor(self.last.reshape(shape), self.weight.reshape(shape))
        # the frame a look was taken from leaves no residual, and is no better known for it
        variance = np.maximum(CAUCHY_LOSS * self.variance, noise**2)
        # errors of the map go on from frame to frame: it is less known than its prior says
        prior = variance[:, None] / (SPREADS * WANDER) ** 2
        spread = solve.covariance(self.matrix, factor * variance, prior * factor)
        return np.sqrt(np.einsum("kpp->kp", spread)[:, :2])

    def score(self) -> np.ndarray:
        """Weighted correlation of image and look, (R,)."""
        weight, total = self.weight, np.maximum(self.weight.sum(1, keepdims=True), 1e-6)
        first = self.pixels - (weight * self.pixels).sum(1, keepdims=True) / total
        second = self.drawn - (weight * self.drawn).sum(1, keepdims=True) / total
        power = (weight * first**2).sum(1) * (weight * second**2).sum(1)
        return (weight * first * second).sum(1) / np.sqrt(np.maximum(power, 1e-12))


def sampled(texture: np.ndarray, spots: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """A texture at columns and rows (R, n), interpolated."""
    return cv2.remap(texture, *spots, cv2.INTER_LINEAR)


def by_place(look: np.ndarray, inverse: np.ndarray, gain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of predicted pixels by the marker's x and y, (R, n) each."""
    turned = -gain.astype(np.float32)[:, :, None] * inverse
    return (
        look[..., 1] * turned[:, 0, :1] + look[..., 2] * turned[:, 1, :1],
        look[..., 1] * turned[:, 0, 1:] + look[..., 2] * turned[:, 1, 1:],
    )
